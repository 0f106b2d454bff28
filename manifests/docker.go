package manifests

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"recon/inventory"
)

// A Host is a machine that is reached over SSH, or this one.
type Host struct {
	Name         string
	Guest        inventory.Address // the guest that it is; zero when it is none
	Address      string            // name or address to connect to; "local" is this machine
	Port         int               // 0: ssh_config's, else 22
	User         string            // "": ssh_config's, else the user who runs recon
	Become       bool              // run as root by sudo -n
	IdentityFile string            // "": ssh_config's and the usual ones
	DockerSocket string            // "": that of the running dockerd
	Recording    string            // file of recorded answers that stands in for the machine
	Timeout      time.Duration     // of one look; 0 when nobody says
	Range        hcl.Range
}

// Addr returns the host's address in the graph: host.docker-media.
func (h *Host) Addr() inventory.Address { return inventory.Address{Kind: "host", Name: h.Name} }

// Host returns the host of that name, or nil.
func (p *Project) Host(name string) *Host {
	for i := range p.Hosts {
		if p.Hosts[i].Name == name {
			return &p.Hosts[i]
		}
	}
	return nil
}

// A Silence keeps findings of one rule from being told, until a day and for a
// reason.
type Silence struct {
	Rule   string
	Only   []string // addresses or files, with * for any text; empty: everywhere
	Until  time.Time
	Reason string
	Range  hcl.Range
}

// Covers reports whether the silence holds for a finding of the rule about the
// subject on that day.
func (s *Silence) Covers(rule, subject string, now time.Time) bool {
	if s.Rule != rule || !now.Before(s.Until) {
		return false
	}
	return len(s.Only) == 0 || slices.ContainsFunc(s.Only, func(p string) bool { return matchText(p, subject) })
}

// matchText matches a pattern in which * stands for any text.
func matchText(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}

var (
	hostSpec    = spec{what: "a host block", attrs: []string{"guest", "address", "port", "user", "become", "identity_file", "docker_socket", "recording", "timeout"}}
	silenceSpec = spec{what: "a silence block", attrs: []string{"only", "until", "reason"}}
)

// onHost reports a kind whose resources live on a host, not in a cluster.
func onHost(k *inventory.Kind) bool {
	return k.Name == inventory.KindDaemon || k.Name == inventory.KindService
}

// hosts decodes the host blocks.
func (l *loader) hosts() {
	for _, b := range l.blocks {
		if b.Type != "host" {
			continue
		}
		l.report(hostSpec.check(b.Body)...)
		if d := labels(b, "name"); d != nil {
			l.report(d)
			continue
		}
		if !labelPattern.MatchString(b.Labels[0]) {
			l.report(errorAt(b.LabelRanges[0], "Invalid label", "A label starts with a letter and has letters, digits, _ and - only."))
			continue
		}
		if first := l.project.Host(b.Labels[0]); first != nil {
			l.report(errorAt(b.DefRange(), "Duplicate definition", "host.%s is defined here and at %s.", b.Labels[0], place(first.Range)))
			continue
		}
		l.project.Hosts = append(l.project.Hosts, l.hostBlock(b))
	}
	slices.SortFunc(l.project.Hosts, func(a, b Host) int { return inventory.NaturalCompare(a.Name, b.Name) })
}

func (l *loader) hostBlock(b *hclsyntax.Block) Host {
	h := Host{Name: b.Labels[0], Range: b.DefRange()}
	targets := map[string]any{"address": &h.Address, "port": &h.Port, "user": &h.User, "become": &h.Become, "identity_file": &h.IdentityFile, "docker_socket": &h.DockerSocket, "recording": &h.Recording}
	for _, arg := range sortedAttrs(b.Body) {
		if target, ok := targets[arg.Name]; ok {
			l.argument(arg, &scope{}, target)
		}
	}
	h.Timeout = l.timeout(b)
	for name, text := range map[string]string{"address": h.Address, "user": h.User} {
		if strings.HasPrefix(text, "-") || strings.ContainsAny(text, " \t\r\n\x00@/") {
			l.report(errorAt(b.Body.Attributes[name].Expr.Range(), "Unsuitable value", "%q is not a suitable %s.", text, name))
		}
	}
	arg := b.Body.Attributes["guest"]
	if arg == nil && b.Body.Attributes["address"] == nil && h.Recording == "" {
		l.report(errorAt(b.DefRange(), "Missing argument", "A host needs guest = lxc.NAME, whose address it takes, or address = \"192.168.40.11\"; \"local\" is the machine on which recon runs."))
	}
	if arg != nil {
		l.hostGuest(&h, arg)
	}
	return h
}

// hostGuest reads the guest that a host is, and takes its address.
func (l *loader) hostGuest(h *Host, arg *hclsyntax.Attribute) {
	addr, diag := staticAddress(arg.Expr)
	if diag != nil {
		l.report(diag)
		return
	}
	h.Guest = addr
	l.pending = append(l.pending, pendingLink{addr: addr, rng: arg.Expr.Range()})
	for _, g := range l.guests {
		for i := range g.resources {
			if r := &g.resources[i]; r.Addr == addr && h.Address == "" {
				h.Address = firstAddress(r.Attrs)
				if h.Address == "" && h.Recording == "" {
					l.report(errorAt(arg.Expr.Range(), "No declared address", "%s declares no address of its own (dhcp is none); write address = \"...\" in the host block.", addr))
				}
			}
		}
	}
}

// host reads the link of a resource to its host.
func (d *guestDecoder) host(arg *hclsyntax.Attribute) {
	addr, diag := staticAddress(arg.Expr)
	if diag == nil && (addr.Kind != "host" || addr.Key != "") {
		diag = errorAt(arg.Expr.Range(), "Not a host", "host takes the address of a host block, without quotes: host.docker-media.")
	}
	if diag != nil {
		d.report(diag)
		return
	}
	d.res.Provider = "docker." + addr.Name
	d.pending = append(d.pending, pendingLink{addr: addr, rng: arg.Expr.Range()})
}

// freeSlot reads the slot of a block that takes any path as label, or none.
func (d *guestDecoder) freeSlot(block *inventory.Block, b *hclsyntax.Block) (string, bool) {
	if block.Repeat {
		if diag := labels(b); diag != nil {
			d.report(diag)
			return "", false
		}
		n := 0
		for _, other := range d.guest.block.Body.Blocks {
			if other == b {
				break
			}
			if other.Type == b.Type {
				n++
			}
		}
		return strconv.Itoa(n), true
	}
	if len(b.Labels) != 1 || !block.HasSlot(b.Labels[0]) || strings.ContainsAny(b.Labels[0], "\n\r\x00") {
		d.report(errorAt(b.DefRange(), "Not a path", "A %s block is labelled with an absolute path inside the container: %s \"/data\".", b.Type, b.Type))
		return "", false
	}
	return b.Labels[0], !d.taken(inventory.Path(block.Name+"."+b.Labels[0]), b)
}

// placeOnHost gives a resource of a host its identity.
func (l *loader) placeOnHost(r *inventory.Resource) {
	host := strings.TrimPrefix(r.Provider, "docker.")
	if host == "" {
		return
	}
	name := ""
	if r.Addr.Kind == inventory.KindService {
		name = cmp.Or(inventory.Text(r.Attrs["container"]), r.Addr.Key, r.Addr.Name)
	}
	r.Identity = inventory.DockerIdentity(host, name)
}

// hostEdges adds what hangs on hosts to the graph: a host on its guest, a daemon
// and a service on their host, a service on the daemon that runs it.
func (l *loader) hostEdges() {
	g, daemons := &l.project.Graph, map[string]inventory.Address{}
	for _, r := range l.project.Resources {
		if r.Addr.Kind == inventory.KindDaemon {
			daemons[r.Provider] = r.Addr
		}
	}
	for _, r := range l.project.Resources {
		h := l.project.Host(strings.TrimPrefix(r.Provider, "docker."))
		if !onHost(r.Kind()) || h == nil {
			continue
		}
		g.Add(inventory.Edge{From: r.Addr, To: h.Addr(), Why: "host"})
		if !h.Guest.IsZero() {
			g.Add(inventory.Edge{From: r.Addr, To: h.Guest, Why: "host"})
		}
		if d, ok := daemons[r.Provider]; ok && r.Addr.Kind == inventory.KindService {
			g.Add(inventory.Edge{From: r.Addr, To: d, Why: "host"})
		}
	}
	for i := range l.project.Hosts {
		if h := &l.project.Hosts[i]; !h.Guest.IsZero() {
			g.Add(inventory.Edge{From: h.Addr(), To: h.Guest, Why: "guest"})
		}
	}
}

// silences decodes: silence "rule" { only = ["service.radarr"], until = "2027-01-31", reason = "..." }
func (l *loader) silences() {
	for _, b := range l.blocks {
		if b.Type != "silence" {
			continue
		}
		l.report(silenceSpec.check(b.Body)...)
		if d := labels(b, "rule"); d != nil {
			l.report(d)
			continue
		}
		s, day := Silence{Rule: b.Labels[0], Range: b.DefRange()}, ""
		targets := map[string]any{"only": &s.Only, "until": &day, "reason": &s.Reason}
		for _, arg := range sortedAttrs(b.Body) {
			if target, ok := targets[arg.Name]; ok {
				l.argument(arg, &scope{}, target)
			}
		}
		l.report(l.silenceUntil(b, &s, day))
		l.project.Silences = append(l.project.Silences, s)
	}
}

// silenceUntil reads the day on which a silence ends, and says when it is past.
func (l *loader) silenceUntil(b *hclsyntax.Block, s *Silence, day string) *hcl.Diagnostic {
	if day == "" || strings.TrimSpace(s.Reason) == "" {
		return errorAt(b.DefRange(), "Missing argument", "A silence needs a reason and the day on which it ends: until = \"2027-01-31\".")
	}
	t, err := time.ParseInLocation(time.DateOnly, day, time.Local)
	if err != nil {
		return errorAt(b.Body.Attributes["until"].Expr.Range(), "Not a date", "until takes a day: \"2027-01-31\".")
	}
	s.Until = t
	if now := l.opts.Now; !now.IsZero() && !now.Before(t) {
		return warnAt(s.Range, "Silence has expired", "Findings of %s are told again since %s. Remove the block, or set a later day.", s.Rule, day)
	}
	return nil
}
