// Package app is where everything is wired: manifests, providers, ledger and
// documents. It is the only place that writes files of a project. Commands and
// the daemon are thin views of it.
//
// A command opens a Session, observes, plans, and, when it writes, does so under
// the project's lock: ledger first, documents last, since a document is rendered
// from what was observed and remembered.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"recon/manifests"
	"recon/providers/docker"
	"recon/providers/proxmox"

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

// Refuse returns an error that ends the command with 4.
func Refuse(hint, format string, args ...any) error {
	return &Failure{Code: ExitRefused, Err: fmt.Errorf(format, args...), Hint: hint}
}

// Code returns the exit code of what a command returned.
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

// Options come from the global flags.
type Options struct {
	Dir      string // -C; "" looks for the nearest parent that holds recon.hcl
	Vars     map[string]string
	VarFiles []string
	Timeout  time.Duration // of one command's work; 0 means none
	Version  string
	Command  string // what is run, for the lock and the ledger
	Log      *slog.Logger
	Warn     func(hcl.Diagnostics, map[string]*hcl.File) // hears of warnings
	Progress func(what string, done, total int)          // hears of long work; nil: nobody listens
	Now      func() time.Time

	ProbeLinks bool // try hard links inside containers
}

// StateDir is the folder that belongs to recon inside a project.
const StateDir = ".recon"

// ErrNoProject says that no folder above holds a project.
var ErrNoProject = errors.New("there is no recon.hcl here or in a parent folder")

// FindRoot returns the root of the project: dir itself when it is given, else the
// nearest parent of the current folder that holds recon.hcl.
func FindRoot(dir string) (string, error) {
	if dir != "" {
		root, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(filepath.Join(root, manifests.MainFile)); err != nil {
			return "", &Failure{Code: ExitError, Err: fmt.Errorf("%s holds no recon.hcl", dir), Hint: "recon init writes one"}
		}
		return root, nil
	}
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, manifests.MainFile)); err == nil {
			return at, nil
		}
		parent := filepath.Dir(at)
		if parent == at {
			return "", &Failure{Code: ExitError, Err: ErrNoProject, Hint: "recon init writes one; recon demo shows everything without one"}
		}
		at = parent
	}
}

// A Session is one command's work on one project.
type Session struct {
	Options
	Root    string
	Project *manifests.Project
	fsys    fs.FS
	dockers map[docker.Config]*docker.Provider // by how they are reached
	begun   map[string]*proxmox.Provider       // clusters that are being looked at already, by label
	since   time.Time                          // and since when
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

// Open finds and loads the project. Warnings are told, errors returned.
func Open(opts Options) (*Session, error) {
	s, err := find(opts)
	if err != nil {
		return nil, err
	}
	return s, s.Load()
}

// OpenToObserve opens a project of which everything will be observed. The clusters
// of its main file are looked at while the rest is still being read: reading a
// large project takes about as long as its cluster's answers. The next Observe
// takes over what was begun.
func OpenToObserve(ctx context.Context, opts Options) (*Session, error) {
	s, err := find(opts)
	if err != nil {
		return nil, err
	}
	return s, s.loadWith(func(clusters []manifests.Cluster) { s.begin(ctx, clusters) })
}

// Close abandons what was begun and no Observe has taken over.
func (s *Session) Close() {
	for _, p := range s.begun {
		p.Close()
	}
	s.begun = nil
}

func find(opts Options) (*Session, error) {
	root, err := FindRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	s := &Session{Options: opts, Root: root, fsys: os.DirFS(root)}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Load reads the manifests, anew when they were read before.
func (s *Session) Load() error { return s.loadWith(nil) }

func (s *Session) loadWith(early func([]manifests.Cluster)) error {
	p, diags, err := s.load(early)
	if err != nil {
		return err
	}
	if diags.HasErrors() {
		return &DiagnosticsError{diags, p.Sources()}
	}
	s.Project = p
	s.warn(diags)
	return nil
}

// Validate reads the manifests and returns everything that is wrong or doubtful.
func (s *Session) Validate() (*manifests.Project, hcl.Diagnostics, error) { return s.load(nil) }

func (s *Session) warn(diags hcl.Diagnostics) {
	if s.Warn != nil && len(diags) > 0 {
		s.Warn(diags, s.Project.Sources())
	}
}

func (s *Session) load(early func([]manifests.Cluster)) (*manifests.Project, hcl.Diagnostics, error) {
	varFiles := map[string][]byte{}
	for _, name := range s.VarFiles {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, fmt.Errorf("read --var-file: %w", err)
		}
		varFiles[name] = b
	}
	p, diags := manifests.Load(s.fsys, manifests.Options{
		Vars: s.Vars, VarFiles: varFiles, Env: os.LookupEnv, ReadFile: readOutside, Now: s.Now(), Version: s.Version, Clusters: early,
	})
	return p, diags, nil
}

// readOutside reads a file that a manifest names by absolute path or below the
// home folder.
func readOutside(name string) ([]byte, error) {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		name = filepath.Join(home, rest)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}

// runCommand runs a token_command. What it prints is a secret and stands in no
// error.
func (s *Session) runCommand(argv []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("the command is empty")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = s.Root
	cmd.Stdin = os.Stdin // it may ask for a passphrase
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w", argv[0], err)
	}
	return string(out), nil
}

// path returns the place of a file of the project.
func (s *Session) path(rel string) string { return filepath.Join(s.Root, filepath.FromSlash(rel)) }

// StatePath returns recon's own folder in the project.
func (s *Session) StatePath() string { return filepath.Join(s.Root, StateDir) }
