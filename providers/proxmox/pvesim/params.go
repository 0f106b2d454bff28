package pvesim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// param describes one parameter or one key of a property string. It is
// written as a word:
//
//	[*]name[[max]][=alias][!][:type][(a|b)][>=min][<=max][~maxlen][@format][{release}][/regexp/]
//
// A leading * marks the default key of a property string, [max] an indexed
// name (net[31] is net0 to net31), ! what must be given. Types are s (string),
// i, n, b and a (list). {9.1} is the first release that has it, {<9.1} the first
// that has not. A format is a check by name or a property string.
type param struct {
	name     string
	index    int // highest index, -1 for a plain name
	alias    string
	keyAlias string // the key that names the alias: model of a network
	required bool
	dflt     bool // default key
	typ      byte
	enum     []string
	min, max *float64
	maxLen   int
	format   string
	pattern  *regexp.Regexp
	since    string // the first release that knows it
	until    string // the first that does not any more
}

// String is the parameter's name.
func (p *param) String() string { return p.name }

// params is a set of descriptions, in the order they were written.
type params struct {
	list  []*param
	names map[string]*param
}

func (ps *params) add(p *param) {
	ps.list = append(ps.list, p)
	if p.index < 0 {
		ps.names[p.name] = p
		return
	}
	for i := 0; i <= p.index; i++ {
		ps.names[p.name+itoa(i)] = p
	}
}

// of returns what a release knows of the set.
func (ps *params) of(release string) *params {
	out := &params{names: map[string]*param{}}
	for _, p := range ps.list {
		if release >= p.since && (p.until == "" || release < p.until) {
			out.add(p)
		}
	}
	return out
}

// find returns the description of a name, nil when there is none.
func (ps *params) find(name string) *param { return ps.names[name] }

// with returns the union of two sets.
func (ps *params) with(more *params) *params {
	out := &params{names: map[string]*param{}}
	for _, set := range []*params{ps, more} {
		for _, p := range set.list {
			out.add(p)
		}
	}
	return out
}

// parseParams reads a table of parameters. A mistake in it is a bug.
func parseParams(table string) *params {
	ps := &params{names: map[string]*param{}}
	for _, word := range strings.Fields(table) {
		ps.add(parseParam(word))
	}
	return ps
}

func parseParam(word string) *param {
	p := &param{index: -1, typ: 's'}
	rest := word
	if strings.HasPrefix(rest, "*") {
		p.dflt, rest = true, rest[1:]
	}
	end := strings.IndexAny(rest, "[=!:(><~@/{")
	if end < 0 {
		end = len(rest)
	}
	p.name, rest = rest[:end], rest[end:]
	for rest != "" {
		rest = p.parsePart(rest)
	}
	return p
}

// parsePart reads one property of the word and returns what follows it.
func (p *param) parsePart(s string) string {
	until := func(from int, stop string) (string, string) {
		i := strings.IndexAny(s[from:], stop)
		if i < 0 {
			return s[from:], ""
		}
		return s[from : from+i], s[from+i:]
	}
	var v, rest string
	switch {
	case s[0] == '[':
		v, rest = until(1, "]")
		p.index = atoi(v)
		return rest[1:]
	case s[0] == '!':
		p.required = true
		return s[1:]
	case strings.HasPrefix(s, ">="), strings.HasPrefix(s, "<="):
		v, rest = until(2, "<>~@/({")
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			panic("pvesim: bad bound in parameter table: " + s)
		}
		if s[0] == '>' {
			p.min = &f
		} else {
			p.max = &f
		}
		return rest
	case s[0] == '=':
		p.alias, rest = until(1, "!:(><~@/^{")
		if strings.HasPrefix(rest, "^") {
			p.keyAlias, rest = rest[1:], ""
		}
		return rest
	case s[0] == ':':
		p.typ = s[1]
		return s[2:]
	case s[0] == '(':
		v, rest = until(1, ")")
		p.enum = strings.Split(v, "|")
		return rest[1:]
	case s[0] == '~':
		v, rest = until(1, "@/({")
		p.maxLen = atoi(v)
		return rest
	case s[0] == '@':
		p.format, rest = until(1, "/{")
		return rest
	case s[0] == '{':
		v, rest = until(1, "}")
		if before, old := strings.CutPrefix(v, "<"); old {
			p.until = before
		} else {
			p.since = v
		}
		return rest[1:]
	case s[0] == '/':
		p.pattern = regexp.MustCompile("^(?:" + strings.TrimSuffix(s[1:], "/") + ")$")
		return ""
	}
	panic("pvesim: bad parameter table: " + s)
}

// formats holds the named formats: checks of a value, and property strings.
type formats struct {
	checks map[string]func(string) error
	props  map[string]*params
}

// check tests a value and returns the text of PVE's error, or "".
func (f *formats) check(path string, p *param, value string) string {
	if msg := checkType(p, value); msg != "" {
		return msg
	}
	if p.maxLen > 0 && len([]rune(value)) > p.maxLen {
		return fmt.Sprintf("value may only be %d characters long", p.maxLen)
	}
	if p.format != "" {
		if err := f.checkFormat(path, p.format, value); err != nil {
			return "invalid format - " + err.Error() + "\n"
		}
	}
	if p.pattern != nil && !p.pattern.MatchString(value) {
		return "value does not match the regex pattern"
	}
	if p.enum != nil && !slices.Contains(p.enum, value) {
		return fmt.Sprintf("value '%s' does not have a value in the enumeration '%s'", value, strings.Join(p.enum, ", "))
	}
	return ""
}

func (f *formats) checkFormat(path, name, value string) error {
	if props, ok := f.props[name]; ok {
		_, err := f.parseProps(props, path, value)
		return err
	}
	if check, ok := f.checks[name]; ok {
		return check(value)
	}
	panic("pvesim: unknown format " + name)
}

func checkType(p *param, value string) string {
	var f float64
	var err error
	switch p.typ {
	case 'b':
		if value != "0" && value != "1" {
			return fmt.Sprintf("type check ('boolean') failed - got '%s'", value)
		}
		return ""
	case 'i':
		var n int64
		if n, err = strconv.ParseInt(value, 10, 64); err != nil {
			return fmt.Sprintf("type check ('integer') failed - got '%s'", value)
		}
		f = float64(n)
	case 'n':
		if f, err = strconv.ParseFloat(value, 64); err != nil {
			return fmt.Sprintf("type check ('number') failed - got '%s'", value)
		}
	default:
		return ""
	}
	if p.min != nil && f < *p.min {
		return "value must have a minimum value of " + trimFloat(*p.min)
	}
	if p.max != nil && f > *p.max {
		return "value must have a maximum value of " + trimFloat(*p.max)
	}
	return ""
}

func trimFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
