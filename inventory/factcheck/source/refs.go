package source

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// A RefForm is how a page names another file.
type RefForm int

// The forms.
const (
	Link     RefForm = iota // [text](target)
	CodeSpan                // `docs/a.md`
	TreeLine                // a line of a drawn folder tree
)

// A Ref is a place where a page names a file.
type Ref struct {
	Form   RefForm
	Target string
	Off    int
	Before string // what stands before it on its line
	After  string
	Past   bool   // it stands in history, a plan or an example
	Root   string // of a drawn tree: its first line
	Tree   int    // of a drawn tree: where it begins, to know its lines by
}

// longestTarget is how long a name of a file may be.
const longestTarget = 300

// refsIn finds links and code spans in a line. It reads every byte once.
func refsIn(line string, off int) (out []Ref) {
	for i := 0; i < len(line); {
		switch line[i] {
		case '`':
			end := strings.IndexByte(line[i+1:], '`')
			if end < 0 {
				return out
			}
			if end > 2 && end < longestTarget {
				out = append(out, Ref{Form: CodeSpan, Target: line[i+1 : i+1+end], Off: off + i + 1, Before: line[:i], After: line[i+2+end:]})
			}
			i += end + 2
		case ']':
			if i+1 < len(line) && line[i+1] == '(' {
				target, at := linkTarget(line[i+2 : min(len(line), i+2+longestTarget)])
				if target != "" {
					out = append(out, Ref{Form: Link, Target: target, Off: off + i + 2 + at, Before: line[:i]})
					i += 2 + at + len(target)
					continue
				}
			}
			i++
		default:
			i++
		}
	}
	return out
}

// linkTarget reads the target of a link behind its opening parenthesis.
func linkTarget(s string) (target string, at int) {
	if strings.HasPrefix(s, "<") {
		if end := strings.IndexByte(s, '>'); end > 1 {
			return s[1:end], 1
		}
		return "", 0
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ' ', '\t':
			if strings.ContainsAny(s[i:min(len(s), i+3)], `"'`) {
				return s[:i], 0
			}
			return "", 0
		case ')':
			if depth == 0 {
				return s[:i], 0
			}
			depth--
		}
	}
	return "", 0
}

var (
	treeLine = regexp.MustCompile(`^((?:[ \t│|]|\x{a0})*)(?:├|└|\||\+|` + "`" + `)(?:──|--)-? *`)
	treeName = regexp.MustCompile(`^[A-Za-z0-9._@+-]+(?:/[A-Za-z0-9._@+-]+)*/?`)
)

// goesOn is what stands behind the first word of a name with blanks; before a comment there
// is a mark, or more than one blank.
var goesOn = regexp.MustCompile(`^ [A-Za-z][A-Za-z0-9._-]*(?: [A-Za-z0-9._-]+)?/?$`)

func lastRune(text string) rune {
	c, _ := utf8.DecodeLastRuneInString(text)
	return c
}

// folderTree reads a drawn tree of folders as the paths that it names.
func folderTree(body string, base int) (out []Ref) {
	type folder struct {
		indent int
		name   string
	}
	var open []folder
	root, tree := "", base
	for off, line := range linesOf(body) {
		m := treeLine.FindStringSubmatch(line)
		if m == nil {
			if strings.TrimSpace(line) != "" && strings.Trim(line, " \t│|") != "" {
				root, tree, open = strings.TrimSpace(line), base+off, nil
			}
			continue
		}
		if strings.ContainsRune("│┃║", lastRune(line)) {
			continue // in a box, which is something else than a folder
		}
		name := treeName.FindString(line[len(m[0]):])
		rest := line[len(m[0])+len(name):]
		if name == "" || rest != "" && !strings.HasPrefix(rest, " ") || goesOn.MatchString(rest) {
			name = "?" // a placeholder, no name of a file, or one with blanks
		}
		indent := len([]rune(m[1]))
		for len(open) > 0 && open[len(open)-1].indent >= indent {
			open = open[:len(open)-1]
		}
		at := ""
		for _, f := range open {
			at += f.name
		}
		folderName := name
		if !strings.HasSuffix(folderName, "/") {
			folderName += "/"
		}
		open = append(open, folder{indent, folderName})
		if strings.Contains(at+name, "?") {
			continue
		}
		out = append(out, Ref{Form: TreeLine, Target: at + name, Off: base + off + len(m[0]), Before: line[:len(m[0])], After: rest, Root: root, Tree: tree})
	}
	return out
}
