package wiring

import (
	"path"
	"slices"
)

// A File is a file of settings.
type File struct {
	Name string // where it lies on the host
	Path string // where the program that reads it sees it
	Text string
}

// maxBlocks bounds what files may grow to by what they include: no settings are larger,
// and a file may include itself.
const maxBlocks = 50_000

// An includer puts the files of one program together.
type includer struct {
	files  []File
	byLine bool
	used   map[string]bool // files that another one includes
	lost   []string        // what was included and is none of the files, as paths or patterns
	left   int
}

func including(files []File, byLine bool) *includer {
	return &includer{files: files, byLine: byLine, used: map[string]bool{}, left: maxBlocks}
}

// parsed is a file as it stands.
func (in *includer) parsed(f File) []block {
	s := &scanner{text: f.Text, file: f, line: 1, byLine: in.byLine}
	out := s.blocks(0)
	in.left -= s.count
	return out
}

// matching are the files that a pattern names, which is relative to a folder.
func (in *includer) matching(pattern, dir string) (out []File) {
	if !path.IsAbs(pattern) {
		pattern = path.Join(dir, pattern)
	}
	for _, f := range in.files {
		if ok, _ := path.Match(pattern, f.Path); ok && in.left > 0 {
			in.used[f.Path] = true
			out = append(out, f)
		}
	}
	if len(out) == 0 && !slices.Contains(in.lost, pattern) {
		in.lost = append(in.lost, pattern)
	}
	return out
}

// roots are the files that are read first: the program's main file, else those that no
// other one includes.
func (in *includer) roots(main string) (out []File) {
	for _, f := range in.files {
		if path.Base(f.Path) == main {
			out = append(out, f)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, f := range in.files {
		if !in.used[f.Path] {
			out = append(out, f)
		}
	}
	return out
}
