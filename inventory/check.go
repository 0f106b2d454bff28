package inventory

import (
	"fmt"
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

// vlan reads a tag.
func vlan(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err == nil && (n < 1 || n > maxVLAN) {
		err = strconv.ErrRange
	}
	return n, err
}

// number reads digits that a pattern has let through.
func number(s string) int { n, _ := strconv.Atoi(s); return n }

const maxVLAN = 4094
