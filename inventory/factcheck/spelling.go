package factcheck

import (
	"slices"
	"strings"
)

// affixes are what people put at names to say what a machine is.
const affixes = " lxc vm ct server host srv node container guest svr box machine "

// tokens are the words of a name that tell it from others.
func tokens(name string) (out []string) {
	for _, w := range strings.FieldsFunc(strings.ToLower(firstLabel(name)), func(c rune) bool { return strings.ContainsRune("-_. ", c) }) {
		bare := strings.TrimRight(w, "0123456789")
		if bare != "" && !strings.Contains(affixes, " "+bare+" ") {
			out = append(out, strings.TrimPrefix(strings.TrimLeft(w, "0"), "v"))
		}
	}
	return out
}

// mayBeOne reports two names that may be of one machine: one says less than the
// other, in whatever order.
func mayBeOne(a, b string) bool {
	if normal(a) == normal(b) {
		return true
	}
	if numberBehind(a, b) || numberBehind(b, a) {
		return true
	}
	if m, n := lastNumber(a), lastNumber(b); m != "" && n != "" && m != n {
		return false // siblings: docker01 and docker02
	}
	x, y := tokens(a), tokens(b)
	return shortFor(a, b) || shortFor(b, a) || saysLess(x, y) || saysLess(y, x)
}

// numberBehind reports a name that is the other with a number of its own behind it, which
// most often is the end of its address: web-01 and web-01-204.
func numberBehind(long, short string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(firstLabel(long)), strings.ToLower(firstLabel(short)))
	return ok && len(rest) > 1 && strings.ContainsAny(rest[:1], "-_. ") && isDigits(rest[1:])
}

// saysLess reports words that all stand among others, or in what they are together.
func saysLess(few, many []string) bool {
	if len(few) > 0 && len(many) == 0 {
		return false
	}
	long := strings.Join(many, "")
	for _, w := range few {
		bare := strings.TrimRight(w, "0123456789")
		short := func(m string) bool { return abbreviates(bare, m) }
		if !slices.Contains(many, w) && !strings.Contains(long, bare) && !short(long) && !slices.ContainsFunc(many, short) {
			return false
		}
	}
	return true
}

// shortFor reports a name of which one word is short for the whole of another: pbs and
// proxmox-backup-server. One with which the other begins is no short form of it: web-shop
// and web-mail have that word in common.
func shortFor(short, long string) bool {
	long = normal(firstLabel(long))
	return len(long) > 6 && slices.ContainsFunc(tokens(short), func(w string) bool {
		return len(w) < 5 && len(w) > 1 && !strings.HasPrefix(long, w) && abbreviates(w, long)
	})
}

// abbreviates reports a word that has the first letter of a longer one and others of its
// letters in their order: mgr and manager, npm and nginx proxy manager.
func abbreviates(short, long string) bool {
	if short == "" || long == "" || short[0] != long[0] {
		return false
	}
	for i := range len(long) {
		if short != "" && short[0] == long[i] {
			short = short[1:]
		}
	}
	return short == ""
}

// lastNumber is the number at the end of a name, without zeros before it.
func lastNumber(name string) string {
	name = firstLabel(name)
	return strings.TrimLeft(name[len(strings.TrimRight(name, "0123456789")):], "0")
}
