package docker

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/system"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// hostFacts are what is known of the machine without its daemon.
func (p *Provider) hostFacts(h *hostProbe, d *daemonProbe) *doctor.Host {
	r := parseResolv(h.resolv)
	f := &doctor.Host{
		Name: p.HostName(), Addresses: h.ips, Resolvers: r.servers, Stub: r.stub, Listening: parsePorts(h.nets, nil),
		Mounts: parseMounts(h.mounts), Declared: parseFstab(h.fstab), Shares: wiring.Fstab(h.fstab),
	}
	if attrs, err := attrsOf(d.content); err == nil {
		f.DNSFile = inventory.Strings(attrs["dns"])
	}
	return f
}

// daemonFacts adds what the daemon says of itself.
func (p *Provider) daemonFacts(s *sight) {
	s.facts.HasDocker, s.facts.RuncVersion = true, s.info.RuncCommit.ID
	o := p.observeDaemon(s.probe, s.daemon, s.info)
	kind := inventory.KindOf(inventory.KindDaemon)
	for path, live := range o.Resource.Attrs {
		if a := kind.Attr(string(path)); a != nil && a.Key != "*" && !a.SameInUse(live, o.Running[path]) {
			s.facts.Pending = append(s.facts.Pending, a.Key)
		}
	}
	slices.Sort(s.facts.Pending)
	if _, known := s.daemon.loaded(); !known {
		s.facts.PendingWhy = "the file was changed after the daemon started, and not by recon"
	}
}

// containerFacts adds what is known of the containers.
func (p *Provider) containerFacts(s *sight) {
	var names []string
	for _, c := range s.containers {
		names = append(names, strings.TrimPrefix(c.Name, "/"))
		if c.Config != nil && c.Config.Labels[labelService] != "" {
			names = append(names, c.Config.Labels[labelService])
		}
	}
	for _, c := range s.containers {
		s.facts.Containers = append(s.facts.Containers, factsOf(c, s, names))
	}
	slices.SortFunc(s.facts.Containers, func(a, b doctor.Container) int { return inventory.NaturalCompare(a.Name, b.Name) })
}

// factsOf keeps of a container what rules need. Its environment goes no further
// than this function.
func factsOf(c container.InspectResponse, s *sight, names []string) doctor.Container {
	f := doctor.Container{Name: strings.TrimPrefix(c.Name, "/"), Restarts: c.RestartCount}
	if st := c.State; st != nil {
		f.State = string(st.Status)
		f.Started, _ = time.Parse(time.RFC3339Nano, st.StartedAt)
		if strings.Contains(st.Error, "port is already allocated") || strings.Contains(st.Error, "address already in use") {
			f.Conflict = st.Error
		}
	}
	if c.NetworkSettings != nil {
		for n, e := range c.NetworkSettings.Networks {
			f.Networks = append(f.Networks, n)
			if e != nil && e.IPAddress.IsValid() {
				f.IPs = append(f.IPs, e.IPAddress.String())
			}
			if e != nil {
				f.Aliases = append(f.Aliases, e.Aliases...)
			}
		}
		slices.Sort(f.Networks)
		slices.Sort(f.IPs)
		slices.Sort(f.Aliases)
		f.Aliases = slices.Compact(f.Aliases)
	}
	if hc := c.HostConfig; hc != nil {
		f.NetworkMode, f.OwnDNS, f.Restart = string(hc.NetworkMode), len(hc.DNS) > 0, string(hc.RestartPolicy.Name)
		for _, extra := range hc.ExtraHosts {
			name, _, _ := strings.Cut(extra, ":")
			f.Told = append(f.Told, strings.ToLower(name))
		}
		for port, bindings := range hc.PortBindings {
			for _, b := range bindings {
				if n, err := strconv.Atoi(b.HostPort); err == nil && n > 0 {
					f.Published = append(f.Published, published(b, port, n))
				}
			}
		}
		slices.SortFunc(f.Published, func(a, b doctor.Publish) int {
			return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Address, b.Address))
		})
	}
	for _, m := range c.Mounts {
		b := doctor.Bind{Source: m.Source, Target: m.Destination, ReadOnly: !m.RW}
		if m.Type == "bind" {
			probe := s.inside.paths[m.Source]
			b.Owner, b.Mode, b.Missing = probe.owner, probe.mode, probe.missing
		} else {
			b.Volume = m.Name
		}
		f.Binds = append(f.Binds, b)
	}
	configFacts(&f, c.Config, names)
	if c.State != nil && c.State.Pid > 0 {
		insideFacts(&f, s.inside.containers[c.State.Pid], s.facts)
	}
	if remapsUsers(s.info) && f.Users == nil {
		f.HasUID = false // which user of the host it is was not seen
	}
	return f
}

// published is a port of the host that leads into a container. No address is every one.
func published(b network.PortBinding, inner network.Port, port int) doctor.Publish {
	p := doctor.Publish{Proto: string(inner.Proto()), First: port, Last: port, Inner: int(inner.Num())}
	if b.HostIP.IsValid() && !b.HostIP.IsUnspecified() {
		p.Address = b.HostIP.String()
	}
	return p
}

// configFacts reads what the container was told: image, compose labels, mentions
// of localhost and of other containers. No value of its environment is kept.
func configFacts(f *doctor.Container, c *container.Config, names []string) {
	if c == nil {
		return
	}
	f.Image, f.Project, f.Service = c.Image, c.Labels[labelProject], c.Labels[labelService]
	f.File, _, _ = strings.Cut(c.Labels[labelFiles], ",")
	f.WantNetwork = c.Labels["traefik.docker.network"]
	f.Needs = needsOf(c.Labels[labelNeeds])
	for p := range c.ExposedPorts {
		if p.Proto() == "tcp" {
			f.Exposed = append(f.Exposed, int(p.Num()))
		}
	}
	slices.Sort(f.Exposed)
	owner := wiring.Owner{Container: f.Name, Project: f.Project, Service: f.Service}
	if len(f.Exposed) > 0 {
		owner.Port = f.Exposed[0]
	}
	f.Traefik = wiring.Labels(owner, c.Labels)
	if u, _, _ := strings.Cut(c.User, ":"); u != "" {
		if n, err := strconv.Atoi(u); err == nil {
			f.UID, f.HasUID = n, true
		}
	}
	settings := map[string]string{}
	for _, env := range c.Env {
		k, v, _ := strings.Cut(env, "=")
		settings[k] = v
		f.Names = append(f.Names, mentioned(v, names)...)
		if n, err := strconv.Atoi(v); k == "PUID" && err == nil {
			f.UID, f.HasUID = n, true
		}
	}
	f.Locals, f.Calls = doctor.MentionsIn(settings), wiring.Env(settings)
	f.Static = staticOf(c, settings)
	for _, arg := range slices.Concat(c.Entrypoint, c.Cmd) {
		f.Locals = append(f.Locals, doctor.Mentions("command", arg)...)
	}
	for k, v := range c.Labels {
		if !strings.HasPrefix(k, "com.docker.compose.") && !strings.HasPrefix(k, "org.opencontainers.") {
			f.Locals = append(f.Locals, doctor.Mentions("label "+k, v)...)
		}
	}
	slices.SortFunc(f.Locals, func(a, b doctor.Local) int { return strings.Compare(a.Where, b.Where) })
	slices.Sort(f.Names)
	f.Names = slices.DeleteFunc(slices.Compact(f.Names), func(n string) bool { return n == f.Name || n == f.Service })
}

// needsOf reads what compose notes of depends_on: db:service_started:false,redis:...
// (compose, pkg/api/labels.go).
func needsOf(label string) (out []doctor.Need) {
	for e := range strings.SplitSeq(label, ",") {
		if name, rest, _ := strings.Cut(e, ":"); name != "" {
			condition, restart, _ := strings.Cut(rest, ":")
			out = append(out, doctor.Need{Service: name, Condition: condition, Restart: restart == "true"})
		}
	}
	return out
}

// staticOf is what a Traefik is started with by its flags or its environment; nil for
// any other program.
func staticOf(c *container.Config, settings map[string]string) *wiring.Static {
	if doctor.ImageName(c.Image) != "traefik" {
		return nil
	}
	if s := wiring.StaticOf(wiring.Flags(slices.Concat(c.Entrypoint, c.Cmd))); s != nil {
		return s
	}
	return wiring.StaticOf(wiring.Variables(settings))
}

var hostInURL = regexp.MustCompile(`[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?([A-Za-z0-9][A-Za-z0-9_.-]*)`)

// mentioned returns the containers that a text names as the host of a URL.
func mentioned(text string, names []string) []string {
	var out []string
	for _, m := range hostInURL.FindAllStringSubmatch(text, -1) {
		if slices.Contains(names, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// insideFacts adds what the running container sees.
func insideFacts(f *doctor.Container, c *containerProbe, host *doctor.Host) {
	if c == nil {
		return
	}
	f.Mounts = parseMounts(c.mounts)
	if _, seen := c.nets["tcp"]; seen && (!borrowsNetwork(f.NetworkMode) || c.sockets != nil) {
		f.Listening = append([]doctor.Port{}, parsePorts(c.nets, c.sockets)...)
	}
	f.Users = namespaceOf(c)
	switch {
	case !f.HasUID:
		f.UID, f.HasUID = statusUID(c.status)
	case f.Users != nil:
		f.UID, f.HasUID = outside(f.Users.UIDs, f.UID)
	}
	r := parseResolv(c.resolv)
	switch {
	case len(r.external) > 0:
		f.Resolvers = r.external
	case len(r.servers) > 0 && !r.embedded:
		f.Resolvers = r.servers
	}
	f.OwnDNS = f.OwnDNS || len(f.Resolvers) > 0 && r.embedded && r.own && len(host.DNSFile) == 0
	for i := range f.Binds {
		f.Binds[i].Stale = stale(f.Binds[i], f.Mounts, host.Mounts)
	}
}

// stale reports a mount that holds another file system than the host has in that
// place now: the container started before the host's mount came.
func stale(b doctor.Bind, inside, outside []doctor.Mount) bool {
	i := slices.IndexFunc(inside, func(m doctor.Mount) bool { return m.Point == b.Target })
	under := doctor.MountOf(outside, b.Source)
	return i >= 0 && under != nil && under.Point != "/" && inside[i].Device != under.Device
}

// remapsUsers reports a daemon whose containers have other users than the host: one
// that is rootless or has userns-remap.
func remapsUsers(info *system.Info) bool {
	return info != nil && slices.ContainsFunc(info.SecurityOptions, func(o string) bool { return o == "name=rootless" || o == "name=userns" })
}

// namespaceOf reads the user namespace of a container from user_namespaces(7)'s uid_map
// and gid_map; nil when it is the host's, or was not seen.
func namespaceOf(c *containerProbe) *doctor.UserNamespace {
	n := &doctor.UserNamespace{UIDs: parseIDMap(c.uidMap), GIDs: parseIDMap(c.gidMap)}
	if len(n.UIDs) == 0 || n.UIDs[0].Inside == 0 && n.UIDs[0].Outside == 0 {
		return nil
	}
	return n
}

func parseIDMap(text string) (out []doctor.IDRange) {
	for l := range strings.SplitSeq(text, "\n") {
		if f := strings.Fields(l); len(f) == 3 {
			out = append(out, doctor.IDRange{Inside: atoi(f[0]), Outside: atoi(f[1]), Count: atoi(f[2])})
		}
	}
	return out
}

// outside returns the host's number of a user of the container.
func outside(m []doctor.IDRange, inside int) (int, bool) {
	for _, r := range m {
		if inside >= r.Inside && inside-r.Inside < r.Count {
			return r.Outside + inside - r.Inside, true
		}
	}
	return 0, false
}

// statusUID reads the effective user from proc_pid_status(5), as the host numbers it.
func statusUID(status string) (int, bool) {
	for _, l := range strings.Split(status, "\n") {
		if f := strings.Fields(l); len(f) >= 3 && f[0] == "Uid:" {
			n, err := strconv.Atoi(f[2])
			return n, err == nil
		}
	}
	return 0, false
}

// listens reports whether a container listens on a port or publishes it.
func portsOf(c *doctor.Container) []string {
	var out []string
	for _, p := range c.Listening {
		out = append(out, strconv.Itoa(p.Number)+"/"+p.Proto)
	}
	for _, p := range c.Published {
		if port := strconv.Itoa(p.First) + "/" + p.Proto; !slices.Contains(out, port) {
			out = append(out, port)
		}
	}
	return out
}
