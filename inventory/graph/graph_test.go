package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// made is a graph of edges that are written down: "a runs_on b".
func made(edges ...Edge) *Graph {
	b := &builder{nodes: map[string]*Node{}, names: map[string][]string{}}
	for _, e := range edges {
		for _, id := range []string{e.From, e.To} {
			b.node(id, Container, id, "running")
		}
		b.edge(e.From, e.To, e.Kind, Live, true, "written")
	}
	return b.graph()
}

func arbitrary(t *rapid.T) (*Graph, []Edge) {
	n := rapid.IntRange(2, 12).Draw(t, "nodes")
	var edges []Edge
	for range rapid.IntRange(1, 30).Draw(t, "edges") {
		from, to := rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")
		if from != to {
			edges = append(edges, Edge{From: fmt.Sprint("n", from), To: fmt.Sprint("n", to), Kind: rapid.SampledFrom(EdgeKinds()).Draw(t, "kind")})
		}
	}
	edges = append(edges, Edge{From: "n0", To: "n1", Kind: RunsOn})
	return made(edges...), edges
}

// reaches is what needs a node, the slow way.
func reaches(edges []Edge, of string) map[string]bool {
	out := map[string]bool{of: true}
	for more := true; more; {
		more = false
		for _, e := range edges {
			if e.Kind != DocumentedIn && out[e.To] && !out[e.From] { // which is no need
				out[e.From], more = true, true
			}
		}
	}
	delete(out, of)
	return out
}

// TestDependsIsEverythingThatReaches: whatever the graph, cycles included, each thing that
// needs another is told once, with a way that exists and is as long as it says.
func TestDependsIsEverythingThatReaches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, edges := arbitrary(t)
		want := reaches(edges, "n1")
		got := g.Depends("n1", 0, nil)
		if len(got) != len(want) {
			t.Fatalf("%d need it, not %d", len(want), len(got))
		}
		for i, d := range got {
			if !want[d.ID] || len(d.Path) != d.Distance || d.Path[0].From != d.ID || d.Path[len(d.Path)-1].To != "n1" {
				t.Fatalf("%s: %+v", d.ID, d.Path)
			}
			if i > 0 && got[i-1].Distance > d.Distance {
				t.Fatalf("not by distance")
			}
			if ways, _ := g.Ways(d.ID, "n1", nil); len(ways) == 0 || len(ways[0]) != d.Distance {
				t.Fatalf("%s: no way is as short as %d", d.ID, d.Distance)
			}
		}
	})
}

// TestImpactIsPartOfWhatDepends: nothing is harmed that does not need it, what keeps
// working is not harmed, and a restart harms what a stop does.
func TestImpactIsPartOfWhatDepends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, edges := arbitrary(t)
		need := reaches(edges, "n1")
		i := g.Impact("n1", Stop, nil)
		harmed := map[string]bool{}
		for _, a := range i.Affected {
			harmed[a.ID] = true
			if !need[a.ID] || a.Path[0].From != a.ID || a.Path[len(a.Path)-1].To != "n1" {
				t.Fatalf("%s is harmed and does not need it: %+v", a.ID, a.Path)
			}
		}
		for _, k := range i.Keeps {
			if harmed[k.ID] {
				t.Fatalf("%s keeps working and does not", k.ID)
			}
		}
		if len(g.Impact("n1", Restart, nil).Affected) != len(i.Affected) {
			t.Fatal("a restart harms others than a stop")
		}
	})
}

func TestSecondOnesKeepThingsGoing(t *testing.T) {
	g := made(
		Edge{From: "a", To: "dns1", Kind: ResolvesVia}, Edge{From: "a", To: "dns2", Kind: ResolvesVia}, Edge{From: "b", To: "dns1", Kind: ResolvesVia},
		Edge{From: "dns1", To: "host", Kind: RunsOn}, Edge{From: "dns2", To: "host", Kind: RunsOn},
	)
	i := g.Impact("dns1", Stop, nil)
	if len(i.Affected) != 1 || i.Affected[0].ID != "b" || i.Affected[0].Effect != NoNames || len(i.Keeps) != 1 || i.Keeps[0].ID != "a" || i.Single[0].For[0] != "b" {
		t.Errorf("%+v", i)
	}
	// Both run on one machine: a second one is none when it goes down with the first.
	i = g.Impact("host", Stop, nil)
	if len(i.Keeps) != 0 || !slices.ContainsFunc(i.Affected, func(a Affected) bool { return a.ID == "a" && a.Effect == NoNames }) {
		t.Errorf("%+v", i)
	}
}

func TestCyclesAreTold(t *testing.T) {
	g := made(Edge{From: "a", To: "b", Kind: DependsOn}, Edge{From: "b", To: "c", Kind: Calls}, Edge{From: "c", To: "a", Kind: Calls}, Edge{From: "d", To: "a", Kind: Calls})
	if c := g.Cycles(); len(c) != 1 || !slices.Equal(c[0], []string{"a", "b", "c"}) {
		t.Errorf("%v", c)
	}
	if w, _ := g.Ways("d", "c", nil); len(w) != 1 || len(w[0]) != 3 {
		t.Errorf("%v", w)
	}
}

// TestWhoANameMeans: a machine is meant by its name alone or below a domain of the home,
// and never by that of somebody else; a name that nobody has is told.
func TestWhoANameMeans(t *testing.T) {
	guest := Thing{Observation: inventory.Observation{State: inventory.Present, Resource: inventory.Resource{
		Addr: inventory.Address{Kind: "lxc", Name: "plex"}, Identity: "home/101", Attrs: inventory.Attrs{"name": cty.StringVal("plex"), "search_domain": cty.StringVal("in.example.com")},
	}}}
	rows := map[string]string{ // what is asked -> whom it means
		"plex": "lxc.plex", "plex.lan": "lxc.plex", "plex.home.example.net": "lxc.plex", "plex.in.example.com": "lxc.plex",
		"plex.tv": "name.plex.tv", "app.plex.tv": "name.app.plex.tv", "sonarr": "",
	}
	for name, want := range rows {
		h := doctor.Host{Name: "edge", Told: &doctor.Told{
			Routes: []wiring.Route{{Proxy: "nginx", Name: "r", Hosts: []string{"r.example.net"}, Place: "a:1", To: []wiring.Endpoint{{Host: name, Port: 1}}}},
			Zones:  []wiring.Zone{{Program: "unbound", Records: []wiring.Record{{Name: "other.home.example.net", Type: "A", Value: "10.0.0.9"}}}},
		}}
		g := Build(Facts{Things: []Thing{guest}, Hosts: []doctor.Host{h}})
		got := ""
		for _, e := range g.Edges {
			if e.Kind == RoutesTo && e.From == "route.r.example.net" {
				got = e.To
			}
		}
		told := slices.ContainsFunc(g.Gaps, func(g Gap) bool { return g.What == "what "+name+" is" })
		if got != want || told != (want == "") {
			t.Errorf("%s is %q, not %q; told: %v", name, got, want, told)
		}
	}
}

// large is a home of 10,000 nodes and 50,000 edges.
func large() Facts {
	r := rand.New(rand.NewPCG(1, 2))
	f := Facts{At: time.Unix(0, 0)}
	c := Surveyed{Name: "home"}
	for i := range 100 {
		c.Nodes = append(c.Nodes, inventory.Node{Name: fmt.Sprint("node", i), Online: true, Address: fmt.Sprintf("10.255.0.%d", i+1)})
	}
	f.Clusters = []Surveyed{c}
	for i := range 2000 {
		ip := fmt.Sprintf("10.%d.%d.5", i/200, i%200)
		attrs := inventory.Attrs{"name": cty.StringVal(fmt.Sprint("g", i)), "node": cty.StringVal(fmt.Sprint("node", i%100)), "nameservers": inventory.StringList("10.0.0.5", "10.0.1.5")}
		for d := range 3 {
			attrs[inventory.Path(fmt.Sprintf("network.net%d.bridge", d))] = cty.StringVal(fmt.Sprint("vmbr", (i+d)%40))
			attrs[inventory.Path(fmt.Sprintf("mount.mp%d.storage", d))] = cty.StringVal(fmt.Sprint("s", (i+d)%30))
		}
		attrs["network.net0.address"] = cty.StringVal(ip + "/24")
		f.Things = append(f.Things, Thing{Observation: inventory.Observation{
			State: inventory.Present, Volatile: inventory.Volatile{Status: "running", Node: fmt.Sprint("node", i%100)},
			Resource: inventory.Resource{Addr: inventory.Address{Kind: "lxc", Name: fmt.Sprint("g", i)}, Identity: fmt.Sprint("home/", 100+i), Attrs: attrs},
		}})
	}
	for i := range 150 {
		h := doctor.Host{Name: fmt.Sprint("h", i), Addresses: []string{fmt.Sprintf("10.%d.%d.5", i/200, i%200)}, Resolvers: []string{"10.0.0.5"}, Told: &doctor.Told{}}
		for k := range 50 {
			ct := doctor.Container{Name: fmt.Sprintf("c%d", k), State: "running", Networks: []string{fmt.Sprint("n", k%5)}, Resolvers: []string{"10.0.0.5"}}
			ct.Calls = append(ct.Calls, wiring.Call{Setting: "URL", Sure: true, To: wiring.Endpoint{Scheme: "http", Host: fmt.Sprintf("c%d", k-k%5+(k+5)%50)}})
			ct.Calls = append(ct.Calls, wiring.Call{Setting: "DB", Sure: true, To: wiring.Endpoint{Host: fmt.Sprintf("10.%d.%d.5", r.IntN(10), r.IntN(200))}})
			h.Containers = append(h.Containers, ct)
		}
		f.Hosts = append(f.Hosts, h)
	}
	return f
}

// TestALargeHomeIsQuick holds the bounds in time of the processor, which says the same on
// a machine that is busy with something else; a slip from linear to quadratic exceeds
// them by far.
func TestALargeHomeIsQuick(t *testing.T) {
	f := large()
	var g *Graph
	build := median(t, func() { g = Build(f) })
	if len(g.Nodes) < 10_000 || len(g.Edges) < 50_000 {
		t.Fatalf("%d nodes and %d edges are no large home", len(g.Nodes), len(g.Edges))
	}
	impact := median(t, func() { g.Impact("dns.10.0.0.5", Stop, nil) })
	depends := median(t, func() { g.Depends("node.node7", 0, nil) })
	trace := median(t, func() { g.Ways("docker:h3/c7", "cluster.home", nil) })
	t.Logf("%d nodes, %d edges: build %v, impact %v, depends %v, trace %v", len(g.Nodes), len(g.Edges), build, impact, depends, trace)
}

func median(t *testing.T, do func()) time.Duration {
	var took []time.Duration
	for range 3 {
		var before, after syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
			t.Fatal(err)
		}
		do()
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Duration(after.Utime.Nano()-before.Utime.Nano()))
	}
	slices.Sort(took)
	return took[1]
}

// BenchmarkALargeHome is the time that building a graph of 10,000 nodes and 50,000 edges
// and each question takes, beside its bound.
func BenchmarkALargeHome(b *testing.B) {
	f := large()
	g := Build(f)
	for _, row := range []struct {
		name  string
		bound time.Duration
		do    func()
	}{
		{"build", 300 * time.Millisecond, func() { Build(f) }},
		{"impact", 20 * time.Millisecond, func() { g.Impact("dns.10.0.0.5", Stop, nil) }},
		{"depends", 20 * time.Millisecond, func() { g.Depends("node.node7", 0, nil) }},
		{"trace", 20 * time.Millisecond, func() { g.Ways("docker:h3/c7", "cluster.home", nil) }},
	} {
		b.Run(row.name, func(b *testing.B) {
			for b.Loop() {
				row.do()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(row.bound), "of-bound")
		})
	}
}

// TestAnEdgeKeepsAllProofs: an edge that is known twice is one, with both by which it is
// known, the sure one first.
func TestAnEdgeKeepsAllProofs(t *testing.T) {
	edge := func(source Source, evidence string, sure bool) Edge {
		return Edge{From: "a", To: "b", Kind: Calls, Source: source, Evidence: evidence, Sure: sure}
	}
	g := &Graph{Nodes: []Node{{ID: "a"}, {ID: "b"}}, Edges: []Edge{edge(Environment, "by a name", false), edge(Compose, "depends_on", true), edge(Compose, "depends_on", true)}}
	g.seal()
	want := edge(Compose, "depends_on", true)
	want.Also = []Proof{{Environment, "by a name", false}}
	if diff := cmp.Diff([]Edge{want}, g.Edges); diff != "" {
		t.Error(diff)
	}
}
