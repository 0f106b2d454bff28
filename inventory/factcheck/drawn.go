package factcheck

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"recon/inventory/factcheck/source"
)

// A drawn is a drawing of folders, held against those that are there.
type drawn struct {
	lines   int
	said    map[string]bool
	hits    map[string]int // lines that are there, by the folder at which the drawing may begin
	slashes bool           // it writes folders with a slash behind them
	broken  bool           // it gives a folder two of one name, so it is not indented as it is meant
	share   int            // of a hundred lines, how many have to be there
	base    string         // where it begins
	alive   map[string]bool
}

var (
	homeRoot     = regexp.MustCompile(`(?i)lab|home|infra|^\.`)
	templateRoot = regexp.MustCompile(`(?i)project|your|example|name|template|^my[-_]|[<{]`)
)

// drawings finds the drawings of a page that are about this tree: where most of what
// one draws is. In a page at the root a part is enough where the first line names a
// home: people draw there what the repository is.
func (l *library) drawings(p *source.Page) map[int]*drawn {
	all, dir := map[int]*drawn{}, path.Dir(p.Path)
	for i := range p.Refs {
		ref := &p.Refs[i]
		if ref.Form != source.TreeLine || strings.ContainsAny(ref.Root[:min(len(ref.Root), 1)], "/~") || templateRoot.MatchString(ref.Root) || strings.Contains(ref.Root, ":") && !strings.HasPrefix(ref.Root, "#") {
			continue
		}
		d := all[ref.Tree]
		if d == nil {
			d = &drawn{said: map[string]bool{}, hits: map[string]int{}, share: 60, alive: map[string]bool{}}
			if dir == "." && homeRoot.MatchString(ref.Root) {
				d.share = 25
			}
			all[ref.Tree] = d
		}
		d.take(l, ref, basesOf(dir, ref.Root))
	}
	for tree, d := range all {
		if !d.settle(dir) {
			delete(all, tree)
		}
	}
	for i := range p.Refs {
		if d := all[p.Refs[i].Tree]; d != nil && p.Refs[i].Form == source.TreeLine && l.has(path.Join(d.base, p.Refs[i].Target)) {
			d.alive[path.Dir(path.Clean(p.Refs[i].Target))] = true
		}
	}
	return all
}

func (d *drawn) take(l *library, ref *source.Ref, bases []string) {
	target := path.Clean(ref.Target)
	d.lines++
	d.broken = d.broken || d.said[target]
	d.said[target] = true
	d.slashes = d.slashes || strings.HasSuffix(ref.Target, "/")
	for _, base := range bases {
		if l.has(path.Join(base, target)) {
			d.hits[base]++
		}
	}
}

// holdsIgnored reports a folder in which nothing is drawn but what Git ignores: then Git
// does not have the folder.
func (d *drawn) holdsIgnored(l *library, folder string) bool {
	folder, inside := path.Clean(folder)+"/", 0
	for target := range d.said {
		if strings.HasPrefix(target, folder) {
			if inside++; !l.ignored(path.Join(d.base, target)) {
				return false
			}
		}
	}
	return inside > 0
}

// settle decides where the drawing begins, and reports whether it is about this tree.
func (d *drawn) settle(dir string) bool {
	most := 0
	for _, base := range sortedKeys(d.hits) {
		if n := d.hits[base]; n*100 >= d.lines*d.share && (n > most || n == most && base == dir) {
			d.base, most = base, n
		}
	}
	return most > 0 && !d.broken
}

// basesOf are the folders at which a tree may begin: the page's own, one that the
// first line names, and for pages about the whole the root.
func basesOf(dir, root string) []string {
	label := strings.TrimSuffix(strings.Trim(strings.Fields(root + " .")[0], "`*"), "/")
	out := []string{dir, path.Join(dir, label)}
	if first, _, _ := strings.Cut(dir, "/"); label != "." && (aboutWhole[dir] || first == strings.Split(label, "/")[0]) {
		out = append(out, path.Clean(label))
	}
	if aboutWhole[dir] {
		out = append(out, ".")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// aboutWhole are folders of pages about the whole tree.
var aboutWhole = map[string]bool{".": true, "docs": true, "doc": true, "documentation": true, "wiki": true, ".claude": true, ".github": true}

var (
	capitals  = regexp.MustCompile(`^[A-Z]{3,}$`)
	plainFile = regexp.MustCompile(`^(?:[A-Z][a-z]+file|LICENSE)$`)
)

// deadLine judges a line of a drawn tree. It counts where something beside it is there:
// a folder of which nothing is may be drawn in another sense. What stands below a folder
// that is not there is not told again.
func (l *library) deadLine(p *source.Page, ref *source.Ref, plain string, trees map[int]*drawn) *deadRef {
	d := trees[ref.Tree]
	if d == nil {
		return nil
	}
	at, name := path.Join(d.base, plain), path.Base(plain)
	switch {
	case l.has(at), name == ".env", l.ignored(at), l.ignored(at + "/x"), l.made[strings.ToLower(name)], makesIt.MatchString(ref.After):
		return nil
	case strings.HasSuffix(plain, "/") && (l.holdsIgnored(at) || strings.Contains(runtimeFolders, " "+name+" ")):
		return nil
	case !d.alive[path.Dir(path.Clean(plain))], capitals.MatchString(name), d.holdsIgnored(l, plain):
		return nil
	case d.slashes && !strings.HasSuffix(plain, "/") && !strings.Contains(name, ".") && !plainFile.MatchString(name):
		return nil // no file, and no folder as this drawing writes them
	}
	out := &deadRef{subject: at, meant: l.meant(at)}
	if rel, below := strings.CutPrefix(out.meant, strings.TrimPrefix(d.base+"/", "./")); below && d.said[rel] {
		out.meant = "" // the drawing has that one too
	}
	return out.at(p, ref, name, "")
}
