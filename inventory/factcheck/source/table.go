package source

import (
	"regexp"
	"slices"
	"strings"
)

// A Table is a table of a page.
type Table struct {
	*Section
	Off      int
	Rows     int     // without those that sum up
	Machines bool    // each row is a machine
	Totals   []Value // what a row that sums up says of the number of rows, or of guests
	Counts   []Value // of a table that counts guests by kind: each number, labelled with the kind
	other    bool    // it counts other things too
}

type cell struct {
	text string
	off  int
}

// cellsOf cuts a row at its bars.
func cellsOf(line string, off int) (out []cell) {
	trimmed := strings.TrimRight(line, " \t\r")
	start := len(trimmed) - len(strings.TrimLeft(trimmed, " \t>"))
	if start < len(trimmed) && trimmed[start] == '|' {
		start++
	}
	end := len(trimmed)
	if end > start && trimmed[end-1] == '|' {
		end--
	}
	for i := start; i <= end; i++ {
		if i == end || trimmed[i] == '|' && (i == 0 || trimmed[i-1] != '\\') {
			text := strings.TrimSpace(trimmed[start:i])
			lead := len(trimmed[start:i]) - len(strings.TrimLeft(trimmed[start:i], " \t"))
			out = append(out, cell{text, off + start + lead})
			start = i + 1
		}
	}
	return out
}

// table reads the table whose head stands on line i.
func (r *markdownReader) table(i int) int {
	t := r.headOf(cellsOf(r.line(i), r.starts[i]))
	t.Off = r.starts[i]
	index, from := len(r.Tables), len(r.Entries)
	end := i + 2
	for ; end < len(r.starts); end++ {
		line := r.line(end)
		if !strings.Contains(line, "|") {
			break
		}
		cells := cellsOf(line, r.starts[end])
		for _, c := range cells {
			r.refs(c.text, c.off, r.here.Past || rowIsPast(r, cells))
		}
		t.row(r, cells, index)
	}
	if t.other {
		t.Counts = nil
	}
	numbersOfHosts(r.Entries[from:])
	r.Tables = append(r.Tables, t.Table)
	r.items, r.props = nil, -1
	return end
}

// A tableHead says what the columns of a table are.
type tableHead struct {
	Table
	columns [][]column // of the parts of each title
	name    int        // the column that names the thing of a row, -1 when there is none
	title   string     // of the column that names
	kind    string     // of all rows: vm, lxc
	ofKind  bool       // the heading says nothing but the kind
	node    bool       // the rows are nodes
	service bool       // the rows are services
	pairs   bool       // each row is a property and its value
	route   bool       // it leads from names to addresses
	cluster bool       // the rows are of Kubernetes, whose ports are no host's
	props   int
}

func (r *markdownReader) headOf(cells []cell) *tableHead {
	t := &tableHead{Table: Table{Section: r.here}, name: -1, props: -1}
	roles := map[Role]int{}
	for _, c := range cells {
		parts := r.lex.parts(c.text)
		t.columns = append(t.columns, parts)
		for _, p := range parts {
			if _, twice := roles[p.role]; !twice {
				roles[p.role] = len(t.columns) - 1
			}
		}
	}
	t.cluster = slices.ContainsFunc(cells, func(c cell) bool { return strings.EqualFold(strings.Trim(c.text, " *_`"), "namespace") })
	has := func(role Role) bool { _, ok := roles[role]; return ok }
	t.route = has(Route) || r.aboutRoutes()
	if len(cells) == 2 && !has(Address) && isPropertyTitle(cells[0].text) {
		t.pairs = true
		return t
	}
	t.pickName(cells, roles)
	if t.name >= 0 {
		t.title = strings.Join(titleWord.FindAllString(strings.ToLower(cells[t.name].text), -1), "")
	}
	t.kind = headingKind(r.here.Heads)
	t.ofKind = len(r.here.Heads) > 0 && kindHeading.MatchString(r.here.Heads[len(r.here.Heads)-1])
	if t.kind == "" && t.name >= 0 {
		t.kind = headingKind([]string{cells[t.name].text})
	}
	if i, ok := roles[VMID]; ok && t.kind == "" && strings.Contains(strings.ToLower(cells[i].text), "ct") && !strings.Contains(strings.ToLower(cells[i].text), "vm") {
		t.kind = "lxc"
	}
	return t
}

// pickName decides which column names the thing of a row.
func (t *tableHead) pickName(cells []cell, roles map[Role]int) {
	at := func(role Role) bool { i, ok := roles[role]; t.name = i; return ok }
	_, numbered := roles[VMID]
	_, published := roles[Port]
	_, image := roles[Image]
	_, on := roles[Node]
	_, served := roles[Service]
	switch {
	case at(Name):
		lower := strings.ToLower(cells[t.name].text)
		t.service = !numbered && (published || image) && strings.Contains(lower, "container")
	case numbered && on && served && at(Host): // what runs, the machine, and where that is
	case at(Service):
		t.service = !numbered
	case at(Host) && !leftOf(roles, Node, Host):
		t.node = strings.Contains(strings.ToLower(cells[t.name].text), "proxmox") || strings.Contains(strings.ToLower(cells[t.name].text), "pve")
	case at(Node):
		t.node = !strings.Contains(strings.ToLower(strings.Join(t.Heads, " ")), "k3s") && !strings.Contains(strings.ToLower(strings.Join(t.Heads, " ")), "kubernetes")
	default:
		t.name = -1
	}
	if _, addressed := roles[Address]; t.name < 0 && addressed && numbered {
		// A number and an address without a title that names: the first column that
		// means nothing else.
		t.name = slices.IndexFunc(t.columns, func(c []column) bool { return len(c) == 1 && c[0].role == "" && c[0].label == "" })
		if t.name >= 0 && whatFor.MatchString(cells[t.name].text) {
			t.name = -1
		}
	}
	if t.name > 0 && (t.name == roles[Host] || t.name == roles[Node]) && len(t.columns[0]) == 1 && t.columns[0][0].role == "" && titleWord.MatchString(strings.ToLower(cells[0].text)) {
		t.name = -1 // the first column names something that is there: "Component | Host"
	}
	if _, two := roles[Node]; t.node && two && t.name != roles[Node] {
		t.node = false
	}
}

// numbersOfHosts takes the numbers out of a table of what runs where, in which one number
// comes again: they are those of the machines.
func numbersOfHosts(rows []Entry) {
	names := map[string]string{}
	for i := range rows {
		v, ok := rows[i].Get(VMID)
		first, again := names[v.Norm]
		switch {
		case !ok || !rows[i].Runs:
		case !again:
			names[v.Norm] = rows[i].Name.Norm
		case first != rows[i].Name.Norm:
			for j := range rows {
				rows[j].drop(VMID)
			}
			return
		}
	}
}

// whatFor heads a column that says what something does, not what it is called.
var whatFor = regexp.MustCompile(`(?i)^\W*(?:role|purpose|function|usage|use|description|component|notes?|task|status)\b`)

func leftOf(roles map[Role]int, a, b Role) bool {
	i, ok := roles[a]
	return ok && i < roles[b]
}

func isPropertyTitle(text string) bool {
	word := strings.ToLower(strings.Trim(text, " *_`"))
	return strings.Contains(" property key field setting item attribute parameter detail spec specification resource component  ", " "+word+" ")
}

var routeWords = regexp.MustCompile(`(?i)\b(?:dns|rewrites?|overrides?|records?|proxy|proxies|routes?|routing|port forward\w*|nat|ingress|firewall rules?)\b`)

// aboutRoutes reports a section that leads from names to addresses.
func (r *markdownReader) aboutRoutes() bool {
	n := len(r.here.Heads)
	return n > 0 && routeWords.MatchString(r.here.Heads[n-1])
}

var (
	lxcWord = regexp.MustCompile(`(?i)\b(?:lxcs?|cts?|lxc containers?)\b`)
	// kindHeading is a heading that says of all below it what kind it is.
	kindHeading = regexp.MustCompile(`(?i)^\W*(?:proxmox |running |active |all )?(?:lxcs?|lxc containers?|vms?|virtual machines?)(?: inventory| list)?(?: \(.*\))?\W*$`)

	vmWord = regexp.MustCompile(`(?i)\b(?:vms?|virtual machines?|qemu|kvm)\b`)
)

// saysKind reports a heading about guests of a kind, and not about something of theirs:
// below "VM storage" is also that of containers.
func saysKind(word *regexp.Regexp, heading string) bool {
	m := word.FindStringIndex(heading)
	return m != nil && guestsFollow.MatchString(heading[m[1]:])
}

var guestsFollow = regexp.MustCompile(`(?i)^(?:\W*$|[^A-Za-z]*[^A-Za-z\s]|\s+(?:inventory|lists?|overview|tables?|details|summary|status|containers?|guests?|hosts?|machines?|servers?|instances?|services?|names?|hostnames?|ids?|on|in|of|for|at|and|und|running|active|deployed)\b)`)

// headingKind is the kind of guest that the innermost heading which names one does.
func headingKind(heads []string) string {
	for i := len(heads) - 1; i >= 0; i-- {
		lxc, vm := saysKind(lxcWord, heads[i]), saysKind(vmWord, heads[i])
		switch {
		case lxc && vm:
			return ""
		case lxc:
			return "lxc"
		case vm:
			return "vm"
		}
	}
	return ""
}

var titleSplit = regexp.MustCompile(`\s*(?:/|&|,|\+|\|)\s*|\s+(?:and|und)\s+`)

// parts says what a title means: "CPU / RAM" means two things.
func (l *lexicon) parts(title string) []column {
	bare := strings.Trim(title, " *_`\"'")
	whole := l.column(bare)
	if !titleSplit.MatchString(bare) || whole.role != "" && whole.role != Address {
		return []column{whole}
	}
	var out []column
	known := 0
	for _, part := range titleSplit.Split(bare, -1) {
		c := l.column(part)
		if c.role != "" {
			known++
		}
		out = append(out, c)
	}
	if known < len(out) && whole.role != "" {
		return []column{whole}
	}
	return out
}

// ofKubernetes are kinds of its services, whose ports are of another network.
var ofKubernetes = map[string]bool{"ClusterIP": true, "NodePort": true, "LoadBalancer": true}

var total = regexp.MustCompile(`(?i)^[\s*_]*(?:grand )?totals?\b`)

// row reads one row.
func (t *tableHead) row(r *markdownReader, cells []cell, index int) {
	if len(cells) == 0 || r.here.Past {
		return
	}
	if t.pairs {
		t.pair(r, cells)
		return
	}
	for i, c := range cells {
		if i >= len(t.columns) || i != t.name && (len(t.columns[i]) == 0 || t.columns[i][0].role == "") {
			r.Lines = append(r.Lines, Line{Section: r.here, Text: c.text, Off: c.off, Cell: true})
		}
	}
	if total.MatchString(cells[0].text) {
		t.sums(cells)
		return
	}
	t.counts(cells)
	if t.name >= len(cells) || rowIsPast(r, cells) {
		return
	}
	if slices.ContainsFunc(cells, func(c cell) bool { return ofKubernetes[c.text] }) {
		return
	}
	t.Rows++
	e := Entry{Section: r.here, Form: Row, Table: index, IsNode: t.node, Service: t.service}
	if t.name >= 0 {
		t.named(&e, cells[t.name])
	}
	for i, c := range cells {
		if i < len(t.columns) && i != t.name {
			e.Values = append(e.Values, t.cell(i, c)...)
		}
	}
	if t.cluster || slices.ContainsFunc(cells, func(c cell) bool { return strings.EqualFold(strings.Trim(c.text, " *_`"), "internal") }) {
		e.drop(Port, URL) // of a network inside
	}
	if _, network := e.Get(Subnet); e.Name.Text == "" && !network {
		return
	}
	line := r.text[cells[0].off : cells[len(cells)-1].off+len(cells[len(cells)-1].text)]
	if sharedAddress.MatchString(line) {
		e.drop(Address)
	}
	t.finish(&e)
	if saysOther(t.kind, line) {
		e.Values = slices.DeleteFunc(e.Values, func(v Value) bool { return v.Role == Kind && v.Label == "heading" })
	}
	r.Entries = append(r.Entries, e)
}

// saysOther reports a row that says of its guest another kind than the heading does.
func saysOther(kind, row string) bool {
	switch kind {
	case "vm":
		return lxcWord.MatchString(row) && !vmWord.MatchString(row)
	case "lxc":
		return vmWord.MatchString(row) && !lxcWord.MatchString(row)
	}
	return false
}

// sharedAddress says that an address moves between machines.
var sharedAddress = regexp.MustCompile(`\b(?:VIP|VRRP)\b|(?i)\b(?:keepalived|virtual ip|floating)\b`)

// guestTitles head columns of machines, never of what runs on them.
const guestTitles = " vm vmname lxc lxcname guest hostname vmlxc vmhostname virtualmachine lxccontainer node server machine "

// runsTitles head columns of what runs on machines.
const runsTitles = " service services servicename app application apps dienst dienste servicio tool stack "

var nameWithNumber = regexp.MustCompile(`(?i)^(.*?[A-Za-z0-9\x60*_].*?)[\s(–-]+((?:VM|CT|LXC)[ #-]?\d{3,9})\)?[\s*_\x60]*$`)

var totalGuests = regexp.MustCompile(`(?i)\b(\d{1,4})\b\W*(?:vms?|lxcs?|lxc containers?|containers?|guests?|machines?|hosts?)?\W*$`)

// sums reads a row that sums up: how many rows there are, or how many guests.
func (t *tableHead) sums(cells []cell) {
	for i, c := range cells {
		m := totalGuests.FindStringSubmatchIndex(c.text)
		counted := i < len(t.columns) && len(t.columns[i]) == 1 && t.columns[i][0].role == Count
		if m == nil || i > 0 && !counted && m[1]-m[3] < 3 {
			continue
		}
		t.Totals = append(t.Totals, Value{Role: Count, Text: c.text[m[2]:m[3]], Norm: trimZeros(c.text[m[2]:m[3]]), Off: c.off + m[2]})
	}
}

// counts reads a row that says how many guests of a kind there are.
func (t *tableHead) counts(cells []cell) {
	at := slices.IndexFunc(t.columns, func(c []column) bool { return len(c) == 1 && c[0].role == Count })
	if at < 1 || at >= len(cells) {
		return
	}
	kind, n := Kinds()[strings.ToLower(strings.Trim(cells[0].text, " *_"))], valuesOf(column{role: Count}, cells[at].text, cells[at].off)
	if kind == "" || n == nil {
		t.other = true
		return
	}
	n[0].Label = kind
	t.Counts = append(t.Counts, n[0])
}

// named reads the cell that names the thing of a row. It may give its number too:
// "frigate (VM 102)", or "frigate / 102" below "Name / VMID".
func (t *tableHead) named(e *Entry, c cell) {
	text := c.text
	if parts := t.columns[t.name]; len(parts) > 1 {
		if m := titleSplit.FindStringIndex(text); m != nil && len(parts) == 2 {
			e.Values = append(e.Values, valuesOf(parts[1], text[m[1]:], c.off+m[1])...)
			text = text[:m[0]]
		}
	}
	if m := nameWithNumber.FindStringSubmatchIndex(text); m != nil {
		e.Values = append(e.Values, valuesOf(column{role: VMID}, text[m[4]:m[5]], c.off+m[4])...)
		text = text[:m[3]]
	}
	if name, at := NameIn(text); name != "" {
		e.Name = Value{Role: Name, Text: name, Norm: name, Off: c.off + at}
	}
}

// cell reads the values of a cell: as many parts as its title has.
func (t *tableHead) cell(i int, c cell) (out []Value) {
	parts := t.columns[i]
	if len(parts) == 1 {
		col := parts[0]
		if (col.role == Host || col.role == Place) && !t.service {
			col.role = Node
		}
		return valuesOf(col, c.text, c.off)
	}
	at := 0
	var texts []cell
	for _, m := range append(titleSplit.FindAllStringIndex(c.text, -1), []int{len(c.text), len(c.text)}) {
		texts = append(texts, cell{c.text[at:m[0]], c.off + at})
		at = m[1]
	}
	if len(texts) != len(parts) {
		return nil
	}
	for j, p := range parts {
		out = append(out, valuesOf(p, texts[j].text, texts[j].off)...)
	}
	return out
}

// finish decides what kind of thing a row is.
func (t *tableHead) finish(e *Entry) {
	if t.route {
		e.drop(Address, Port)
		return
	}
	if _, network := e.Get(Subnet); t.service || network {
		return
	}
	if all := e.All(Node); slices.ContainsFunc(all, func(v Value) bool { return v.Norm != all[0].Norm }) {
		e.drop(Node) // which of them is the node of which?
	}
	if _, said := e.Get(Kind); !said && t.kind != "" {
		if _, numbered := e.Get(VMID); numbered || t.ofKind {
			e.Values = append(e.Values, Value{Role: Kind, Norm: t.kind, Text: e.Name.Text, Off: e.Name.Off, Label: "heading"})
		}
	}
	_, addressed := e.Get(Address)
	e.Runs = strings.Contains(runsTitles, " "+t.title+" ")
	e.Guest = strings.Contains(guestTitles, " "+t.title+" ")
	e.Machine = e.machineRoles() >= 2 || addressed && len(t.columns) > 1
	t.Machines = t.Machines || e.Machine
}

func rowIsPast(r *markdownReader, cells []cell) bool {
	return slices.ContainsFunc(cells, func(c cell) bool { return r.lex.past.row.in(c.text) })
}

// pair reads a row that is a property and its value, of what the headings name.
func (t *tableHead) pair(r *markdownReader, cells []cell) {
	if len(cells) != 2 {
		return
	}
	from, to := cells[0].off, cells[1].off+len(cells[1].text)
	r.Lines = append(r.Lines, Line{Section: r.here, Text: r.text[from:to], Off: from})
	c := r.lex.column(strings.Trim(cells[0].text, "*_` "))
	if c.role == Host || c.role == Place {
		c.role = Node
	}
	named := c.role == Name && hostnameKey.MatchString(cells[0].text)
	if !named && (c.role == Name || c.role == Service) {
		return
	}
	values := valuesOf(c, cells[1].text, cells[1].off)
	if len(values) == 0 {
		return
	}
	if t.props < 0 {
		t.props = len(r.Entries)
		r.Entries = append(r.Entries, Entry{Section: r.here, Form: Properties, Table: -1})
	}
	if e := &r.Entries[t.props]; named {
		e.ownName(cells[1].text, cells[1].off)
	} else {
		e.Values = append(e.Values, values...)
	}
}
