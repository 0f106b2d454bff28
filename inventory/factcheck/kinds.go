package factcheck

import (
	"regexp"
)

// kindWords are how people write what kind a guest is. A bare "container" is not
// among them: it may be one of Docker's.
const kindWords = `(VM|LXC(?:[ -]container)?|CT|virtual machine)`

var (
	kindAnywhere = regexp.MustCompile(`(?i)\b` + kindWords + `\b`)
	// pihole is a VM; pihole runs as an LXC; pihole (LXC, ...); the pihole LXC
	kindAfter = regexp.MustCompile(`(?i)^[*_"'` + "`" + `]*\s*(?:(?:is|runs as|is running as|lives as|,)\s+(?:an?|the|our|my)\s+(?:small\s+|new\s+|unprivileged\s+|privileged\s+|Debian\s+|Ubuntu\s+|Alpine\s+)?|\(\s*(?:an?\s+)?|)` + kindWords + `\b`)
	// the VM pihole; LXC "pihole"
	numbered   = regexp.MustCompile(`^[ \t:#*_]*\d`)
	kindBefore = regexp.MustCompile(`(?i)\b` + kindWords + `\s+[*_"'` + "`" + `]*$`)
)

// kinds finds guests with the word for their kind beside them. A number between
// them, as in "VM 106 (gitlab)", is byNumber's.
func (x *extractor) kinds(f *file, u *unit, ms []mention) {
	for _, m := range ms {
		if !m.isGuest() || m.vmid || m.weak && !u.code {
			continue
		}
		if at := kindAfter.FindStringSubmatchIndex(u.text[m.end:]); at != nil {
			if numbered.MatchString(u.text[m.end+at[3]:]) {
				continue
			}
			x.kindWord(f, m.subject, u.text[m.end+at[2]:m.end+at[3]], u.off+m.end+at[2], u.text[m.end+at[2]:m.end+at[3]], 0.9)
			continue
		}
		if at := kindBefore.FindStringSubmatchIndex(u.text[:m.start]); at != nil {
			x.kindWord(f, m.subject, u.text[at[2]:at[3]], u.off+at[2], u.text[at[2]:at[3]], 0.9)
		}
	}
}
