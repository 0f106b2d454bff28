package sshhost

import (
	"context"
	"io"
	"net"
	"time"
)

// pipe runs a command as root and makes a connection of its standard input and
// output: docker system dial-stdio.
func (h *Host) pipe(l link, command string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(context.Background())
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	c := Command{What: "docker system dial-stdio", Script: command, Stdin: inR}
	go func() {
		stderr := limited{over: cancel}
		status, err := l.run(ctx, c, h.commandLine(l, c), outW, &stderr)
		switch {
		case err == nil && status != 0:
			err = &ExitError{What: "reach the socket through " + c.What, Code: status, Stderr: stderr.String()}
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
	}}, nil
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
