package sshhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"

	"recon/inventory/localfile"
)

// A recorded machine is what one answered once, read from a file: to commands, by
// what they do, and to GET requests on its sockets, by path. It stands in for a
// machine that is not there; nothing on it can be changed.
type recorded struct {
	Commands map[string]string                     `json:"commands"`
	Sockets  map[string]map[string]json.RawMessage `json:"sockets"`
}

// argument stands, in a recorded answer, for the first argument of the command.
const argument = "@1@"

// ErrRecorded is wrapped when something else is asked of a recorded machine than it
// once answered.
var ErrRecorded = errors.New("the host is a recording, which answers only what it was asked once and cannot be changed")

func openRecording(file string) (*recorded, error) {
	b, err := localfile.Read(file, localfile.Large)
	if err != nil {
		return nil, fmt.Errorf("read the recording: %w", err)
	}
	r := &recorded{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("understand the recording %s: %w", file, err)
	}
	return r, nil
}

// run gives what the command printed then.
func (r *recorded) run(_ context.Context, c Command, _ string, stdout, _ io.Writer) (int, error) {
	out, ok := r.Commands[c.What]
	if !ok {
		return 0, ErrRecorded
	}
	if len(c.Args) > 0 {
		out = strings.ReplaceAll(out, argument, c.Args[0])
	}
	_, err := io.WriteString(stdout, out)
	return 0, err
}

func (r *recorded) user() string { return "root" }

func (r *recorded) close() error { return nil }

// dial connects to a server within this program that gives the recorded answers.
func (r *recorded) dial(_ context.Context, socket string) (net.Conn, error) {
	answers, ok := r.Sockets[socket]
	if !ok {
		return nil, fmt.Errorf("connect to %s: %w", socket, ErrRecorded)
	}
	ours, theirs := net.Pipe()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, ok := answers[apiVersion.ReplaceAllString(req.URL.Path, "")]
		switch {
		case req.Method != http.MethodGet:
			http.Error(w, `{"message": "`+ErrRecorded.Error()+`"}`, http.StatusForbidden)
		case !ok:
			http.Error(w, `{"message": "this was not recorded"}`, http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}
	})}
	go func() { _ = server.Serve(&single{conn: theirs}) }()
	return ours, nil
}

// apiVersion is what clients put before the paths of a Docker engine.
var apiVersion = regexp.MustCompile(`^/v\d+\.\d+`)

// A single is a listener with one connection.
type single struct {
	conn  net.Conn
	taken atomic.Bool
}

// Accept returns the connection once; the server ends with it.
func (l *single) Accept() (net.Conn, error) {
	if l.taken.Swap(true) {
		return nil, net.ErrClosed
	}
	return l.conn, nil
}

// Close leaves the connection to the server.
func (l *single) Close() error { return nil }

// Addr returns the connection's address.
func (l *single) Addr() net.Addr { return l.conn.LocalAddr() }
