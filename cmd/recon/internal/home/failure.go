package home

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// The exit codes, the same in every command.
const (
	ExitOK         = 0
	ExitError      = 1
	ExitDiffers    = 2  // something differs
	ExitIncomplete = 3  // some source could not be observed
	ExitRefused    = 4  // nothing was done
	ExitPartial    = 5  // not every change ended as planned
	ExitUsage      = 64 // the command line is wrong
)

// A Failure is an error with an exit code and, where there is one, a next step.
type Failure struct {
	Code int
	Err  error
	Hint string
}

// Error returns the error's text.
func (e *Failure) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *Failure) Unwrap() error { return e.Err }

// NextStep is what its reader can do about it.
func (e *Failure) NextStep() string { return e.Hint }

// Refuse returns an error that ends the command with 4.
func Refuse(hint, format string, args ...any) error {
	return &Failure{Code: ExitRefused, Err: fmt.Errorf(format, args...), Hint: hint}
}

// Code returns the exit code of an error: that of its Failure, 1 without one.
func Code(err error) int {
	var e *Failure
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &e):
		return e.Code
	}
	return ExitError
}

// Worst combines exit codes: 1, 5, 4, 3, 2, 0.
func Worst(codes ...int) int {
	for _, c := range []int{ExitError, ExitPartial, ExitRefused, ExitIncomplete, ExitDiffers} {
		for _, have := range codes {
			if have == c {
				return c
			}
		}
	}
	return ExitOK
}

// WorstOf is the exit code of joined errors: 4 when everything in them was refused and
// nothing worse happened.
func WorstOf(err error) int {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return Code(err)
	}
	codes := []int{}
	for _, e := range joined.Unwrap() {
		codes = append(codes, WorstOf(e))
	}
	return Worst(codes...)
}

// DiagnosticsError is a project that cannot be used, with every mistake in it.
type DiagnosticsError struct {
	Diags hcl.Diagnostics
	Files map[string]*hcl.File
}

// Error says how many mistakes there are; the commands print them all.
func (e *DiagnosticsError) Error() string {
	n := 0
	for _, d := range e.Diags {
		if d.Severity == hcl.DiagError {
			n++
		}
	}
	if n == 1 {
		return "there is 1 mistake in the manifests"
	}
	return fmt.Sprintf("there are %d mistakes in the manifests", n)
}
