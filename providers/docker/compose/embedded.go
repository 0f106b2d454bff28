package compose

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// An embedding is text inside another file.
type embedding struct {
	text     string
	line     int        // of the line before its first
	services *yaml.Node // when the text was made anew from a structure: where its services stand
}

// lineOf returns the line of the file on which a service of the text stands.
func (e *embedding) lineOf(service string, line int) int {
	if e.services != nil {
		return lineOf(e.services, service)
	}
	return line + e.line
}

var heredoc = regexp.MustCompile(`<<[-~]?\s*(['"]?)([A-Za-z_][A-Za-z0-9_]*)['"]?[^\n]*\n`)

// heredocs finds the texts of shell and Terraform between <<WORD and WORD.
func heredocs(text string) []embedding {
	var out []embedding
	for at := 0; at < len(text); {
		m := heredoc.FindStringSubmatchIndex(text[at:])
		if m == nil {
			break
		}
		word, begin := text[at+m[4]:at+m[5]], at+m[1]
		end, next := bodyEnd(text, begin, word)
		if end >= 0 {
			out = append(out, embedding{text: outdent(unquoted(text[begin:end])), line: strings.Count(text[:begin], "\n")})
		}
		at = next
	}
	return out
}

// unquoted takes away the backslashes of a text that stands between the double quotes of
// a command, as in bash -c "cat > FILE <<EOF ...": there each quote has one.
func unquoted(text string) string {
	if n := strings.Count(text, `"`); n == 0 || n != strings.Count(text, `\"`) {
		return text
	}
	return strings.NewReplacer(`\"`, `"`, `\$`, "$").Replace(text)
}

// bodyEnd finds the line that holds the word alone.
func bodyEnd(text string, begin int, word string) (end, next int) {
	for at := begin; at < len(text); {
		nl := strings.IndexByte(text[at:], '\n')
		line := text[at:]
		if nl >= 0 {
			line = text[at : at+nl]
		}
		if strings.TrimSpace(line) == word {
			return at, at + len(line)
		}
		if nl < 0 {
			break
		}
		at += nl + 1
	}
	return -1, begin
}

// outdent takes the common indentation away.
func outdent(text string) string {
	lines := strings.Split(text, "\n")
	least := -1
	for _, l := range lines {
		if t := strings.TrimLeft(l, " \t"); t != "" && (least < 0 || len(l)-len(t) < least) {
			least = len(l) - len(t)
		}
	}
	for i, l := range lines {
		lines[i] = l[min(max(least, 0), len(l)):]
	}
	return strings.Join(lines, "\n")
}

// syntax says what is wrong with YAML.
func syntax(text string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be parsed: %v", r)
		}
	}()
	return yaml.Unmarshal([]byte(text), &yaml.Node{})
}

// documents parses YAML of several documents. What cannot be parsed gives none.
func documents(text string) (out []*yaml.Node) {
	defer func() {
		if recover() != nil { // a parser's mistake is not the user's
			out = nil
		}
	}()
	d := yaml.NewDecoder(strings.NewReader(text))
	for range 64 {
		var n yaml.Node
		if d.Decode(&n) != nil {
			break
		}
		if len(n.Content) == 1 {
			out = append(out, n.Content[0])
		}
	}
	return out
}

// document returns the first document of a text when it is a mapping, and why it is not
// looked at when its aliases make too much of it.
func document(text string) (doc *yaml.Node, why string) {
	docs := documents(text)
	switch {
	case len(docs) == 0 || docs[0].Kind != yaml.MappingNode:
		return nil, ""
	case weight(docs[0], map[*yaml.Node]bool{}, map[*yaml.Node]int{}) > maxNodes:
		return nil, "its aliases refer to themselves, or to more than anybody writes"
	}
	return docs[0], ""
}

// maxNodes bounds what aliases may make of a text.
const maxNodes = 100_000

// weight counts the nodes of a document with its aliases followed. One that refers
// to itself, or to so much that no one wrote it, weighs more than maxNodes.
func weight(n *yaml.Node, under map[*yaml.Node]bool, known map[*yaml.Node]int) int {
	if w, ok := known[n]; ok {
		return w
	}
	if under[n] {
		return maxNodes + 1
	}
	under[n] = true
	sum := 1
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		sum += weight(n.Alias, under, known)
	}
	for _, c := range n.Content {
		sum = min(sum+weight(c, under, known), maxNodes+1)
	}
	delete(under, n)
	known[n] = sum
	return sum
}

// valueOf returns a key's value of a mapping, nil when it has none. An alias is the
// value that it refers to, and a key that is merged in (<<) counts.
func valueOf(n *yaml.Node, key string) *yaml.Node { return valueWithin(n, key, 0) }

func valueWithin(n *yaml.Node, key string, depth int) (found *yaml.Node) {
	n = aliased(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > 8 {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch v := aliased(n.Content[i+1]); {
		case n.Content[i].Value == key:
			return v
		case n.Content[i].Value != "<<" || found != nil:
		case v.Kind == yaml.SequenceNode:
			for _, merged := range v.Content {
				if found = valueWithin(merged, key, depth+1); found != nil {
					break
				}
			}
		default:
			found = valueWithin(v, key, depth+1)
		}
	}
	return found
}

func aliased(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// lineOf returns the line of a key of a mapping.
func lineOf(n *yaml.Node, key string) int {
	for i := 0; n != nil && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i].Line
		}
	}
	return 0
}

// scalars finds compose text in YAML of another kind: block scalars, as in
// Ansible's copy, and mappings with services, as in its docker_compose.
func scalars(text string) []embedding {
	var out []embedding
	for _, d := range documents(text) {
		walk(d, 0, func(n *yaml.Node) bool {
			switch {
			case n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "services:"):
				out = append(out, embedding{text: n.Value, line: n.Line})
			case n.Kind == yaml.MappingNode && valueOf(n, "services") != nil && valueOf(n, "services").Kind == yaml.MappingNode:
				if made, err := yaml.Marshal(n); err == nil {
					out = append(out, embedding{text: string(made), line: n.Line, services: valueOf(n, "services")})
				}
				return false
			}
			return true
		})
	}
	return out
}

// walk visits nodes while the function wants to go deeper. Aliases are not
// followed: they can multiply without end.
func walk(n *yaml.Node, depth int, visit func(*yaml.Node) bool) {
	if n == nil || depth > maxDepth || !visit(n) {
		return
	}
	for _, c := range n.Content {
		walk(c, depth+1, visit)
	}
}
