package neterror

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
)

// TestWireNamesNoAddress: the reason stays, whoever wraps it names the address, and what
// the error is can still be asked.
func TestWireNamesNoAddress(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8006}
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: at, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for want, err := range map[string]error{
		"connection refused":                                    refused,
		"after the login: connection reset by peer":             fmt.Errorf("after the login: %w", &net.OpError{Op: "read", Net: "tcp", Source: at, Addr: at, Err: os.NewSyscallError("read", syscall.ECONNRESET)}),
		"no such host":                                          &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "pve.lan", Server: "192.0.2.53:53", IsNotFound: true}},
		"ask the name server 192.0.2.53:53: server misbehaving": &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", Name: "pve.lan", Server: "192.0.2.53:53"}},
		"no answer":            &net.OpError{Op: "dial", Net: "tcp", Addr: at, Err: os.ErrDeadlineExceeded},
		"tls: bad certificate": &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")},
		"something else":       errors.New("something else"),
	} {
		if got := Short(err); got.Error() != want || !errors.Is(got, err) {
			t.Errorf("%v is told as %q, not %q", err, got, want)
		}
	}
	_, real := (&net.Dialer{}).DialContext(context.Background(), "tcp", "127.0.0.1:1")
	var op *net.OpError
	if got := Short(real); got.Error() != "connection refused" || !errors.As(got, &op) {
		t.Errorf("a port that nobody listens on is told as %q", got)
	}
	if got := Short(&url.Error{Op: "Get", URL: "https://pve.lan", Err: refused}); got.Error() != `Get "https://pve.lan": connection refused` {
		t.Errorf("what is around it is told as %q", got)
	}
}
