// Package neterror says in few words why a network did not answer.
package neterror

import (
	"errors"
	"net"
	"os"
	"strings"
)

// Short says why a connection did not come about, or broke, in the words of the reason
// alone. The library of the network puts addresses into its own, so that whoever says
// what was asked, which it does not know, would say it twice.
func Short(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	return &shortError{strings.Replace(err.Error(), op.Error(), reason(op), 1), err}
}

// A shortError is an error in other words.
type shortError struct {
	text string
	err  error
}

func (e *shortError) Error() string { return e.text }
func (e *shortError) Unwrap() error { return e.err }

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
