package docs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory/contextfile"
	"recon/inventory/localfile"
	"recon/manifests"
)

// A target is a file that recon writes blocks into.
type target struct {
	base   string // absolute folder that the file must not lead out of
	prefix string // how people name that folder, "" for the project
	file   string // relative to base, with forward slashes
	blocks []string
	style  contextfile.Style
	commit bool
}

func (t *target) name() string { return path.Join(t.prefix, t.file) }

// targets lists the files that the context block names, and those in its roots
// that have markers. A file that is named twice is one target with both blocks.
func targets(h *home.Home, project *manifests.Project) ([]*target, error) {
	c := project.Context
	whole := contextfile.ContextBlocks()
	if len(project.Checks) > 0 {
		whole = append(whole, contextfile.ChecksBlock)
	}
	var out []*target
	for _, f := range []struct {
		file   string
		blocks []string
	}{{c.ClaudeMD, []string{HomeBlock}}, {c.ContextMD, whole}, {c.SessionLog, []string{SessionBlock}}, {c.ActiveTasks, []string{TasksBlock}}} {
		if f.file == "" {
			continue
		}
		file, err := declaredFile(h, c, path.Clean(f.file))
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(out, func(t *target) bool { return t.file == file }); i >= 0 {
			out[i].blocks = append(out[i].blocks, f.blocks...)
			continue
		}
		out = append(out, &target{base: h.Root, file: file, blocks: f.blocks, style: contextfile.Reference, commit: c.Commit})
	}
	for i := range c.Roots {
		more, err := rootTargets(h, c, &c.Roots[i], out)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// declaredFile is the file that a name in the context block means. A link may lead to
// a file of others, who did not ask for blocks; so what it leads to is to be named too.
func declaredFile(h *home.Home, c *manifests.Context, name string) (string, error) {
	file, err := home.Behind(h.Root, name)
	if err != nil || file == name {
		return name, err
	}
	for _, declared := range []string{c.ClaudeMD, c.ContextMD, c.SessionLog, c.ActiveTasks} {
		if declared != "" && strings.EqualFold(path.Clean(declared), file) {
			return path.Clean(declared), nil // one spelling, so that it is one target
		}
	}
	return "", home.Refuse(fmt.Sprintf("if recon may write there, name %q in the context block", file), "%s is a link to %s, which the context block does not name", name, file)
}

// rootTargets finds the Markdown files of a root that have markers of recon. A
// folder that is not there has none.
func rootTargets(h *home.Home, context *manifests.Context, r *manifests.Root, known []*target) ([]*target, error) {
	if r.ReadOnly || r.Credentials {
		return nil, nil
	}
	base := rootPath(h, r)
	taken := map[string]bool{}
	for _, t := range known {
		taken[filepath.Join(t.base, filepath.FromSlash(t.file))] = true
		if c := context.SessionLog; t.file == path.Clean(c) && c != "" {
			taken[filepath.Join(t.base, filepath.FromSlash(archiveFile(t.file)))] = true
		}
	}
	var out []*target
	err := walkFiles(base, func(p, rel string) error {
		if ext := strings.ToLower(path.Ext(rel)); ext != ".md" && ext != ".markdown" || taken[p] || secluded(h, context, p) {
			return nil
		}
		src, err := localfile.Read(p, localfile.Medium)
		if err != nil {
			return fmt.Errorf("read %s: %w", path.Join(r.Path, rel), err)
		}
		if bytes.Contains(src, []byte("recon:begin")) || bytes.Contains(src, []byte("recon:end")) {
			out = append(out, &target{base: base, prefix: filepath.ToSlash(r.Path), file: rel, style: contextfile.Style(r.Style), commit: r.Commit})
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return out, err
}

// rootPath returns the folder of a root.
func rootPath(h *home.Home, r *manifests.Root) string {
	if rest, ok := strings.CutPrefix(r.Path, "~/"); ok {
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, filepath.FromSlash(rest))
		}
	}
	if filepath.IsAbs(r.Path) {
		return filepath.Clean(r.Path)
	}
	return h.Path(r.Path)
}

// secluded reports whether a file lies in a root of which recon must not read, or
// must not write, anything.
func secluded(h *home.Home, context *manifests.Context, p string) bool {
	for i := range context.Roots {
		r := &context.Roots[i]
		if (r.ReadOnly || r.Credentials) && strings.HasPrefix(p, rootPath(h, r)+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// walkFiles calls a function for every regular file below a folder, in the order
// of names. Links are not followed; folders of tools are left out.
func walkFiles(base string, visit func(p, rel string) error) error {
	return filepath.WalkDir(base, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != base && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".claude" || slices.Contains([]string{"node_modules", "vendor", "__pycache__"}, d.Name())) {
			return filepath.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(base, p)
		if err != nil {
			return err
		}
		return visit(p, filepath.ToSlash(rel))
	})
}

// read reads the file of a target.
func (t *target) read() (content []byte, exists bool, err error) {
	return home.ReadFile(t.base, t.file)
}
