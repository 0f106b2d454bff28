package manifests

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// checkVersion compares a version with constraints such as ">= 0.1, < 2". A
// build without a version (dev) satisfies everything.
func checkVersion(constraints, version string) error {
	have, ok := parseVersion(version)
	if !ok {
		return nil
	}
	for _, c := range strings.Split(constraints, ",") {
		c = strings.TrimSpace(c)
		op := strings.TrimRight(c, "0123456789. ")
		want, ok := parseVersion(strings.TrimSpace(strings.TrimPrefix(c, op)))
		if !ok {
			return fmt.Errorf("%q is not a version constraint; write \">= 0.1\"", c)
		}
		holds, known := compareVersion(op, cmp.Or(cmp.Compare(have[0], want[0]), cmp.Compare(have[1], want[1]), cmp.Compare(have[2], want[2])))
		if !known {
			return fmt.Errorf("%q is not a comparison; write >=, >, =, < or <=", op)
		}
		if !holds {
			return fmt.Errorf("the project asks for %s, and this is recon %s", c, version)
		}
	}
	return nil
}

func compareVersion(op string, c int) (holds, known bool) {
	switch op {
	case ">=":
		return c >= 0, true
	case ">":
		return c > 0, true
	case "=", "":
		return c == 0, true
	case "<":
		return c < 0, true
	case "<=":
		return c <= 0, true
	}
	return false, false
}

func parseVersion(s string) (v [3]int, ok bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "v"), "-")
	parts := strings.Split(s, ".")
	if len(parts) > 3 {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return v, false
		}
		v[i] = n
	}
	return v, true
}
