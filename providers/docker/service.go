package docker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/providers/sshhost"
)

// services turns what was seen of the containers into observations: of those that
// are declared, under the identity of their block, and of all others.
func (p *Provider) services(s *sight, want []inventory.Resource) []inventory.Observation {
	var out []inventory.Observation
	taken := map[string]bool{}
	for _, w := range want {
		if w.Addr.Kind != inventory.KindService {
			continue
		}
		_, name, _ := strings.Cut(w.Identity, "/")
		c := find(s.list, name)
		if c == nil {
			out = append(out, inventory.Observation{State: inventory.Absent, Resource: inventory.Resource{Addr: w.Addr, Identity: w.Identity, Provider: p.Name(), Attrs: inventory.Attrs{}}, At: p.now()})
			continue
		}
		taken[nameOf(c.Names)] = true
		if o, ok := p.service(s, nameOf(c.Names), w.Attrs.Slots("path")); ok {
			o.Resource.Identity, o.Resource.Addr = w.Identity, w.Addr
			out = append(out, o)
		}
	}
	for _, c := range s.list {
		name := nameOf(c.Names)
		if o, ok := p.service(s, name, nil); ok && !taken[name] && c.State == container.StateRunning {
			out = append(out, o)
		}
	}
	return out
}

// service observes one container, with the paths that somebody asks for and, when
// nobody does, those of its bind mounts.
func (p *Provider) service(s *sight, name string, paths []string) (inventory.Observation, bool) {
	i := slices.IndexFunc(s.facts.Containers, func(c doctor.Container) bool { return c.Name == name })
	if i < 0 {
		return inventory.Observation{}, false
	}
	c := &s.facts.Containers[i]
	attrs := inventory.Attrs{
		"container": cty.StringVal(name), "image": cty.StringVal(c.Image), "networks": inventory.StringSet(c.Networks...),
		"nameservers": inventory.StringList(c.Resolvers...),
	}
	if ports := portsOf(c); c.Listening != nil || len(ports) > 0 { // else nobody saw it
		attrs["listen"] = inventory.StringSet(ports...)
	}
	if c.Project != "" {
		attrs["project"] = cty.StringVal(c.Project)
	}
	if paths == nil {
		for _, b := range c.Binds {
			if folder(b) {
				paths = append(paths, b.Target)
			}
		}
	}
	for _, target := range paths {
		pathAttrs(attrs, target, c, s)
	}
	return inventory.Observation{
		State: inventory.Present, At: p.now(), Volatile: inventory.Volatile{Status: c.State, Node: p.HostName()},
		Resource: inventory.Resource{Addr: inventory.Address{Kind: inventory.KindService, Name: inventory.Label(name, 0)}, Identity: p.identity(name), Provider: p.Name(), Attrs: attrs},
	}, true
}

// folder reports a bind that is worth a path block when nobody asked: a folder of
// the host that is not part of its system.
func folder(b doctor.Bind) bool {
	if b.Owner == "" || b.ReadOnly || b.Missing {
		return false
	}
	for _, sys := range []string{"/etc", "/var/run", "/run", "/proc", "/sys", "/dev", "/usr", "/lib", "/var/lib/docker"} {
		if doctor.Within(b.Source, sys) {
			return false
		}
	}
	return b.Source != "/"
}

// pathAttrs observes one path inside the container.
func pathAttrs(attrs inventory.Attrs, target string, c *doctor.Container, s *sight) {
	set := func(name string, v cty.Value) { attrs[inventory.Path("path."+target+"."+name)] = v }
	bind := doctor.BindOf(c.Binds, target)
	if bind == nil || bind.Source == "" {
		return
	}
	source := strings.TrimSuffix(bind.Source+strings.TrimPrefix(target, bind.Target), "/")
	set("source", cty.StringVal(source))
	probe, seen := s.inside.paths[source]
	if !seen || probe.owner == "" {
		return
	}
	set("owner", cty.StringVal(probe.owner))
	set("mode", cty.StringVal(probe.mode))
	if m := doctor.MountOf(s.facts.Mounts, source); m != nil {
		set("filesystem", cty.StringVal(m.Type))
	}
	if c.HasUID {
		set("writable", cty.BoolVal(!bind.ReadOnly && c.MayWrite(probe.owner, probe.mode)))
	}
}

// service adds the steps of a service: folders are made, owner and mode set. What
// is the compose file's is said, with the lines to change.
func (b *stepBuilder) service() {
	if b.c.Action == inventory.ActionCreate {
		b.c.Block("no_container", "there is no container %q on %s; recon makes no containers: start it with docker compose up -d, or write its name into the argument container", containerOf(b.c), b.cfg.Host.Name)
		return
	}
	for _, f := range b.c.Fields {
		if f.Writes() && f.Policy != "ignore" {
			b.serviceField(f)
		}
	}
}

func containerOf(c *inventory.Change) string {
	_, name, _ := strings.Cut(c.Want.Identity, "/")
	return name
}

func (b *stepBuilder) serviceField(f inventory.FieldChange) {
	parent := f.Path.Parent()
	target := strings.TrimPrefix(string(parent), "path.")
	source := inventory.Text(b.c.Have.Resource.Attrs[parent+".source"])
	where := b.composeFile()
	switch f.Path.Leaf() {
	case "listen":
		b.c.Block("not_listening", "%s listens on %s and should on %s; recon starts no programs: look at its log (docker logs %s) and at ports: in %s", b.c.Addr, f.Attr.Show(f.Live), f.Attr.Show(f.Desired), containerOf(b.c), where)
	case "source":
		b.mount(f, target, where)
	case "owner", "mode":
		b.attribute(f, source)
	case "filesystem":
		b.c.Block("filesystem", "%s of the host is on %s and should be on %s; is it mounted? (findmnt -T %s)", source, f.Attr.Show(f.Live), f.Attr.Show(f.Desired), source)
	case "writable":
		b.c.Block("not_writable", "the container's user cannot write to %s (%s of the host, owner %s, mode %s); declare owner and mode, or give the container another user (PUID, user:) in %s", target, source,
			inventory.Text(b.c.Have.Resource.Attrs[parent+".owner"]), inventory.Text(b.c.Have.Resource.Attrs[parent+".mode"]), where)
	}
}

// composeFile says where the container's settings are written, as far as compose
// noted it.
func (b *stepBuilder) composeFile() string {
	if b.v.facts != nil {
		for _, c := range b.v.facts.Containers {
			if c.File != "" && (c.Name == containerOf(b.c) || c.Service == containerOf(b.c)) {
				return c.File
			}
		}
	}
	return "its compose file"
}

// mount blocks a mount that is not the declared one, and makes a folder that is
// missing.
func (b *stepBuilder) mount(f inventory.FieldChange, target, where string) {
	want := inventory.Text(f.Desired)
	if b.v.inside != nil && b.v.inside.paths[want].missing {
		b.mkdir(want)
		for _, leaf := range []string{"owner", "mode"} {
			if v := b.c.Want.Attrs[inventory.Path("path."+target+"."+leaf)]; !inventory.IsNull(v) {
				b.folderStep(want, leaf, inventory.Text(v), inventory.Probe{State: "present"}, inventory.ImpactLive)
			}
		}
	}
	b.c.Block("mount", "mounts are the compose file's; in %s write under volumes: of %s the line \"- %s:%s\" (now %s), then docker compose up -d", where, containerOf(b.c), want, target, f.Attr.Show(f.Live))
}

// attribute adds the change of a folder's owner or mode.
func (b *stepBuilder) attribute(f inventory.FieldChange, source string) {
	if source == "" {
		b.c.Block("no_mount", "%s is not mounted from the host, so there is no folder whose %s could be set", strings.TrimPrefix(string(f.Path.Parent()), "path."), f.Path.Leaf())
		return
	}
	if inventory.IsNull(f.Live) {
		b.mkdir(source)
	}
	done := inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{f.Path: {Value: f.Desired}}}
	b.folderStep(source, f.Path.Leaf(), inventory.Text(f.Desired), done, f.Impact)
}

func (b *stepBuilder) folderStep(folder, leaf, value string, done inventory.Probe, impact inventory.Impact) {
	method := methodChown
	if leaf == "mode" {
		method = methodChmod
	}
	if b.foreign(folder, method+" "+sshhost.Quote(value)+" "+sshhost.Quote(folder)) {
		return
	}
	b.steps = append(b.steps, inventory.Step{
		Method: method, Path: folder, Params: map[string]string{leaf: value}, Repeatable: true, Impact: impact, Done: done,
		Summary: fmt.Sprintf("set the %s of %s to %s", leaf, folder, value),
	})
}

// foreign blocks a step below a folder in which others may rename: what root would then
// change is theirs to choose. Whoever knows them can run the command.
func (b *stepBuilder) foreign(folder, command string) bool {
	if b.v.inside == nil {
		return false
	}
	dir, is := b.v.inside.foreignAbove(folder)
	if dir != "" {
		b.c.Block("foreign_folder", "%s is not root's alone (owner %s, mode %s), and who may write there could put something else in the place of %s while root is at work; run it yourself on %s: %s",
			dir, is.owner, is.mode, folder, b.cfg.Host.Name, command)
	}
	return dir != ""
}

// mkdir makes a folder that is missing, once.
func (b *stepBuilder) mkdir(source string) {
	for _, s := range b.steps {
		if s.Method == methodMkdir && s.Path == source {
			return
		}
	}
	if b.foreign(source, "mkdir -p "+sshhost.Quote(source)) {
		return
	}
	b.steps = append(b.steps, inventory.Step{Method: methodMkdir, Path: source, Repeatable: true, Done: inventory.Probe{State: "present"}, Summary: "make the folder " + source})
}
