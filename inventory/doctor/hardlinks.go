package doctor

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

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
	arrivals  = regexp.MustCompile(`(?i)^(downloads?|dl|torrents?|usenet|nzb|complete|completed|incomplete|seeding)$`)
	libraries = regexp.MustCompile(`(?i)^(media|movies?|films?|tv|tvshows?|shows?|series|music|books|audiobooks|anime|library)$`)
)

// roots are mounts that hold everything: what arrives and the library.
var roots = regexp.MustCompile(`(?i)^/(data|media|storage|share|nas|pool|tank|mnt|mnt/[^/]+|srv|shared|content|files)$`)

// guess returns pairs that nobody declared: an importer with a mount for what
// arrives and another for the library. Of several that lie in one folder of the host
// the outermost speaks for all. Where one mount holds both, a mount inside it is
// another half.
func guess(image string, binds []Bind) []pair {
	if !importers.MatchString(image) {
		return nil
	}
	var from, to, all []Bind
	for _, b := range binds {
		switch {
		case b.ReadOnly || b.Source == "" && b.Volume == "":
		case arrives(b.Target):
			from = append(from, b)
		case holdsLibrary(b.Target):
			to = append(to, b)
		case roots.MatchString(b.Target):
			all = append(all, b)
		}
	}
	var out []pair
	for _, a := range outermost(from) {
		for _, l := range outermost(to) {
			out = append(out, pair{from: a.Target, to: l.Target, why: "an importer links from the one into the other"})
		}
	}
	for _, root := range all {
		for _, half := range append(slices.Clone(from), to...) {
			if len(out) == 0 && Within(half.Target, root.Target) {
				out = append(out, pair{from: root.Target, to: half.Target, why: "an importer links from the one into the other"})
			}
		}
	}
	return out
}

// arrives reports a folder for what was downloaded, or one below it: /downloads/tv.
func arrives(target string) bool {
	return slices.ContainsFunc(strings.Split(target, "/"), arrivals.MatchString)
}

// holdsLibrary reports a folder of a library, or one below it: /movies/hun.
func holdsLibrary(target string) bool {
	return slices.ContainsFunc(strings.Split(target, "/"), libraries.MatchString) && !strings.HasPrefix(target, "/config")
}

func outermost(binds []Bind) (out []Bind) {
	for i, b := range binds {
		if !slices.ContainsFunc(binds[:i], func(o Bind) bool { return o.where() == b.where() }) &&
			!slices.ContainsFunc(binds, func(o Bind) bool { return o.where() != b.where() && Within(b.where(), o.where()) }) {
			out = append(out, b)
		}
	}
	return out
}

// where names what is mounted: a folder of the host or a volume.
func (b *Bind) where() string { return cmp.Or(b.Source, "volume "+b.Volume) }

// kernelMounts adds to the binds of a running container the mounts that lie below them
// on the host: Docker's binds take those along, and each is a mount of its own.
func kernelMounts(c *Container) []Bind {
	out := slices.Clone(c.Binds)
	for _, m := range c.Mounts {
		if b := BindOf(c.Binds, m.Point); b != nil && m.Point != b.Target {
			out = append(out, Bind{Source: path.Join(b.Source, strings.TrimPrefix(m.Point, b.Target)), Target: m.Point, ReadOnly: b.ReadOnly, System: strings.TrimSpace(m.Type + " on device " + m.Device)})
		}
	}
	return out
}

// plannedMounts does the same for a compose file, by the mounts that the repository
// names.
func plannedMounts(f *Facts, s *ComposeService) []Bind {
	out := slices.Clone(s.Binds)
	for _, b := range s.Binds {
		for _, p := range f.Planned {
			if p.Point != b.Source && path.IsAbs(b.Source) && Within(p.Point, b.Source) {
				out = append(out, Bind{Source: p.Point, Target: path.Join(b.Target, strings.TrimPrefix(p.Point, b.Source)), ReadOnly: b.ReadOnly, System: p.Source + " (" + p.Place + ")"})
			}
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
	return guess(c.Image, kernelMounts(c))
}

// A half is one of the two folders of a pair, on the mount that it lies on.
type half struct {
	path string
	bind *Bind
}

// A couple is a pair with its mounts, of a container or of a service in a file.
type couple struct {
	pair
	a, b       half
	addr, name string
	where      string                   // where volumes: is changed
	evidence   []string                 // beside the mounts
	systems    func(path string) string // the file system of a folder of the host
}

// couples yields every pair of every container and file with the mounts of its folders.
func couples(f *Facts) (out []couple) {
	for h, c := range f.containers() {
		binds := kernelMounts(c)
		for _, p := range pairsOf(f, h, c) {
			out = append(out, couple{
				pair: p, a: half{p.from, BindOf(binds, p.from)}, b: half{p.to, BindOf(binds, p.to)}, addr: addressOf(f, h, c), name: c.Name, where: fixFile(c),
				evidence: append(mountIDs(c, p), tried(c, p)...), systems: h.systemOf,
			})
		}
	}
	for _, s := range f.services() {
		binds := plannedMounts(f, s)
		for _, p := range guess(s.Image, binds) {
			out = append(out, couple{
				pair: p, a: half{p.from, BindOf(binds, p.from)}, b: half{p.to, BindOf(binds, p.to)}, addr: s.Place, name: s.Name, where: "in this file", evidence: valuesOf(BindOf(binds, p.from), BindOf(binds, p.to)), systems: f.systemOf,
			})
		}
	}
	return out
}

func valuesOf(binds ...*Bind) (out []string) {
	for _, b := range binds {
		if b != nil {
			out = append(out, b.Values...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// systemOf says on which mount of the host a folder lies, "" when that is not known.
func (h *Host) systemOf(p string) string {
	if m := MountOf(h.Mounts, p); m != nil {
		return m.Point + " (" + m.Type + ")"
	}
	return ""
}

// systemOf says the same by what the repository tells of mounts.
func (f *Facts) systemOf(p string) string {
	var best *Planned
	for i := range f.Planned {
		if m := &f.Planned[i]; Within(p, m.Point) && (best == nil || len(m.Point) > len(best.Point)) {
			best = m
		}
	}
	if best == nil {
		return ""
	}
	return best.Point + ", which is " + best.Source + " (" + best.Place + ")"
}

// nested reports whether one mount lies inside the other, also on the host: the
// folder is there twice, and its inner mount is in the way.
func nested(a, b *Bind) bool {
	return a != nil && b != nil && a.Target != b.Target && (Within(a.Target, b.Target) || Within(b.Target, a.Target))
}

// hardlinkSplitMounts: the two folders lie on two mounts side by side.
func hardlinkSplitMounts(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for _, c := range couples(f) {
		switch same := c.a.bind == c.b.bind; {
		case !same && below(c.a.bind, c.b.bind):
			out = append(out, c.systemsBelow())
		case !same && !nested(c.a.bind, c.b.bind):
			if n := len(out) - 1; n >= 0 && !c.declared && out[n].Address == c.addr && strings.Contains(out[n].Summary, "they are two mounts") {
				out[n].Evidence = append(out[n].Evidence, "the same for "+c.to+", on "+describe(c.b.bind)) // one layout, one finding
				continue
			}
			out = append(out, c.split())
		case same && slices.ContainsFunc(c.evidence, func(e string) bool { return strings.HasSuffix(e, "EXDEV") }):
			out = append(out, inventory.Finding{
				Severity: "error", Address: c.addr, Summary: fmt.Sprintf("%s cannot link from %s to %s", c.name, c.from, c.to),
				Evidence: c.evidence, Fix: "look at what is mounted on the host below " + sourceOf(c.a.bind, c.from) + " (findmnt -R)",
			})
		}
	}
	return out
}

// below reports a mount that lies below a bind: no line under volumes: is to blame.
func below(a, b *Bind) bool { return a != nil && a.System != "" || b != nil && b.System != "" }

func (c *couple) finding(severity, what string) inventory.Finding {
	return inventory.Finding{
		Severity: severity, Address: c.addr, Summary: fmt.Sprintf("%s cannot link from %s to %s: %s", c.name, c.from, c.to, what),
		Evidence: append([]string{c.why, c.from + " is on " + describe(c.a.bind), c.to + " is on " + describe(c.b.bind)}, c.evidence...),
	}
}

// systemsBelow: one bind, and below it two file systems.
func (c *couple) systemsBelow() inventory.Finding {
	finding := c.finding("error", "below the mount lie two file systems")
	finding.Fix = fmt.Sprintf("put both folders on one file system of the host (one dataset, one share); no line under volumes: %s helps, and while they are two every import is a copy", c.where)
	return finding
}

func (c *couple) split() inventory.Finding {
	finding := c.finding(c.severity(), "they are two mounts")
	from, to := sourceOf(c.a.bind, c.from), sourceOf(c.b.bind, c.to)
	one, other := c.systems(from), c.systems(to)
	parent := sharedFolder(from, to)
	switch {
	case from == to && from != "":
		finding.Fix = fmt.Sprintf("both are %s: take %s out of volumes: %s, and point %s to folders below %s for both", from, line(c.b.bind), c.where, c.name, c.from)
	case c.a.bind != nil && c.b.bind != nil && covers(c.b.bind, from) && one == other:
		finding.Fix = fmt.Sprintf("%s is below %s already: take %s out of volumes: %s, and point %s to %s; the download client needs the same mount", from, c.b.bind.Source, line(c.a.bind), c.where, c.name, seenThrough(c.b.bind, from))
	case c.a.bind != nil && c.b.bind != nil && covers(c.a.bind, to) && one == other:
		finding.Fix = fmt.Sprintf("%s is below %s already: take %s out of volumes: %s, and point %s to %s", to, c.a.bind.Source, line(c.b.bind), c.where, c.name, seenThrough(c.a.bind, to))
	case one != other && one != "" && other != "":
		finding.Evidence = append(finding.Evidence, from+" lies on "+one, to+" lies on "+other)
		finding.Fix = fmt.Sprintf("they are two file systems, so a copy cannot be avoided %s: put both on one, mount that once, and point %s there; or silence this", c.where, c.name)
	case parent != "":
		finding.Fix = fmt.Sprintf("mount the folder above both once: replace %s and %s by \"- %s:%s\" %s, and point %s to %s and %s", line(c.a.bind), line(c.b.bind), parent, inside(parent), c.where, c.name, inside(parent)+strings.TrimPrefix(from, parent), inside(parent)+strings.TrimPrefix(to, parent))
		if !c.declared {
			finding.Fix += "; the download client needs the same mount"
		}
		if one == "" || other == "" {
			finding.Fix += fmt.Sprintf(". Whether both lie on one file system is not written here: df %s %s says", from, to)
		}
	default:
		finding.Fix = fmt.Sprintf("whether %s and %s lie on one file system is not known here (df says). If they do, put both below one folder, mount that once %s, and point %s there; otherwise a copy cannot be avoided: silence this", from, to, c.where, c.name)
	}
	return finding
}

// covers reports a mount of which a folder of the host is a part.
func covers(b *Bind, folder string) bool { return path.IsAbs(b.Source) && Within(folder, b.Source) }

// seenThrough is where a mount shows a folder of the host.
func seenThrough(b *Bind, folder string) string {
	return path.Join(b.Target, strings.TrimPrefix(folder, b.Source))
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
	return fmt.Sprintf("\"- %s:%s\"", cmp.Or(b.Volume, b.Source), b.Target)
}

func describe(b *Bind) string {
	if b == nil {
		return "no mount: inside the container"
	}
	if b.System != "" {
		return fmt.Sprintf("a mount of the host at %s: %s", b.Source, b.System)
	}
	return fmt.Sprintf("the mount %s:%s", cmp.Or(b.Volume, b.Source), b.Target)
}

func sourceOf(b *Bind, p string) string {
	if b == nil {
		return p
	}
	if b.Source == "" {
		return "the volume " + b.Volume
	}
	if strings.HasPrefix(b.Source, "./") {
		return "./" + path.Join(b.Source, strings.TrimPrefix(p, b.Target))
	}
	return path.Join(b.Source, strings.TrimPrefix(p, b.Target))
}

// Folders below which each folder may be another disk or machine.
var mountRoots = regexp.MustCompile(`^(/|/mnt|/media|/run/media(/[^/]+)?|/volumes|/home|/Volumes|/srv|/nfs|/net|/export|/exports|/mounts?|/cifs|/smb|/disks?)$`)

// device reports a name that is one of a disk, a share or a machine.
var device = regexp.MustCompile(`(?i)^(disk|drive|hdd|ssd|nas|usb|raid|pool|vol|volume|nvme|dev|sd[a-z]|external|ext|backup|cache|array|storage|share|nfs|smb|cifs|synology|qnap|truenas|unraid|server|host|node)[-_]?[0-9a-z]*$|[0-9]tb?$`)

// sharedFolder is the folder above two that one mount could take the place of both:
// where they are two folders beside each other, and no two disks or machines as far as
// their names tell; "" otherwise.
func sharedFolder(a, b string) string {
	parent := commonFolder(a, b)
	if parent == "" || mountRoots.MatchString(parent) && !(parent == "/srv" && plainly(a, parent) && plainly(b, parent)) {
		return ""
	}
	if !plainly(a, parent) || !plainly(b, parent) {
		return ""
	}
	return parent
}

// plainly reports a folder that lies in its parent without another one between them, or
// below one that is named after what is in it.
func plainly(p, parent string) bool {
	first, rest, deeper := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(p, parent), "/"), "/")
	content := arrives(first) || holdsLibrary(first)
	return content || !device.MatchString(first) && (!deeper || rest == "")
}

// commonFolder is the deepest folder above two paths, "" when that is the root.
func commonFolder(a, b string) string {
	if !path.IsAbs(a) && !strings.HasPrefix(a, "$") && !strings.HasPrefix(a, "{") && !strings.HasPrefix(a, ".") && !strings.HasPrefix(a, "~") {
		return ""
	}
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < len(x)-1 && n < len(y)-1 && x[n] == y[n] {
		n++
	}
	parent := strings.Join(x[:n], "/")
	if parent == "." || parent == ".." || parent == "~" {
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
	var out []inventory.Finding
	for _, c := range couples(f) {
		if !nested(c.a.bind, c.b.bind) || below(c.a.bind, c.b.bind) {
			continue
		}
		inner, outer := c.a.bind, c.b.bind
		if Within(c.b.bind.Target, c.a.bind.Target) {
			inner, outer = outer, inner
		}
		finding := c.finding("error", inner.Target+" is a mount of its own inside the other")
		finding.Fix = fmt.Sprintf("take %s out of volumes: of %s %s; the outer mount holds the folder already", line(inner), c.name, c.where)
		if path.Join(outer.Source, strings.TrimPrefix(inner.Target, outer.Target)) != path.Clean(inner.Source) {
			finding.Fix = fmt.Sprintf("%s is another folder of the host than the one that it covers: move what is in it below %s, if that has the room, and take %s out of volumes: of %s %s; otherwise a copy cannot be avoided: silence this", inner.where(), outer.where(), line(inner), c.name, c.where)
		}
		out = append(out, finding)
	}
	return out
}
