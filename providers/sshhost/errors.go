package sshhost

import (
	"errors"
	"fmt"
	"strings"
)

// ErrLost is wrapped by errors of commands that may have run: the connection broke
// before their exit status came.
var ErrLost = errors.New("the connection was lost")

// An UnknownKeyError is a host whose key nobody has trusted yet.
type UnknownKeyError struct {
	Name        string // the label of the host block
	Host        string // what known_hosts calls it
	Type        string // ssh-ed25519
	Fingerprint string // SHA256:...
}

// Error shows the fingerprint and the command that trusts it.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("the host key of %s (%s) is not known: %s %s; compare it, then run recon hosts trust %s", e.Name, e.Host, e.Type, e.Fingerprint, e.Name)
}

// A ChangedKeyError is a host that shows another key than the trusted one.
type ChangedKeyError struct {
	Name, Host, Type, Fingerprint string
	Where                         []string // file:line of the trusted keys
}

// Error says what it may mean and how to go on when it is in order.
func (e *ChangedKeyError) Error() string {
	return fmt.Sprintf("the host key of %s (%s) has changed: it shows %s %s, and another one is trusted in %s; somebody may stand in between. If the machine was installed anew, take the old key out with ssh-keygen -R %q and run recon hosts trust %s",
		e.Name, e.Host, e.Type, e.Fingerprint, strings.Join(e.Where, ", "), e.Host, e.Name)
}

// A DeniedError is a machine that lets nobody in with the keys that there are.
type DeniedError struct {
	Host, User string
	Offered    string // which keys
}

// Error says who was not let in with what, and how that is mended.
func (e *DeniedError) Error() string {
	return fmt.Sprintf("%s does not let %s in with %s; put the right public key there with ssh-copy-id, or name another one with identity_file", e.Host, e.User, e.Offered)
}

// A SudoError is a user who may not become root without being asked.
type SudoError struct {
	User, Host string
	Said       string // sudo's own words
}

// Error names the line of sudoers that is missing.
func (e *SudoError) Error() string {
	return fmt.Sprintf("sudo on %s does not let %s become root without asking (%s); run visudo -f /etc/sudoers.d/recon there and add: %s ALL=(root) NOPASSWD: ALL", e.Host, e.User, e.Said, e.User)
}

// sudoRefusal returns the words with which sudo itself refused, "" when the command
// ran. The last line has them: a user's first sudo prints a lecture before, and a
// host name that does not resolve is a warning with which the command runs anyway.
func sudoRefusal(stderr string) string {
	line := lastLine(stderr)
	said, own := strings.CutPrefix(line, "sudo: ")
	if own && !strings.HasPrefix(said, "unable to resolve host") || strings.HasPrefix(line, "Sorry, user ") {
		return said
	}
	return ""
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// An ExitError is a command that ended with another status than 0.
type ExitError struct {
	What   string
	Code   int
	Stderr string
}

// Error says what was attempted and the command's last words.
func (e *ExitError) Error() string {
	text := lastLine(e.Stderr)
	if text == "" {
		text = fmt.Sprintf("exit status %d", e.Code)
	}
	return e.What + ": " + text
}
