package wiring

import "strings"

// A block is a directive of nginx or of a Caddyfile, with what stands between its braces.
type block struct {
	file  File
	line  int
	words []string
	body  []block // nil without braces
}

func (b *block) place() string { return at(b.file.Name, b.line) }

// is reports a directive of a name, with some words after it.
func (b *block) is(name string, words int) bool { return len(b.words) > words && b.words[0] == name }

// A scanner splits a configuration in words, braces and ends of directives. In nginx a
// directive ends at a semicolon, in a Caddyfile at the end of the line.
type scanner struct {
	text   string
	file   File
	pos    int
	line   int
	byLine bool
	count  int // of blocks
}

// blocks reads directives up to a closing brace.
func (s *scanner) blocks(depth int) []block {
	out := []block{}
	b := block{file: s.file}
	end := func() {
		if len(b.words) > 0 || b.body != nil {
			out = append(out, b)
			s.count++
		}
		b = block{file: s.file}
	}
	for {
		w, quoted := s.next()
		if b.words == nil {
			b.line = s.line
		}
		switch {
		case w == "" && !quoted || w == "}" && !quoted:
			end()
			return out
		case w == "\n" && !quoted && depth == 0 && len(b.words) > 0 && strings.HasSuffix(b.words[len(b.words)-1], ","):
			// the addresses of a site of Caddy go on in the next line
		case w == ";" && !quoted && !s.byLine, w == "\n" && !quoted:
			end()
		case w == "{" && !quoted:
			if depth > maxDepth {
				return out
			}
			b.body = s.blocks(depth + 1)
			end()
		default:
			b.words = append(b.words, w)
		}
	}
}

// next returns a word. In nginx a brace ends a word; in a Caddyfile it is a word only
// when it stands alone, since {$NAME} is a variable.
func (s *scanner) next() (word string, quoted bool) {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '\n':
			s.pos++
			s.line++
			if s.byLine {
				return "\n", false
			}
		case c == ' ' || c == '\t' || c == '\r':
			s.pos++
		case s.byLine && c == '\\' && strings.HasPrefix(s.text[s.pos+1:], "\n"):
			s.pos, s.line = s.pos+2, s.line+1
		case c == '#':
			for s.pos < len(s.text) && s.text[s.pos] != '\n' {
				s.pos++
			}
		case c == '"' || c == '\'' && !s.byLine || c == '`' && s.byLine:
			return s.quoted(c), true
		case c == ';' && !s.byLine:
			s.pos++
			return ";", false
		case (c == '{' || c == '}') && (!s.byLine || s.alone()):
			s.pos++
			return string(c), false
		default:
			return s.bare(), false
		}
	}
	return "", false
}

func (s *scanner) alone() bool {
	return s.pos+1 >= len(s.text) || strings.IndexByte(" \t\r\n", s.text[s.pos+1]) >= 0
}

func (s *scanner) quoted(q byte) string {
	start := s.pos + 1
	for s.pos++; s.pos < len(s.text) && s.text[s.pos] != q; s.pos++ {
		if s.text[s.pos] == '\\' {
			s.pos++
		} else if s.text[s.pos] == '\n' {
			s.line++
		}
	}
	word := s.text[start:min(s.pos, len(s.text))]
	s.pos = min(s.pos+1, len(s.text))
	return word
}

func (s *scanner) bare() string {
	stops := " \t\r\n;{}"
	if s.byLine {
		stops = " \t\r\n"
	}
	start := s.pos
	for s.pos < len(s.text) && strings.IndexByte(stops, s.text[s.pos]) < 0 {
		// ${name} is a word of nginx, with its braces.
		if !s.byLine && s.text[s.pos] == '$' && strings.HasPrefix(s.text[s.pos:], "${") {
			if i := strings.IndexByte(s.text[s.pos:], '}'); i > 0 {
				s.pos += i
			}
		}
		s.pos++
	}
	if s.pos == start { // a stop that is nobody's: never stand still
		s.pos++
	}
	return s.text[start:s.pos]
}
