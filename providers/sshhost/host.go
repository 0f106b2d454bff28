package sshhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"recon/providers"
)

// Local is the address of the machine on which recon runs.
const Local = "local"

// Config says which machine it is and how it is reached.
type Config struct {
	Name         string // the label of the host block
	Address      string // as it would be given to ssh; Local for this machine
	Port         int    // 0: ssh_config's, else 22
	User         string // "": ssh_config's, else the current user
	Become       bool   // commands run as root, by sudo -n
	IdentityFile string // "": ssh_config's and the usual ones
	Home         string // folder that holds .ssh; "": the user's
	Recording    string // file of recorded answers that stands in for the machine; "": none
	Timeout      time.Duration
	Tally        *providers.Tally // counts commands; nil: nobody does
}

// Times after which something is given up.
const (
	dialTimeout    = 10 * time.Second
	commandTimeout = 60 * time.Second
	maxSessions    = 8        // sshd allows 10 a connection (MaxSessions)
	maxOutput      = 16 << 20 // bytes of one command's output
)

// A Host is one machine. Its methods may be called at the same time.
type Host struct {
	cfg      Config
	sessions chan struct{}
	calls    atomic.Int64
	dials    atomic.Int64

	mu   sync.Mutex
	link link // nil until the first use
}

// A link carries commands and sockets to the machine.
type link interface {
	// run runs a command, spelled out as a line for the login shell. A status other than
	// 0 is no error.
	run(ctx context.Context, c Command, line string, stdout, stderr io.Writer) (status int, err error)
	dial(ctx context.Context, socket string) (net.Conn, error)
	user() string
	close() error
}

// New returns the host. It connects at the first use.
func New(cfg Config) *Host {
	return &Host{cfg: cfg, sessions: make(chan struct{}, maxSessions)}
}

// Name returns the label of the host block.
func (h *Host) Name() string { return h.cfg.Name }

// Calls returns how many round trips were made so far: commands, and sockets
// opened.
func (h *Host) Calls() int { return int(h.calls.Load()) }

// Connections returns how many connections were made so far.
func (h *Host) Connections() int { return int(h.dials.Load()) }

// Close ends the connection. The host may be used again.
func (h *Host) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.link != nil {
		h.link.close()
		h.link = nil
	}
}

func (h *Host) connect(ctx context.Context) (link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.link != nil {
		return h.link, nil
	}
	h.dials.Add(1)
	switch {
	case h.cfg.Recording != "":
		r, err := openRecording(h.cfg.Recording)
		if err != nil {
			return nil, err
		}
		h.link = r
		return r, nil
	case h.cfg.Address == Local:
		h.link = newLocal()
		return h.link, nil
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(h.cfg.Timeout, dialTimeout))
	defer cancel()
	l, err := dialSSH(ctx, h.cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", h.cfg.Name, err)
	}
	h.link = l
	return l, nil
}

// drop forgets a connection that broke, so that the next use makes a new one.
func (h *Host) drop(l link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.link == l {
		l.close()
		h.link = nil
	}
}

// A Command is a script for a POSIX shell. Input never appears in its text: it
// comes as arguments or on standard input.
type Command struct {
	What    string   // what it does, for errors: "read daemon.json"
	Script  string   // for sh -c
	Args    []string // $1, $2, ...; no secrets, they can be seen in the process list
	Stdin   io.Reader
	Timeout time.Duration // 0: a minute
}

// Run runs a script and returns its output. A status other than 0 is an
// *ExitError, with the output beside it.
func (h *Host) Run(ctx context.Context, c Command) (string, error) {
	l, err := h.connect(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, commandTimeout))
	defer cancel()
	select {
	case h.sessions <- struct{}{}:
		defer func() { <-h.sessions }()
	case <-ctx.Done():
		return "", fmt.Errorf("%s on %s: %w", c.What, h.cfg.Name, ctx.Err())
	}
	h.calls.Add(1)
	stdout, stderr := limited{over: cancel}, limited{over: cancel}
	status, err := l.run(ctx, c, h.commandLine(l, c), &stdout, &stderr)
	if err != nil {
		status = providers.Unanswered
	}
	h.cfg.Tally.Add("host."+h.cfg.Name, "ssh", status)
	if err != nil && errors.Is(err, ErrLost) {
		h.drop(l)
	}
	switch {
	case stdout.full || stderr.full:
		return "", fmt.Errorf("%s on %s: more than %d bytes of output", c.What, h.cfg.Name, maxOutput)
	case err != nil:
		return "", fmt.Errorf("%s on %s: %w", c.What, h.cfg.Name, err)
	case status != 0 && h.becomes(l) && sudoRefusal(stderr.String()) != "":
		return "", &SudoError{User: l.user(), Host: h.cfg.Name, Said: sudoRefusal(stderr.String())}
	case status != 0:
		return stdout.String(), &ExitError{What: c.What + " on " + h.cfg.Name, Code: status, Stderr: stderr.String()}
	}
	return stdout.String(), nil
}

// becomes reports whether commands go through sudo.
func (h *Host) becomes(l link) bool { return h.cfg.Become && l.user() != "root" }

// commandLine builds what the login shell of the machine gets, which need not be
// a POSIX shell: every word is quoted.
func (h *Host) commandLine(l link, c Command) string {
	words := append([]string{"sh", "-c", c.Script, "recon"}, c.Args...)
	if h.becomes(l) {
		words = append([]string{"sudo", "-n"}, words...)
	}
	for i, w := range words {
		words[i] = Quote(w)
	}
	return strings.Join(words, " ")
}

// Probe proves that the machine can be reached and, where wanted, that root can.
func (h *Host) Probe(ctx context.Context) error {
	_, err := h.Run(ctx, Command{What: "look whether root can be reached", Script: "exit 0"})
	return err
}

// DialUnix opens a socket of the machine. A socket that only root may open is
// reached through the given command, run as root, whose standard input and output
// are the socket.
func (h *Host) DialUnix(ctx context.Context, socket, command string) (net.Conn, error) {
	l, err := h.connect(ctx)
	if err != nil {
		return nil, err
	}
	h.calls.Add(1)
	if !h.becomes(l) {
		conn, err := l.dial(ctx, socket)
		if err == nil || command == "" {
			return conn, err
		}
	}
	if command == "" {
		conn, err := l.dial(ctx, socket)
		return conn, err
	}
	const what = "reach the socket through docker system dial-stdio"
	return h.pipe(l, what, h.commandLine(l, Command{Script: command})), nil
}

// Quote makes one word of a shell out of any text.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// limited collects output up to a bound, and says when it is reached.
type limited struct {
	strings.Builder
	full bool
	over func()
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxOutput {
		l.full = true
		l.over()
		return 0, io.ErrShortWrite
	}
	return l.Builder.Write(p)
}
