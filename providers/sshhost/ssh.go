package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"recon/inventory/localfile"
	"recon/inventory/neterror"
)

// sshLink is a machine behind SSH.
type sshLink struct {
	client *ssh.Client
	name   string
	jumps  []*ssh.Client // connections through which this one goes, outermost first
	agent  net.Conn
}

// dialSSH connects, through jump hosts where ssh_config names them.
func dialSSH(ctx context.Context, cfg Config) (link, error) {
	settings, err := readSettings(cfg)
	if err != nil {
		return nil, err
	}
	hops, err := settings.route(cfg)
	if err != nil {
		return nil, err
	}
	l := &sshLink{name: hops[len(hops)-1].user}
	keys := newKeyring(settings)
	l.agent = keys.agentConn
	for i, hop := range hops {
		client, err := l.hop(ctx, hop, keys, settings)
		if err != nil {
			l.close()
			if i < len(hops)-1 {
				err = fmt.Errorf("jump host: %w", err)
			}
			return nil, err
		}
		l.jumps = append(l.jumps, client)
	}
	l.client = l.jumps[len(l.jumps)-1]
	l.jumps = l.jumps[:len(l.jumps)-1]
	return l, nil
}

// hop makes the next connection of the route over the last one.
func (l *sshLink) hop(ctx context.Context, hop hop, keys *keyring, settings *settings) (*ssh.Client, error) {
	conn, err := l.reach(ctx, hop.addr())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", hop.addr(), neterror.Short(err))
	}
	check, err := settings.hostKeys(hop)
	if err != nil {
		conn.Close()
		return nil, err
	}
	config := &ssh.ClientConfig{User: hop.user, Auth: keys.methods(hop), HostKeyCallback: check.callback, HostKeyAlgorithms: check.algorithms, Timeout: dialTimeout}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // the handshake knows no context
	defer stop()
	c, chans, reqs, err := ssh.NewClientConn(conn, hop.addr(), config)
	if err != nil {
		conn.Close()
		return nil, handshakeError(ctx, err, hop, keys)
	}
	return ssh.NewClient(c, chans, reqs), nil
}

func (l *sshLink) reach(ctx context.Context, addr string) (net.Conn, error) {
	if len(l.jumps) > 0 {
		return l.jumps[len(l.jumps)-1].DialContext(ctx, "tcp", addr)
	}
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return d.DialContext(ctx, "tcp", addr)
}

// handshakeError says a failed handshake in words that have a next step.
func handshakeError(ctx context.Context, err error, hop hop, keys *keyring) error {
	var unknown *UnknownKeyError
	var changed *ChangedKeyError
	switch {
	case errors.As(err, &unknown):
		return unknown
	case errors.As(err, &changed):
		return changed
	case ctx.Err() != nil:
		return fmt.Errorf("%s does not answer: %w", hop.addr(), ctx.Err())
	case strings.Contains(err.Error(), "unable to authenticate"):
		return &DeniedError{Host: hop.addr(), User: hop.user, Offered: keys.describe(hop)}
	}
	return fmt.Errorf("%s: %w", hop.addr(), neterror.Short(err))
}

func (l *sshLink) run(ctx context.Context, c Command, line string, stdout, stderr io.Writer) (int, error) {
	s, err := l.session(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	s.Stdout, s.Stderr = stdout, stderr
	if c.Stdin != nil {
		// A session waits for the end of its Stdin, which may never come: a pipe whose
		// writer waits for an answer of a command that has ended.
		in, err := s.StdinPipe()
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrLost, err)
		}
		go func() {
			_, _ = io.Copy(in, c.Stdin)
			in.Close()
		}()
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(line) }()
	select {
	case <-ctx.Done(): // a session cannot be given up alone; the caller drops the connection
		return 0, fmt.Errorf("%w: %w", ErrLost, ctx.Err())
	case err = <-ended:
	}
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exit.ExitStatus(), nil
	}
	return 0, fmt.Errorf("%w: %w", ErrLost, err)
}

// session opens a session. sshd counts one that has just ended for a moment longer, and
// refuses those above its MaxSessions.
func (l *sshLink) session(ctx context.Context) (*ssh.Session, error) {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		s, err := l.open(ctx)
		var refused *ssh.OpenChannelError
		switch {
		case err == nil:
			return s, nil
		case !errors.As(err, &refused):
			return nil, fmt.Errorf("%w: %w", ErrLost, err)
		case refused.Reason != ssh.ConnectionFailed:
			return nil, fmt.Errorf("sshd opens no session: %w", err)
		case wait > 2*time.Second:
			return nil, fmt.Errorf("sshd opens no session (%w); its MaxSessions may be too low", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrLost, ctx.Err())
		}
	}
}

// open asks for one session. A server that was killed in the middle may leave somebody
// behind who holds the connection and answers nothing; the caller drops it then.
func (l *sshLink) open(ctx context.Context) (*ssh.Session, error) {
	type opened struct {
		session *ssh.Session
		err     error
	}
	made := make(chan opened, 1)
	go func() {
		s, err := l.client.NewSession()
		made <- opened{s, err}
	}()
	select {
	case o := <-made:
		return o.session, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *sshLink) dial(ctx context.Context, socket string) (net.Conn, error) {
	return l.client.DialContext(ctx, "unix", socket)
}

func (l *sshLink) user() string { return l.name }

func (l *sshLink) close() error {
	var err error
	if l.client != nil {
		err = l.client.Close()
	}
	for i := len(l.jumps) - 1; i >= 0; i-- {
		l.jumps[i].Close()
	}
	if l.agent != nil {
		l.agent.Close()
	}
	return err
}

// A keyring holds what may prove who the user is.
type keyring struct {
	settings  *settings
	agent     agent.ExtendedAgent // nil without one
	agentConn net.Conn
}

func newKeyring(s *settings) *keyring {
	k := &keyring{settings: s}
	if sock := os.Getenv("SSH_AUTH_SOCK"); sock != "" {
		if conn, err := net.Dial("unix", sock); err == nil {
			k.agentConn, k.agent = conn, agent.NewClient(conn)
		}
	}
	return k
}

// methods offers the key files of the hop, then those of the agent. sshd counts
// tries, and whoever names a file means it.
func (k *keyring) methods(h hop) []ssh.AuthMethod {
	return []ssh.AuthMethod{ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		var out []ssh.Signer
		for _, file := range h.identities {
			raw, err := localfile.Read(file, localfile.Small)
			if err != nil {
				continue
			}
			if s, err := ssh.ParsePrivateKey(raw); err == nil {
				out = append(out, s)
			}
		}
		if k.agent != nil {
			if s, err := k.agent.Signers(); err == nil {
				out = append(out, s...)
			}
		}
		return out, nil
	})}
}

// describe says which keys there were to offer.
func (k *keyring) describe(h hop) string {
	var usable, locked []string
	for _, file := range h.identities {
		raw, err := localfile.Read(file, localfile.Small)
		if err != nil {
			continue
		}
		_, err = ssh.ParsePrivateKey(raw)
		var missing *ssh.PassphraseMissingError
		switch {
		case err == nil:
			usable = append(usable, file)
		case errors.As(err, &missing):
			locked = append(locked, file)
		}
	}
	text := "no key"
	if len(usable) > 0 {
		text = "the key " + strings.Join(usable, ", ")
	}
	if k.agent != nil {
		text += " or those of the agent"
	}
	if len(locked) > 0 {
		text += " (" + strings.Join(locked, ", ") + " has a passphrase: unlock it with ssh-add)"
	}
	return text
}
