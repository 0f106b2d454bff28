package factcheck

import (
	"iter"
	"regexp"
	"strings"
)

// linesOf yields the lines of a text with their offsets.
func linesOf(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for off := 0; off < len(text); {
			end := strings.IndexByte(text[off:], '\n')
			if end < 0 {
				yield(off, text[off:])
				return
			}
			if !yield(off, text[off:off+end]) {
				return
			}
			off += end + 1
		}
	}
}

var (
	configKey   = regexp.MustCompile(`^([ \t]*)((?:-[ \t]+)*)["']?([A-Za-z_][A-Za-z0-9_. /-]*?)["']?[ \t]*[:=][ \t]*(.*?)[ \t,]*$`)
	blockOpen   = regexp.MustCompile(`^[ \t]*(?:[A-Za-z_][\w-]*)((?:[ \t]+"[^"]*")*)[ \t]*\{[ \t]*$`)
	keyedOpen   = regexp.MustCompile(`^[ \t]*["']?([A-Za-z_][\w.-]*)["']?[ \t]*[:=][ \t]*(?:\w+\()?[\{\[][ \t]*$`)
	inlineMap   = regexp.MustCompile(`^[ \t]*(?:-[ \t]+)?(?:["']?([A-Za-z_][\w.-]*)["']?[ \t]*[:=][ \t]*)?\{(.+)\}[ \t,]*$`)
	inlinePair  = regexp.MustCompile(`["']?([A-Za-z_][\w.-]*)["']?[ \t]*[:=][ \t]*("[^"]*"|'[^']*'|[^,{}\[\]]+)`)
	iniHost     = regexp.MustCompile(`^[ \t]*([A-Za-z0-9][\w.-]*)[ \t]+(ansible_host|ansible_ssh_host)=(\S+)`)
	lineComment = regexp.MustCompile(`(?:^|[ \t])(?:#|//)(.*)$`)
	quoted      = regexp.MustCompile(`"([^"]*)"`)
)

// A scope is a mapping or block that is open while lines are read.
type scope struct {
	indent int
	brace  bool
	title  string
	rec    *record
}

// A configReader reads YAML, HCL, Python literals and INI by their lines. It is no
// parser of any of them: it needs keys, values and what belongs together, also
// from files that are broken or half a template.
type configReader struct {
	*file
	base  int
	roles map[string]string
	here  section
	open  []*scope
	done  []*record
}

// readConfig reads a text that starts at an offset of its file.
func readConfig(f *file, text string, base int, roles map[string]string, here section) {
	r := &configReader{file: f, base: base, roles: roles, here: here}
	r.push(-1, false, "")
	for off, line := range linesOf(text) {
		r.configLine(base+off, line)
	}
	for len(r.open) > 0 {
		r.pop()
	}
	for _, rec := range r.done {
		f.records = append(f.records, *rec)
	}
}

func (r *configReader) push(indent int, brace bool, title string) {
	r.open = append(r.open, &scope{indent: indent, brace: brace, title: title, rec: &record{section: r.here, weight: 1}})
}

// pop closes the innermost scope. What it says belongs to the nearest thing with a
// name: its own, or the one around it.
func (r *configReader) pop() {
	s := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	if s.rec.subject.text == "" {
		if s.title != "" && !settings[normal(s.title)] {
			s.rec.subject = field{text: s.title, off: -1}
		} else if len(r.open) > 1 {
			outer := r.open[len(r.open)-1].rec
			outer.fields = append(outer.fields, s.rec.fields...)
			return
		}
	}
	if len(s.rec.fields) > 0 && s.rec.subject.text != "" {
		r.done = append(r.done, s.rec)
	}
}

// settings are blocks that describe the thing around them.
var settings = map[string]bool{
	"network": true, "networks": true, "networkinterface": true, "initialization": true, "ipconfig": true, "ipv4": true, "memory": true, "cpu": true, "disk": true, "dns": true,
	"vars": true, "networkdevice": true, "rootfs": true, "clone": true, "agent": true, "cloudinit": true, "mount": true, "features": true, "ipam": true, "config": true, "default": true,
}

func (r *configReader) configLine(off int, line string) {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" {
		return
	}
	if m := lineComment.FindStringSubmatchIndex(line); m != nil && !strings.Contains(line[:m[2]], "://") {
		r.units = append(r.units, unit{text: line[m[2]:m[3]], off: off + m[2], section: r.here, code: true})
		line = line[:m[0]]
		if strings.TrimSpace(line) == "" {
			return
		}
	}
	if strings.Trim(trimmed, "}]),;") == "" {
		r.closeBrace()
		return
	}
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	r.closeTo(indent)
	switch {
	case r.host(off, line), r.inline(off, line):
	case blockOpen.MatchString(line):
		title := ""
		if labels := quoted.FindAllStringSubmatch(line, -1); labels != nil {
			title = labels[len(labels)-1][1]
		} else {
			title = strings.Fields(line)[0]
		}
		r.push(indent, true, title)
	case keyedOpen.MatchString(line):
		r.push(indent, true, keyedOpen.FindStringSubmatch(line)[1])
	default:
		r.pair(off, line, indent)
	}
}

// closeTo closes the scopes of YAML that a line of this indentation ends.
func (r *configReader) closeTo(indent int) {
	for len(r.open) > 1 {
		s := r.open[len(r.open)-1]
		if s.brace || s.indent < indent {
			return
		}
		r.pop()
	}
}

func (r *configReader) closeBrace() {
	for len(r.open) > 1 {
		brace := r.open[len(r.open)-1].brace
		r.pop()
		if brace {
			return
		}
	}
}

// host reads a line of an Ansible inventory.
func (r *configReader) host(off int, line string) bool {
	m := iniHost.FindStringSubmatchIndex(line)
	if m == nil {
		return false
	}
	r.records = append(r.records, record{
		section: r.here, weight: 1, subject: field{text: line[m[2]:m[3]], off: off + m[2]},
		fields: []field{{[]string{KindAddress}, line[m[6]:m[7]], off + m[6]}},
	})
	return true
}

// inline reads a mapping that stands on one line.
func (r *configReader) inline(off int, line string) bool {
	m := inlineMap.FindStringSubmatchIndex(line)
	if m == nil {
		return false
	}
	rec := record{section: r.here, weight: 1}
	if m[2] >= 0 {
		rec.subject = field{text: line[m[2]:m[3]], off: off + m[2]}
	}
	for _, p := range inlinePair.FindAllStringSubmatchIndex(line[m[4]:m[5]], -1) {
		r.field(&rec, line[m[4]+p[2]:m[4]+p[3]], line[m[4]+p[4]:m[4]+p[5]], off+m[4]+p[4])
	}
	if len(rec.fields) == 0 {
		return false // names and values, not a thing and its fields
	}
	if rec.subject.text != "" {
		r.records = append(r.records, rec)
	}
	return true
}

// pair reads a key and its value.
func (r *configReader) pair(off int, line string, indent int) {
	m := configKey.FindStringSubmatchIndex(line)
	if m == nil {
		r.units = append(r.units, unit{text: line, off: off, section: r.here, code: true})
		return
	}
	key, value := line[m[6]:m[7]], line[m[8]:m[9]]
	if m[5] > m[4] { // an item of a list begins a thing of its own
		r.push(indent, false, "")
	}
	at := m[6]
	if value == "" || value == "|" || value == ">" {
		r.push(at, false, key)
		return
	}
	if !r.field(r.open[len(r.open)-1].rec, key, value, off+m[8]) {
		r.units = append(r.units, unit{text: line, off: off, section: r.here, code: true})
	}
}

// field adds a value to a record and reports whether the key has a role.
func (r *configReader) field(rec *record, key, value string, off int) bool {
	role := r.roles[normal(key)]
	lead := len(value) - len(strings.TrimLeft(value, " \t\"'"))
	value, off = value[lead:], off+lead
	value = strings.TrimRight(value, " \t\"',")
	switch role {
	case roleIgnore, roleService, KindURL:
		return false
	case roleName, roleHost:
		if rec.subject.text == "" && plainName.MatchString(value) {
			rec.subject = field{text: value, off: off}
		}
		return true
	}
	if strings.ContainsAny(value, "${}") && !strings.Contains(value, ".") || strings.HasPrefix(value, "var.") || strings.HasPrefix(value, "local.") || strings.Contains(value, "{{") {
		return true // a template says nothing
	}
	rec.fields = append(rec.fields, field{[]string{role}, value, off})
	return true
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$`)
