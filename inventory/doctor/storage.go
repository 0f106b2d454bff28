package doctor

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"recon/inventory"
)

// Within reports whether a path is a folder or lies below it.
func Within(p, folder string) bool {
	return p == folder || folder == "/" || strings.HasPrefix(p, strings.TrimSuffix(folder, "/")+"/")
}

// BindOf returns the mount of a container that a path lies on: the one with the
// longest target.
func BindOf(binds []Bind, p string) *Bind {
	var best *Bind
	for i := range binds {
		if b := &binds[i]; Within(p, b.Target) && (best == nil || len(b.Target) > len(best.Target)) {
			best = b
		}
	}
	return best
}

// MountOf returns the line of mountinfo that a path lies on; of several in one place the
// last is on top.
func MountOf(mounts []Mount, p string) *Mount {
	var best *Mount
	for i := range mounts {
		if m := &mounts[i]; Within(p, m.Point) && (best == nil || len(m.Point) >= len(best.Point)) {
			best = m
		}
	}
	return best
}

// A pair is two folders of a container between which files are to be linked.
type pair struct {
	from, to string
	declared bool
	why      string
}

// severity is that of a pair on two mounts: what somebody declared is broken, what is
// guessed may be as it is meant.
func (p *pair) severity() string {
	if p.declared {
		return "error"
	}
	return "warning"
}

// importers are programs that link what a download client finished into a library.
var importers = regexp.MustCompile(`(?i)(^|[/-])(radarr|sonarr|lidarr|readarr|whisparr|cross-seed)([:@-]|$)`)

// Names of folders that say what is in them.
var (
	arrivals  = regexp.MustCompile(`(?i)^(downloads?|torrents?|usenet|nzb|complete|completed|incomplete|seeding)$`)
	libraries = regexp.MustCompile(`(?i)^(media|movies?|films?|tv|tvshows?|shows?|series|music|books|audiobooks|anime|library)$`)
)

// guess returns pairs that nobody declared: an importer with a mount for what
// arrives and another for the library. Of several that lie in one folder of the host
// the outermost speaks for all.
func guess(image string, binds []Bind) []pair {
	if !importers.MatchString(image) {
		return nil
	}
	var from, to []Bind
	for _, b := range binds {
		switch {
		case b.ReadOnly || b.Source == "":
		case arrives(b.Target):
			from = append(from, b)
		case libraries.MatchString(path.Base(b.Target)):
			to = append(to, b)
		}
	}
	var out []pair
	for _, a := range outermost(from) {
		for _, l := range outermost(to) {
			out = append(out, pair{from: a.Target, to: l.Target, why: "an importer links from the one into the other"})
		}
	}
	return out
}

// arrives reports a folder for what was downloaded, or one below it: /downloads/tv.
func arrives(target string) bool {
	return slices.ContainsFunc(strings.Split(target, "/"), arrivals.MatchString)
}

func outermost(binds []Bind) (out []Bind) {
	for i, b := range binds {
		if !slices.ContainsFunc(binds[:i], func(o Bind) bool { return o.Source == b.Source }) &&
			!slices.ContainsFunc(binds, func(o Bind) bool { return o.Source != b.Source && Within(b.Source, o.Source) }) {
			out = append(out, b)
		}
	}
	return out
}

// pairsOf returns the pairs of a container: those declared, else those guessed.
func pairsOf(f *Facts, h *Host, c *Container) []pair {
	for _, s := range f.Services {
		if s.Host != h.Name || s.Container != c.Name && s.Container != c.Service || len(s.Links) == 0 {
			continue
		}
		var out []pair
		for _, l := range s.Links {
			out = append(out, pair{from: l.From, to: l.To, declared: true, why: s.Address + " declares it"})
		}
		return out
	}
	return guess(c.Image, c.Binds)
}

// eachPair calls a rule for every pair of every running container and file.
func eachPair(f *Facts, live func(h *Host, c *Container, p pair) *inventory.Finding, file func(x *File, s *ComposeService, p pair) *inventory.Finding) []inventory.Finding {
	var out []inventory.Finding
	keep := func(finding *inventory.Finding) {
		if finding != nil {
			out = append(out, *finding)
		}
	}
	for h, c := range f.containers() {
		for _, p := range pairsOf(f, h, c) {
			keep(live(h, c, p))
		}
	}
	for i := range f.Files {
		x := &f.Files[i]
		for j := range x.Services {
			s := &x.Services[j]
			for _, p := range guess(s.Image, s.Binds) {
				keep(file(x, s, p))
			}
		}
	}
	return out
}

// nested reports whether one mount lies inside the other, also on the host: the
// folder is there twice, and its inner mount is in the way.
func nested(a, b *Bind) bool {
	return a != nil && b != nil && a.Target != b.Target && (Within(a.Target, b.Target) || Within(b.Target, a.Target))
}

// hardlinkSplitMounts: the two folders lie on two mounts side by side.
func hardlinkSplitMounts(f *Facts) []inventory.Finding {
	return eachPair(f,
		func(h *Host, c *Container, p pair) *inventory.Finding {
			a, b := BindOf(c.Binds, p.from), BindOf(c.Binds, p.to)
			if a == b || nested(a, b) {
				return triedAndFailed(f, h, c, p, a, b)
			}
			finding := split(addressOf(f, h, c), c.Name, p, a, b, fixFile(c))
			finding.Evidence = append(finding.Evidence, mountIDs(c, p)...)
			finding.Evidence = append(finding.Evidence, tried(c, p)...)
			return finding
		},
		func(x *File, s *ComposeService, p pair) *inventory.Finding {
			a, b := BindOf(s.Binds, p.from), BindOf(s.Binds, p.to)
			if a == b || nested(a, b) {
				return nil
			}
			return split(x.place(s.Line), s.Name, p, a, b, "in this file")
		})
}

// triedAndFailed: everything looks right, and the attempt failed all the same.
func triedAndFailed(f *Facts, h *Host, c *Container, p pair, a, b *Bind) *inventory.Finding {
	for _, l := range c.Links {
		if l.From == p.from && l.To == p.to && l.Errno == "EXDEV" && !nested(a, b) {
			return &inventory.Finding{
				Severity: "error", Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s cannot link from %s to %s", c.Name, p.from, p.to),
				Evidence: append(tried(c, p), mountIDs(c, p)...), Fix: "look at what is mounted on the host below " + sourceOf(a, p.from) + " (findmnt -R)",
			}
		}
	}
	return nil
}

func split(addr, name string, p pair, a, b *Bind, where string) *inventory.Finding {
	finding := &inventory.Finding{
		Severity: p.severity(), Address: addr, Summary: fmt.Sprintf("%s cannot link from %s to %s: they are two mounts", name, p.from, p.to),
		Evidence: []string{p.why, p.from + " is on " + describe(a), p.to + " is on " + describe(b)},
	}
	from, to := sourceOf(a, p.from), sourceOf(b, p.to)
	if parent := commonFolder(from, to); parent != "" {
		finding.Fix = fmt.Sprintf("mount the folder above both once: replace %s and %s by \"- %s:%s\" %s, and point %s to %s and %s", line(a), line(b), parent, inside(parent), where, name, inside(parent)+strings.TrimPrefix(from, parent), inside(parent)+strings.TrimPrefix(to, parent))
		if !p.declared {
			finding.Fix += "; the download client needs the same mount"
		}
		return finding
	}
	far := "on the host"
	if strings.ContainsAny(from+to, "${") {
		far = "as far as is written"
	}
	finding.Fix = fmt.Sprintf("%s and %s have no folder in common %s; if they are on one file system (df shows it), put both below one folder, mount that once %s, and point %s there; otherwise a copy cannot be avoided: silence this", from, to, far, where, name)
	return finding
}

// inside is where a folder of the host is best mounted: under its own name.
func inside(folder string) string {
	if name := path.Base(folder); !strings.ContainsAny(name, "${.") {
		return "/" + name
	}
	return "/data"
}

func line(b *Bind) string {
	if b == nil {
		return "nothing"
	}
	return fmt.Sprintf("\"- %s:%s\"", b.Source, b.Target)
}

func describe(b *Bind) string {
	if b == nil {
		return "no mount: inside the container"
	}
	return fmt.Sprintf("the mount %s:%s", b.Source, b.Target)
}

func sourceOf(b *Bind, p string) string {
	if b == nil {
		return p
	}
	return path.Join(b.Source, strings.TrimPrefix(p, b.Target))
}

// commonFolder is the deepest folder above two paths, "" when that is the root.
func commonFolder(a, b string) string {
	if !path.IsAbs(a) && !strings.HasPrefix(a, "$") && !strings.HasPrefix(a, "{") && !strings.HasPrefix(a, ".") {
		return ""
	}
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < len(x)-1 && n < len(y)-1 && x[n] == y[n] {
		n++
	}
	parent := strings.Join(x[:n], "/")
	if parent == "." || parent == ".." {
		return ""
	}
	return parent
}

// mountIDs are the kernel's own words: two mounts have two numbers, also with equal
// devices.
func mountIDs(c *Container, p pair) []string {
	a, b := MountOf(c.Mounts, p.from), MountOf(c.Mounts, p.to)
	if a == nil || b == nil || a.ID == b.ID {
		return nil
	}
	text := fmt.Sprintf("mountinfo: %s is mount %d, %s is mount %d", p.from, a.ID, p.to, b.ID)
	if a.Device == b.Device {
		text += ", on the same device " + a.Device
	}
	return []string{text}
}

func tried(c *Container, p pair) []string {
	for _, l := range c.Links {
		if l.From == p.from && l.To == p.to {
			if l.Errno == "" {
				return []string{"link(2) inside the container worked"}
			}
			return []string{"link(2) inside the container: " + l.Errno}
		}
	}
	return nil
}

// hardlinkNestedBind: one mount lies inside the other.
func hardlinkNestedBind(f *Facts) []inventory.Finding {
	return eachPair(f,
		func(h *Host, c *Container, p pair) *inventory.Finding {
			a, b := BindOf(c.Binds, p.from), BindOf(c.Binds, p.to)
			if !nested(a, b) {
				return nil
			}
			finding := nestedFinding(addressOf(f, h, c), c.Name, p, a, b, fixFile(c))
			finding.Evidence = append(append(finding.Evidence, mountIDs(c, p)...), tried(c, p)...)
			return finding
		},
		func(x *File, s *ComposeService, p pair) *inventory.Finding {
			a, b := BindOf(s.Binds, p.from), BindOf(s.Binds, p.to)
			if !nested(a, b) {
				return nil
			}
			return nestedFinding(x.place(s.Line), s.Name, p, a, b, "in this file")
		})
}

func nestedFinding(addr, name string, p pair, a, b *Bind, where string) *inventory.Finding {
	inner := a
	if Within(b.Target, a.Target) {
		inner = b
	}
	return &inventory.Finding{
		Severity: "error", Address: addr, Summary: fmt.Sprintf("%s cannot link from %s to %s: %s is a mount of its own inside the other", name, p.from, p.to, inner.Target),
		Evidence: []string{p.why, p.from + " is on " + describe(a), p.to + " is on " + describe(b)},
		Fix:      fmt.Sprintf("take %s out of volumes: of %s %s; the outer mount holds the folder already", line(inner), name, where),
	}
}

// declaredMountMissing: a manifest declares a path with a source, and the container
// has no mount there.
func declaredMountMissing(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for _, s := range f.Services {
		h, c := f.container(s)
		if c == nil {
			continue
		}
		for _, p := range s.Paths {
			if p.Source == "" || BindOf(c.Binds, p.Target) != nil {
				continue
			}
			out = append(out, inventory.Finding{
				Severity: "error", Address: s.Address, Summary: fmt.Sprintf("%s is not mounted in %s: what is written there stays in the container", p.Target, c.Name),
				Evidence: []string{fmt.Sprintf("%s declares %s of %s at %s", s.Source, p.Source, h.Name, p.Target), "no mount of " + c.Name + " covers it"},
				Fix:      fmt.Sprintf("add \"- %s:%s\" under volumes: of %s %s, then docker compose up -d", p.Source, p.Target, c.Name, fixFile(c)),
			})
		}
	}
	return out
}

// container returns the container that a service means.
func (f *Facts) container(s Service) (*Host, *Container) {
	for h, c := range f.containers() {
		if h.Name == s.Host && (c.Name == s.Container || c.Service != "" && c.Service == s.Container) {
			return h, c
		}
	}
	return nil, nil
}

// mountSourceNotMounted: the folder of a bind should be on a mount that is not
// there, or came after the container started.
func mountSourceNotMounted(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for h, c := range f.containers() {
		for k := range c.Binds {
			b := &c.Binds[k]
			if point := unmounted(h, b.Source); point != "" && c.State == "running" {
				out = append(out, inventory.Finding{
					Severity: "error", Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s writes to %s, and %s is not mounted", c.Name, b.Source, point),
					Evidence: []string{"/etc/fstab of " + h.Name + " mounts " + point, "mountinfo has no such mount"},
					Fix:      fmt.Sprintf("docker stop %s, mount %s, move what was written below it, docker start %s", c.Name, point, c.Name),
				})
			} else if b.Stale && c.State == "running" {
				out = append(out, inventory.Finding{
					Severity: "error", Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s sees at %s what was there before %s was mounted", c.Name, b.Target, b.Source),
					Evidence: []string{"the container's mount is on another device than the host's"}, Fix: "docker restart " + c.Name,
				})
			}
		}
	}
	return out
}

// unmounted returns the mount point of fstab that should be under a path and is
// not there.
func unmounted(h *Host, source string) string {
	for _, point := range h.Declared {
		if Within(source, point) && !slices.ContainsFunc(h.Mounts, func(m Mount) bool { return m.Point == point }) {
			return point
		}
	}
	return ""
}

// pathOwnerMismatch: the user of the container cannot write to a folder that is
// mounted to be written.
func pathOwnerMismatch(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for _, s := range f.Services {
		h, c := f.container(s)
		if c == nil || !c.HasUID || c.UID == 0 {
			continue
		}
		for _, p := range s.Paths {
			b := BindOf(c.Binds, p.Target)
			if b == nil || b.Target != p.Target || b.Owner == "" || !p.Writable || c.MayWrite(b.Owner, b.Mode) {
				continue
			}
			out = append(out, inventory.Finding{
				Severity: "error", Address: s.Address, Summary: fmt.Sprintf("user %d of %s cannot write to %s", c.UID, c.Name, p.Target),
				Evidence: []string{fmt.Sprintf("%s of %s belongs to %s, mode %s", b.Source, h.Name, b.Owner, b.Mode), fmt.Sprintf("the container writes as user %d", c.UID)},
				Fix:      fmt.Sprintf("declare owner = \"%d:%d\" in path %q of %s and run recon apply, or give the container another user (PUID, user:) %s", c.UID, c.UID, p.Target, s.Address, fixFile(c)),
			})
		}
	}
	return out
}

// MayWrite reports whether the container's user can make files in a folder, by its
// owner (1000:1000) and mode (0775). Group membership inside a container is its own
// affair: a folder of the group with the user's number counts, as images with PUID
// and PGID mean it.
func (c *Container) MayWrite(owner, mode string) bool {
	bits, err := strconv.ParseUint(mode, 8, 32)
	u, g, _ := strings.Cut(owner, ":")
	switch {
	case err != nil:
		return false
	case c.UID == 0 || c.rootOf(u, g):
		return true
	case u == strconv.Itoa(c.UID):
		return bits&0o300 == 0o300
	case g == strconv.Itoa(c.UID):
		return bits&0o030 == 0o030
	}
	return bits&0o003 == 0o003
}

// rootOf reports whether the container's user is the root of a user namespace to
// which the owner of a folder belongs.
func (c *Container) rootOf(uid, gid string) bool {
	return c.Users != nil && c.UID == c.Users.UIDs[0].Outside && c.Users.UIDs[0].Inside == 0 && holds(c.Users.UIDs, uid) && holds(c.Users.GIDs, gid)
}

func holds(m []IDRange, id string) bool {
	n, err := strconv.Atoi(id)
	return err == nil && slices.ContainsFunc(m, func(r IDRange) bool { return n >= r.Outside && n-r.Outside < r.Count })
}
