package home

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"recon/manifests"
	"recon/providers/docker/compose"
)

// HasProject reports a project in the folder, or, without one, in this or a parent.
func HasProject(dir string) bool {
	_, err := FindRoot(dir)
	return err == nil
}

// DoctorFiles applies the rules to files alone: those of the paths, all when there is
// none. It needs neither a project nor credentials; a project says how its hosts are
// called and what is silenced.
func DoctorFiles(ctx context.Context, opts Options, paths, rules []string) (Findings, error) {
	at, rel, err := lookAt(opts.Dir, paths)
	if err != nil {
		return Findings{}, err
	}
	h := At(at.dir, opts)
	p := &manifests.Project{}
	if at.project {
		var ok bool
		if p, ok = h.withoutCredentials(); !ok {
			return Findings{}, &Failure{Code: ExitError, Err: errors.New("the manifests have mistakes, so what they silence is not known"), Hint: "recon validate shows them"}
		}
	}
	if err := CheckRules(p, rules); err != nil {
		return Findings{}, err
	}
	facts, err := compose.Scan(ctx, h.Root, compose.Options{Paths: rel, Hosts: hostNames(p), Project: at.project})
	if err != nil {
		return Findings{}, err
	}
	return judge(facts, p, h.Now(), rules), nil
}

// LacksOnlyCredentials reports a project that has no other mistake than that variables
// of the environment are not set, as right after recon init.
func (h *Home) LacksOnlyCredentials() bool {
	_, ok := h.withoutCredentials()
	return ok
}

// withoutCredentials loads the project as if every variable of the environment were set.
func (h *Home) withoutCredentials() (*manifests.Project, bool) {
	p, diags := manifests.Load(h.Files(), manifests.Options{
		Vars: h.Vars, Env: func(string) (string, bool) { return "not-set", true }, Now: h.Now(), Version: h.Version,
		ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
	})
	return p, !diags.HasErrors()
}

// looked is the folder whose files are looked at.
type looked struct {
	dir     string
	project bool
}

// lookAt finds the folder that the doctor looks at: the project's, the current one, or,
// for paths that lie elsewhere, the one above them all.
func lookAt(dir string, paths []string) (looked, []string, error) {
	at := looked{}
	root, err := FindRoot(dir)
	switch {
	case err == nil:
		at = looked{root, true}
	case dir != "":
		if at.dir, err = filepath.Abs(dir); err != nil {
			return at, nil, err
		}
	default:
		if at.dir, err = os.Getwd(); err != nil {
			return at, nil, err
		}
	}
	if info, err := os.Stat(at.dir); err != nil || !info.IsDir() {
		return at, nil, &Failure{Code: ExitError, Err: fmt.Errorf("%s is no folder", at.dir)}
	}
	abs, err := absolute(paths)
	if err != nil || len(abs) == 0 {
		return at, nil, err
	}
	rel, inside := below(at.dir, abs)
	if !inside {
		at = looked{dir: above(abs)}
		rel, _ = below(at.dir, abs)
	}
	return at, rel, nil
}

func absolute(paths []string) (out []string, err error) {
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(abs); err != nil {
			return nil, fmt.Errorf("look at %s: %w", p, err)
		}
		out = append(out, abs)
	}
	return out, nil
}

// below writes paths as a folder has them, and reports whether all lie in it.
func below(dir string, abs []string) (out []string, all bool) {
	all = true
	for _, p := range abs {
		rel, err := filepath.Rel(dir, p)
		all = all && err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
		out = append(out, filepath.ToSlash(rel))
	}
	return out, all
}

// above is the deepest folder that holds all paths.
func above(abs []string) string {
	dir := abs[0]
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	for {
		if _, all := below(dir, abs); all || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
