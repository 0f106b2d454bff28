package source

import (
	"encoding/xml"
	"iter"
	"regexp"
	"strings"
)

// linesOf yields the lines of a text with their offsets, without blanks at the end.
func linesOf(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for off := 0; off < len(text); {
			end := strings.IndexByte(text[off:], '\n')
			if end < 0 {
				yield(off, strings.TrimRight(text[off:], " \t"))
				return
			}
			if !yield(off, strings.TrimRight(text[off:off+end], " \t")) {
				return
			}
			off += end + 1
		}
	}
}

// comments notes the lines that are comments.
func (p *Page) comments(marks ...string) {
	for off, line := range linesOf(p.text) {
		t := strings.TrimLeft(line, " \t")
		for _, m := range marks {
			if rest, ok := strings.CutPrefix(t, m); ok && !p.lex.past.line(rest) {
				p.Lines = append(p.Lines, Line{Section: &Section{}, Text: rest, Off: off + len(line) - len(rest), Code: true})
				break
			}
		}
	}
}

var hostLine = regexp.MustCompile(`^[ \t]*([A-Za-z0-9][\w.-]*)[ \t]+(?:[^#]*[ \t])?ansible_(?:ssh_)?host=([^\s#]+)`)

// readHosts reads an Ansible inventory in INI form.
func readHosts(p *Page, text string, base int, here *Section, machine bool) {
	for off, line := range linesOf(text) {
		m := hostLine.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		values := valuesOf(column{role: Address}, line[m[4]:m[5]], base+off+m[4])
		if len(values) != 1 {
			continue
		}
		p.Entries = append(p.Entries, Entry{
			Section: here, Form: Listing, Table: -1, Machine: machine && !p.Past, Values: values,
			Name: Value{Role: Name, Text: line[m[2]:m[3]], Norm: line[m[2]:m[3]], Off: base + off + m[2]},
		})
	}
}

var (
	assignment = regexp.MustCompile(`^[ \t]*(?:export[ \t]+)?([A-Za-z][A-Za-z0-9_]*)[ \t]*[:=][ \t]*["']?(?:https?://)?((?:\d{1,3}\.){3}\d{1,3})(?:[:/][^"'\s]*)?["']?[ \t]*(?:#.*)?$`)
	nameSuffix = regexp.MustCompile(`(?i)_(?:ip|host|addr|address|ip_address|hostname|ipaddr)$`)
)

var variable = regexp.MustCompile(`^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=["']?([0-9]{1,5})["']?[ \t]*(?:#.*)?$`)

// readEnvironment reads NAME_IP=192.168.40.3, and the numbers of other variables.
func readEnvironment(p *Page) {
	for off, line := range linesOf(p.text) {
		if m := variable.FindStringSubmatch(line); m != nil {
			if p.Numbers == nil {
				p.Numbers = map[string]string{}
			}
			p.Numbers[m[1]] = m[2]
		}
		m := assignment.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		key := line[m[2]:m[3]]
		cut := nameSuffix.FindStringIndex(key)
		if cut == nil || cut[0] < 2 {
			continue
		}
		p.Entries = append(p.Entries, Entry{
			Section: &Section{}, Form: Listing, Table: -1, Values: valuesOf(column{role: Address}, line[m[4]:m[5]], off+m[4]),
			Name: Value{Role: Name, Text: key[:cut[0]], Norm: strings.ReplaceAll(key[:cut[0]], "_", "-"), Off: off + m[2]},
		})
	}
}

var (
	mapOpen    = regexp.MustCompile(`(?i)^[ \t]*(?:(?:const|let|var|declare -A)[ \t]+)?([A-Za-z_]*(?:vm|ct|lxc|guest|container)[A-Za-z_]*)[ \t]*(?::[^=]*)?=[ \t]*[{(\[][ \t]*(?:#.*)?$`)
	numberName = regexp.MustCompile(`^[ \t]*[\["']{0,2}(\d{3,9})["'\]]{0,2}[ \t]*[:=][ \t]*["']([A-Za-z][A-Za-z0-9._-]{1,62})["'][ \t]*,?[ \t]*(?:#.*)?$`)
	nameTuple  = regexp.MustCompile(`^[ \t]*["']([A-Za-z][A-Za-z0-9._ -]{1,62})["'][ \t]*[:=][ \t]*[(\[][ \t]*(.*?)[ \t]*[)\]][ \t]*,?[ \t]*(?:#.*)?$`)
	saidOrder  = regexp.MustCompile(`#.*?[(\[]([A-Za-z_ ]+(?:,[A-Za-z_ ]+)+)[)\]]`)
	tupleItem  = regexp.MustCompile(`["']([^"']*)["']|(\d+)`)
)

// namesGuests reports the first line of a map from guests to their names or addresses:
// the last word of what it is called says so. What else people keep of guests (secrets,
// roles, paths) has values that are no names.
func namesGuests(line string) bool {
	m := mapOpen.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(camel.ReplaceAllString(m[1], "${1}_$2"), "_", " ")))
	return strings.Contains(mapWords, " "+words[len(words)-1]+" ")
}

// mapWords are the words with which the name of such a map ends.
const mapWords = " vm vms ct cts lxc lxcs guest guests container containers id ids vmid vmids ctid name names host hosts hostname hostnames machine machines service services node nodes " +
	"map maps mapping mappings table registry lookup list dict info data inventory config configs ip ips address addresses target targets "

// readCode reads scripts: maps from the numbers of guests to names, tuples whose
// order is said, and assignments of addresses. A name in code is nobody's by
// itself.
func readCode(p *Page) {
	p.comments("#", "//")
	inside := false
	var order []column
	for off, line := range linesOf(p.text) {
		if m := saidOrder.FindStringSubmatch(line); m != nil {
			order = nil
			for _, word := range strings.Split(m[1], ",") {
				order = append(order, p.lex.column(strings.ReplaceAll(word, "_", " ")))
			}
		}
		switch {
		case namesGuests(line):
			inside = true
		case strings.Trim(line, " \t)}];,") == "" && strings.ContainsAny(line, "})]"):
			inside, order = false, nil
		case inside:
			p.mapLine(off, line, order)
		}
	}
	readEnvironment(p)
}

func (p *Page) mapLine(off int, line string, order []column) {
	here := &Section{}
	if m := numberName.FindStringSubmatchIndex(line); m != nil {
		p.Entries = append(p.Entries, Entry{
			Section: here, Form: Numbers, Table: -1, Name: Value{Role: Name, Text: line[m[4]:m[5]], Norm: line[m[4]:m[5]], Off: off + m[4]},
			Values: []Value{{Role: VMID, Text: line[m[2]:m[3]], Norm: trimZeros(line[m[2]:m[3]]), Off: off + m[2]}},
		})
		return
	}
	m := nameTuple.FindStringSubmatchIndex(line)
	if m == nil {
		return
	}
	e := Entry{Section: here, Form: Numbers, Table: -1, Name: Value{Role: Name, Text: line[m[2]:m[3]], Norm: line[m[2]:m[3]], Off: off + m[2]}}
	items := tupleItem.FindAllStringSubmatchIndex(line[m[4]:m[5]], -1)
	for i, t := range items {
		from, to := t[2], t[3]
		if from < 0 {
			from, to = t[4], t[5]
		}
		text, at := line[m[4]+from:m[4]+to], off+m[4]+from
		switch {
		case len(order) == len(items):
			e.Values = append(e.Values, valuesOf(order[i], text, at)...)
		case t[4] >= 0 && len(items) == 2 && i == 1: // ("node03", 301): a name and a number
			if name, _ := NameIn(line[m[4]+max(0, items[0][2]) : m[4]+max(0, items[0][3])]); name != "" {
				e.Values = append(e.Values, valuesOf(column{role: VMID}, text, at)...)
			}
		}
	}
	if len(e.Values) > 0 {
		p.Entries = append(p.Entries, e)
	}
}

// readXML reads what firewalls and routers export: elements that hold a name and
// an address.
func readXML(p *Page) {
	dec := xml.NewDecoder(strings.NewReader(p.text))
	dec.Strict = false
	var open []*Entry
	text, at := "", 0
	for len(open) < deepest {
		tok, err := dec.Token()
		if err != nil {
			return
		}
		switch t := tok.(type) {
		case xml.StartElement:
			open = append(open, &Entry{Section: &Section{}, Form: Listing, Table: -1})
			text = ""
		case xml.CharData:
			text = string(t)
			at = int(dec.InputOffset()) - len(text)
		case xml.EndElement:
			e := open[len(open)-1]
			open = open[:len(open)-1]
			if e.Name.Text != "" && len(e.Values) > 0 {
				e.Machine = !p.Past && e.machineRoles() >= 2
				p.Entries = append(p.Entries, *e)
			}
			if len(open) > 0 && at >= 0 && at+len(text) <= len(p.text) && p.text[at:at+len(text)] == text {
				open[len(open)-1].element(p.lex, t.Name.Local, text, at)
			}
			text = ""
		}
	}
}

// element takes the text of an element as a value of the one around it.
func (e *Entry) element(lex *lexicon, key, text string, at int) {
	switch c := lex.column(key); c.role {
	case Name:
		if name, off := NameIn(text); name != "" && e.Name.Text == "" {
			e.Name = Value{Role: Name, Text: name, Norm: name, Off: at + off}
		}
	case Address, MAC:
		e.Values = append(e.Values, valuesOf(c, text, at)...)
	}
}
