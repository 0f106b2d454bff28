package sshhost

import "testing"

func TestSudoRefusal(t *testing.T) {
	for stderr, want := range map[string]string{
		"sudo: a password is required\n": "a password is required",
		"\nWe trust you have received the usual lecture.\n\nsudo: a password is required\n":       "a password is required",
		"Sorry, user lena is not allowed to execute '/bin/sh' as root on box.\n":                  "Sorry, user lena is not allowed to execute '/bin/sh' as root on box.",
		"sudo: unable to resolve host box: Name or service not known\ncat: /x: No such file\n":    "",
		"sudo: unable to resolve host box: Name or service not known\n":                           "",
		"sudo: unable to resolve host box: Name not known\nsudo: a terminal is required to ask\n": "a terminal is required to ask",
		"": "",
	} {
		if got := sudoRefusal(stderr); got != want {
			t.Errorf("%q: got %q, want %q", stderr, got, want)
		}
	}
}
