package sshhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknown "golang.org/x/crypto/ssh/knownhosts"
)

// systemKnownHosts are the keys that the machine's administrator trusts.
const systemKnownHosts = "/etc/ssh/ssh_known_hosts"

// A keyCheck judges the key that a machine shows.
type keyCheck struct {
	callback   ssh.HostKeyCallback
	algorithms []string
}

// hostKeys makes the check of one hop. The algorithms are those of the trusted
// keys: a machine with several keys would otherwise show one that nobody wrote
// down, which looks like a changed key.
func (s *settings) hostKeys(h hop) (keyCheck, error) {
	var files []string
	for _, f := range append(append([]string{}, h.known...), systemKnownHosts) {
		if _, err := os.Stat(f); err == nil {
			files = append(files, f)
		}
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return keyCheck{}, fmt.Errorf("read known_hosts: %w", err)
	}
	inner := db.HostKeyCallback()
	check := func(addr string, remote net.Addr, key ssh.PublicKey) error {
		err := inner(addr, remote, key)
		switch {
		case err == nil:
			return nil
		case knownhosts.IsHostKeyChanged(err):
			return &ChangedKeyError{Name: s.name, Host: knownhosts.Normalize(addr), Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key), Where: trustedIn(err)}
		case knownhosts.IsHostUnknown(err):
			return &UnknownKeyError{Name: s.name, Host: knownhosts.Normalize(addr), Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key)}
		}
		return err
	}
	return keyCheck{callback: check, algorithms: db.HostKeyAlgorithms(h.addr())}, nil
}

func trustedIn(err error) []string {
	var e *xknown.KeyError
	var out []string
	if errors.As(err, &e) {
		for _, k := range e.Want {
			out = append(out, k.Filename+":"+strconv.Itoa(k.Line))
		}
	}
	return out
}

// An Introduction is a machine's host key that nobody has trusted yet.
type Introduction struct {
	Host        string // what known_hosts calls it
	Type        string
	Fingerprint string
	File        string // where it would be written
	line        string
}

// Introduce asks a machine for its host key. It returns nil when the key is trusted
// already; a changed key is an error.
func Introduce(ctx context.Context, cfg Config) (*Introduction, error) {
	switch {
	case cfg.Recording != "":
		return nil, fmt.Errorf("introduce %s: %w", cfg.Name, ErrRecorded)
	case cfg.Address == Local:
		return nil, nil
	}
	s, err := readSettings(cfg)
	if err != nil {
		return nil, err
	}
	hops, err := s.route(cfg)
	if err != nil {
		return nil, err
	}
	l := &sshLink{}
	keys := newKeyring(s)
	l.agent = keys.agentConn
	defer l.close()
	for _, h := range hops {
		in, err := l.introduce(ctx, h, keys, s)
		if in != nil || err != nil {
			return in, err
		}
	}
	return nil, nil
}

// introduce makes one hop of the route, as far as the host key.
func (l *sshLink) introduce(ctx context.Context, h hop, keys *keyring, s *settings) (*Introduction, error) {
	client, err := l.hop(ctx, h, keys, s)
	var unknown *UnknownKeyError
	switch {
	case err == nil:
		l.jumps = append(l.jumps, client)
		return nil, nil
	case !errors.As(err, &unknown):
		return nil, err
	}
	in := &Introduction{Host: unknown.Host, Type: unknown.Type, Fingerprint: unknown.Fingerprint, File: h.known[0]}
	conn, err := l.reach(ctx, h.addr())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_, _, _, err = ssh.NewClientConn(conn, h.addr(), &ssh.ClientConfig{User: h.user, Timeout: dialTimeout, HostKeyCallback: func(addr string, _ net.Addr, key ssh.PublicKey) error {
		if ssh.FingerprintSHA256(key) != in.Fingerprint {
			return errors.New("it shows another key each time")
		}
		in.line = knownhosts.Line([]string{addr}, key)
		return nil
	}})
	if in.line == "" {
		return nil, fmt.Errorf("ask %s for its host key: %w", h.addr(), err)
	}
	return in, nil
}

// Trust writes the key into known_hosts.
func (in *Introduction) Trust() error {
	if err := os.MkdirAll(filepath.Dir(in.File), 0o700); err != nil {
		return fmt.Errorf("write known_hosts: %w", err)
	}
	f, err := os.OpenFile(in.File, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("write known_hosts: %w", err)
	}
	defer f.Close()
	text := in.line + "\n"
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			text = "\n" + text
		}
	}
	if _, err := f.WriteString(text); err != nil {
		return fmt.Errorf("write known_hosts: %w", err)
	}
	return f.Close()
}
