package runs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/contextfile"
	"recon/providers/proxmox/pvesim"
)

// The accuracy benchmark asks what an assistant would ask, and answers from the
// written files alone. The simulated world is the oracle. RECON_ACCURACY=full, which
// make accuracy sets, runs it at full length.

// A bench is one world, the project about it, and the files that recon writes.
type bench struct {
	t        *testing.T
	r        *rand.Rand
	sim      *pvesim.Server
	home     *home.Home
	services []contextfile.Service // Docker facts, recorded
	now      time.Time
	protect  map[int]bool
	down     string
}

const handWritten = "# Home\n\nAsk before you restart anything.\n\n<!-- recon:begin id=home v=1 -->\n<!-- recon:end id=home -->\n\nThe end.\n"

func newBench(t *testing.T, guests int, seed int64) *bench {
	b := &bench{t: t, r: rand.New(rand.NewPCG(uint64(seed), 1)), now: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), protect: map[int]bool{}}
	var err error
	if b.sim, err = pvesim.New(pvesim.Options{World: pvesim.Generate(guests, seed), StatCycle: -1, NodeDelay: time.Millisecond, AuthDelay: -1, AgentDelay: -1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.sim.Close() })
	b.sees(everything)
	dir := t.TempDir()
	var hcl strings.Builder
	fmt.Fprintf(&hcl, "proxmox \"home\" {\n  endpoints = [%q]\n  token = %q\n  fingerprint = %q\n}\ncontext {\n  claude_md = \"CLAUDE.md\"\n  context_md = \"context.md\"\n  session_log = \"session-log.md\"\n  active_tasks = \"active-tasks.md\"\n}\n",
		b.sim.Endpoint(), lookToken+"="+lookSecret, b.sim.Fingerprint())
	for i, g := range b.guests() {
		if i%5 != 0 || i > 40 {
			continue
		}
		b.protect[g.VMID] = i%10 == 0
		fmt.Fprintf(&hcl, "%s %q {\n  vmid = %d\n  name = %q\n  protect = %v\n}\n", kindOf(g), inventory.Label(nameOf(g), g.VMID), g.VMID, nameOf(g), b.protect[g.VMID])
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("recon.hcl", hcl.String())
	write("CLAUDE.md", handWritten)
	for i := range 20 {
		host := b.guests()[i%7]
		b.services = append(b.services, contextfile.Service{
			Address: inventory.Address{Kind: "service", Name: fmt.Sprintf("svc%02d", i)}, Host: strings.ToLower(nameOf(host)), Container: fmt.Sprintf("svc%02d", i), Image: "ghcr.io/x/svc:1",
			URL: fmt.Sprintf("https://svc%02d.example.net", i), Ports: []string{fmt.Sprintf("%d/tcp", 8000+i)}, DependsOn: []string{fmt.Sprintf("svc%02d", (i+1)%20)},
		})
	}
	if b.home, err = home.Open(home.Options{Dir: dir, Now: func() time.Time { return b.now }}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) guests() (out []pvesim.Guest) {
	b.sim.Update(func(w *pvesim.World) {
		for _, g := range w.Guests {
			out = append(out, *g)
		}
	})
	slices.SortFunc(out, func(x, y pvesim.Guest) int { return x.VMID - y.VMID })
	return out
}

func kindOf(g pvesim.Guest) string {
	if g.Kind == "qemu" {
		return "vm"
	}
	return "lxc"
}

func nameOf(g pvesim.Guest) string {
	if g.Kind == "qemu" {
		return g.Config["name"]
	}
	return g.Config["hostname"]
}

var configured = regexp.MustCompile(`\bip6?=([0-9a-f.:]+)/`)

// ipsOf are the addresses of a guest: those of its configuration, else those that it
// would say that it has.
func ipsOf(g pvesim.Guest) []string {
	out := configuredOf(g)
	if len(out) == 0 && g.Running && (g.Kind == "lxc" || strings.Contains(g.Config["agent"], "1")) {
		for _, a := range g.Addresses {
			ip, _, _ := strings.Cut(a, "/")
			out = append(out, ip)
		}
	}
	return out
}

func configuredOf(g pvesim.Guest) (out []string) {
	for key, v := range g.Config {
		if strings.HasPrefix(key, "ipconfig") || kindOf(g) == "lxc" && strings.HasPrefix(key, "net") {
			for _, m := range configured.FindAllStringSubmatch(v, -1) {
				out = append(out, m[1])
			}
		}
	}
	slices.Sort(out)
	return out
}

// cycle observes, remembers and writes, as recon context does.
func (b *bench) cycle() {
	b.t.Helper()
	ctx := context.Background()
	w, err := b.home.Observe(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	defer w.Close()
	if err := w.AskAddresses(ctx); err != nil {
		b.t.Fatal(err)
	}
	p, err := w.Compare(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	err = writing(ctx, b.home, "context", func(ph *phase) (int, error) {
		if _, err := record(ctx, ph, w, p, deed{}); err != nil {
			return home.ExitError, err
		}
		facts, err := docs.Gather(ctx, ph.ledger, w, p)
		if err != nil {
			return home.ExitError, err
		}
		facts.Services = b.services
		return home.ExitOK, docs.WriteFacts(w, facts, docs.Options{}).Err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) file(name string) string {
	text, err := os.ReadFile(filepath.Join(b.home.Root, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// A question is typed; its answers are those of the oracle, none when there is
// nothing to know.
type question struct {
	kind, about string
	answers     []string
}

// questions asks about a world. Every seventh cannot be answered.
func (b *bench) questions() []question {
	var qs []question
	gs := b.guests()
	pick := func() pvesim.Guest { return gs[b.r.IntN(len(gs))] }
	owners := map[string][]string{}
	for _, g := range gs {
		for _, ip := range ipsOf(g) {
			owners[ip] = append(owners[ip], strings.ToLower(nameOf(g)))
		}
	}
	addressed := func() pvesim.Guest {
		for {
			if g := pick(); len(ipsOf(g)) > 0 {
				return g
			}
		}
	}
	ask := func(n int, kind string, q func() (string, []string)) {
		for range n {
			about, answers := q()
			qs = append(qs, question{kind, about, answers})
		}
	}
	low := func(g pvesim.Guest) string { return strings.ToLower(nameOf(g)) }
	ask(20, "host of address", func() (string, []string) { ip := ipsOf(addressed())[0]; return ip, owners[ip] })
	ask(20, "address", func() (string, []string) { g := addressed(); return low(g), ipsOf(g) })
	ask(20, "node", func() (string, []string) { g := pick(); return low(g), []string{g.Node} })
	ask(12, "kind", func() (string, []string) { g := pick(); return low(g), []string{strings.ToUpper(kindOf(g))} })
	ask(12, "vmid", func() (string, []string) { g := pick(); return low(g), []string{strconv.Itoa(g.VMID)} })
	ask(8, "protected", func() (string, []string) {
		for {
			if g := pick(); b.protect[g.VMID] {
				return low(g), []string{"yes"}
			}
		}
	})
	ask(8, "port", func() (string, []string) {
		s := b.services[b.r.IntN(20)]
		return s.Address.Name, []string{strings.TrimSuffix(s.Ports[0], "/tcp")}
	})
	ask(8, "backend of URL", func() (string, []string) { s := b.services[b.r.IntN(20)]; return s.URL, []string{s.Host} })
	ask(6, "needs", func() (string, []string) { s := b.services[b.r.IntN(20)]; return s.Address.Name, s.DependsOn })
	ask(8, "dns", func() (string, []string) {
		for {
			if g := pick(); g.Config["nameserver"] != "" {
				return low(g), strings.Fields(g.Config["nameserver"])
			}
		}
	})
	for i := range len(qs) / 6 {
		qs = append(qs, question{qs[i*5].kind, []string{"ghost-7", "10.99.1.9", "svc99", "https://none.example.net"}[i%4], nil})
	}
	return qs
}

// A reader knows what stands in written files: name to field to value. It reads
// Markdown as a person does, by heads of tables and by phrases.
type reader struct {
	facts  map[string]map[string][]string
	old    []string        // nodes whose facts are the last known
	hidden map[string]bool // ids of guests that are shown as last known
}

var (
	alsoLine    = regexp.MustCompile(`^Also (VM|LXC) on (\S+): (.*)$`)
	alsoItem    = regexp.MustCompile(`^(\S+)((?: \(\w+\))*) (\d+)(?: (.+))?$`)
	onLine      = regexp.MustCompile(`^\*\*On (\S+):\*\* (.*)$`)
	staleLine   = regexp.MustCompile(`^STALE since \S+ \S+ UTC: (\S+) of proxmox.home could not be observed`)
	protectLine = regexp.MustCompile(`^\*\*Protected, do not change:\*\* (.*)$`)
)

func newReader(texts ...string) *reader {
	rd := &reader{facts: map[string]map[string][]string{}, hidden: map[string]bool{}}
	for _, text := range texts {
		var heads []string
		for _, line := range strings.Split(text, "\n") {
			switch {
			case strings.HasPrefix(line, "| ---"):
			case strings.HasPrefix(line, "|"):
				cells := strings.Split(strings.Trim(line, "|"), "|")
				for i := range cells {
					cells[i] = strings.TrimSpace(cells[i])
				}
				if heads == nil {
					heads = cells
					continue
				}
				rd.row(heads, cells)
			default:
				heads = nil
				rd.phrase(line)
			}
		}
	}
	return rd
}

func (rd *reader) put(subject, field string, values ...string) {
	if rd.facts[subject] == nil {
		rd.facts[subject] = map[string][]string{}
	}
	for _, v := range values {
		if v != "" && v != "dhcp" && !strings.HasPrefix(v, "at least ") {
			rd.facts[subject][field] = append(rd.facts[subject][field], v)
		}
	}
}

func (rd *reader) row(heads, cells []string) {
	name, _, _ := strings.Cut(cells[0], " (")
	for i, h := range heads {
		switch {
		case i >= len(cells):
		case heads[0] == "Guest" && h == "Id" && strings.Contains(cells[i], " "):
			kind, id, _ := strings.Cut(cells[i], " ")
			rd.put(name, "kind", kind)
			rd.put(name, "vmid", id)
		case heads[0] == "Guest" && h == "Id":
			rd.put(name, "vmid", cells[i])
		case heads[0] == "Guest" && h == "Address":
			for _, ip := range strings.Fields(cells[i]) {
				rd.put(name, "address", ip)
				rd.put(ip, "host of address", name)
			}
		case heads[0] == "Guest" && h == "Last change":
			_, by, _ := strings.Cut(cells[i], " ")
			rd.put(name, "changed by", strings.Trim(by, "`"))
		case heads[0] == "Guest":
			rd.put(name, strings.ToLower(h), cells[i])
		case heads[0] == "Name server" && h == "Used by":
			for _, g := range strings.Split(cells[i], ", ") {
				rd.put(g, "dns", cells[0])
			}
		case heads[0] == "Node" && (h == "VMs" || h == "LXCs"), heads[0] == "Name server" && h == "Guests", heads[0] == "Network" && h == "Known guests":
			rd.put(name, "number of "+h, cells[i])
		case heads[0] == "Service" && h == "Ports":
			for _, p := range strings.Fields(cells[i]) {
				rd.put(name, "port", strings.TrimSuffix(p, "/tcp"))
			}
		case heads[0] == "Service" && h == "URL":
			rd.put(cells[i], "backend of URL", cells[1])
		case heads[0] == "Service" && h == "Needs":
			rd.put(name, "needs", strings.Split(cells[i], ", ")...)
		}
	}
}

func (rd *reader) phrase(line string) {
	if m := staleLine.FindStringSubmatch(line); m != nil {
		rd.old = append(rd.old, m[1])
	}
	if m := totalLine.FindStringSubmatch(line); m != nil {
		rd.put("home", "number of VMs", m[1])
		rd.put("home", "number of LXCs", m[2])
	}
	if m := hiddenLine.FindStringSubmatch(line); m != nil {
		rd.hide(m[1])
	}
	if m := alsoLine.FindStringSubmatch(line); m != nil {
		for _, item := range strings.Split(m[3], ", ") {
			g := alsoItem.FindStringSubmatch(item)
			if g == nil {
				continue
			}
			rd.put(g[1], "kind", m[1])
			rd.put(g[1], "node", m[2])
			rd.put(g[1], "vmid", g[3])
			for _, ip := range strings.Split(g[4], " & ") {
				if ip != "" && ip != "dhcp" {
					rd.put(g[1], "address", ip)
					rd.put(ip, "host of address", g[1])
				}
			}
		}
	}
	if m := onLine.FindStringSubmatch(line); m != nil {
		for _, item := range strings.Split(m[2], ", ") {
			if name, port, ok := strings.Cut(item, " :"); ok {
				rd.put(name, "port", port)
			}
		}
	}
	if m := protectLine.FindStringSubmatch(line); m != nil {
		for _, a := range strings.Split(m[1], ", ") {
			_, label, _ := strings.Cut(strings.Trim(a, "`"), ".")
			rd.put(label, "protected", "yes")
		}
	}
}

// A score counts answers. An answer to what cannot be answered is wrong.
type score struct{ right, wrong, unanswered int }

func (s score) String() string {
	return fmt.Sprintf("%d right, %d wrong, %d unanswered", s.right, s.wrong, s.unanswered)
}

// answered is the share of the answerable questions that got an answer.
func (rd *reader) ask(t *testing.T, qs []question) (s score, answered float64) {
	answerable, got := 0, 0
	for _, q := range qs {
		answers := rd.answers(q)
		if q.kind == "protected" && len(answers) == 0 {
			answers = rd.facts[strings.ReplaceAll(q.about, ".", "-")][q.kind]
		}
		if len(q.answers) > 0 {
			answerable++
		}
		switch {
		case len(answers) == 0 && len(q.answers) == 0:
			s.right++
		case len(answers) == 0:
			s.unanswered++
		case q.kind == "address" && slices.ContainsFunc(answers, func(a string) bool { return slices.Contains(q.answers, a) }), slices.Contains(q.answers, answers[0]):
			s.right++
			got++
		default:
			t.Logf("wrong: %s of %s is %v, the files say %v", q.kind, q.about, q.answers, answers)
			s.wrong++
			got++
		}
	}
	return s, float64(got) / float64(answerable)
}

// staleFacts counts facts in the files that are not true now and not marked.
func (b *bench) staleFacts(rd *reader) (stale int) {
	truth := map[string]pvesim.Guest{}
	for _, g := range b.guests() {
		truth[strings.ToLower(nameOf(g))] = g
	}
	for name, fields := range rd.facts {
		if fields["vmid"] == nil || len(fields["node"]) > 0 && slices.Contains(rd.old, fields["node"][0]) {
			continue
		}
		g, ok := truth[name]
		if !ok || fields["vmid"][0] != strconv.Itoa(g.VMID) || fields["node"][0] != g.Node || strings.Fields(fields["kind"][0])[0] != strings.ToUpper(kindOf(g)) {
			b.t.Logf("stale: %s %v, live %d %s %s", name, fields, g.VMID, g.Kind, g.Node)
			stale++
			continue
		}
		for _, ip := range fields["address"] {
			if !slices.Contains(ipsOf(g), ip) && !strings.Contains(ip, ":") && strings.Count(ip, ".") == 3 {
				b.t.Logf("stale: %s has %v, the files say %s", name, ipsOf(g), ip)
				stale++
			}
		}
	}
	return stale
}

// mutate changes the world as life does.
func (b *bench) mutate(i int) string {
	gs := b.guests()
	at := b.r.IntN(len(gs))
	what := []string{"migrate", "rename", "kind", "vmid", "dns", "outage", "delete", "dhcp", "undeclared"}[i%9]
	b.sim.ClearFaults()
	b.down = ""
	if what == "outage" {
		b.down = gs[at].Node
		if err := b.sim.AddFault("node-down:" + b.down); err != nil {
			b.t.Fatal(err)
		}
		return what
	}
	b.sim.Update(func(w *pvesim.World) {
		k := slices.IndexFunc(w.Guests, func(g *pvesim.Guest) bool { return g.VMID == gs[at].VMID })
		g := w.Guests[k]
		switch what {
		case "migrate":
			g.Node = w.Nodes[b.r.IntN(len(w.Nodes))].Name
		case "rename":
			g.Config[map[string]string{"qemu": "name", "lxc": "hostname"}[g.Kind]] = fmt.Sprintf("renamed-%d", i)
		case "kind":
			next := &pvesim.Guest{VMID: g.VMID, Kind: "lxc", Node: g.Node, Running: false, Config: map[string]string{"hostname": fmt.Sprintf("ct%d-was-vm", i), "memory": "512", "arch": "amd64", "ostype": "debian"}}
			if ips := ipsOf(*g); len(ips) > 0 {
				next.Config["net0"] = "name=eth0,bridge=vmbr0,type=veth,hwaddr=BC:24:11:00:00:01,ip=" + ips[0] + "/16"
			}
			w.Guests[k] = next
		case "vmid":
			next := &pvesim.Guest{VMID: g.VMID, Kind: g.Kind, Node: w.Nodes[0].Name, Config: map[string]string{"memory": "1024"}}
			next.Config[map[string]string{"qemu": "name", "lxc": "hostname"}[g.Kind]] = fmt.Sprintf("reused-%d", i)
			w.Guests[k] = next
		case "dhcp": // the lease is another one
			for _, g := range w.Guests {
				if g.Kind == "lxc" && g.Running && len(g.Addresses) > 0 && len(configuredOf(*g)) == 0 {
					g.Addresses = []string{fmt.Sprintf("10.77.%d.9/16", i%200)}
					break
				}
			}
		case "undeclared": // what no manifest names
			g.Config["memory"], g.Config["protection"] = strconv.Itoa(1024+i), "1"
		case "dns":
			g.Config["nameserver"] = fmt.Sprintf("10.0.0.%d", 2+i%200)
		case "delete":
			if len(w.Guests) > 20 {
				w.Guests = slices.Delete(w.Guests, k, k+1)
			}
		}
	})
	return what
}

// outsideMarkers is the author's part of CLAUDE.md.
func outsideMarkers(text string) string {
	i, j := strings.Index(text, "<!-- recon:begin"), strings.Index(text, "<!-- recon:end")
	return text[:i] + text[j:]
}

func TestAccuracy(t *testing.T) {
	full := os.Getenv("RECON_ACCURACY") == "full"
	mutations := map[int]int{40: 14, 200: 2}
	if full {
		mutations = map[int]int{40: 160, 200: 40}
	}
	for _, n := range []int{40, 200} {
		t.Run(fmt.Sprintf("%d guests", n), func(t *testing.T) {
			t.Parallel() // most of it is waiting for agents that do not answer
			b := newBench(t, n, 4711)
			b.cycle()
			home, whole := newReader(b.file("CLAUDE.md")), newReader(b.file("CLAUDE.md"), b.file("context.md"))
			qs := b.questions()
			alone, alonePart := home.ask(t, qs)
			both, bothPart := whole.ask(t, qs)
			block := b.file("CLAUDE.md")
			block = block[strings.Index(block, "<!-- recon:begin"):strings.Index(block, "<!-- recon:end")]
			lines, tokens := strings.Count(block, "\n"), len(block)/4
			t.Logf("%d questions; home alone: %s (%.0f %% answered); with context.md: %s (%.0f %% answered); block: %d lines, %d tokens", len(qs), alone, 100*alonePart, both, 100*bothPart, lines, tokens)
			if len(qs) < 120 || alone.wrong+both.wrong > 0 || alonePart < 0.70 || bothPart < 0.95 {
				t.Error("the files answer too little, or wrongly")
			}
			if limit := map[int]int{40: 1200, 200: 2500}[n]; tokens > limit || lines > 60 {
				t.Errorf("the block is too large: %d lines, %d tokens", lines, tokens)
			}
			stale, kinds := 0, map[string]int{}
			for i := range mutations[n] {
				b.now = b.now.Add(time.Hour)
				kinds[b.mutate(i)]++
				b.cycle()
				stale += b.staleFacts(newReader(b.file("CLAUDE.md"))) + b.staleFacts(newReader(b.file("context.md")))
				if outsideMarkers(b.file("CLAUDE.md")) != outsideMarkers(handWritten) {
					t.Fatal("bytes outside the markers changed")
				}
			}
			t.Logf("%d mutations %v: %d stale facts unmarked, 0 bytes outside markers changed", mutations[n], kinds, stale)
			if stale > 0 {
				t.Error("stale facts")
			}
		})
	}
}
