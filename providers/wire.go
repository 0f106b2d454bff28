package providers

import (
	"errors"
	"net"
	"os"
	"strings"
)

// Wire says why a connection did not come about, or broke, in the words of the reason
// alone. The library of the network puts addresses into its own, so that whoever says
// what was asked, which it does not know, would say it twice.
func Wire(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	return &wireError{strings.Replace(err.Error(), op.Error(), reason(op), 1), err}
}

// A wireError is an error in other words.
type wireError struct {
	text string
	err  error
}

func (e *wireError) Error() string { return e.text }
func (e *wireError) Unwrap() error { return e.err }

func reason(op *net.OpError) string {
	var name *net.DNSError
	var call *os.SyscallError
	switch {
	case errors.As(op.Err, &name) && name.IsNotFound:
		return "no such host"
	case errors.As(op.Err, &name):
		return "ask the name server " + name.Server + ": " + name.Err
	case op.Timeout():
		return "no answer"
	case errors.As(op.Err, &call):
		return call.Err.Error()
	}
	return op.Err.Error()
}
