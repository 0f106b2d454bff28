package redact

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSecretsByValue: however a server spells a secret that it was given, no part of
// it that would tell it is left.
func TestSecretsByValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9+/=%"\\<>&' -]{0,3}[A-Za-z0-9]{8,30}[+/"% ]?[a-z0-9]`).Draw(t, "secret")
		around := rapid.StringMatching(`[a-z:]{0,5}`)
		s := New(secret)
		before, after := around.Draw(t, "before"), around.Draw(t, "after")
		for name, text := range map[string]string{
			"as it is": secret, "a page": inPage(t, secret), "quoted on a page": inPage(t, fmt.Sprintf("%q", secret)), "quoted": fmt.Sprintf("%q", secret), "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "lower": strings.ToLower(url.QueryEscape(secret)),
		} {
			if name == "lower" && strings.ToLower(secret) != secret {
				continue
			}
			if got := s.Text(before + text + after); strings.Contains(got, text) || !strings.Contains(got, Mark) {
				t.Fatalf("%s: %q", name, got)
			}
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			text := enc.EncodeToString([]byte(before + secret + after))
			got := s.Text(text)
			if !strings.Contains(got, Mark) || len(got) > len(text)-len(secret)+len(Mark)+8 {
				t.Fatalf("base64 of %q: %q -> %q", before+secret+after, text, got)
			}
		}
	})
}

// inPage is how a page of html/template shows a text.
func inPage(t *rapid.T, text string) string {
	var out strings.Builder
	if err := template.Must(template.New("").Parse("{{.}}")).Execute(&out, text); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestNothingElseIsTaken(t *testing.T) {
	s := New("abc", "hunter2hunter2", "ssh-key line one\nand a second line")
	for text, want := range map[string]string{
		"abc is short":                     "abc is short",
		"media server":                     "media server",
		"https://u:p@host/x and a@b":       "https://host/x and a@b",
		"PVEAPIToken=x!y=hunter2hunter2":   "PVEAPIToken=x!y=(secret)",
		"it holds and a second line alone": "it holds (secret) alone",
	} {
		if got := s.Text(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if (*Set)(nil).Text("x") != "x" || new(Set).Text("x") != "x" {
		t.Error("nobody's secrets")
	}
}
