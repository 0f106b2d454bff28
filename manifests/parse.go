package manifests

import (
	"bytes"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// parseFiles reads and parses every manifest, the main file first, which is told when
// it has no mistake.
// A file that does not parse contributes its diagnostics and what could be read.
func parseFiles(fsys fs.FS, main func(*hcl.File)) (map[string]*hcl.File, hcl.Diagnostics) {
	names, err := Files(fsys)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Manifests cannot be listed", Detail: err.Error() + "."}}
	}
	parsed := make([]*hcl.File, len(names))
	found := make([]hcl.Diagnostics, len(names))
	if i := slices.Index(names, MainFile); i >= 0 {
		if parsed[i], found[i] = parseFile(fsys, MainFile); !found[i].HasErrors() {
			main(parsed[i])
		}
	}
	var wg sync.WaitGroup
	for i, name := range names {
		if name != MainFile {
			wg.Go(func() { parsed[i], found[i] = parseFile(fsys, name) })
		}
	}
	wg.Wait()
	var diags hcl.Diagnostics
	files := make(map[string]*hcl.File, len(names))
	for i, name := range names {
		diags = append(diags, found[i]...)
		if parsed[i] != nil {
			files[name] = parsed[i]
		}
	}
	return files, diags
}

func parseFile(fsys fs.FS, name string) (*hcl.File, hcl.Diagnostics) {
	src, err := fs.ReadFile(fsys, name)
	if err == nil && len(src) > maxFile {
		err = fmt.Errorf("the file has %d bytes; a manifest has at most %d", len(src), maxFile)
	}
	if err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Manifest cannot be read", Detail: err.Error() + ".",
			Subject: &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	return parse(src, name)
}

// parse parses one manifest. A byte order mark is accepted and skipped. Nesting
// is bounded before the parser, which recurses, sees the text.
func parse(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if rng, ok := tooDeep(src, name); ok {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Nesting too deep", Detail: fmt.Sprintf("Brackets nest more than %d levels deep here.", maxDepth), Subject: &rng}}
	}
	src = bytes.TrimPrefix(src, byteOrderMark)
	if f := parseParts(src, name, partSize); f != nil {
		return f, nil
	}
	return parseText(part{src, hcl.InitialPos}, name)
}

// parsers bounds how many texts are parsed at once. One processor is left to whoever
// waits for a cluster's answers meanwhile.
var parsers = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))

func parseText(p part, name string) (*hcl.File, hcl.Diagnostics) {
	parsers <- struct{}{}
	defer func() { <-parsers }()
	return hclsyntax.ParseConfig(p.text, name, p.start)
}

// partSize is about how much text is given to the parser at once. It keeps a
// hundred bytes a token of all the text that it has, and copies them as their
// number grows; in parts there is less to copy, to keep and to collect.
const partSize = 2 << 10

var byteOrderMark = []byte("\xef\xbb\xbf")

// parseParts parses a large manifest in parts, several at a time. A part ends where
// a block ends; one that parses without a mistake has closed all that it opened, and
// so the next one began outside of any string or block. It returns nil when the
// text is small, or when a part has a mistake, which only the whole text explains.
func parseParts(src []byte, name string, size int) *hcl.File {
	parts := split(src, size)
	// Each part may begin with a byte order mark, and hcl counts lines of text that is no
	// UTF-8 in its own way.
	if len(parts) < 2 || bytes.Contains(src, byteOrderMark) || !utf8.Valid(src) {
		return nil
	}
	files := make([]*hcl.File, len(parts))
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() {
			if f, diags := parseText(p, name); len(diags) == 0 {
				files[i] = f
			}
		})
	}
	wg.Wait()
	return join(src, files)
}

// A part is some text of a manifest and the place where it begins.
type part struct {
	text  []byte
	start hcl.Pos
}

var endOfBlock = []byte("\n}\n\n")

// split cuts a manifest between blocks that an empty line separates.
func split(src []byte, size int) (out []part) {
	start := hcl.InitialPos
	for len(src) > size {
		i := bytes.Index(src[size:], endOfBlock)
		if i < 0 {
			break
		}
		n := size + i + len(endOfBlock)
		out = append(out, part{src[:n], start})
		start.Byte += n
		start.Line += bytes.Count(src[:n], []byte("\n"))
		src = src[n:]
	}
	return append(out, part{src, start})
}

// join makes one file of its parts; nil when one is missing, or when arguments
// stand between blocks, where the parser would have looked for duplicates.
func join(src []byte, parts []*hcl.File) *hcl.File {
	body, nav := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}, navigation{}
	for _, f := range parts {
		if f == nil {
			return nil
		}
		b := f.Body.(*hclsyntax.Body)
		if len(b.Attributes) > 0 {
			return nil
		}
		body.Blocks = append(body.Blocks, b.Blocks...)
		nav = append(nav, f.Nav)
	}
	first, last := parts[0].Body.(*hclsyntax.Body), parts[len(parts)-1].Body.(*hclsyntax.Body)
	body.SrcRange, body.EndRange = hcl.RangeBetween(first.SrcRange, last.SrcRange), last.EndRange
	return &hcl.File{Body: body, Bytes: src, Nav: nav}
}

// A navigation says for a diagnostic in which block it is, as those of the parts do.
type navigation []any

// ContextString is what hcl's writer of diagnostics asks for.
func (n navigation) ContextString(offset int) string {
	for _, part := range n {
		if s := part.(interface{ ContextString(int) string }).ContextString(offset); s != "" {
			return s
		}
	}
	return ""
}

const maxDepth = 200

func tooDeep(src []byte, name string) (hcl.Range, bool) {
	depth, line := 0, 1
	for i, c := range src {
		switch c {
		case '\n':
			line++
		case '(', '[', '{':
			if depth++; depth > maxDepth {
				pos := hcl.Pos{Line: line, Column: 1, Byte: i}
				return hcl.Range{Filename: name, Start: pos, End: pos}, true
			}
		case ')', ']', '}':
			depth--
		}
	}
	return hcl.Range{}, false
}
