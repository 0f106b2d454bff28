package sshhost

import (
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"os/user"

	"recon/providers"
)

// localLink is this machine.
type localLink struct{ name string }

func newLocal() link {
	name := "root"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return localLink{name}
}

func (l localLink) run(ctx context.Context, c Command, line string, stdout, stderr io.Writer) (int, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, stdout, stderr
	providers.Own(cmd)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	case errors.Is(err, exec.ErrWaitDelay):
		return 0, nil
	}
	return 0, err
}

func (l localLink) dial(ctx context.Context, socket string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", socket)
}

func (l localLink) user() string { return l.name }
func (l localLink) close() error { return nil }
