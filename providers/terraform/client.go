package terraform

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-exec/tfexec"

	"recon/inventory/localfile"
	"recon/providers"
)

// Config says where a state is. Exactly one of Directory, State and JSON is set.
// Paths are relative to Root, and appear in messages as they are written.
type Config struct {
	Name      string // the block's label
	Cluster   string // whose guests the state is about
	Root      string // of the project
	Directory string // a folder with code
	State     string // a state file
	JSON      string // the output of terraform show -json
	Binary    string // terraform or tofu; "" looks for them on the PATH
	Workspace string // "" takes the folder's selected one

	Finishing *atomic.Int32 // counts runs that write; nil: nobody asks

	Timeout time.Duration // of handing out a state; 0 means 30 s
}

// A Provider is one source. Its methods may be called at the same time.
type Provider struct {
	cfg Config

	mu     sync.Mutex
	guests []*Guest
	hidden []string                      // secret values of the state
	code   map[string][]*hclsyntax.Block // by folder, as far as it was read

	byIdentity map[string]*Guest // as the last Testify held them

	runs  sync.Mutex // one run that writes at a time
	temp  string     // holds saved plans, for this process's user only
	plans map[string]*plan
	saved int // plans so far, for the names of their files
}

// New returns the provider of a source. It makes no call.
func New(cfg Config) *Provider {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	return &Provider{cfg: cfg, plans: map[string]*plan{}, code: map[string][]*hclsyntax.Block{}}
}

// Name returns the source's address: terraform.proxmox.
func (p *Provider) Name() string { return "terraform." + p.cfg.Name }

// Cluster returns the label of the cluster whose guests the source is about.
func (p *Provider) Cluster() string { return p.cfg.Cluster }

// Close removes saved plans, which hold secrets.
func (p *Provider) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.temp != "" {
		_ = os.RemoveAll(p.temp)
	}
	p.temp, p.plans = "", map[string]*plan{}
}

func (p *Provider) path(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.cfg.Root, filepath.FromSlash(name))
}

// scratch returns the folder for saved plans.
func (p *Provider) scratch() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.temp != "" {
		return p.temp, nil
	}
	var err error
	p.temp, err = os.MkdirTemp("", "recon-terraform-")
	return p.temp, err
}

// secrets returns the secret values of the state, for redact.
func (p *Provider) secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hidden)
}

// binary finds terraform: the one that is named, or terraform or tofu on the PATH.
func (p *Provider) binary() (string, error) {
	names := []string{"terraform", "tofu"}
	if named := p.cfg.Binary; named != "" {
		if strings.ContainsAny(named, `/\`) {
			named = p.path(named)
		}
		names = []string{named}
	}
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return filepath.Abs(found)
		}
	}
	if p.cfg.Binary != "" {
		return "", fmt.Errorf("binary = %q is not a program that can be run: %w", p.cfg.Binary, errNotFound)
	}
	return "", ErrNoBinary
}

var errNotFound = errors.New("install it, or name another")

// A stage is where terraform runs: a program, a folder, and an environment. The
// function cleans up.
//
// terraform-exec forbids TF_WORKSPACE, and selecting a workspace would write into
// the author's folder. So a named workspace is selected in a data folder of
// recon's own, whose entries are links to those of the real one.
type stage struct {
	bin, dir string
	env      map[string]string
	done     func()
}

func (p *Provider) stage() (*stage, error) {
	at := &stage{dir: p.path(p.cfg.Directory), env: map[string]string{}, done: func() {}}
	var err error
	if at.bin, err = p.binary(); err != nil {
		return nil, err
	}
	if info, err := os.Stat(at.dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder %s", p.cfg.Directory)
	}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		at.env[k] = v
	}
	for _, k := range tfexec.ProhibitedEnv(at.env) {
		delete(at.env, k)
	}
	if p.cfg.Workspace != "" {
		data, err := dataFolder(at.dir, p.cfg.Workspace)
		if err != nil {
			return nil, fmt.Errorf("select workspace %s: %w", p.cfg.Workspace, err)
		}
		at.env["TF_DATA_DIR"], at.done = data, func() { _ = os.RemoveAll(data) }
	}
	return at, nil
}

// terraform prepares runs that plan and apply.
func (p *Provider) terraform() (*tfexec.Terraform, func(), error) {
	at, err := p.stage()
	if err != nil {
		return nil, nil, err
	}
	tf, err := tfexec.NewTerraform(at.dir, at.bin)
	if err == nil {
		err = errors.Join(tf.SetEnv(at.env), tf.SetWaitDelay(waitDelay))
	}
	if err != nil {
		at.done()
		return nil, nil, fmt.Errorf("prepare terraform: %w", err)
	}
	return tf, at.done, nil
}

// output runs terraform to hear something, for as long as the context lasts and as much as
// a state may have. What it leaves behind is ended with it, and nobody waits for that.
func (at *stage) output(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, at.bin, args...)
	cmd.Dir = at.dir
	for k, v := range at.env {
		if !strings.HasPrefix(k, "TF_LOG") {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	providers.Own(cmd)
	out, errs := &capped{left: localfile.Large}, &capped{left: localfile.Small}
	cmd.Stdout, cmd.Stderr = out, errs
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case out.full:
		return "", fmt.Errorf("it hands out more than %d MiB", localfile.Large>>20)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return "", fmt.Errorf("%w\n%s", err, errs)
	}
	return out.String(), nil
}

// A capped text takes so much and refuses more, which ends whoever writes.
type capped struct {
	strings.Builder
	left int
	full bool
}

func (c *capped) Write(b []byte) (int, error) {
	if len(b) > c.left {
		c.full = true
		return 0, io.ErrShortWrite
	}
	c.left -= len(b)
	return c.Builder.Write(b)
}

// waitDelay is how long terraform has to end after it was interrupted.
const waitDelay = time.Second

// dataFolder makes a data folder in which a workspace is selected.
func dataFolder(dir, workspace string) (string, error) {
	original := os.Getenv("TF_DATA_DIR")
	if original == "" {
		original = ".terraform"
	}
	if !filepath.IsAbs(original) {
		original = filepath.Join(dir, original)
	}
	data, err := os.MkdirTemp("", "recon-terraform-")
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(original)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, e := range entries {
		if e.Name() == "environment" {
			continue
		}
		if err := os.Symlink(filepath.Join(original, e.Name()), filepath.Join(data, e.Name())); err != nil {
			return "", err
		}
	}
	return data, os.WriteFile(filepath.Join(data, "environment"), []byte(workspace), 0o600)
}

// pull has terraform hand out the state.
func (p *Provider) pull(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	at, err := p.stage()
	if err != nil {
		return nil, err
	}
	defer at.done()
	if err := p.checkLock(p.localState()); err != nil {
		return nil, err
	}
	if err := p.checkWorkspace(ctx, at); err != nil {
		return nil, err
	}
	out, err := at.output(ctx, "state", "pull")
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: terraform state pull did not end within %s", ErrUnreachable, p.cfg.Timeout)
	case err != nil:
		return nil, fmt.Errorf("terraform state pull: %w", classify(err, nil))
	case strings.TrimSpace(out) == "" && !p.initialised():
		return nil, ErrUninitialised
	case strings.TrimSpace(out) == "":
		return []byte(`{"version":4,"resources":[]}`), nil // nothing was applied yet
	}
	return []byte(out), nil
}

// checkWorkspace refuses a workspace that does not exist: terraform would hand out
// an empty state for it.
func (p *Provider) checkWorkspace(ctx context.Context, at *stage) error {
	if p.cfg.Workspace == "" {
		return nil
	}
	out, err := at.output(ctx, "workspace", "list", "-no-color")
	if err != nil {
		return fmt.Errorf("terraform workspace list: %w", classify(err, nil))
	}
	var list []string
	for line := range strings.Lines(out) {
		if name := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "*")); name != "" {
			list = append(list, name)
		}
	}
	if !slices.Contains(list, p.cfg.Workspace) {
		return fmt.Errorf("there is no workspace %q; there are %s", p.cfg.Workspace, strings.Join(list, ", "))
	}
	return nil
}

// localState is where the local backend keeps the state: as terraform init has
// noted it, or by default. With another backend nothing is there.
func (p *Provider) localState() string {
	dir := p.path(p.cfg.Directory)
	var noted struct {
		Backend struct {
			Type   string
			Config struct {
				Path         string
				WorkspaceDir string `json:"workspace_dir"`
			}
		}
	}
	if data, err := localfile.Read(filepath.Join(dir, ".terraform", "terraform.tfstate"), localfile.Medium); err == nil {
		_ = json.Unmarshal(data, &noted) // what cannot be read leaves the defaults
	}
	file, folder := cmp.Or(noted.Backend.Config.Path, "terraform.tfstate"), cmp.Or(noted.Backend.Config.WorkspaceDir, "terraform.tfstate.d")
	if p.cfg.Workspace != "" && p.cfg.Workspace != "default" {
		file = filepath.Join(folder, p.cfg.Workspace, "terraform.tfstate")
	}
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

// initialised reports whether terraform init has been run in the folder.
func (p *Provider) initialised() bool {
	for _, name := range []string{".terraform", ".terraform.lock.hcl"} {
		if _, err := os.Stat(filepath.Join(p.path(p.cfg.Directory), name)); err == nil {
			return true
		}
	}
	return os.Getenv("TF_DATA_DIR") != ""
}
