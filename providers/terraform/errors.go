package terraform

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// What can be wrong with a source. Each of them makes that source Unknown, and no
// other; the text says what to do about it.
var (
	ErrNoBinary      = errors.New("neither terraform nor tofu is on the PATH; install one, or write binary = \"/path/to/terraform\"")
	ErrUninitialised = errors.New("the folder is not initialised; run terraform init there")
	ErrLocked        = errors.New("the state is locked: a terraform run is under way, or one has died")
	ErrUnreachable   = errors.New("the backend that holds the state cannot be reached")
	ErrNewer         = errors.New("the state is of a newer version")
	ErrNoState       = errors.New("this is not a state that recon can read")
)

// signs are words in terraform's own messages, by what they mean
// (internal/command, internal/backend, internal/states/statemgr).
var signs = []struct {
	words []string
	means error
}{
	{[]string{"error acquiring the state lock", "state blob is already locked", "error locking state", "workspace is already locked", "lock info:"}, ErrLocked},
	{[]string{"created by terraform v", "unsupported state file format", "unsupported state format version", "does not support state version", "created by a newer version"}, ErrNewer},
	{[]string{
		"initialization required", "please run \"terraform init\"", "terraform init", "tofu init", "required plugins are not installed", "inconsistent dependency lock file",
		"module not installed", "backend configuration changed", "missing required provider", "could not load plugin",
	}, ErrUninitialised},
	{[]string{
		"no such host", "connection refused", "i/o timeout", "network is unreachable", "no route to host", "deadline exceeded", "error loading state", "failed to get existing workspaces",
		"error refreshing state", "http remote state", "failed to load state", "failed to retrieve", "no valid credential", "error getting state", "could not connect", "handshake", "context canceled",
	}, ErrUnreachable},
}

// classify turns the failure of a run into an error that says what is wrong in
// words, followed by terraform's own. Secret values are taken out.
func classify(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return ErrNoBinary
	}
	text := redact(message(err.Error()), secrets)
	lower := strings.ToLower(err.Error())
	for _, s := range signs {
		for _, w := range s.words {
			if strings.Contains(lower, w) {
				return fmt.Errorf("%w (%s)", s.means, text)
			}
		}
	}
	return errors.New(text)
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*m")

// message takes the essential lines out of terraform's output: what follows
// "Error:", without frames and colours.
func message(out string) string {
	out = ansi.ReplaceAllString(out, "")
	for _, mark := range []string{"Error:", "Failed to"} {
		if i := strings.Index(out, mark); i >= 0 {
			out = strings.TrimPrefix(out[i:], "Error:")
			break
		}
	}
	var lines []string
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(strings.Trim(strings.TrimSpace(line), "│╷╵"))
		if line != "" && !strings.HasPrefix(line, "exit status") {
			lines = append(lines, line)
		}
		if len(lines) == 3 {
			break
		}
	}
	return strings.Join(lines, " ")
}

// redact replaces secret values in text that others wrote. Values of less than
// four letters are words of any sentence and are left.
func redact(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= 4 {
			text = strings.ReplaceAll(text, s, "(secret)")
		}
	}
	return text
}
