package sshhost

import (
	"context"
	"io"
	"net"
	"time"
)

// Stream runs a line of the login shell, and makes a connection of its standard input and
// output. What it is told when it ends badly stands in the error of reading.
func (h *Host) Stream(ctx context.Context, what, line string) (net.Conn, error) {
	l, err := h.connect(ctx)
	if err != nil {
		return nil, err
	}
	h.calls.Add(1)
	return h.pipe(l, what, line), nil
}

// pipe runs a line and makes a connection of its standard input and output.
func (h *Host) pipe(l link, what, line string) net.Conn {
	ctx, cancel := context.WithCancel(context.Background())
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	c := Command{What: what, Stdin: inR}
	go func() {
		stderr := limited{over: cancel}
		status, err := l.run(ctx, c, line, outW, &stderr)
		switch {
		case err == nil && status != 0:
			err = &ExitError{What: what, Code: status, Stderr: stderr.String()}
		case err == nil:
			err = io.EOF
		}
		outW.CloseWithError(err)
		inR.CloseWithError(err)
	}()
	return &pipeConn{Reader: outR, Writer: inW, end: func() {
		cancel()
		inW.Close()
		outR.Close()
	}}
}

// A pipeConn is a connection over a command. Deadlines do nothing: whoever waits
// has a context, and closing ends the wait.
type pipeConn struct {
	io.Reader
	io.Writer
	end func()
}

func (c *pipeConn) Close() error                     { c.end(); return nil }
func (c *pipeConn) LocalAddr() net.Addr              { return pipeAddr{} }
func (c *pipeConn) RemoteAddr() net.Addr             { return pipeAddr{} }
func (c *pipeConn) SetDeadline(time.Time) error      { return nil }
func (c *pipeConn) SetReadDeadline(time.Time) error  { return nil }
func (c *pipeConn) SetWriteDeadline(time.Time) error { return nil }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "command" }
