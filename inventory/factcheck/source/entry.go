package source

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"recon/inventory"
)

// A Form is how an entry is written.
type Form int

// The forms.
const (
	Row        Form = iota // of a table
	Properties             // a list or table of names and values
	Block                  // of Terraform, or a mapping of YAML
	Listing                // an Ansible inventory, a hosts file, a static lease
	Compose                // a service of a compose file
	Numbers                // a map from numbers to names
	Drawing                // a box or a label
)

// An Entry is a thing with named values, as its author grouped them.
type Entry struct {
	*Section
	Form    Form
	Name    Value // Text is empty where the form gives none: then the headings name it
	Values  []Value
	Machine bool // the form is that of an inventory: the thing is a machine
	Guest   bool // the title of its name says that it is a machine
	IsNode  bool // the form says that it is a node
	Runs    bool // the title of its name says that it runs on a machine
	Service bool // the name is one of a service, not of a machine
	Home    bool // it is set for everything
	Partial bool // of a compose file: by which ports it is reached is not known
	Table   int  // index of the page's table, -1 where there is none
	Count   int  // of Terraform: how many are made of it
}

// A Value is one value as it is written, and in canonical form: an address, digits,
// bytes, upper-case MAC.
type Value struct {
	Role  Role
	Label string // which of several of its role
	Text  string
	Norm  string
	Unit  string // what follows a number
	Off   int
}

// All returns the values of a role.
func (e *Entry) All(role Role) (out []Value) {
	for _, v := range e.Values {
		if v.Role == role {
			out = append(out, v)
		}
	}
	return out
}

// drop takes the values of roles out.
func (e *Entry) drop(roles ...Role) {
	e.Values = slices.DeleteFunc(e.Values, func(v Value) bool { return slices.Contains(roles, v.Role) })
}

// Get returns the first value of a role.
func (e *Entry) Get(role Role) (Value, bool) {
	for _, v := range e.Values {
		if v.Role == role {
			return v, true
		}
	}
	return Value{}, false
}

// machineRoles are those of which two make a row one of a machine.
func (e *Entry) machineRoles() int {
	seen := map[Role]bool{}
	for _, v := range e.Values {
		switch v.Role {
		case Address, VMID, Node, Kind, Cores, Memory, MAC, DNS, Disk:
			seen[v.Role] = true
		}
	}
	return len(seen)
}

var (
	addressText = regexp.MustCompile(`(?:^|[^0-9A-Za-z.:_-])((?:\d{1,3}\.){3}\d{1,3})(/\d{1,2})?`)
	address6    = regexp.MustCompile(`(?i)(?:^|[\s(\x60"'|])([0-9a-f]{1,4}(?::{1,2}[0-9a-f]{1,4}){3,7})(?:/\d{1,3})?(?:$|[\s)\x60"'|,])`)
	rangeAfter  = regexp.MustCompile(`^(?:\s*(?:-|–|—|\.\.|to|bis|until)\s*(?:\d|\.)|[.]\d|[.-][x*]|/|,\s*\.?\d{1,3}(?:$|[^.\d])|\s*\+)`)
	rangeBefore = regexp.MustCompile(`(?:\d|x)\s*(?:-|–|—|\.\.|to|bis)\s*$`)
	macText     = regexp.MustCompile(`\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b`)
	idText      = regexp.MustCompile(`(?i)^[^0-9A-Za-z]*(?:(vmid|ctid|vm|ct|lxc|qemu|id)[ #:-]*)?(\d{3,9})(?:[^0-9A-Za-z.].*)?$`)
	amountText  = regexp.MustCompile(`(?i)^[^0-9A-Za-z]*(\d+(?:\.\d+)?)\s*(TiB|TB|GiB|GB|MiB|MB|T|G|M)?\b([^0-9]*)$`)
	coresText   = regexp.MustCompile(`(?i)^[^0-9A-Za-z]*(\d{1,3})\s*(?:x\s*)?(?:v?cpus?|v?cores?|cpu cores?|c)?\W*$`)
	plainNumber = regexp.MustCompile(`(?i)^[\s*_\x60"']*(?:vlan[ -]?)?(\d{1,5})(?:/tcp|/udp)?[\s*_\x60"']*$`)
	vlanCell    = regexp.MustCompile(`(?i)^[^0-9A-Za-z]*(?:vlan[ _-]?)?(\d{1,4})(?:\s*[(–-].*)?$`)
	versionText = regexp.MustCompile(`\b(\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)\b`)
	urlText     = regexp.MustCompile(`https?://((?:\d{1,3}\.){3}\d{1,3}|[A-Za-z0-9.-]+)(?::(\d{1,5}))?`)
)

// valuesOf reads the values of a role in a text.
func valuesOf(c column, text string, off int) []Value {
	one := func(norm string, from, to int) []Value {
		return []Value{{Role: c.role, Label: c.label, Text: text[from:to], Norm: norm, Off: off + from}}
	}
	switch c.role {
	case DNS:
		if strings.Contains(text, "://") || arrow.MatchString(text) {
			return nil // a record, or a page
		}
		return addressesIn(c, text, off)
	case Address, First, Gateway:
		return addressesIn(c, text, off)
	case VMID:
		return numberOfGuest(text, off)
	case Cores:
		if m := coresText.FindStringSubmatchIndex(text); m != nil {
			return one(trimZeros(text[m[2]:m[3]]), m[2], m[3])
		}
	case Memory, Disk:
		return amountOf(c, text, off)
	case MAC:
		if m := macText.FindAllStringIndex(text, -1); len(m) == 1 {
			return one(strings.ToUpper(strings.ReplaceAll(text[m[0][0]:m[0][1]], "-", ":")), m[0][0], m[0][1])
		}
	case VLAN:
		if m := vlanCell.FindStringSubmatchIndex(text); m != nil {
			return one(trimZeros(text[m[2]:m[3]]), m[2], m[3])
		}
	case Port, Count:
		if m := plainNumber.FindStringSubmatchIndex(text); m != nil {
			return one(trimZeros(text[m[2]:m[3]]), m[2], m[3])
		}
	case Kind:
		return kindOf(text, off)
	case Specs:
		return SpecsIn(text, off)
	case Version:
		if m := versionText.FindStringIndex(text); m != nil {
			return one(text[m[0]:m[1]], m[0], m[1])
		}
	case Subnet:
		if m := netText.FindStringIndex(text); m != nil {
			if p, err := netip.ParsePrefix(text[m[0]:m[1]]); err == nil {
				return one(p.Masked().String(), m[0], m[1])
			}
		}
	case URL:
		if m := urlText.FindStringIndex(text); m != nil {
			return one(text[m[0]:m[1]], m[0], m[1])
		}
	case Node, Host, Place, Name, Service:
		if name, at := NameIn(text); name != "" {
			return one(name, at, at+len(name))
		}
	case Image:
		t := strings.TrimSpace(text)
		return one(t, strings.Index(text, t), strings.Index(text, t)+len(t))
	}
	return nil
}

var (
	// coresIn finds a number of cores in a text.
	coresIn = regexp.MustCompile(`(?i)\b(\d{1,3})\s*(?:v?CPUs?|v?cores?|cpu cores?)\b`)
	// memoryIn finds a size of memory in a text.
	memoryIn = regexp.MustCompile(`(?i)\b(\d+(?:\.\d+)?)\s*(GiB|GB|MiB|MB|G|M)\s*(?:of\s+)?(?:RAM|memory)\b`)
)

// SpecsIn finds cores and memory, each where it is said once.
func SpecsIn(text string, off int) (out []Value) {
	if m := coresIn.FindAllStringSubmatchIndex(text, -1); len(m) == 1 {
		n := text[m[0][2]:m[0][3]]
		out = append(out, Value{Role: Cores, Text: n, Norm: trimZeros(n), Off: off + m[0][2]})
	}
	if m := memoryIn.FindAllStringSubmatchIndex(text, -1); len(m) == 1 {
		n, unit := text[m[0][2]:m[0][3]], text[m[0][4]:m[0][5]]
		if b, ok := Bytes(n, unit); ok {
			out = append(out, Value{Role: Memory, Text: n, Norm: strconv.FormatInt(b, 10), Unit: unit, Off: off + m[0][2]})
		}
	}
	return out
}

// arrow leads from a name to what it means.
var arrow = regexp.MustCompile(`→|->|=>|⇒`)

var netText = regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}/\d{1,2}\b`)

func trimZeros(digits string) string {
	if n, err := strconv.Atoi(digits); err == nil {
		return strconv.Itoa(n)
	}
	return digits
}

func addressesIn(c column, text string, off int) (out []Value) {
	for _, a := range Addresses(text) {
		label := c.label
		if a.Is6 {
			label = "ipv6"
		}
		out = append(out, Value{Role: c.role, Label: label, Text: text[a.Start:a.End], Norm: a.Norm, Off: off + a.Start})
	}
	return out
}

// An AddressAt is a single address of a host in a text.
type AddressAt struct {
	Norm       string
	Start, End int
	Is6        bool
}

// Addresses finds the single addresses in a text: no networks, no ranges, no
// addresses that only documentation uses.
func Addresses(text string) (out []AddressAt) {
	if !mayHoldAddress(text) {
		return nil
	}
	for _, m := range addressText.FindAllStringSubmatchIndex(text, -1) {
		ip, err := netip.ParseAddr(text[m[2]:m[3]])
		if err != nil || !hostAddress(ip) || rangeBefore.MatchString(text[max(0, m[2]-8):m[2]]) {
			continue
		}
		rest := text[m[3]:]
		if m[4] >= 0 {
			p, err := netip.ParsePrefix(text[m[2]:m[5]])
			if err != nil || p.Masked().Addr() == ip {
				continue
			}
			rest = text[m[5]:]
		}
		if rangeAfter.MatchString(rest) {
			continue
		}
		out = append(out, AddressAt{Norm: ip.String(), Start: m[2], End: m[3]})
	}
	for _, m := range address6.FindAllStringSubmatchIndex(text, -1) {
		if ip, err := netip.ParseAddr(text[m[2]:m[3]]); err == nil && ip.Is6() && hostAddress(ip) {
			out = append(out, AddressAt{Norm: ip.String(), Start: m[2], End: m[3], Is6: true})
		}
	}
	return out
}

// mayHoldAddress reports a text that is worth a closer look: three dots between
// digits, or three colons.
func mayHoldAddress(text string) bool {
	dots, colons := 0, 0
	for i := 1; i+1 < len(text); i++ {
		switch {
		case text[i] == '.' && isDigit(text[i-1]) && isDigit(text[i+1]):
			if dots++; dots >= 3 {
				return true
			}
		case text[i] == ':':
			if colons++; colons >= 3 {
				return true
			}
		}
	}
	return false
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// hostAddress reports an address that a machine of somebody's home can have.
func hostAddress(ip netip.Addr) bool {
	if ip.Is4() {
		switch b := ip.As4(); {
		case b[0] == 0 || b[0] >= 224, b[0] == 192 && b[1] == 0 && b[2] == 2, b[0] == 198 && b[1] == 51 && b[2] == 100, b[0] == 203 && b[1] == 0 && b[2] == 113:
			return false
		}
	} else if b := ip.As16(); b[0] == 0x20 && b[1] == 1 && b[2] == 0x0d && b[3] == 0xb8 {
		return false
	}
	return !ip.IsLoopback() && !ip.IsUnspecified() && !ip.IsLinkLocalUnicast() && (!ip.Is4() || ip.As4()[3] != 0 && ip.As4()[3] != 255)
}

var otherID = regexp.MustCompile(`^\W*[,/&+]\W*\d{3,9}\b`)

func numberOfGuest(text string, off int) []Value {
	m := idText.FindStringSubmatchIndex(text)
	if m == nil || otherID.MatchString(text[m[5]:]) {
		return nil // "100, 110, 120" are several
	}
	out := []Value{{Role: VMID, Text: text[m[4]:m[5]], Norm: trimZeros(text[m[4]:m[5]]), Off: off + m[4]}}
	if m[2] >= 0 {
		out = append(out, kindOf(text[m[2]:m[3]], off+m[2])...)
	}
	return out
}

// Kinds maps the words for kinds of guests.
func Kinds() map[string]string {
	return map[string]string{
		"vm": "vm", "qemu": "vm", "kvm": "vm", "virtual machine": "vm", "lxc": "lxc", "ct": "lxc", "lxc container": "lxc", "qemu vm": "vm", "qemu/kvm": "vm", "kvm vm": "vm", "linux container": "lxc",
		"virtual machines": "vm", "vms": "vm", "lxcs": "lxc", "lxc containers": "lxc", "cts": "lxc", "ctid": "lxc", "unprivileged lxc": "lxc", "privileged lxc": "lxc", "proxmox vm": "vm", "proxmox lxc": "lxc",
	}
}

var kindText = regexp.MustCompile(`(?i)^[^0-9A-Za-z]*([A-Za-z/]+(?: [A-Za-z]+)?)`)

func kindOf(text string, off int) []Value {
	m := kindText.FindStringSubmatchIndex(text)
	if m == nil {
		return nil
	}
	word := strings.ToLower(text[m[2]:m[3]])
	kind, ok := Kinds()[word]
	if !ok {
		word, _, _ = strings.Cut(word, " ")
		if kind, ok = Kinds()[word]; !ok || word == "ctid" {
			return nil
		}
	}
	return []Value{{Role: Kind, Text: text[m[2] : m[2]+len(word)], Norm: kind, Off: off + m[2]}}
}

func amountOf(c column, text string, off int) []Value {
	m := amountText.FindStringSubmatchIndex(text)
	if m == nil || strings.ContainsAny(text, "+<>≥~-/") {
		return nil
	}
	unit := c.unit
	if m[4] >= 0 {
		unit = text[m[4]:m[5]]
	}
	n, ok := Bytes(text[m[2]:m[3]], unit)
	if !ok {
		return nil
	}
	return []Value{{Role: c.role, Text: text[m[2]:m[3]], Norm: strconv.FormatInt(n, 10), Unit: unit, Off: off + m[2]}}
}

// Bytes reads a number of a unit.
func Bytes(number, unit string) (int64, bool) {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n <= 0 || n > 1e9 || unit == "" {
		return 0, false
	}
	scale := map[byte]int64{'M': inventory.MiB, 'G': inventory.GiB, 'T': inventory.TiB}[strings.ToUpper(unit)[0]]
	return int64(n * float64(scale)), scale != 0
}

var (
	leadingMarks = regexp.MustCompile(`^[\s*_\x60~"'\[(✅❌🟢🔴⚠️🖥📦🐳🔒🌐💾]*`)
	nameText     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*(?: [A-Za-z0-9][A-Za-z0-9._-]*){0,2}`)
	nameEnd      = regexp.MustCompile(`^[\s*_\x60"'\])]*(?:$|[(\[,;:]|\]\(|<br|—|–|-\s|\*)`)
	numberedName = regexp.MustCompile(`^[0-9][A-Za-z0-9_-]*[A-Za-z][A-Za-z0-9_-]*`)
)

// NameIn finds the name that a cell or title consists of, or begins with before
// something in parentheses, and where it stands.
func NameIn(text string) (name string, at int) {
	at = len(leadingMarks.FindString(text))
	for at < len(text) {
		c, size := utf8.DecodeRuneInString(text[at:])
		if c < utf8.RuneSelf || unicode.IsLetter(c) {
			break
		}
		at += size // a picture
	}
	at += len(leadingMarks.FindString(text[at:]))
	name = nameText.FindString(text[at:])
	if name == "" {
		name = numberedName.FindString(text[at:])
	}
	name = strings.TrimRight(name, ".-_")
	if len(name) < 2 || len(name) > 63 || !nameEnd.MatchString(text[at+len(name):]) {
		return "", 0
	}
	return name, at
}
