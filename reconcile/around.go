package reconcile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

// Around compares two looks at a provider and says what happened to what it has beside
// resources: nodes, storages, its software. What one of the looks could not see did not
// change.
func Around(provider string, old, now Cluster) (out []inventory.Event) {
	before, after := thingsOf(provider, old), thingsOf(provider, now)
	for _, t := range after {
		i := slices.IndexFunc(before, t.is)
		switch {
		case i >= 0:
			if fields := t.changed(before[i]); len(fields) > 0 {
				out = append(out, t.event(inventory.Changed, fields...))
			}
		case listed(t, old):
			out = append(out, t.event(inventory.Appeared))
		}
	}
	for _, t := range before {
		if !slices.ContainsFunc(after, t.is) && listed(t, now) {
			out = append(out, t.event(inventory.Disappeared))
		}
	}
	return out
}

// ClusterOf is what is remembered of a look beside its resources.
func ClusterOf(s *inventory.Snapshot) Cluster {
	return Cluster{
		Version: s.Version, Nodes: s.Nodes, Storages: s.Storages, AllStorages: s.AllStorages, Sight: s.Sight, NoQuorum: len(s.Nodes) > 0 && !s.Quorate, Findings: s.Findings,
	}
}

// listed reports whether a look that does not show the thing says that there was none.
func listed(t thing, c Cluster) bool {
	switch t.addr.Kind {
	case "node":
		return len(c.Nodes) > 0
	case "storage":
		return c.AllStorages
	}
	return false
}

// A thing is something of a provider that is no resource, with what was seen of it. An
// empty text is not known.
type thing struct {
	addr     inventory.Address
	identity string
	facts    [][2]string // name and text
}

func (t thing) is(other thing) bool { return t.identity == other.identity }

func (t thing) event(kind inventory.EventKind, fields ...inventory.EventField) inventory.Event {
	e := inventory.Event{Address: t.addr, Identity: t.identity, Kind: kind, Fields: fields, Summary: fmt.Sprintf("%s %s", t.addr, kind)}
	for _, f := range fields {
		e.Summary += fmt.Sprintf(" %s %s -> %s", f.Name, f.FromText, f.ToText)
	}
	return e
}

func (t thing) changed(old thing) (out []inventory.EventField) {
	for i, f := range t.facts {
		if from, to := old.facts[i][1], f[1]; from != "" && to != "" && from != to {
			out = append(out, inventory.EventField{Name: inventory.Path(f[0]), From: from, To: to, FromText: from, ToText: to})
		}
	}
	return out
}

// thingsOf lists what a look saw beside resources.
func thingsOf(provider string, c Cluster) (out []thing) {
	kind, name, _ := strings.Cut(provider, ".")
	if kind != "proxmox" {
		kind = "host"
	}
	software := thing{addr: named(kind, name), identity: provider, facts: [][2]string{{"version", c.Version}, {"quorum", quorum(c)}}}
	out = append(out, software)
	for _, n := range c.Nodes {
		out = append(out, thing{named("node", n.Name), name + "/node/" + n.Name, [][2]string{
			{"online", yesNo(n.Online)}, {"address", n.Address}, {"cores", count(n.Cores)}, {"memory", wholeGiB(n.Memory)},
		}})
	}
	for _, s := range c.Storages {
		out = append(out, storageOf(name, s, c.Nodes))
	}
	return out
}

// storageOf says a storage. Of one on a node that is down nothing is known, and the node
// says it already.
func storageOf(cluster string, s inventory.Storage, nodes []inventory.Node) thing {
	var on, inactive, full []string
	for _, p := range s.On {
		on = append(on, p.Node)
		up := inventory.NodeNamed(nodes, p.Node).Online
		if up && !p.Active {
			inactive = append(inactive, p.Node)
		}
		if p.Full {
			full = append(full, p.Node)
		}
	}
	return thing{named("storage", s.Name), cluster + "/storage/" + s.Name, [][2]string{
		{"type", s.Type}, {"content", list(s.Content)}, {"shared", yesNo(s.Shared)}, {"nodes", list(on)}, {"inactive_on", list(inactive)}, {"full_on", list(full)},
	}}
}

// named is the address of something that no manifest declares. Its name is made one that
// addresses can have.
func named(kind, name string) inventory.Address {
	name = noLabel.ReplaceAllString(name, "-")
	if name == "" || !isLetter(name[0]) {
		name = "_" + name
	}
	return inventory.Address{Kind: kind, Name: name}
}

var noLabel = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

func isLetter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// quorum is known when the nodes tell of themselves.
func quorum(c Cluster) string {
	if !slices.ContainsFunc(c.Nodes, func(n inventory.Node) bool { return n.Address != "" }) {
		return ""
	}
	return yesNo(!c.NoQuorum)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func list(items []string) string { return "[" + strings.Join(items, ", ") + "]" }

func count(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// wholeGiB keeps what a kernel takes for itself from being news.
func wholeGiB(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d GiB", (n+inventory.GiB/2)/inventory.GiB)
}
