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

// textEqual compares free text as Proxmox stores it: white space at the end is lost, of
// the text and of its lines, and a final newline is added for containers. A file with
// Windows line ends means the same.
func textEqual(a, b cty.Value) bool { return bareText(a) == bareText(b) }

func bareText(v cty.Value) string {
	lines := strings.Split(strings.ReplaceAll(Text(v), "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// setEqual compares collections as sets, each word by what it means.
func setEqual(meaning func(string) string) func(a, b cty.Value) bool {
	canonical := func(v cty.Value) []string {
		items := Strings(v)
		for i, s := range items {
			items[i] = meaning(s)
		}
		slices.Sort(items)
		return slices.Compact(items)
	}
	return func(a, b cty.Value) bool { return slices.Equal(canonical(a), canonical(b)) }
}

// wordsEqual compares texts that are lists of words.
func wordsEqual(separator string, equal func(a, b cty.Value) bool) func(a, b cty.Value) bool {
	split := func(v cty.Value) cty.Value { return StringList(strings.Split(Text(v), separator)...) }
	return func(a, b cty.Value) bool { return equal(split(a), split(b)) }
}

// pciMeaning: an address without a domain is of the first (PVE/SysFSTools.pm).
func pciMeaning(s string) string {
	if s = strings.ToLower(s); strings.Count(s, ":") == 1 {
		s = "0000:" + s
	}
	return s
}

// usbEqual: numbers of USB devices are hexadecimal, with and without 0x.
func usbEqual(a, b cty.Value) bool {
	meaning := func(v cty.Value) string { return strings.ReplaceAll(strings.ToLower(Text(v)), "0x", "") }
	return meaning(a) == meaning(b)
}

// featureMeaning: the file systems of mount= are a set.
func featureMeaning(s string) string {
	types, is := strings.CutPrefix(s, "mount=")
	if !is {
		return s
	}
	items := strings.FieldsFunc(types, func(r rune) bool { return r == ';' || r == ' ' })
	slices.Sort(items)
	return "mount=" + strings.Join(slices.Compact(items), ";")
}

// vlansEqual compares the tags that pass, however they are grouped.
func vlansEqual(a, b cty.Value) bool {
	canonical := func(v cty.Value) []int {
		tags := VLANs(v)
		slices.Sort(tags)
		return slices.Compact(tags)
	}
	return slices.Equal(canonical(a), canonical(b))
}

// coresEqual compares the cores of a list with ranges.
func coresEqual(a, b cty.Value) bool {
	canonical := func(v cty.Value) []int {
		var out []int
		for _, item := range strings.Split(Text(v), ",") {
			from, to, isRange := strings.Cut(item, "-")
			if !isRange {
				to = from
			}
			for n := number(from); n <= min(number(to), 1<<14); n++ {
				out = append(out, n)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return Text(a) == Text(b) || checkCores(a) == nil && checkCores(b) == nil && slices.Equal(canonical(a), canonical(b))
}

// addressesEqual compares lists of addresses in their order.
func addressesEqual(a, b cty.Value) bool {
	return slices.EqualFunc(Strings(a), Strings(b), func(x, y string) bool { return canonicalAddress(x) == canonicalAddress(y) })
}

// fieldsEqual compares lists of words in their order, however they are separated.
func fieldsEqual(a, b cty.Value) bool {
	split := func(v cty.Value) []string {
		return strings.FieldsFunc(strings.ToLower(Text(v)), func(r rune) bool { return strings.ContainsRune(",; ", r) })
	}
	return slices.Equal(split(a), split(b))
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
