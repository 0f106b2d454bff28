package doctor

import (
	"fmt"
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
