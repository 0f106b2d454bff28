// Package home is a project on disk and what is known of its world: it finds and
// loads the manifests, observes every source, asks the witnesses, and remembers.
//
// A Home lives long and is shared: its manifests are replaced as a whole, never
// changed. A World is one look at everything, bound to the manifests that were in
// force when it began; it never changes under a reader.
package home

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
	"sync"
	"sync/atomic"
	"time"

	"recon/cmd/recon/internal/redact"
	"recon/inventory"
	"recon/inventory/localfile"
	"recon/manifests"
	"recon/providers"
	"recon/providers/docker"
	"recon/providers/proxmox"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/term"
)

// Options come from the global flags.
type Options struct {
	Dir      string // -C; "" looks for the nearest parent that holds recon.hcl
	Vars     map[string]string
	VarFiles []string
	LockWait time.Duration // how long a write phase waits for the project's lock
	Version  string
	Command  string // what is run, for the lock and the ledger
	Log      *slog.Logger
	Tally    *providers.Tally                            // counts requests to sources; nil: nobody does
	Secrets  *redact.Set                                 // learns what no output may hold
	Warn     func(hcl.Diagnostics, map[string]*hcl.File) // hears of warnings
	Progress func(what string, done, total int)          // hears of long work; nil: nobody listens
	Now      func() time.Time
	Lead     *atomic.Int64 // the epoch with which a daemon works while others wait; nil, 0: nobody waits

	Finishing *atomic.Int32 // counts calls under way that must not be cut off; nil: nobody asks

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

// A Home is a project on disk.
type Home struct {
	Options
	Root string

	project atomic.Pointer[manifests.Project] // nil for a folder without a project
	dockers struct {
		sync.Mutex
		byConfig map[docker.Config]*docker.Provider // by how they are reached
	}
	early    early
	followed atomic.Pointer[followed]
	loaded   atomic.Uint64 // the fingerprint of the manifests in force, from before they were read
}

// An early look is one that begins while the manifests are still being read.
type early struct {
	sync.Mutex
	begun map[string]*proxmox.Provider // clusters that are being looked at already, by label
	since time.Time                    // and since when
}

// Open finds and loads the project. Warnings are told, errors returned.
func Open(opts Options) (*Home, error) {
	root, err := FindRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	h := At(root, opts)
	return h, h.Load()
}

// OpenToObserve opens a project of which everything will be observed. The clusters
// of its main file are looked at while the rest is still being read: reading a
// large project takes about as long as its cluster's answers. The next Observe
// takes over what was begun.
func OpenToObserve(ctx context.Context, opts Options) (*Home, error) {
	root, err := FindRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	h := At(root, opts)
	return h, h.load(func(clusters []manifests.Cluster) { h.begin(ctx, clusters) })
}

// Targets reads what people call resources that are declared.
func (h *Home) Targets(texts []string) (out []inventory.Address, err error) {
	for _, t := range texts {
		addr, path, err := inventory.Find(h.Project().Resources, t)
		switch {
		case err != nil:
			return nil, &Failure{Code: ExitError, Err: fmt.Errorf("--target %s: no manifest declares it: %w", t, err), Hint: "recon show lists what is declared"}
		case path != "":
			return nil, &Failure{Code: ExitUsage, Err: fmt.Errorf("--target takes the address of a resource, not of the field %s", path)}
		}
		out = append(out, addr)
	}
	return out, nil
}

// At is a folder whose manifests, if it has any, are not read.
func At(root string, opts Options) *Home {
	h := &Home{Options: opts, Root: root}
	if h.Now == nil {
		h.Now = time.Now
	}
	if h.Secrets == nil {
		h.Secrets = redact.New()
	}
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	return h
}

// Close abandons what was begun and no Observe has taken over.
func (h *Home) Close() {
	h.early.Lock()
	defer h.early.Unlock()
	for _, p := range h.early.begun {
		p.Close()
	}
	h.early.begun = nil
}

// Project is the manifests as they were last loaded, nil without any. It is never
// changed: a Load puts another one in its place.
func (h *Home) Project() *manifests.Project { return h.project.Load() }

// Load reads the manifests, anew when they were read before. Those with mistakes
// are refused, and the last good ones stay in force.
func (h *Home) Load() error { return h.load(nil) }

func (h *Home) load(early func([]manifests.Cluster)) error {
	mark := h.Fingerprint()
	p, diags, err := h.read(early)
	if err != nil {
		return err
	}
	if diags.HasErrors() {
		return &DiagnosticsError{diags, p.Sources()}
	}
	h.project.Store(p)
	h.loaded.Store(mark)
	if h.Warn != nil && len(diags) > 0 {
		h.Warn(diags, p.Sources())
	}
	return nil
}

// Validate reads the manifests and returns everything that is wrong or doubtful.
func (h *Home) Validate() (*manifests.Project, hcl.Diagnostics, error) { return h.read(nil) }

func (h *Home) read(early func([]manifests.Cluster)) (*manifests.Project, hcl.Diagnostics, error) {
	return h.readFrom(h.Files(), nil, early)
}

// readFrom reads the manifests of a folder, the project's or that of a commit, around
// which there are other clusters and hosts.
func (h *Home) readFrom(fsys fs.FS, around *manifests.Project, early func([]manifests.Cluster)) (*manifests.Project, hcl.Diagnostics, error) {
	varFiles := map[string][]byte{}
	for _, name := range h.VarFiles {
		b, err := localfile.Read(name, localfile.Small)
		if err != nil {
			return nil, nil, fmt.Errorf("read --var-file: %w", err)
		}
		varFiles[name] = b
	}
	p, diags := manifests.Load(fsys, manifests.Options{
		Vars: h.Vars, VarFiles: varFiles, Env: os.LookupEnv, ReadFile: readOutside, Now: h.Now(), Version: h.Version, Around: around, Clusters: early,
	})
	h.Secrets.Learn(declaredSecrets(p)...)
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
	return localfile.Read(name, localfile.Small)
}

// commandTime bounds a token_command, which may ask for a passphrase.
const commandTime = 30 * time.Second

// runCommand runs a token_command. What it prints is a secret and stands in no
// error.
func (h *Home) runCommand(ctx context.Context, argv []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("the command is empty")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = h.Root
	cmd.Stdin = os.Stdin
	cmd.WaitDelay = time.Second // a child that it leaves behind may hold its output open
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		providers.Own(cmd) // on a terminal it may ask for a passphrase, which only the shell's own group can read
	}
	out := &firstBytes{left: 64 << 10}
	cmd.Stdout = out
	err := cmd.Run()
	switch {
	case out.left == 0:
		return "", fmt.Errorf("run %s: it prints more than any token has", argv[0])
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return "", fmt.Errorf("run %s: %w", argv[0], err)
	}
	return out.String(), nil
}

// token runs a token_command and returns the token that it prints.
func (h *Home) token(ctx context.Context, argv []string) (string, error) {
	out, err := h.runCommand(ctx, argv)
	token := strings.TrimSpace(out)
	h.Secrets.Learn(token, secretOf(token))
	return token, err
}

// firstBytes keeps the beginning of what a program prints.
type firstBytes struct {
	strings.Builder
	left int
}

func (f *firstBytes) Write(p []byte) (int, error) {
	if len(p) > f.left {
		f.left = 0
		return 0, io.ErrShortWrite
	}
	f.left -= len(p)
	return f.Builder.Write(p)
}

// Files is the project's folder.
func (h *Home) Files() fs.FS { return localfile.Folder(h.Root, localfile.Medium) }

// Path returns the place of a file of the project.
func (h *Home) Path(rel string) string { return filepath.Join(h.Root, filepath.FromSlash(rel)) }

// Absolute returns the place of a file that a manifest names.
func (h *Home) Absolute(name string) string {
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~/") {
		return name
	}
	return h.Path(name)
}

// StatePath returns recon's own folder in the project.
func (h *Home) StatePath() string { return filepath.Join(h.Root, StateDir) }
