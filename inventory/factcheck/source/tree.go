package source

import (
	"path"
	"slices"
	"strings"
)

// A branch is a part of a structured file, whatever its language: a mapping, a
// block, a list or a single value.
type branch struct {
	key      Value
	text     string // of a single value
	off      int    // of the text
	literal  bool   // text is what the file means, no expression or template
	list     bool   // the children are items
	children []*branch
}

func (b *branch) child(key string) *branch {
	for _, c := range b.children {
		if c.key.Text == key {
			return c
		}
	}
	return nil
}

// A treeReader finds the things in a structured file.
type treeReader struct {
	*Page
	here    *Section
	machine bool   // an inventory source, not an example in prose
	on      string // the host below which the walk is: the machines that follow are on it
}

// settings are parts that describe the thing around them.
const settings = " network networks networkinterface networkdevice interfaces initialization ipconfig ipv4 memory cpu disk disks dns vars rootfs agent cloudinit resources specs hardware config ipam default lxc vm server "

func isSettings(key string) bool {
	return strings.Contains(settings, " "+strings.ToLower(strings.ReplaceAll(key, "_", ""))+" ")
}

// machines walks a tree and notes everything that has the values of a machine.
func (r *treeReader) machines(b *branch, depth int) {
	if depth > 60 {
		return
	}
	e := Entry{Section: r.here, Form: Block, Table: -1, Count: 0}
	inherited := r.collect(b, &e, 0)
	if r.isMachine(b, &e) {
		r.keep(b, &e)
	}
	defer func(before string) { r.on = before }(r.on)
	if b.child("ansible_host") != nil {
		r.on = b.key.Text
	} else if on, ok := e.Get(Node); ok && e.machineRoles() == 1 {
		r.on = on.Norm // said once for all that follow
	}
	for _, c := range b.children {
		if len(c.children) > 0 && !slices.Contains(inherited, c) {
			r.machines(c, depth+1)
		}
	}
}

// keep notes a machine under its name.
func (r *treeReader) keep(b *branch, e *Entry) {
	if e.Name.Text == "" && !b.list && plainKey(b.key.Text) {
		e.Name = b.key
	}
	if e.Name.Text == "" {
		return
	}
	e.Machine = r.machine && e.machineRoles() >= 2
	if _, said := e.Get(Node); r.on != "" && !said {
		e.Values = append(e.Values, Value{Role: Node, Norm: r.on, Off: -1})
	}
	r.Entries = append(r.Entries, *e)
}

// isMachine reports values that only a machine has.
func (r *treeReader) isMachine(b *branch, e *Entry) bool {
	if b.list {
		return false
	}
	if b.child("ansible_host") != nil {
		return true
	}
	_, id := e.Get(VMID)
	_, address := e.Get(Address)
	if _, numbered := e.Get(First); numbered && e.Count > 0 {
		return true
	}
	n := e.machineRoles()
	return id && n >= 2 || address && n >= 2
}

// collect gathers the values of a thing, with those of the settings below it.
func (r *treeReader) collect(b *branch, e *Entry, depth int) (taken []*branch) {
	if b.list {
		return nil
	}
	for _, c := range b.children {
		switch {
		case len(c.children) == 0:
			r.take(c, e, depth)
		case c.key.Text == "clone":
			taken = append(taken, c) // of the machine that it is made from
		case depth < 5 && isSettings(c.key.Text):
			sub := c
			if c.list && len(c.children) == 1 {
				sub = c.children[0]
			}
			taken = append(taken, c)
			r.collect(sub, e, depth+1)
		}
	}
	return taken
}

func (r *treeReader) take(c *branch, e *Entry, depth int) {
	if !c.literal || c.text == "" {
		return
	}
	switch key := strings.ToLower(c.key.Text); {
	case depth == 0 && (key == "name" || key == "hostname" || key == "vm_name"):
		if name, at := NameIn(c.text); name == c.text {
			e.Name = Value{Role: Name, Text: name, Norm: name, Off: c.off + at}
		}
		return
	case key == "count" || key == "instances":
		if v := valuesOf(column{role: Count}, c.text, c.off); v != nil && len(v[0].Norm) < 4 {
			e.Count = int(v[0].Norm[0] - '0')
			for _, d := range v[0].Norm[1:] {
				e.Count = e.Count*10 + int(d-'0')
			}
		}
		return
	case key == "sockets" && c.text != "1":
		e.Values = append(e.Values, Value{Role: Sockets, Text: c.text, Norm: c.text, Off: c.off})
		return
	case key == "ipconfig0" || key == "net0":
		r.ipconfig(c, e)
		return
	case key == "id" && depth > 0, key == "type", key == "size", key == "name", key == "host" && depth > 0:
		return
	}
	col := r.lex.column(c.key.Text)
	switch col.role {
	case Address, VMID, Node, Cores, Memory, Disk, MAC, VLAN, Gateway, DNS, Kind, First:
	case Host:
		return
	default:
		if c.key.Text == "cidr" || c.key.Text == "tag" {
			col.role = map[string]Role{"cidr": Address, "tag": VLAN}[c.key.Text]
			break
		}
		return
	}
	if (col.role == Memory || col.role == Disk) && col.unit == "" {
		col.unit = map[Role]string{Memory: "MB", Disk: "GB"}[col.role]
		if len(strings.TrimLeft(c.text, "0123456789")) == 0 && col.role == Memory && len(c.text) < 3 {
			col.unit = "GB"
		}
	}
	e.Values = append(e.Values, valuesOf(col, c.text, c.off)...)
}

// ipconfig reads "ip=192.168.40.3/24,gw=192.168.40.1".
func (r *treeReader) ipconfig(c *branch, e *Entry) {
	at := 0
	for _, part := range strings.SplitAfter(c.text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if ok {
			role := map[string]Role{"ip": Address, "gw": Gateway, "tag": VLAN}[strings.TrimSpace(key)]
			if role != "" {
				e.Values = append(e.Values, valuesOf(column{role: role}, strings.TrimRight(value, ", "), c.off+at+len(key)+1)...)
			}
		}
		at += len(part)
	}
}

// plainKey reports a key that can be somebody's name: no word of a language.
func plainKey(key string) bool {
	name, _ := NameIn(key)
	return name == key && key != "" && !isSettings(key)
}

// setting takes a name server that is given to all: the default of a variable, a
// local value, a variable of all hosts.
func (r *treeReader) setting(name []string, value *branch) {
	if len(name) != 1 || value == nil || !value.literal || r.lex.column(name[0]).role != DNS {
		return
	}
	if values := valuesOf(column{role: DNS}, value.text, value.off); r.machine && len(values) > 0 {
		r.Entries = append(r.Entries, Entry{Section: r.here, Form: Block, Table: -1, Values: values, Home: true})
	}
}

// groupVars takes what stands in group_vars/all.
func (r *treeReader) groupVars(b *branch) {
	dir, base := path.Dir(r.Path), strings.TrimSuffix(path.Base(r.Path), path.Ext(r.Path))
	if path.Base(dir) == "group_vars" && base == "all" || path.Base(dir) == "all" && path.Base(path.Dir(dir)) == "group_vars" {
		for _, c := range b.children {
			if c.list && len(c.children) == 1 {
				r.setting([]string{c.key.Text}, c.children[0])
				continue
			}
			r.setting([]string{c.key.Text}, c)
		}
	}
}

// hostVars gives what stands in host_vars/NAME.yml its name.
func (r *treeReader) hostVars(b *branch) bool {
	dir, name := path.Dir(r.Path), strings.TrimSuffix(path.Base(r.Path), path.Ext(r.Path))
	switch {
	case path.Base(dir) == "host_vars":
	case path.Base(path.Dir(dir)) == "host_vars":
		name = path.Base(dir)
	default:
		return false
	}
	e := Entry{Section: r.here, Form: Listing, Table: -1, Name: Value{Role: Name, Text: name, Norm: name, Off: -1}}
	r.collect(b, &e, 0)
	if len(e.Values) == 0 {
		return false
	}
	e.Name = Value{Role: Name, Text: name, Norm: name, Off: -1}
	e.Machine = r.machine && e.machineRoles() >= 2
	r.Entries = append(r.Entries, e)
	return true
}
