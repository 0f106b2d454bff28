package inventory

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// foldEqual compares strings without regard to case (MAC addresses).
func foldEqual(a, b cty.Value) bool { return strings.EqualFold(Text(a), Text(b)) }

// foldSetEqual compares sets of strings without regard to case (tags: Proxmox
// lower-cases them unless the datacenter's tag-style says otherwise).
func foldSetEqual(a, b cty.Value) bool { return slices.Equal(foldedSet(a), foldedSet(b)) }

func foldedSet(v cty.Value) []string {
	items := Strings(v)
	for i, s := range items {
		items[i] = strings.ToLower(s)
	}
	slices.Sort(items)
	return slices.Compact(items)
}

// addressEqual compares network addresses by what they mean: 10.0.0.1/24 and
// fd00::0001/64 have many spellings, the words dhcp and manual only one.
func addressEqual(a, b cty.Value) bool {
	return canonicalAddress(Text(a)) == canonicalAddress(Text(b))
}

func canonicalAddress(s string) string {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.String()
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.String()
	}
	return strings.ToLower(s)
}

// textEqual compares free text as Proxmox stores it: trailing white space is
// lost, and a final newline is added for containers.
func textEqual(a, b cty.Value) bool {
	return strings.TrimRight(Text(a), " \t\r\n") == strings.TrimRight(Text(b), " \t\r\n")
}

// machineEqual accepts the version that Proxmox pins by itself: a manifest that
// says q35 agrees with pc-q35-10.0+pve1. A manifest that names a version means it.
func machineEqual(want, have cty.Value) bool {
	w, h := Text(want), Text(have)
	if w == h {
		return true
	}
	switch w {
	case "q35":
		return strings.HasPrefix(h, "pc-q35-")
	case "pc", "i440fx":
		return h == "pc" || strings.HasPrefix(h, "pc-i440fx-")
	}
	return false
}

// keysEqual compares SSH keys as a set of lines, whatever their order and
// surrounding blanks.
func keysEqual(a, b cty.Value) bool {
	return strings.Join(trimmedSet(a), "\n") == strings.Join(trimmedSet(b), "\n")
}

func trimmedSet(v cty.Value) []string {
	var out []string
	for _, s := range Strings(v) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return Strings(StringSet(out...))
}

// propertyStringEqual compares k=v lists without regard to order.
func propertyStringEqual(a, b cty.Value) bool {
	split := func(v cty.Value) cty.Value { return StringSet(strings.Split(Text(v), ",")...) }
	return split(a).RawEquals(split(b))
}
