package graph

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"recon/inventory/wiring"
)

// traefikFlags start a Traefik that listens for plain HTTP, and asks nobody for news.
func traefikFlags(port int, more ...string) []string {
	return append([]string{"--entrypoints.web.address=127.0.0.1:" + strconv.Itoa(port), "--global.checknewversion=false", "--global.sendanonymoususage=false"}, more...)
}

func staticFor(t rapid.TB, port int, more string) *wiring.Static {
	tree, err := wiring.YAML(fmt.Sprintf("entryPoints: {web: {address: ':%d'}}\nproviders: {%s}\n", port, more))
	if err != nil {
		t.Fatal(err)
	}
	return wiring.StaticOf(tree)
}

func dynamicFor(t rapid.TB, text string) wiring.Dynamic {
	tree, err := wiring.YAML(text)
	if err != nil {
		t.Fatal(err)
	}
	d := wiring.DynamicOf(tree, "file", "dynamic.yml")
	if d == nil {
		return wiring.Dynamic{Provider: "file"}
	}
	return *d
}

var traefikNames = []string{"a.example.net", "b.example.net", "c.example.net", "x.wild.example.net", "none.example.net"}

const realTraefik = `
http:
  routers:
    plain: {rule: "Host(` + "`a.example.net`" + `)", service: one}
    api: {rule: "Host(` + "`a.example.net`" + `) && PathPrefix(` + "`/api`" + `)", service: two, middlewares: [strip]}
    exact: {rule: "Host(` + "`a.example.net`" + `) && Path(` + "`/exact`" + `)", service: three, entryPoints: web}
    posted: {rule: "Host(` + "`a.example.net`" + `) && Method(` + "`POST`" + `) && PathPrefix(` + "`/`" + `)", service: three}
    either: {rule: "(Host(` + "`b.example.net`" + `) || Host(` + "`C.example.net`" + `)) && (PathPrefix(` + "`/api`" + `) || PathPrefix(` + "`/static`" + `))", service: two}
    low: {rule: "Host(` + "`b.example.net`" + `)", service: one, priority: 900}
    high: {rule: "Host(` + "`b.example.net`" + `) && PathPrefix(` + "`/other`" + `)", service: three}
    tls: {rule: "Host(` + "`c.example.net`" + `)", service: one, tls: {}}
    off: {rule: "Host(` + "`none.example.net`" + `)", service: missing}
    both: {rule: "Host(` + "`c.example.net`" + `) && PathPrefix(` + "`/group`" + `)", service: group}
  services:
    one: {loadBalancer: {servers: [{url: "http://127.0.0.1:{one}"}]}}
    two: {loadBalancer: {passHostHeader: false, servers: [{url: "http://127.0.0.1:{two}/"}]}}
    three: {loadBalancer: {servers: [{url: "http://127.0.0.1:{three}"}]}}
    group: {weighted: {services: [{name: two, weight: 1}]}}
  middlewares:
    strip: {stripPrefix: {prefixes: [/api]}}
`

// TestTraefikPassesOnWhatIsRead starts a real Traefik with files of many forms and asks it
// for names and paths. It needs traefik (.ci/traefik/build).
func TestTraefikPassesOnWhatIsRead(t *testing.T) {
	traefik := program(t, "traefik")
	ports, port, file := backends(t, "one", "two", "three"), freePort(t), filepath.Join(t.TempDir(), "dynamic.yml")
	text := fill(realTraefik, ports)
	write(t, file, text)
	defer start(t, port, traefik, traefikFlags(port, "--providers.file.filename="+file)...)()
	settled(t, port, "a.example.net")
	routes := wiring.Traefik(staticFor(t, port, "file: {}"), []wiring.Dynamic{dynamicFor(t, text)})
	holdAgainst(t, port, ports, routes, traefikNames, []string{"/", "/api/x", "/api", "/exact", "/exact/more", "/static/app.js", "/other", "/group/x"})
}

// settled waits until a Traefik that listens has read its settings.
func settled(t rapid.TB, port int, name string) {
	for range 300 {
		req, _ := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
		req.Host = name
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound {
				return
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("traefik does not route %s", name)
}

// TestTraefikTakesWhatRulesSay makes routers with rules and priorities, and asks a real
// Traefik which of them has a request.
func TestTraefikTakesWhatRulesSay(t *testing.T) {
	traefik := program(t, "traefik")
	ports := backends(t, "one", "two", "three")
	name, path := rapid.SampledFrom([]string{"a.example.net", "b.example.net", "A.example.net"}), rapid.SampledFrom([]string{"/", "/api", "/api/v1", "/exact"})
	one := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(rapid.SampledFrom([]string{"Host(`%s`)", "(Host(`%s`))", "Host(`%s`) || Host(`c.example.net`)"}).Draw(t, "host"), name.Draw(t, "name"))
	})
	where := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(rapid.SampledFrom([]string{"PathPrefix(`%s`)", "Path(`%s`)", "(PathPrefix(`%s`) || Path(`/exact`))"}).Draw(t, "form"), path.Draw(t, "path"))
	})
	rule := rapid.OneOf(one, rapid.Custom(func(t *rapid.T) string { return "(" + one.Draw(t, "one") + ") && " + where.Draw(t, "where") }),
		rapid.Custom(func(t *rapid.T) string { return where.Draw(t, "where") + " && (" + one.Draw(t, "one") + ")" }),
		rapid.Custom(func(t *rapid.T) string { return "(" + one.Draw(t, "one") + ") && Method(`POST`)" }))
	rapid.Check(t, few(t, func(rt *rapid.T) {
		port, file := freePort(rt), filepath.Join(t.TempDir(), "dynamic.yml")
		var b strings.Builder
		b.WriteString("http:\n  routers:\n    ready: {rule: \"Host(`ready.example.net`)\", service: one}\n")
		lengths := map[int]bool{}
		for i, r := range rapid.SliceOfN(rule, 1, 6).Draw(rt, "rules") {
			priority := rapid.SampledFrom([]int{0, 0, 7, 50, 200}).Draw(rt, "priority") + i
			if priority == i { // of two that are as long nobody says which comes first
				if priority = 0; lengths[len(r)] {
					continue
				}
				lengths[len(r)] = true
			} else {
				priority += 1000 * (priority % 2)
			}
			fmt.Fprintf(&b, "    r%d: {rule: %q, service: %s, priority: %d}\n", i, r, rapid.SampledFrom([]string{"one", "two", "three"}).Draw(rt, "service"), priority)
		}
		b.WriteString("  services:\n")
		for n, p := range ports {
			fmt.Fprintf(&b, "    %s: {loadBalancer: {servers: [{url: \"http://127.0.0.1:%d\"}]}}\n", n, p)
		}
		text := b.String()
		write(rt, file, text)
		stop := start(t, port, traefik, traefikFlags(port, "--providers.file.filename="+file)...)
		defer stop()
		settled(rt, port, "ready.example.net")
		routes := wiring.Traefik(staticFor(rt, port, "file: {}"), []wiring.Dynamic{dynamicFor(rt, text)})
		if holdAgainst(t, port, ports, routes, []string{"a.example.net", "b.example.net", "c.example.net"}, []string{"/", "/api", "/api/v1/x", "/exact", "/exact/x"}); t.Failed() {
			rt.Fatal(text)
		}
	}))
}

// A labelled container is one of whose labels Traefik is told.
type labelled struct {
	name, project, service string
	labels                 map[string]string
	port                   string // backend that listens where it says it does
}

func labelledOnes() []labelled {
	return []labelled{
		{name: "photos", labels: map[string]string{"traefik.enable": "true", "traefik.http.routers.photos.rule": "Host(`a.example.net`)", "traefik.http.services.photos.loadbalancer.server.port": "{one}"}, port: "one"},
		{name: "wiki", labels: map[string]string{"traefik.http.routers.Wiki.rule": "Host(`b.example.net`) && PathPrefix(`/api`)", "traefik.http.routers.Wiki.service": "docs", "traefik.http.services.docs.loadbalancer.server.port": "{two}"}, port: "two"},
		{name: "stack-c-1", project: "stack", service: "c", labels: map[string]string{"traefik.http.services.c.loadbalancer.server.port": "{three}"}, port: "three"},
		{name: "hidden", labels: map[string]string{"traefik.enable": "false", "traefik.http.routers.hidden.rule": "Host(`none.example.net`)"}, port: "three"},
		{name: "borrows", labels: map[string]string{"traefik.http.routers.borrows.rule": "Host(`x.wild.example.net`)", "traefik.http.routers.borrows.service": "photos"}, port: "two"},
		{name: "crowd", labels: map[string]string{"traefik.http.routers.crowd.rule": "Host(`b.example.net`)", "traefik.http.routers.crowd.priority": "1", "traefik.http.services.s1.loadbalancer.server.port": "{one}", "traefik.http.services.s2.loadbalancer.server.port": "{two}"}, port: "one"},
	}
}

// engine answers what Traefik asks of Docker.
func engine(t *testing.T, ports map[string]int) string {
	list, answers := []any{}, map[string]any{"/version": map[string]any{"ApiVersion": "1.45", "MinAPIVersion": "1.24", "Version": "27.0.0"}}
	for i, c := range labelledOnes() {
		id, labels := fmt.Sprintf("%064x", i+1), map[string]string{}
		for k, v := range c.labels {
			labels[k] = fill(v, ports)
		}
		if c.project != "" {
			labels["com.docker.compose.project"], labels["com.docker.compose.service"] = c.project, c.service
		}
		exposed := map[string]any{strconv.Itoa(ports[c.port]) + "/tcp": []any{}}
		list = append(list, map[string]any{"Id": id, "Names": []string{"/" + c.name}, "Labels": labels, "State": "running"})
		answers["/containers/"+id+"/json"] = map[string]any{
			"Id": id, "Name": "/" + c.name, "State": map[string]any{"Status": "running", "Running": true}, "Config": map[string]any{"Labels": labels}, "HostConfig": map[string]any{"NetworkMode": "bridge"},
			"NetworkSettings": map[string]any{"Ports": exposed, "Networks": map[string]any{"bridge": map[string]any{"IPAddress": "127.0.0.1"}}},
		}
	}
	answers["/containers/json"] = list
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if rest, ok := strings.CutPrefix(path, "/v"); ok {
			if _, after, cut := strings.Cut(rest, "/"); cut {
				path = "/" + after
			}
		}
		w.Header().Set("Api-Version", "1.45")
		w.Header().Set("Content-Type", "application/json")
		switch answer, ok := answers[path]; {
		case path == "/events":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case ok:
			json.NewEncoder(w).Encode(answer)
		default:
			fmt.Fprint(w, "OK")
		}
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.Listener.Addr().(*net.TCPAddr).String()
}

// TestTraefikReadsLabelsAsRead gives a real Traefik containers with labels, by an engine that
// has nothing else, and asks it for names and paths.
func TestTraefikReadsLabelsAsRead(t *testing.T) {
	traefik := program(t, "traefik")
	ports, port := backends(t, "one", "two", "three"), freePort(t)
	rule := "Host(`{{ index .Labels \"com.docker.compose.service\" }}.example.net`)"
	defer start(t, port, traefik, traefikFlags(port, "--providers.docker.endpoint=tcp://"+engine(t, ports), "--providers.docker.defaultrule="+rule)...)()
	settled(t, port, "a.example.net")
	var sources []wiring.Dynamic
	for _, c := range labelledOnes() {
		labels := map[string]string{}
		for k, v := range c.labels {
			labels[k] = fill(v, ports)
		}
		if d := wiring.Labels(wiring.Owner{Container: c.name, Project: c.project, Service: c.service, Port: ports[c.port]}, labels); d != nil {
			sources = append(sources, *d)
		}
	}
	static := staticFor(t, port, fmt.Sprintf("docker: {defaultRule: %q}", rule))
	holdAgainst(t, port, ports, wiring.Traefik(static, sources), traefikNames, []string{"/", "/api/x", "/other"})
}
