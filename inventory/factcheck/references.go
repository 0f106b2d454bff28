package factcheck

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	remoteLink = regexp.MustCompile(`^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|//|#|mailto:)`)
	noPath     = regexp.MustCompile("[<>{}$*?|\"'`\\\\:]|\\.\\.\\.|^~|^/|\\s")
	codePath   = regexp.MustCompile(`^(?:\./)?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+\.(?:md|tf|hcl|ya?ml|py|sh|json|toml|ini)$`)
)

// references finds links and paths that lead nowhere. A path in a code span counts
// only when its first folder is there: others are of another machine.
func references(f *file, t *tense, exists func(string) bool) []Finding {
	if f.past {
		return nil
	}
	var out []Finding
	for _, l := range f.links {
		target, _, _ := strings.Cut(l.target, "#")
		target, _, _ = strings.Cut(target, "?")
		target = strings.ReplaceAll(target, "%20", " ")
		if target == "" || remoteLink.MatchString(l.target) || f.isIgnored(l.off) || f.underPastAt(t, l.off) {
			continue
		}
		if l.code && (!codePath.MatchString(target) || !firstFolderExists(f, target, exists)) || !l.code && (noPath.MatchString(strings.TrimSpace(strings.ReplaceAll(target, " ", "-"))) && !strings.HasPrefix(target, "/")) {
			continue
		}
		if l.code && lineIsPast(f, t, l.off) || slices.ContainsFunc(candidates(f, target, l.code), exists) {
			continue
		}
		line, column := f.position(l.off)
		out = append(out, Finding{
			File: f.Path, Line: line, Column: column, Kind: KindReference, Subject: target, Claim: l.target, Source: "the files", Conflicts: []Conflict{}, Confidence: 0.95, Offset: l.off,
		})
	}
	return out
}

// underPastAt reports whether a place is below a heading of history.
func (f *file) underPastAt(t *tense, off int) bool {
	line, _ := f.position(off)
	level := 7
	for i := len(f.headAt) - 1; i >= 0; i-- {
		if h := f.headAt[i]; h.line <= line && h.level < level {
			if t.below([]string{h.text}) {
				return true
			}
			level = h.level
		}
	}
	return false
}

func lineIsPast(f *file, t *tense, off int) bool {
	line, _ := f.position(off)
	text := f.line(line - 1)
	return t.line(text) || strings.Contains(text, "create") || strings.Contains(text, "generate")
}

func firstFolderExists(f *file, target string, exists func(string) bool) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(target, "./"), "/")
	return exists(first) || exists(path.Join(path.Dir(f.Path), first))
}

// candidates are the places that a target may mean: beside the file, from the root,
// and for wikis without the suffix.
func candidates(f *file, target string, code bool) []string {
	dir := path.Dir(f.Path)
	out := []string{path.Join(dir, target), path.Clean(strings.TrimPrefix(target, "/"))}
	if !code && path.Ext(target) == "" {
		out = append(out, path.Join(dir, target+".md"), strings.TrimPrefix(target, "/")+".md", path.Join(dir, target, "index.md"), path.Join(dir, target, "README.md"))
	}
	for up := dir; code && up != "." && up != "/"; {
		up = path.Dir(up)
		out = append(out, path.Join(up, target))
	}
	return out
}
