// Recon holds declarative manifests against live Proxmox state, shows and applies
// the difference, and writes what it observed into the files that people and
// their AI assistants read.
//
// Each command is a file of its own: newX builds the command, runX does the work.
// Exit codes are decided here alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
	"recon/cmd/recon/internal/term"
)

// version is set by the linker in releases.
var version = "0.1.0-dev"

func main() {
	paceGC()
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code. The first interrupt
// asks for a graceful end, the second one kills.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	secrets := redact.New()
	log.SetOutput(io.Discard) // net/http's own: what a server sends unasked is told by nobody
	c := &cli{stdin: stdin, stdout: term.NewWriter(stdout, secrets), stderr: term.NewWriter(stderr, secrets), secrets: secrets, interrupted: ctx.Done(), cut: make(chan struct{}), finishing: &atomic.Int32{}}
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	ended := make(chan error, 1)
	go func() {
		ended <- api.Caught(func() error {
			defer c.close()
			return root.ExecuteContext(ctx)
		})
	}()
	context.AfterFunc(ctx, c.over)
	select {
	case err := <-ended:
		return c.report(err)
	case <-c.cut:
		return c.report(errCut)
	}
}

// obedience is how long a command may take to end when it is told to, or its time is up.
const obedience = 2 * time.Second

// errCut is how a command ends that did not end by itself in that time. What it had begun
// to change stands in the journal, as after a kill.
var errCut = errors.New("interrupted, with something still under way; what it was the next recon plan or recon drift looks up")

// over gives the command a moment to end. A call of Terraform that changes something is
// waited for: it would leave its state behind the world.
func (c *cli) over() {
	time.Sleep(obedience - obedience/10)
	for c.finishing.Load() > 0 {
		time.Sleep(obedience / 20)
	}
	c.onceCut.Do(func() { close(c.cut) })
}

// close ends what the command has open.
func (c *cli) close() {
	if c.home != nil {
		c.home.Close()
	}
	c.endProgress()
}

// An exitCode ends a command with a code and no message: everything is said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exit returns nil for 0.
func exit(code int) error {
	if code == api.ExitOK {
		return nil
	}
	return exitCode(code)
}

// report prints what went wrong and returns the exit code.
func (c *cli) report(err error) int {
	var quiet exitCode
	var diags *api.DiagnosticsError
	var failure *api.Failure
	p := c.errPrinter()
	switch {
	case err == nil:
		return api.ExitOK
	case errors.Is(err, context.Canceled) && errors.Unwrap(err) == nil:
		p.Error(errors.New("interrupted"), "")
		return api.ExitError
	case errors.Is(err, context.DeadlineExceeded) && errors.Unwrap(err) == nil && c.timeout > 0:
		p.Error(fmt.Errorf("not done within the %s of --timeout", c.timeout), "")
		return api.ExitError
	case errors.As(err, &quiet):
		return int(quiet)
	case errors.As(err, &diags):
		p.Diagnostics(diags.Diags, diags.Files)
		return api.ExitError
	case errors.As(err, &failure):
		p.Error(err, "")
		return failure.Code
	}
	p.Error(err, "")
	return api.ExitError
}

func (c *cli) errPrinter() *term.Printer {
	return &term.Printer{W: c.stderr, Color: c.colored(c.stderr), Width: widthOf(c.stderr), Narrow: c.stderr.Terminal() != nil}
}

func (c *cli) printer() *term.Printer {
	return &term.Printer{W: c.stdout, Color: c.colored(c.stdout), Width: widthOf(c.stdout), Narrow: c.stdout.Terminal() != nil}
}
