package access

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"recon/inventory"
	"recon/providers/sshhost"
)

// A Host runs commands; sshhost's does.
type Host interface {
	Run(ctx context.Context, c sshhost.Command) (string, error)
}

// runsWords runs the words of a command as they are.
const runsWords = `exec "$@"`

func (t *trial) command(ctx context.Context) error {
	words := inventory.Strings(t.Attrs["command"])
	out, err := t.Host.Run(ctx, sshhost.Command{What: "run " + words[0], Script: runsWords, Args: words})
	status, ended := 0, new(sshhost.ExitError)
	if errors.As(err, &ended) {
		status, err = ended.Code, nil
	}
	if err != nil {
		return t.notRun(err)
	}
	t.holds(inventory.LayerReach, "host.%s runs commands", t.Text("host"))
	want, _ := inventory.Int(t.Default("exit"))
	if int64(status) != want {
		said := fmt.Sprintf("%s ends with %d, and %d is wanted", words[0], status, want)
		if last := lastLine(ended.Stderr + "\n" + out); last != "" {
			said += "; it says: " + last
		}
		return fails(inventory.LayerAnswer, said, exitFix(status, words[0], t.Text("host")))
	}
	if text := t.Text("contains"); text != "" && !strings.Contains(out, text) {
		return fails(inventory.LayerAnswer, fmt.Sprintf("%s prints nothing with %q in it", words[0], text), "run it there and see what it prints")
	}
	t.holds(inventory.LayerAnswer, "%s ends with %d", words[0], status)
	return nil
}

// exitFix is what to do about a status; two of them are the shell's own.
func exitFix(status int, program, host string) string {
	switch status {
	case 127:
		return fmt.Sprintf("install %s on %s, or write its whole path", program, host)
	case 126:
		return fmt.Sprintf("make %s executable on %s for the user of the host block", program, host)
	}
	return "run it on " + host + " and see what it says"
}

// notRun says why a command could not be run.
func (t *trial) notRun(err error) error {
	var (
		unknownKey *sshhost.UnknownKeyError
		changed    *sshhost.ChangedKeyError
		sudo       *sshhost.SudoError
	)
	host := t.Text("host")
	switch {
	case errors.As(err, &unknownKey), errors.As(err, &changed):
		return fails(inventory.LayerReach, err.Error(), "recon hosts trust "+host)
	case errors.As(err, &sudo):
		t.holds(inventory.LayerReach, "host.%s answers", host)
		return fails(inventory.LayerRole, err.Error(), "recon check host."+host)
	case strings.Contains(err.Error(), "unable to authenticate"):
		t.holds(inventory.LayerReach, "host.%s answers", host)
		return fails(inventory.LayerToken,
			fmt.Sprintf("%s takes no key that this machine has", host),
			"ssh-copy-id to it, or write identity_file in the host block; recon check host."+host+" says which keys were tried")
	case timedOut(err):
		return fails(inventory.LayerReach, fmt.Sprintf("%s did not answer in time: %s", host, lastCause(err)), "recon check host."+host)
	}
	return fails(inventory.LayerReach, err.Error(), "recon check host."+host)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
