package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"recon/inventory/doctor"
)

// Bounds of a scan: a repository is small, and whatever is larger is none of its
// text.
const (
	maxFile  = 1 << 20
	maxFiles = 20000
	maxDepth = 200 // of brackets and indentation, before a parser that recurses sees the text
)

// Options say what of a repository is looked at.
type Options struct {
	Paths   []string // files and folders of it; none: all
	Hosts   []string // names of the machines that are declared
	Project bool     // somebody declares here what there is; without it a tree may be of any number of machines
}

// A repository is the folder that is looked at.
type repository struct {
	root   string // on the disk, for compose-go, which opens extended and included files itself
	fsys   fs.FS  // the same, and no link leads out of it
	names  map[string]bool
	links  []string // of them, those that lead elsewhere
	facts  *doctor.Facts
	files  []*source
	byName map[string]*source
	vars   *variables
	ignore *ignored
	hosts  *hosts
	touch  map[string]bool // names of files that a script of the repository makes

	loaded map[*source]loaded // ahead of the reading

	layered bool // files are laid over each other, or included, in ways that the repository does not tell
}

// Scan reads the files of a folder: what they say of containers and their hosts, and
// which of them could not be read. Folders whose name starts with a dot, and those that
// hold what others wrote, are passed over.
func Scan(ctx context.Context, root string, o Options) (*doctor.Facts, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("read the repository: %w", err)
	}
	defer dir.Close()
	return scan(ctx, root, dir.FS(), o)
}

func scan(ctx context.Context, root string, fsys fs.FS, o Options) (*doctor.Facts, error) {
	r := &repository{root: root, fsys: fsys, names: map[string]bool{}, facts: &doctor.Facts{}, byName: map[string]*source{}, touch: map[string]bool{}}
	r.vars, r.ignore = newVariables(r), newIgnored(r)
	if err := r.walk(ctx); err != nil {
		return nil, fmt.Errorf("read the repository: %w", err)
	}
	r.hosts = newHosts(r, o)
	r.relate()
	r.ahead(ctx, o.Paths)
	for _, s := range r.files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if within(s.name, o.Paths) {
			r.facts.Files = append(r.facts.Files, r.read(ctx, s)...)
		}
	}
	parts(r.facts.Files)
	r.pieces()
	r.facts.Unread = slices.DeleteFunc(r.facts.Unread, func(u doctor.Unread) bool { return !within(u.File, o.Paths) })
	return r.facts, nil
}

var undefinedService = regexp.MustCompile(`undefined service "([^"]+)"`)

// parts takes back that Docker refuses files of which a program makes one: side by side
// they lie, and several need services that others of them have.
func parts(files []doctor.File) {
	family := func(f *doctor.File) string { return path.Dir(path.Dir(f.Path)) }
	has, lean := map[string]bool{}, map[string]int{}
	for i := range files {
		for _, s := range files[i].Services {
			has[family(&files[i])+" "+s.Name] = true
		}
	}
	for i := range files {
		for _, x := range files[i].Refused {
			if m := undefinedService.FindStringSubmatch(x.Words); m != nil && has[family(&files[i])+" "+m[1]] {
				lean[family(&files[i])]++
			}
		}
	}
	for i := range files {
		if lean[family(&files[i])] > 1 {
			files[i].Refused = slices.DeleteFunc(files[i].Refused, func(x doctor.Refusal) bool { return strings.Contains(x.Words, " undefined ") })
		}
	}
}

var undefinedThing = regexp.MustCompile(`undefined (network|volume|secret|config) "?([^"\s:]+)`)

// pieces takes back that Docker refuses files that are made for a project above them which
// has what they lack, and does not include them today. By themselves they run nothing.
func (r *repository) pieces() {
	for i := range r.facts.Files {
		f := &r.facts.Files[i]
		before := len(f.Refused)
		f.Refused = slices.DeleteFunc(f.Refused, func(x doctor.Refusal) bool {
			m := undefinedThing.FindStringSubmatch(x.Words)
			if m != nil && !strings.Contains(strings.ToLower(f.Path), "compose") {
				return true // by its name it may be given to docker compose with others
			}
			return m != nil && slices.ContainsFunc(r.files, func(s *source) bool {
				return (s.folder() == "." || doctor.Within(f.Path, s.folder())) && s.name != f.Path && valueOf(s.doc, "include") != nil && valueOf(valueOf(s.doc, m[1]+"s"), m[2]) != nil
			})
		})
		f.Library = f.Library || len(f.Refused) < before
	}
}

// within reports a file that is one of the paths or below one; without paths, one that
// somebody runs.
func within(name string, paths []string) bool {
	return len(paths) == 0 && !isIdle(name) || slices.ContainsFunc(paths, func(p string) bool { return p == "." || doctor.Within(name, p) })
}

func (r *repository) walk(ctx context.Context) error {
	return fs.WalkDir(r.fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && p == ".":
			return err
		case err != nil:
			r.unread(p, "it cannot be opened")
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(foreign, d.Name()) || strings.HasPrefix(d.Name(), "molecule")):
			return fs.SkipDir
		}
		r.names[p] = true
		switch {
		case d.IsDir() || len(r.files) >= maxFiles:
		case d.Type()&fs.ModeSymlink != 0: // it is read where it lies
			r.links = append(r.links, p)
			if _, err := r.text(p); err != nil && composeName.MatchString(d.Name()) {
				r.unread(p, err.Error())
			}
		default:
			r.take(p)
		}
		return nil
	})
}

// foreign are folders with what others wrote, or what was written for tests.
var foreign = []string{"node_modules", "vendor", "testdata", "site-packages", "venv", "fixtures"}

// candidate reports a file that may hold compose text, write daemon.json, or tell of
// hosts and mounts.
func candidate(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".yml", ".yaml", ".tf", ".sh", ".bash", ".j2", ".tftpl", ".tpl", ".cfg":
		return true
	}
	base := strings.ToLower(path.Base(p))
	return strings.Contains(base, "fstab") || base == "makefile" || base == "justfile"
}

// take reads a file that may matter.
func (r *repository) take(p string) {
	if !candidate(p) {
		return
	}
	text, err := r.text(p)
	if err != nil {
		if composeName.MatchString(path.Base(p)) || errors.Is(err, errTooLarge) && r.holdsServices(p) {
			r.unread(p, err.Error())
		}
		return
	}
	s := newSource(p, text)
	if s.unreadable != "" {
		if composeName.MatchString(path.Base(p)) || servicesKey.MatchString(text) {
			r.unread(p, s.unreadable)
		}
		return
	}
	r.files, r.byName[p] = append(r.files, s), s
	r.makes(s)
	r.planned(s)
}

func (r *repository) unread(file, why string) {
	r.facts.Unread = append(r.facts.Unread, doctor.Unread{File: file, Why: why})
}

var errTooLarge = errors.New("it is larger than 1 MiB")

// text reads a file of the repository: a regular one, of a size that a person writes.
func (r *repository) text(p string) (string, error) {
	info, err := fs.Stat(r.fsys, p)
	switch {
	case err != nil:
		return "", errors.New("it cannot be opened")
	case !info.Mode().IsRegular():
		return "", errors.New("it is no regular file")
	case info.Size() > maxFile:
		return "", errTooLarge
	}
	text, err := fs.ReadFile(r.fsys, p)
	if err != nil {
		return "", errors.New("it cannot be read")
	}
	return string(text), nil
}

// holdsServices looks into the beginning of a file that is too large to be read.
func (r *repository) holdsServices(p string) bool {
	f, err := r.fsys.Open(p)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 1<<16)
	n, err := f.Read(head)
	return err == nil && servicesKey.Match(head[:n])
}

var (
	// composeName is how compose files are called.
	composeName = regexp.MustCompile(`^(docker-)?compose\b.*\.ya?ml$`)
	servicesKey = regexp.MustCompile(`(?m)^services:`)
)

// tooDeep reports text whose nesting would make a recursive parser suffer.
func tooDeep(text string) bool {
	depth, most := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth--
		}
	}
	if most > maxDepth {
		return true
	}
	for l := range strings.SplitSeq(text, "\n") {
		if len(l)-len(strings.TrimLeft(l, " -")) > 2*maxDepth {
			return true
		}
	}
	return false
}
