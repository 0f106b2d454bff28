package source

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// largestStructured is how long a structured file may be: nobody writes more by
// hand.
const largestStructured = 256 << 10

// deepest is how many brackets may stand inside each other; the parsers recurse.
const deepest = 200

func tooDeep(text string) bool {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[', '(':
			if depth++; depth > deepest {
				return true
			}
		case '}', ']', ')':
			depth = max(0, depth-1)
		}
	}
	return len(text) > largestStructured
}

// saysSomething reports a file that says anything about machines or services; most
// files of a repository need not be parsed.
func saysSomething(text string) bool {
	return strings.Contains(text, "services:") || strings.Contains(text, "vmid") || strings.Contains(text, "vm_id") || mayHoldAddress(text)
}

// readYAML reads YAML that starts at an offset of its page.
func readYAML(p *Page, text string, base int, here *Section, machine bool) {
	if tooDeep(text) || !saysSomething(text) {
		return
	}
	y := &yamlReader{text: text, base: base, starts: lineStarts(text)}
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) || err != nil {
			return
		}
		root := y.branch(&doc, 0)
		r := &treeReader{Page: p, here: here, machine: machine && !p.Past}
		if services := root.child("services"); services != nil && isCompose(services) {
			r.compose(services)
			continue
		}
		r.groupVars(root)
		if !r.hostVars(root) {
			r.machines(root, 0)
		}
	}
}

// A yamlReader turns nodes into branches with offsets.
type yamlReader struct {
	text   string
	base   int
	starts []int
}

func (y *yamlReader) branch(n *yaml.Node, depth int) *branch {
	b := &branch{}
	if depth > 60 {
		return b
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) > 0 {
			return y.branch(n.Content[0], depth+1)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			c := y.branch(n.Content[i+1], depth+1)
			key := n.Content[i]
			c.key = Value{Role: Name, Text: key.Value, Norm: key.Value, Off: y.offset(key)}
			b.children = append(b.children, c)
		}
	case yaml.SequenceNode:
		b.list = true
		for _, item := range n.Content {
			b.children = append(b.children, y.branch(item, depth+1))
		}
	case yaml.ScalarNode:
		b.text, b.off = n.Value, y.offset(n)
		b.literal = b.off >= 0 && !strings.Contains(n.Value, "{{") && !strings.Contains(n.Value, "${")
	}
	return b
}

// offset is where the text of a scalar stands, -1 where it does not stand so.
func (y *yamlReader) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(y.starts) {
		return -1
	}
	off := y.starts[n.Line-1]
	for i := 1; i < n.Column && off < len(y.text); i++ {
		_, size := utf8.DecodeRuneInString(y.text[off:])
		off += size
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		off++
	}
	if n.Value == "" || off > len(y.text) || !strings.HasPrefix(y.text[off:], n.Value) {
		return -1
	}
	return y.base + off
}

func isCompose(services *branch) bool {
	for _, s := range services.children {
		if s.child("image") != nil || s.child("build") != nil || s.child("extends") != nil {
			return true
		}
	}
	return false
}

// compose reads the services of a compose file.
func (r *treeReader) compose(services *branch) {
	for _, s := range services.children {
		e := Entry{Section: r.here, Form: Compose, Name: s.key, Table: -1, Service: true}
		if image := s.child("image"); image != nil {
			e.Values = append(e.Values, Value{Role: Image, Text: image.text, Norm: image.text, Off: max(0, image.off)})
		}
		if c := s.child("container_name"); c != nil && c.literal {
			e.Values = append(e.Values, Value{Role: Name, Text: c.text, Norm: c.text, Off: c.off})
		}
		ports, whole := publishedPorts(services, s)
		e.Values, e.Partial = append(e.Values, ports...), !whole
		r.Entries = append(r.Entries, e)
	}
}

var portMapping = regexp.MustCompile(`^(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(?:(\d{1,5})|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-(\d{1,5}))?\}|\$([A-Za-z_][A-Za-z0-9_]*)):([^:/]*)(?:/(?:tcp|udp))?$`)

// publishedPorts are the ports of the host by which a service is reached: its own,
// or those of the service whose network it has. Where one of them cannot be read, or
// none is open to others than the host, by which it is reached is not known. A port that
// a variable gives has its name as label.
func publishedPorts(services, s *branch) (out []Value, whole bool) {
	if mode := s.child("network_mode"); mode != nil {
		other, ok := strings.CutPrefix(mode.text, "service:")
		if s = services.child(other); !ok || s == nil || s.child("network_mode") != nil {
			return nil, false
		}
	}
	ports := s.child("ports")
	if s.child("extends") != nil || ports == nil || len(ports.children) == 0 {
		return nil, false
	}
	open := false
	for _, p := range ports.children {
		if published := p.child("published"); published != nil {
			inside := "0"
			if target := p.child("target"); target != nil {
				inside = target.text
			}
			p = &branch{text: published.text + ":" + inside, off: published.off}
		}
		m := portMapping.FindStringSubmatchIndex(p.text)
		if m == nil || p.off < 0 {
			return nil, false
		}
		open = open || m[2] < 0 || !strings.HasPrefix(p.text, "127.")
		inside := p.text[m[12]:m[13]]
		out = append(out, portOf(p, m), Value{Role: Inside, Text: inside, Norm: trimZeros(inside), Off: p.off + m[12]})
	}
	return out, open
}

func portOf(p *branch, m []int) Value {
	group := func(i int) string {
		if m[2*i] < 0 {
			return ""
		}
		return p.text[m[2*i]:m[2*i+1]]
	}
	at := func(i int) Value {
		return Value{Role: Port, Text: group(i), Norm: trimZeros(group(i)), Off: p.off + m[2*i]}
	}
	switch {
	case group(2) != "":
		return at(2)
	case group(3) != "":
		v := at(3)
		v.Label, v.Norm = group(3), trimZeros(group(4))
		return v
	}
	v := at(5)
	v.Label, v.Norm = group(5), ""
	return v
}
