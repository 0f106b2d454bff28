package graph

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"recon/inventory"
	"recon/inventory/doctor"
)

// Build makes the graph of what is known.
func Build(f Facts) *Graph {
	containers := 0
	for i := range f.Hosts {
		containers += len(f.Hosts[i].Containers)
	}
	size := len(f.Things) + containers
	b := &builder{
		Facts: f, nodes: make(map[string]*Node, size+size/8), edges: make([]Edge, 0, 6*size), machines: map[string]string{}, addresses: map[string][]string{}, ids: map[string]string{},
		hosts: map[string]*doctor.Host{}, guestOf: map[string]string{}, records: map[string][]record{}, single: len(f.Clusters) < 2,
		services: map[string][]*inventory.Resource{}, yards: map[string]*yard{}, names: map[string][]string{}, domains: map[string]bool{}, serving: map[string]bool{},
	}
	b.gaps = append(b.gaps, f.Lost...)
	b.name()
	for i := range f.Hosts {
		b.yards[f.Hosts[i].Name] = b.yard(&f.Hosts[i])
	}
	for i := range f.Clusters {
		b.cluster(&f.Clusters[i])
	}
	for _, running := range []bool{true, false} { // of two with one address it is the one that runs
		for i := range f.Things {
			if t := &f.Things[i]; inventory.IsGuest(t.Resource.Addr.Kind) && (stateOf(t) == "running") == running {
				b.guest(t)
			}
		}
	}
	for i := range f.Hosts {
		b.host(&f.Hosts[i])
	}
	for i := range f.Things {
		b.dockerThing(&f.Things[i])
	}
	b.zones()
	b.homes()
	b.storages()
	for i := range f.Hosts {
		b.containers(&f.Hosts[i])
	}
	for i := range f.Hosts {
		b.routes(&f.Hosts[i])
	}
	b.urls()
	b.nameservers()
	b.declared()
	b.strangers()
	return b.graph()
}

type builder struct {
	Facts
	nodes     map[string]*Node
	edges     []Edge
	gaps      []Gap
	ids       map[string]string                // of things, by identity
	machines  map[string]string                // node of an address
	addresses map[string][]string              // of machines, by node
	hosts     map[string]*doctor.Host          // by node
	guestOf   map[string]string                // node of a host -> of the guest that it is
	records   map[string][]record              // of names
	resolvers []string                         // addresses of name servers that somebody asks
	single    bool                             // there is one cluster at most
	services  map[string][]*inventory.Resource // observed containers, by host
	yards     map[string]*yard                 // by host
	names     map[string][]string              // machines by name
	domains   map[string]bool                  // of the home
	servers   []string                         // that have records, by node
	serving   map[string]bool                  // name servers that were seen to answer, by node
	runsOn    map[string]string                // the first thing that a node runs on
	sites     []*site                          // routes in use
}

func (b *builder) graph() *Graph {
	b.runsOn = make(map[string]string, len(b.nodes))
	for i := range b.edges {
		if e := &b.edges[i]; e.Kind == RunsOn && b.runsOn[e.From] == "" {
			b.runsOn[e.From] = e.To
		}
	}
	g := &Graph{Edges: b.edges, Gaps: b.gaps, Nodes: make([]Node, 0, len(b.nodes)), known: b}
	// A node is large to move about: pointers are sorted, and seal finds them in order.
	for _, n := range slices.SortedFunc(maps.Values(b.nodes), func(a, z *Node) int { return inventory.NaturalCompare(a.ID, z.ID) }) {
		g.Nodes = append(g.Nodes, *n)
	}
	g.seal()
	return g
}

// node adds a node, or returns the one that there is.
func (b *builder) node(id string, kind Kind, name, state string) *Node {
	n := b.nodes[id]
	if n == nil {
		n = &Node{ID: id, Kind: kind, Name: name, State: state, At: b.At}
		if state == Unknown {
			n.At = time.Time{}
		}
		b.nodes[id] = n
		if (kind == Guest || kind == Machine) && name != "" {
			b.names[strings.ToLower(name)] = append(b.names[strings.ToLower(name)], id)
		}
	}
	return n
}

func (b *builder) edge(from, to string, kind EdgeKind, source Source, sure bool, format string, args ...any) {
	if from == to || from == "" || to == "" {
		return
	}
	b.edges = append(b.edges, Edge{From: from, To: to, Kind: kind, Source: source, Evidence: fmt.Sprintf(format, args...), Sure: sure, At: b.At})
}

func (b *builder) gap(missing Missing, about, what, format string, args ...any) {
	g := Gap{What: what, Why: fmt.Sprintf(format, args...), Missing: missing}
	if about != "" {
		g.About = []string{about}
	}
	b.gaps = append(b.gaps, g)
}

// name gives every thing an ID: its address, or its identity where several would have
// the same address.
func (b *builder) name() {
	count := map[string]int{}
	for i := range b.Things {
		count[b.Things[i].Resource.Addr.String()]++
	}
	for i := range b.Things {
		r := &b.Things[i].Resource
		if id := r.Addr.String(); count[id] == 1 || b.Things[i].Declared != nil {
			b.ids[r.Identity] = id
		} else {
			b.ids[r.Identity] = r.Identity
		}
		if r.Addr.Kind == inventory.KindService {
			b.services[inventory.HostOf(r.Identity)] = append(b.services[inventory.HostOf(r.Identity)], r)
		}
	}
}

// scoped is a name in a cluster, with the cluster where there are several.
func (b *builder) scoped(kind, cluster, name string) string {
	if b.single {
		return kind + "." + name
	}
	return kind + "." + cluster + "/" + name
}

func (b *builder) cluster(c *Surveyed) {
	id := b.node("cluster."+c.Name, Cluster, c.Name, "").ID
	for _, n := range c.Nodes {
		state := "offline"
		if n.Online {
			state = "online"
		}
		node := b.node(b.scoped("node", c.Name, n.Name), Machine, n.Name, state)
		b.edge(node.ID, id, RunsOn, Live, true, "%s is a node of %s", n.Name, c.Name)
		b.at(n.Address, node.ID)
	}
	if c.Partial {
		b.gap(Anything, "", "guests of "+c.Name, "the token sees only a part of them")
	}
}

// at notes that a machine has an address. The first one that is said to have it keeps it.
func (b *builder) at(ip, id string) {
	if ip == "" || strings.HasPrefix(ip, "127.") || ip == "::1" {
		return
	}
	if b.machines[ip] == "" {
		b.machines[ip] = id
	}
	if !slices.Contains(b.addresses[id], ip) {
		b.addresses[id] = append(b.addresses[id], ip)
	}
	if n := b.nodes[id]; n != nil && !slices.Contains(n.Aliases, ip) {
		n.Aliases = append(n.Aliases, ip)
	}
}

// stateOf is what is known of a thing's power.
func stateOf(t *Thing) string {
	if t.Stale || t.State == inventory.Unknown {
		return Unknown
	}
	return t.Volatile.Status
}

func (b *builder) guest(t *Thing) {
	r := &t.Resource
	n := b.node(b.ids[r.Identity], Guest, r.Name(), stateOf(t))
	n.At, n.Attrs = t.At, map[string]string{"kind": r.Addr.Kind}
	n.Aliases = append(n.Aliases, strings.ToLower(r.Identity), inventory.LocalOf(r.Identity))
	cluster := inventory.ClusterOf(r.Identity)
	if node := cmp.Or(t.Volatile.Node, r.Node()); node != "" {
		id := b.scoped("node", cluster, node)
		b.node(id, Machine, node, Unknown)
		b.edge(n.ID, id, RunsOn, Live, true, "%s runs on %s", r.Addr, node)
		n.Attrs["node"] = node
	}
	if t.Volatile.HA != "" {
		n.Attrs["ha"] = t.Volatile.HA
	}
	if v := r.Attrs["onboot"]; !inventory.IsNull(v) && !inventory.True(v) {
		n.Attrs["onboot"] = "false"
	}
	if t.Volatile.Template {
		n.Attrs["template"] = "true"
	}
	b.volumes(t, n, cluster)
	for _, ip := range inventory.IPsOf(&t.Observation) {
		b.at(ip, n.ID)
	}
}

// volumes are the storages, bridges and name servers that a guest's fields name.
func (b *builder) volumes(t *Thing, n *Node, cluster string) {
	kind := t.Resource.Kind()
	for _, p := range slices.Sorted(maps.Keys(t.Resource.Attrs)) {
		attr, _, _ := kind.Lookup(p)
		if attr != nil && attr.Column == inventory.ColumnDNS {
			b.resolver(n.ID, inventory.Strings(t.Resource.Attrs[p]), Config, "%s of %s", p, t.Resource.Addr)
		}
		value := inventory.Text(t.Resource.Attrs[p])
		if attr == nil || value == "" {
			continue
		}
		switch attr.Names {
		case inventory.NamesStorage:
			b.edge(n.ID, b.storage(cluster, value, n.Attrs["node"]), StoredOn, Live, true, "%s = %q", p, value)
		case inventory.NamesBridge:
			name := value
			if vlan, ok := inventory.Int(t.Resource.Attrs[p.Parent()+".vlan"]); ok && vlan > 0 {
				name += "." + strconv.FormatInt(vlan, 10)
			}
			net := b.node(b.scoped("network", cluster, name), Network, name, "")
			b.edge(n.ID, net.ID, AttachedTo, Live, true, "%s = %q", p, value)
		}
	}
}

// storage is the node of a storage: of its node where it is not the same one everywhere.
func (b *builder) storage(cluster, name, node string) string {
	shared := true
	for i := range b.Clusters {
		if c := &b.Clusters[i]; c.Name == cluster {
			for _, s := range c.Around.Storages {
				if s.Name == name {
					shared = s.Shared
				}
			}
		}
	}
	id := b.scoped("storage", cluster, name)
	if !shared && node != "" {
		id += "@" + node
		b.node(id, Storage, name+"@"+node, "")
		b.edge(id, b.scoped("node", cluster, node), RunsOn, Config, true, "the storage %s is the node's own", name)
		return id
	}
	b.node(id, Storage, name, "")
	return id
}

// storages says where network storages lie, once all machines are known, and which there
// are that no guest uses.
func (b *builder) storages() {
	used := map[string]bool{} // by the name without a node's
	for id, n := range b.nodes {
		if name, _, _ := strings.Cut(id, "@"); n.Kind == Storage {
			used[name] = true
		}
	}
	for i := range b.Clusters {
		c := &b.Clusters[i]
		for _, s := range c.Around.Storages {
			id := b.scoped("storage", c.Name, s.Name)
			if !used[id] {
				b.node(id, Storage, s.Name, "")
			}
			if s.Server == "" {
				continue
			}
			to, sure := b.machine(s.Server)
			b.edge(id, to, RunsOn, Config, sure, "the storage %s is of type %s on %s", s.Name, s.Type, s.Server)
		}
	}
}

// machine is the node of a machine that a setting names by address or name; one that
// nobody knows is a node too.
func (b *builder) machine(name string) (id string, sure bool) {
	if id, ok := b.machines[name]; ok {
		return id, true
	}
	for _, r := range b.records[name] {
		if id, ok := b.machines[r.Value]; ok {
			return id, true
		}
	}
	if id := b.called(name); id != "" {
		return id, false
	}
	return b.node("host."+name, Host, name, Unknown).ID, true
}

// called is the machine that has a name, by its first part; "" when none or several do.
// A name of a domain that is not known to be the home's is somebody else's: plex.tv is no
// guest called plex.
func (b *builder) called(name string) (found string) {
	short, domain, _ := strings.Cut(name, ".")
	if domain != "" && !b.homely(domain) {
		return ""
	}
	for _, id := range b.names[short] {
		if found != "" {
			return ""
		}
		found = id
	}
	return found
}

// homely reports a domain for whose names a server of the home answers, or one that is
// for homes alone (RFC 6762, RFC 8375, and ICANN's internal).
func (b *builder) homely(domain string) bool {
	for _, own := range []string{"local", "lan", "home", "internal", "home.arpa", "localdomain", "fritz.box"} {
		if domain == own || strings.HasSuffix(domain, "."+own) {
			return true
		}
	}
	return b.domains[domain]
}

// homes notes the domains for whose names a server answers, or in which guests look.
func (b *builder) homes() {
	for name := range b.records {
		_, parent, _ := strings.Cut(name, ".")
		b.domains[parent] = true
	}
	for i := range b.Things {
		looks := strings.ReplaceAll(inventory.Text(b.Things[i].Resource.Attrs["search_domain"]), ",", " ")
		for d := range strings.FieldsSeq(strings.ToLower(looks)) {
			b.domains[d] = true
		}
	}
}

// resolver notes whom something asks for names.
func (b *builder) resolver(from string, servers []string, source Source, format string, args ...any) {
	for i, s := range servers {
		if strings.HasPrefix(s, "127.") || s == "::1" {
			continue
		}
		id := b.node("dns."+s, DNSServer, s, Unknown).ID
		b.edge(from, id, ResolvesVia, source, true, "%s: %s is server %d of %d", fmt.Sprintf(format, args...), s, i+1, len(servers))
		if !slices.Contains(b.resolvers, s) {
			b.resolvers = append(b.resolvers, s)
		}
	}
}

// declared adds what manifests say themselves, and what Terraform manages.
func (b *builder) declared() {
	ids := map[inventory.Address]string{}
	for i := range b.Things {
		if t := &b.Things[i]; t.Declared != nil {
			ids[t.Declared.Addr] = b.ids[t.Resource.Identity]
		}
	}
	node := func(a inventory.Address) string {
		if id := ids[a]; id != "" {
			return id
		}
		if a.Kind == "host" && b.nodes[a.String()] != nil {
			return a.String()
		}
		return ""
	}
	for _, e := range b.Facts.Declared {
		if e.Why != "host" && e.Why != "guest" { // these are seen
			b.edge(node(e.From), node(e.To), DependsOn, Declared, true, "%s of %s", e.Why, e.From)
		}
	}
	for identity, address := range b.Terraform {
		if id := b.ids[identity]; id != "" && b.nodes[id] != nil {
			b.node("terraform."+address, Terraform, address, "")
			b.edge(id, "terraform."+address, ManagedBy, Config, true, "Terraform's state has it as %s", address)
		}
	}
}

// strangers says of which running guests it is not known what runs in them, and whom
// they ask for names.
func (b *builder) strangers() {
	known, asks := map[string]bool{}, map[string]bool{}
	for _, guest := range b.guestOf {
		known[guest] = true
	}
	for i := range b.edges {
		if e := &b.edges[i]; e.Kind == ResolvesVia {
			asks[e.From], asks[b.guestOf[e.From]] = true, true
		}
	}
	var silent, unasked []string
	for id, n := range b.nodes {
		if n.Kind != Guest || n.State == "stopped" || n.Attrs["template"] != "" {
			continue
		}
		if !known[id] {
			silent = append(silent, id)
		}
		if !asks[id] {
			unasked = append(unasked, id)
		}
	}
	b.guests(silent, Inside, "what runs in", "there is no host block for them")
	b.guests(unasked, NameServers, "the name servers of", "their configuration names none, and there is no host block for them")
}

func (b *builder) guests(ids []string, missing Missing, what, why string) {
	if len(ids) > 0 {
		slices.SortFunc(ids, inventory.NaturalCompare)
		b.gaps = append(b.gaps, Gap{What: what, Why: why, About: ids, Missing: missing})
	}
}
