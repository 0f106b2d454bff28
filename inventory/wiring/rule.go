package wiring

import (
	"slices"
	"strings"
)

// A Match is what a rule of Traefik lets through: requests for some of the names and
// some of the beginnings of paths. None of the one or the other is every one.
type Match struct {
	Hosts, Paths []string
	Exact        bool   // the paths are whole ones, and no beginnings
	Narrow       bool   // it asks for something else beside names and paths
	Unread       string // what of it was not understood
}

// maxMatches bounds the ways in which a rule may let something through.
const maxMatches = 64

// Rule reads a rule of Traefik v2 or v3 (doc.traefik.io, rules and priority): each way in
// which it lets requests through. What it does not read is named.
func Rule(rule string) []Match {
	if rule == "" {
		return []Match{{Unread: "it has no rule"}}
	}
	p := ruleParser{rest: rule}
	out, ok := p.or(0)
	if !ok || strings.TrimSpace(p.rest) != "" || len(out) > maxMatches {
		return []Match{{Unread: "its rule is not understood"}}
	}
	out = joined(out)
	for i := range out {
		m := &out[i]
		if len(m.Hosts)+len(m.Paths) == 0 && m.Unread == "" {
			m.Unread = "its rule names no host"
		}
		m.Hosts = slices.DeleteFunc(m.Hosts, func(h string) bool { return h == "*" }) // HostSNI(`*`) is every name
	}
	return out
}

// joined puts ways together that differ in nothing but their names.
func joined(list []Match) (out []Match) {
	for _, m := range list {
		slices.Sort(m.Hosts)
		slices.Sort(m.Paths)
		same := func(o Match) bool {
			return slices.Equal(o.Paths, m.Paths) && o.Exact == m.Exact && o.Narrow == m.Narrow && o.Unread == m.Unread && len(o.Hosts) > 0 && len(m.Hosts) > 0
		}
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i].Hosts = append(out[i].Hosts, m.Hosts...)
			slices.Sort(out[i].Hosts)
			out[i].Hosts = slices.Compact(out[i].Hosts)
		} else {
			out = append(out, m)
		}
	}
	return out
}

type ruleParser struct{ rest string }

func (p *ruleParser) take(token string) bool {
	p.rest = strings.TrimSpace(p.rest)
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *ruleParser) or(depth int) (out []Match, ok bool) {
	for first := true; first || p.take("||"); first = false {
		some, ok := p.and(depth)
		if out = append(out, some...); !ok || len(out) > maxMatches {
			return out, false
		}
	}
	return out, true
}

func (p *ruleParser) and(depth int) ([]Match, bool) {
	out := []Match{{}}
	for first := true; first || p.take("&&"); first = false {
		some, ok := p.one(depth)
		if !ok || len(out)*len(some) > maxMatches {
			return out, false
		}
		var both []Match
		for _, a := range out {
			for _, b := range some {
				both = append(both, a.and(b))
			}
		}
		out = both
	}
	return out, true
}

func (p *ruleParser) one(depth int) ([]Match, bool) {
	switch {
	case depth > maxDepth:
		return nil, false
	case p.take("!"):
		_, ok := p.one(depth + 1)
		return []Match{{Unread: "a part of its rule is a negation"}}, ok
	case p.take("("):
		out, ok := p.or(depth + 1)
		return out, ok && p.take(")")
	}
	end := strings.IndexByte(p.rest, '(')
	if end < 1 {
		return nil, false
	}
	name := p.rest[:end]
	p.rest = p.rest[end+1:]
	words, ok := p.words()
	return []Match{matcher(strings.ToLower(strings.TrimSpace(name)), words)}, ok
}

// words reads the arguments of a matcher, with its closing parenthesis.
func (p *ruleParser) words() (out []string, ok bool) {
	for !p.take(")") {
		if p.rest == "" || strings.IndexByte("`\"'", p.rest[0]) < 0 {
			return nil, false
		}
		end := strings.IndexByte(p.rest[1:], p.rest[0])
		if end < 0 {
			return nil, false
		}
		out = append(out, p.rest[1:end+1])
		p.rest = p.rest[end+2:]
		p.take(",")
	}
	return out, true
}

// matcher is what one matcher lets through. One that looks at something else than names
// and paths narrows requests down that are for the same service.
func matcher(name string, words []string) (m Match) {
	switch name {
	case "host", "hostheader", "hostsni":
		for _, w := range words {
			if h := host(strings.TrimPrefix(w, "*.")); h != "" || w == "*" {
				m.Hosts = append(m.Hosts, strings.ToLower(w))
			} else if strings.Contains(w, hole) {
				m.Unread = "its rule is a template"
			} else {
				m.Unread = "one of its names is a pattern"
			}
		}
	case "path", "pathprefix":
		m.Exact = name == "path"
		for _, w := range words {
			before, _, pattern := strings.Cut(w, "{")
			if m.Paths = append(m.Paths, before); pattern {
				m.Unread = pathPattern
			}
		}
	case "pathregexp":
		m.Unread = pathPattern
	case "hostregexp", "hostsniregexp":
		m.Unread = "a part of its rule is a pattern of names"
	default:
		m.Narrow = true
	}
	return m
}

// and is what both let through.
func (m Match) and(o Match) Match {
	out := Match{Hosts: m.Hosts, Paths: m.Paths, Exact: m.Exact, Narrow: m.Narrow || o.Narrow, Unread: m.Unread}
	if len(out.Hosts) == 0 {
		out.Hosts = o.Hosts
	} else if len(o.Hosts) > 0 {
		out.Unread = "its rule asks for two names at once"
	}
	if len(out.Paths) == 0 {
		out.Paths, out.Exact = o.Paths, o.Exact
	} else if len(o.Paths) > 0 {
		out.Unread = pathPattern
	}
	if o.Unread != "" {
		out.Unread = o.Unread
	}
	out.Hosts, out.Paths = slices.Clone(out.Hosts), slices.Clone(out.Paths)
	return out
}
