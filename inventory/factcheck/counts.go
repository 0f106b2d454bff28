package factcheck

import (
	"regexp"
	"strconv"
	"strings"

	"recon/inventory/factcheck/source"
)

const countNouns = `nodes?|VMs?|virtual machines?|LXCs?|LXC containers?|guests?`

var (
	countNoun   = regexp.MustCompile(`(?i)node|vms?\b|virtual m|lxc|guest`)
	countText   = regexp.MustCompile(`(?i)\b(\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|twelve)[ -](?:proxmox[ -](?:VE[ -])?|pve[ -]|physical[ -]|cluster[ -]|running[ -])?(` + countNouns + `)\b`)
	countLabel  = regexp.MustCompile(`(?i)^[\s*_|]*(total |number of )?(?:running |active |proxmox |cluster )?(` + countNouns + `)[*_\s]*[:=|]+[*_\s]*(\d{1,4})\b[*_\s]*(?:$|[(|,]|(?:` + countNouns + `|total)\b)`)
	wholeHome   = regexp.MustCompile(`(?i)\b(?:proxmox|pve|in total|total|altogether|all in all|overall|home ?lab|insgesamt)\b`)
	otherWhole  = regexp.MustCompile(`(?i)\b(?:k8s|k3s|kubernetes|talos|ceph|swarm|vault|etcd|elastic\w*|minio|nomad|consul|galera|patroni|worker|control|template|tested|support\w*|limit|each|per|harvester|rke2?|openshift)\b`)
	ofCluster   = regexp.MustCompile(`(?i)proxmox|\bpve\b|cluster`)
	ofWork      = regexp.MustCompile(`(?i)\b(?:runbook|guide|tutorial|checklist|set ?up|install\w*|building|how to|deploy\w*)\b`)
	beforeCount = regexp.MustCompile(`(?i)\b(?:at least|minimum|up to|about|around|of the|other|another|these|first|last|each|per|max\w*|more than|over|any|only|some|every|next|both|all|of|than|for|with just|von|der|de|sur|mit)\s*$|[<>≥≤~+.]\s*$|(?:of|/)\s*$`)
	ofRelease   = regexp.MustCompile(`(?i)\b(?:pve|proxmox(?: ve)?|version|v)\s*$`) // "PVE 9 nodes" are nodes with PVE 9
	kindOnly    = regexp.MustCompile(`(?i)^\W*(?:all |running |active |proxmox |total |cluster )*(?:` + countNouns + `)\s*\(`)
	headCount   = regexp.MustCompile(`(?i)^[^(]*\b(` + countNouns + `)\b[^(]*\((\d{1,4})(?: (?:total|` + countNouns + `|entries|items))?\)\W*$`)
)

var numberWords = map[string]int{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12}

// counts finds how many nodes or guests a text says that there are. Only text about
// the whole counts: "3 VMs" alone may be any three, and a cell is about its row.
func (x *reader) counts(l *source.Line, ms []mention) {
	if l.Cell || !countNoun.MatchString(l.Text) {
		return
	}
	if m := countLabel.FindStringSubmatchIndex(l.Text); m != nil && !otherWhole.MatchString(l.Text) {
		if m[2] >= 0 || ofHome(l.Section) {
			x.count(l, l.Text[m[4]:m[5]], m[6], m[7], ms)
		}
		return
	}
	if m := headCount.FindStringSubmatchIndex(l.Text); m != nil && l.Heading && kindOnly.MatchString(l.Text) && ofHome(l.Section) {
		x.count(l, l.Text[m[2]:m[3]], m[4], m[5], ms)
		return
	}
	if len(l.Text) > 300 || !wholeHome.MatchString(l.Text) || otherWhole.MatchString(l.Text) || l.Heading && ofWork.MatchString(l.Text) {
		return
	}
	for _, m := range countText.FindAllStringSubmatchIndex(l.Text, -1) {
		noun := l.Text[m[4]:m[5]]
		one := !strings.HasSuffix(strings.ToLower(noun), "s")
		if one && l.Text[m[3]] == ' ' && l.Text[m[2]:m[3]] != "1" || beforeCount.MatchString(l.Text[:m[0]]) || l.Text[m[3]] == ' ' && ofRelease.MatchString(l.Text[:m[0]]) || guestNoun(noun) != "node" && (!strings.Contains(strings.ToLower(l.Text), "total") || !ofHome(l.Section)) {
			continue
		}
		x.count(l, noun, m[2], m[3], ms)
	}
}

// count notes a number that is of the whole home, unless the text or a heading
// names a node: then it is of that.
func (x *reader) count(l *source.Line, noun string, from, to int, ms []mention) {
	text := l.Text[from:to]
	n, err := strconv.Atoi(text)
	if err != nil {
		n = numberWords[strings.ToLower(text)]
	}
	if n == 0 {
		return
	}
	about := guestNoun(noun)
	if about == "node" && !ofCluster.MatchString(l.Text) {
		about = "machine" // of the whole home, of which a cluster is a part
	}
	nodes := map[*subject]bool{}
	for _, m := range append(ms[:len(ms):len(ms)], x.find(strings.Join(l.Heads, "\n"))...) {
		if m.subject.isNode() {
			nodes[m.subject] = true
		}
	}
	if len(nodes) == 1 {
		return
	}
	x.say(statement{Value: source.Value{Role: source.Count, Text: text, Norm: strconv.Itoa(n), Off: l.Off + from}, about: about})
}

func guestNoun(word string) string {
	switch w := strings.ToLower(word); {
	case strings.HasPrefix(w, "node"):
		return "node"
	case strings.HasPrefix(w, "vm"), strings.HasPrefix(w, "virtual"):
		return "vm"
	case strings.HasPrefix(w, "lxc"):
		return "lxc"
	}
	return "guest"
}

// tables holds the number in a heading against the rows of the tables below it.
func (x *reader) tables() {
	rows, first := map[*source.Section]int{}, map[*source.Section]int{}
	var order []*source.Section
	for i := range x.page.Tables {
		t := &x.page.Tables[i]
		if _, known := rows[t.Section]; !known {
			first[t.Section] = t.Off
			order = append(order, t.Section)
		}
		rows[t.Section] += t.Rows
		if !t.Machines {
			rows[t.Section] = -1 << 20 // it counts something else
		}
	}
	for i := range x.page.Tables {
		x.sums(&x.page.Tables[i])
	}
	for _, s := range order {
		if len(s.Heads) > 0 && !s.Past && rows[s] > 0 {
			x.countedRows(s, rows[s], first[s])
		}
	}
}

func (x *reader) countedRows(s *source.Section, rows, off int) {
	title := s.Heads[len(s.Heads)-1]
	m := headCount.FindStringSubmatchIndex(title)
	if m == nil {
		return
	}
	about := "rows below " + strconv.Quote(title)
	said, _ := strconv.Atoi(title[m[4]:m[5]])
	x.say(statement{Value: source.Value{Role: source.Count, Text: title[m[4]:m[5]], Norm: strconv.Itoa(said), Off: s.Off + m[4]}, about: about})
	x.say(statement{Value: source.Value{Role: source.Count, Text: "", Norm: strconv.Itoa(rows), Off: off}, about: about})
}

// sums holds a row that sums up against the rows above it, and takes the numbers
// of a table that counts guests by kind.
func (x *reader) sums(t *source.Table) {
	if t.Past {
		return
	}
	about := "total of the table below " + strconv.Quote(strings.Join(t.Heads[max(0, len(t.Heads)-1):], ""))
	if t.Machines && len(t.Totals) == 1 {
		x.say(statement{Value: t.Totals[0], about: about})
		x.say(statement{Value: source.Value{Role: source.Count, Norm: strconv.Itoa(t.Rows), Off: t.Off}, about: about})
	}
	sum := 0
	for _, c := range t.Counts {
		n, _ := strconv.Atoi(c.Norm)
		sum += n
		if ofHome(t.Section) {
			x.say(statement{Value: c, about: c.Label})
		}
	}
	if len(t.Counts) > 1 && len(t.Totals) == 1 {
		x.say(statement{Value: t.Totals[0], about: about})
		x.say(statement{Value: source.Value{Role: source.Count, Norm: strconv.Itoa(sum), Off: t.Counts[0].Off}, about: about})
	}
}

// ofHome reports a section about the whole home.
func ofHome(s *source.Section) bool {
	for _, h := range s.Heads {
		if !genericHeading(h) && !homeTitle.MatchString(h) {
			return false
		}
	}
	return true
}

var (
	versionText = regexp.MustCompile(`(?i)\b(?:runs?|running|on|is|uses|hypervisor:?|host:?|cluster:?|os:?|^)[\s*_\x60:]*\bProxmox VE\b[\s*_\x60]*v?(\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)\b([^\n]?)`)
	versionWith = regexp.MustCompile(`(?i)\b(?:docs?|documentation|tested|supports?|since|from|introduced|requires?|newer|older|later|compatible|works|api|release notes|or|and up|\d\.x|badge|minimum|upgrade\w*|iso|template)\b|\d\+`)
)

// versions finds which Proxmox VE a text says that the home runs.
func (x *reader) versions(l *source.Line) {
	if !strings.Contains(l.Text, "Proxmox") && !strings.Contains(l.Text, "proxmox") {
		return
	}
	m := versionText.FindStringSubmatchIndex(l.Text)
	if m == nil || versionWith.MatchString(l.Text) || strings.ContainsAny(l.Text[m[4]:m[5]], "+-–xX") || len(x.find(l.Text)) > 0 || len(x.find(strings.Join(l.Heads, "\n"))) > 0 {
		return
	}
	x.say(statement{Value: source.Value{Role: source.Version, Text: l.Text[m[2]:m[3]], Norm: l.Text[m[2]:m[3]], Off: l.Off + m[2]}, about: "Proxmox VE"})
}
