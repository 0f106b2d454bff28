package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// A world is a home as it is, of which facts tell a part and tries another.
type world struct {
	r     *rand.Rand
	f     Facts
	open  map[string]bool      // 10.0.0.9:80 of machines that are no declared hosts
	alive map[string]bool      // addresses of such machines
	known map[string]bool      // single names that name servers know
	shown map[string]time.Time // the start of the certificate that is served, by host
	filed map[string]time.Time
	apps  []string // in the order in which they were added
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func (w *world) guest(name, ip, status string) {
	attrs := inventory.Attrs{"name": cty.StringVal(name), "node": cty.StringVal("pve1")}
	if ip != "" {
		attrs["network.net0.address"] = cty.StringVal(ip + "/24")
		attrs["nameservers"] = inventory.StringList("10.0.0.53", "10.0.0.54")
	}
	id := fmt.Sprint("home/", 100+len(w.f.Things))
	r := inventory.Resource{Addr: inventory.Address{Kind: "lxc", Name: name}, Identity: id, Attrs: attrs, Provider: "proxmox.home"}
	w.f.Things = append(w.f.Things, Thing{Observation: inventory.Observation{State: inventory.Present, Volatile: inventory.Volatile{Status: status, Node: "pve1"}, Resource: r}})
}

func (w *world) host(name, ip string, ports ...int) *doctor.Host {
	w.guest(name, ip, "running")
	h := doctor.Host{Name: name, Addresses: []string{ip}, Resolvers: []string{"10.0.0.53", "10.0.0.54"}, Told: &doctor.Told{}}
	for _, p := range append(ports, 22) {
		h.Listening = append(h.Listening, doctor.Port{Number: p, Proto: "tcp"})
	}
	w.f.Hosts = append(w.f.Hosts, h)
	return w.at(name)
}

func (w *world) at(name string) *doctor.Host {
	for i := range w.f.Hosts {
		if w.f.Hosts[i].Name == name {
			return &w.f.Hosts[i]
		}
	}
	return nil
}

func listening(ports ...int) (out []doctor.Port) {
	for _, p := range ports {
		out = append(out, doctor.Port{Number: p, Proto: "tcp"})
	}
	return out
}

func running(h *doctor.Host, name string, port int) *doctor.Container {
	h.Containers = append(h.Containers, doctor.Container{Name: name, State: "running", Networks: []string{"web"}, NetworkMode: "web", Listening: listening(port), Started: noon.Add(-time.Hour)})
	return &h.Containers[len(h.Containers)-1]
}

func publish(c *doctor.Container, outer, inner int) {
	c.Published = append(c.Published, doctor.Publish{Proto: "tcp", First: outer, Last: outer, Inner: inner})
}

// record has both name servers answer for a name.
func (w *world) record(name, value string) {
	kind := "A"
	if !wiring.IsIP(value) {
		kind = "CNAME"
	}
	for _, server := range []string{"dns1", "dns2"} {
		z := &w.at(server).Told.Zones[0]
		z.Records = append(z.Records, wiring.Record{Name: name, Type: kind, Value: value, Place: fmt.Sprintf("/etc/dnsmasq.d/home.conf:%d", len(z.Records)+1)})
	}
}

func (w *world) forget(name string) {
	for _, server := range []string{"dns1", "dns2"} {
		z := &w.at(server).Told.Zones[0]
		z.Records = slices.DeleteFunc(z.Records, func(r wiring.Record) bool { return r.Name == name })
	}
}

// route has a proxy pass a name on, in one of the ways in which proxies are told so.
func (w *world) route(proxy, name string, to ...wiring.Endpoint) *wiring.Route {
	h := w.at(proxy)
	r := wiring.Route{Name: name, Hosts: []string{name}, TLS: true, Named: true, Ports: []int{443}, To: to, Place: "/etc/" + name + ".conf:1"}
	switch proxy {
	case "edge":
		r.Proxy, r.By = "traefik", "traefik"
	case "gate":
		r.Proxy, r.Cert = "nginx", "/etc/ssl/"+proxy+".pem"
	default:
		r.Proxy, r.By = "caddy", "caddy"
	}
	h.Told.Routes = append(h.Told.Routes, r)
	return &h.Told.Routes[len(h.Told.Routes)-1]
}

// app adds a service behind a proxy, somewhere.
func (w *world) app(n int) {
	name := fmt.Sprintf("app%d.home.example.net", n)
	proxy := []string{"edge", "gate", "side"}[w.r.IntN(3)]
	port := 3000 + n
	to := wiring.Endpoint{Scheme: "http", Port: port}
	switch where := w.r.IntN(4); {
	case where == 0 && proxy != "gate": // beside the proxy
		running(w.at(proxy), fmt.Sprint("app", n), port)
		to.Host = fmt.Sprint("app", n)
	case where == 1: // on a Docker host of its own
		publish(running(w.at("docker"), fmt.Sprint("app", n), 80), port, 80)
		to.Host = "10.0.0.30"
	case where == 2: // a program of a declared host
		w.at("docker").Listening = append(w.at("docker").Listening, doctor.Port{Number: port, Proto: "tcp"})
		to.Host = "docker.lan"
	default: // in a guest of which nothing else is known
		ip := fmt.Sprintf("10.0.0.%d", 100+n)
		w.guest(fmt.Sprint("guest", n), ip, "running")
		w.open[fmt.Sprintf("%s:%d", ip, port)] = true
		to.Host = ip
	}
	w.record(name, map[string]string{"edge": "10.0.0.20", "gate": "10.0.0.21", "side": "10.0.0.22"}[proxy])
	w.route(proxy, name, to)
	w.apps = append(w.apps, name)
}

// sound is a home without faults, with much of what homes have that nobody knows.
func sound(seed uint64) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 7)), open: map[string]bool{}, alive: map[string]bool{}, known: map[string]bool{}, shown: map[string]time.Time{}, filed: map[string]time.Time{}}
	w.f.At = noon
	w.f.Clusters = []Surveyed{{Name: "home", Nodes: []inventory.Node{{Name: "pve1", Address: "10.0.0.11", Online: true}}}}
	for i, name := range []string{"dns1", "dns2"} {
		w.host(name, fmt.Sprintf("10.0.0.%d", 53+i), 53).Told.Zones = []wiring.Zone{{Program: "dnsmasq", Forwards: []string{"9.9.9.9"}}}
	}
	for i, name := range []string{"edge", "gate", "side"} {
		h := w.host(name, fmt.Sprintf("10.0.0.%d", 20+i), 80, 443)
		if container := []string{"traefik", "", "caddy"}[i]; container != "" {
			c := running(h, container, 443)
			c.Listening = listening(80, 443)
			publish(c, 80, 80)
			publish(c, 443, 443)
		}
	}
	w.host("docker", "10.0.0.30")
	w.record("docker.lan", "10.0.0.30")
	for n := range 6 + w.r.IntN(6) {
		w.app(n)
	}
	// What is not known, and no fault: a machine that is none of recon's, one that is off,
	// a public name, a route of a tunnel, a pattern, a program that is still starting.
	w.record("nas.home.example.net", "10.0.0.5")
	w.alive["10.0.0.5"] = true
	w.record("laptop.home.example.net", "192.168.77.9")
	w.record("vps.home.example.net", "203.0.113.9")
	w.route("gate", "plex.home.example.net", wiring.Endpoint{Scheme: "http", Host: "10.0.0.5", Port: 32400})
	w.record("plex.home.example.net", "10.0.0.21")
	w.open["10.0.0.5:32400"] = true
	w.at("edge").Told.Routes = append(w.at("edge").Told.Routes, wiring.Route{Proxy: "cloudflared", By: "traefik", Hosts: []string{"nas.home.example.net"}, To: []wiring.Endpoint{{Scheme: "https", Host: "10.0.0.20"}}, Place: "c:1"})
	w.record("slow.home.example.net", "10.0.0.20")
	w.route("edge", "slow.home.example.net", wiring.Endpoint{Scheme: "http", Host: "slow", Port: 9000})
	slow := running(w.at("edge"), "slow", 1)
	slow.Started = noon.Add(-time.Minute)
	w.route("edge", "odd.home.example.net").Unread = "where it passes requests on depends on a variable"
	w.route("side", "two.home.example.net", wiring.Endpoint{Scheme: "http", Host: "10.0.0.250", Port: 1}, wiring.Endpoint{Scheme: "http", Host: "10.0.0.30", Port: 22})
	w.record("two.home.example.net", "10.0.0.22")
	w.shown["gate"], w.filed["gate"] = noon.AddDate(0, -1, 0), noon.AddDate(0, -1, 0)
	return w
}

// judged is what the doctor says, when hosts have tried what they are asked to.
func (w *world) judged(t *testing.T) []inventory.Finding {
	t.Helper()
	for range 4 {
		found, tries := Build(w.f).Faults()
		if len(tries) == 0 {
			return found
		}
		for host, list := range tries {
			h := w.at(host)
			for _, try := range list {
				h.Tried = append(h.Tried, w.try(h, try))
			}
		}
	}
	t.Fatal("the tries do not end")
	return nil
}

func (w *world) try(h *doctor.Host, t doctor.Try) doctor.Tried {
	out := doctor.Tried{Try: t, Outcome: doctor.Refused}
	switch t.Kind {
	case "address":
		out.Outcome = doctor.Absent
		if w.alive[t.Address] {
			out.Outcome = doctor.Present
		}
	case "name":
		out.Outcome = doctor.Absent
		if w.known[t.Name] {
			out.Outcome = doctor.Present
		}
	case "port":
		if w.open[fmt.Sprintf("%s:%d", t.Address, t.Port)] {
			out.Outcome = doctor.Open
		}
	case "certificate":
		out.Outcome = doctor.Served
		out.Shown = &doctor.Certificate{Print: w.shown[h.Name].String(), From: w.shown[h.Name], Until: noon.AddDate(0, 2, 0)}
		out.Filed = &doctor.Certificate{Print: w.filed[h.Name].String(), From: w.filed[h.Name]}
	}
	return out
}

// seeds are the faults on the way from a name to a service: each makes one, and says
// what is to be found.
var seeds = []struct {
	name, rule string
	make       func(w *world) (address string)
}{
	{"the container is stopped", "dead-route", func(w *world) string {
		w.route("edge", "x.home.example.net", wiring.Endpoint{Host: "x", Port: 80})
		w.record("x.home.example.net", "10.0.0.20")
		running(w.at("edge"), "x", 80).State = "exited"
		return "route.x.home.example.net"
	}},
	{"the container was removed", "dead-route", func(w *world) string {
		w.route("edge", "x.home.example.net", wiring.Endpoint{Host: "x", Port: 80})
		w.record("x.home.example.net", "10.0.0.20")
		return "route.x.home.example.net"
	}},
	{"the guest is stopped", "dead-route", func(w *world) string {
		w.guest("x", "10.0.0.99", "stopped")
		w.route("gate", "x.home.example.net", wiring.Endpoint{Scheme: "http", Host: "10.0.0.99", Port: 80})
		w.record("x.home.example.net", "10.0.0.21")
		return "route.x.home.example.net"
	}},
	{"nobody is at the address", "dead-route", func(w *world) string {
		w.route("gate", "x.home.example.net", wiring.Endpoint{Scheme: "http", Host: "10.0.0.99", Port: 80})
		w.record("x.home.example.net", "10.0.0.21")
		return "route.x.home.example.net"
	}},
	{"the port of a host", "dead-route", func(w *world) string {
		w.route("side", "x.home.example.net", wiring.Endpoint{Scheme: "http", Host: "10.0.0.30", Port: 9999})
		w.record("x.home.example.net", "10.0.0.22")
		return "route.x.home.example.net"
	}},
	{"the port in a container", "dead-route", func(w *world) string {
		publish(running(w.at("docker"), "x", 8080), 9999, 80)
		w.route("edge", "x.home.example.net", wiring.Endpoint{Scheme: "http", Host: "10.0.0.30", Port: 9999})
		w.record("x.home.example.net", "10.0.0.20")
		return "route.x.home.example.net"
	}},
	{"the port of a guest", "dead-route", func(w *world) string {
		w.guest("x", "10.0.0.99", "running")
		w.route("gate", "x.home.example.net", wiring.Endpoint{Scheme: "http", Host: "10.0.0.99", Port: 80})
		w.record("x.home.example.net", "10.0.0.21")
		return "route.x.home.example.net"
	}},
	{"another network", "dead-route", func(w *world) string {
		w.route("edge", "x.home.example.net", wiring.Endpoint{Host: "x", Port: 80})
		w.record("x.home.example.net", "10.0.0.20")
		running(w.at("edge"), "x", 80).Networks = []string{"db"}
		return "route.x.home.example.net"
	}},
	{"nobody says who somebody is", "dead-route", func(w *world) string {
		r := &w.at("edge").Told.Routes[0]
		if len(w.at("edge").Told.Routes) == 0 {
			r = w.route("edge", "x.home.example.net", wiring.Endpoint{Host: "10.0.0.30", Port: 22})
		}
		r.Auth = []wiring.Endpoint{{Scheme: "http", Host: "10.0.0.30", Port: 9091}}
		return "route." + r.Hosts[0]
	}},
	{"an orphan record", "orphan-dns-record", func(w *world) string {
		w.record("old.home.example.net", "10.0.0.98")
		return "name.old.home.example.net"
	}},
	{"aliases in a circle", "orphan-dns-record", func(w *world) string {
		w.record("a.home.example.net", "b.home.example.net")
		w.record("b.home.example.net", "a.home.example.net")
		return "name.a.home.example.net"
	}},
	{"the name leads to the wrong proxy", "dead-route", func(w *world) string {
		name := w.apps[w.r.IntN(len(w.apps))]
		was := w.at("dns1").Told.Zones[0].Records[slices.IndexFunc(w.at("dns1").Told.Zones[0].Records, func(r wiring.Record) bool { return r.Name == name })].Value
		w.forget(name)
		w.record(name, map[bool]string{true: "10.0.0.22", false: "10.0.0.20"}[was == "10.0.0.20"])
		return "route." + name
	}},
	{"the name leads to no proxy", "dead-route", func(w *world) string {
		name := w.apps[w.r.IntN(len(w.apps))]
		w.forget(name)
		w.record(name, "10.0.0.30")
		return "route." + name
	}},
	{"the certificate is not served", "certificate-not-served", func(w *world) string {
		w.filed["gate"] = noon.AddDate(0, 0, -2)
		return "certificate.gate:/etc/ssl/gate.pem"
	}},
	{"a loop to itself", "dead-route", func(w *world) string {
		w.route("edge", "x.home.example.net", wiring.Endpoint{Scheme: "https", Host: "10.0.0.20"})
		w.record("x.home.example.net", "10.0.0.20")
		return "route.x.home.example.net"
	}},
	{"a loop over two proxies", "dead-route", func(w *world) string {
		w.route("edge", "x.home.example.net", wiring.Endpoint{Scheme: "https", Host: "10.0.0.21"})
		w.route("gate", "x.home.example.net", wiring.Endpoint{Scheme: "https", Host: "10.0.0.20"})
		w.record("x.home.example.net", "10.0.0.20")
		return "route.x.home.example.net"
	}},
	{"servers that answer otherwise", "dns-differs", func(w *world) string {
		z := &w.at("dns2").Told.Zones[0]
		w.record("two2.home.example.net", "10.0.0.20")
		z.Records[len(z.Records)-1].Value = "10.0.0.21"
		return "name.two2.home.example.net"
	}},
}

// TestFaultsAreFound: over homes that differ, each fault is found and nothing else is, and
// where there is none nothing is found. What may be known with less, is not told: a look
// that is not whole, hosts that cannot try, files that were not read.
func TestFaultsAreFound(t *testing.T) {
	missed, wrong, count := 0, 0, 0
	for home := range uint64(4) {
		if found := sound(home).judged(t); len(found) > 0 {
			t.Errorf("home %d is sound: %v", home, found)
		}
		for _, seed := range seeds {
			w := sound(home)
			address := seed.make(w)
			found := w.judged(t)
			count++
			if !slices.ContainsFunc(found, func(f inventory.Finding) bool {
				return f.Rule == seed.rule && f.Address == address && len(f.Evidence) > 0 && f.Evidence[0] != "" && f.Fix != ""
			}) {
				missed++
				t.Errorf("home %d, %s: %s of %s is not among %v", home, seed.name, seed.rule, address, found)
			}
			for _, f := range found {
				if f.Address != address && !strings.Contains(seed.name, "circle") && !(seed.rule == f.Rule && strings.HasPrefix(f.Address, address+"@")) {
					wrong++
					t.Errorf("home %d, %s: also %v", home, seed.name, f)
				}
			}
		}
	}
	t.Logf("%d faults, %d missed, %d false", count, missed, wrong)
}

// TestLessKnownIsLessTold: what hides a part of a home never makes a finding that was not
// there, and a home without faults has none however little of it is seen.
func TestLessKnownIsLessTold(t *testing.T) {
	hide := map[string]func(w *world, h *doctor.Host){
		"not tried":     func(w *world, h *doctor.Host) { w.open, w.alive = map[string]bool{}, map[string]bool{} },
		"no sockets":    func(w *world, h *doctor.Host) { h.Listening = nil },
		"no files":      func(w *world, h *doctor.Host) { h.Told = nil },
		"a file unread": func(w *world, h *doctor.Host) { h.Told.Unread = []string{"/etc/nginx/x.conf"} },
		"no containers": func(w *world, h *doctor.Host) {
			h.Containers, w.f.Lost = nil, []Gap{{What: "containers of " + h.Name, About: []string{"host." + h.Name}}}
		},
		"no look inside": func(w *world, h *doctor.Host) {
			for i := range h.Containers {
				h.Containers[i].Listening = nil
			}
		},
		"no networks": func(w *world, h *doctor.Host) {
			for i := range h.Containers {
				h.Containers[i].Networks = nil
			}
		},
		"partly seen": func(w *world, h *doctor.Host) { w.f.Clusters[0].Partial = true },
		"no cluster":  func(w *world, h *doctor.Host) { w.f.Clusters, w.f.Things = nil, nil },
	}
	for name, less := range hide {
		for home := range uint64(3) {
			for i := range sound(home).f.Hosts {
				w := sound(home)
				less(w, &w.f.Hosts[i])
				blind := name == "not tried"
				var found []inventory.Finding
				if blind {
					found, _ = Build(w.f).Faults() // nobody tried anything
				} else {
					found = w.judged(t)
				}
				if len(found) > 0 {
					t.Errorf("%s of %s: %v", name, w.f.Hosts[i].Name, found)
				}
			}
		}
	}
}

// TestOneNameServer: everybody asks one guest, and that one itself. A second server, or a
// server of the guest that is another one, is no such thing.
func TestOneNameServer(t *testing.T) {
	rows := map[string]struct {
		guests, own []string
		want        int
	}{
		"itself by its loopback": {[]string{"10.0.0.53"}, []string{"127.0.0.1"}, 1},
		"itself by its address":  {[]string{"10.0.0.53"}, []string{"10.0.0.53"}, 1},
		"it asks another one":    {[]string{"10.0.0.53"}, []string{"9.9.9.9"}, 0},
		"it may ask another one": {[]string{"10.0.0.53"}, []string{"10.0.0.53", "9.9.9.9"}, 0},
		"it is not known":        {[]string{"10.0.0.53"}, nil, 0},
		"there is a second one":  {[]string{"10.0.0.53", "9.9.9.9"}, []string{"10.0.0.53"}, 0},
	}
	for name, row := range rows {
		w := &world{}
		w.f.Clusters = []Surveyed{{Name: "home"}}
		for i := range 4 {
			w.guest(fmt.Sprint("g", i), fmt.Sprintf("10.0.0.%d", 53+i), "running")
			w.f.Things[i].Resource.Attrs["nameservers"] = inventory.StringList(row.guests...)
		}
		delete(w.f.Things[0].Resource.Attrs, "nameservers")
		if row.own != nil {
			w.f.Things[0].Resource.Attrs["nameservers"] = inventory.StringList(row.own...)
		}
		if found := w.judged(t); len(found) != row.want || row.want > 0 && (found[0].Rule != "single-dns" || found[0].Address != "lxc.g0") {
			t.Errorf("%s: %v", name, found)
		}
	}
}
