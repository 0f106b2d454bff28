package inventory

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)
	tagPattern  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_+.-]*$`)
)

func checkName(v cty.Value) error {
	if s := Text(v); s != "" && !namePattern.MatchString(s) {
		return fmt.Errorf("%q is not a DNS name", s)
	}
	return nil
}

func checkTags(v cty.Value) error {
	for _, tag := range Strings(v) {
		if !tagPattern.MatchString(tag) {
			return fmt.Errorf("%q is not a tag; tags have letters, digits, _ + . and -", tag)
		}
	}
	return nil
}

func checkAddress(v cty.Value) error {
	s := Text(v)
	if slices.Contains([]string{"", "dhcp", "manual", "auto"}, s) {
		return nil
	}
	if _, err := netip.ParsePrefix(s); err != nil {
		return fmt.Errorf("%q is not an address with a prefix length, such as \"192.168.40.11/24\", nor \"dhcp\"", s)
	}
	return nil
}

func checkMAC(v cty.Value) error {
	if hw, err := net.ParseMAC(Text(v)); err != nil || len(hw) != 6 {
		return fmt.Errorf("%q is not a MAC address, such as \"BC:24:11:00:00:01\"", Text(v))
	}
	return nil
}

// Difference returns the items that are in one of the collections only.
func Difference(a, b cty.Value) []string {
	var out []string
	x, y := Strings(a), Strings(b)
	for _, s := range x {
		if !slices.Contains(y, s) {
			out = append(out, s)
		}
	}
	for _, s := range y {
		if !slices.Contains(x, s) {
			out = append(out, s)
		}
	}
	return out
}

// VLANs returns the tags of a value: a tag, or a list of tags and ranges of them.
func VLANs(v cty.Value) []int {
	if tag, ok := Int(v); ok {
		return []int{int(tag)}
	}
	var out []int
	for _, item := range Strings(v) {
		from, to, isRange := strings.Cut(item, "-")
		first, err := strconv.Atoi(strings.TrimSpace(from))
		last := first
		if isRange && err == nil {
			last, err = strconv.Atoi(strings.TrimSpace(to))
		}
		for tag := first; err == nil && tag <= min(last, maxVLAN); tag++ {
			out = append(out, tag)
		}
	}
	return out
}

const maxVLAN = 4094
