package inventory

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// An Address names a resource in manifests: vm.media, or vm.node["a"] for one
// instance of a for_each block. It stays the same for the life of the resource.
type Address struct {
	Kind string // "vm"
	Name string // the block's label
	Key  string // the for_each key, "" without for_each
}

// String returns the address as it is written in manifests and on the command line.
func (a Address) String() string {
	if a.Key != "" {
		return fmt.Sprintf("%s.%s[%q]", a.Kind, a.Name, a.Key)
	}
	return a.Kind + "." + a.Name
}

// IsZero reports whether the address names nothing.
func (a Address) IsZero() bool { return a == Address{} }

// Names reports whether an address that a person gave means another: itself, or the block
// of which that one is an instance.
func (a Address) Names(other Address) bool {
	return a == other || a.Key == "" && a.Kind == other.Kind && a.Name == other.Name
}

// MarshalText makes an Address a JSON string.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, rest, err := ParseAddress(string(text))
	if err != nil {
		return err
	}
	if rest != "" {
		return fmt.Errorf("address %q has a path behind it", text)
	}
	*a = parsed
	return nil
}

var addressPattern = regexp.MustCompile(`^([a-z][a-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_-]*)(?:\["([^"]*)"\])?(?:\.(.+))?$`)

// ParseAddress reads an address that may be followed by a path inside the
// resource (vm.media.network.net0.vlan). The rest is "" when there is none.
func ParseAddress(s string) (addr Address, rest Path, err error) {
	m := addressPattern.FindStringSubmatch(s)
	if m == nil {
		return Address{}, "", fmt.Errorf("%q is not an address; write kind.name, such as vm.media or vm.node[\"a\"]", s)
	}
	return Address{Kind: m[1], Name: m[2], Key: m[3]}, Path(m[4]), nil
}

// CompareAddress orders addresses by kind, then by name and key in natural
// order: web2 comes before web10.
func CompareAddress(a, b Address) int {
	return cmp.Or(
		strings.Compare(a.Kind, b.Kind),
		NaturalCompare(a.Name, b.Name),
		NaturalCompare(a.Key, b.Key),
	)
}

// NaturalCompare orders strings so that runs of digits compare as numbers.
func NaturalCompare(a, b string) int {
	for a != "" && b != "" {
		an, arest := leadingDigits(a)
		bn, brest := leadingDigits(b)
		if an != "" && bn != "" {
			x, y := strings.TrimLeft(an, "0"), strings.TrimLeft(bn, "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = arest, brest
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

// A Path names a field of a resource: memory, network.net0.vlan, rootfs.size.
type Path string

// In reports whether the path is the given field or lies below the given block:
// network.net0.vlan is in network, in network.net0 and in itself.
func (p Path) In(outer Path) bool {
	return p == outer || strings.HasPrefix(string(p), string(outer)+".")
}

// Parent returns the path without its last part, "" for a top-level field.
func (p Path) Parent() Path {
	if i := strings.LastIndexByte(string(p), '.'); i >= 0 {
		return p[:i]
	}
	return ""
}

// Leaf returns the last part of the path.
func (p Path) Leaf() string {
	return string(p[strings.LastIndexByte(string(p), '.')+1:])
}
