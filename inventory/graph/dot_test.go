package graph

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// TestDrawingOfALargeHome: in a drawing of 40 guests what runs in something stands in its
// box, what most need is no row of edges, each edge that is left is told by a legend, and
// Graphviz takes it, where it is installed.
func TestDrawingOfALargeHome(t *testing.T) {
	w := sound(3)
	for i := range 3 {
		if i > 0 {
			w.f.Clusters[0].Nodes = append(w.f.Clusters[0].Nodes, inventory.Node{Name: fmt.Sprint("pve", i+1), Address: fmt.Sprintf("10.0.0.1%d", i+1), Online: true})
		}
	}
	for n := len(w.f.Things); n < 40; n++ {
		w.guest(fmt.Sprint("guest", n), fmt.Sprintf("10.0.0.%d", 150+n), "running")
	}
	for i := range w.f.Things {
		r := &w.f.Things[i].Resource
		w.f.Things[i].Volatile.Node = fmt.Sprint("pve", i%3+1)
		r.Attrs["network.net0.bridge"] = cty.StringVal("vmbr0")
		r.Attrs["rootfs.storage"] = cty.StringVal([]string{"local-lvm", "tank"}[i%2])
	}
	w.f.Clusters[0].Around.Storages = []inventory.StorageConfig{{Name: "tank", Type: "nfs", Server: "10.0.0.30", Shared: true}, {Name: "local-lvm"}}
	h := w.at("docker")
	for i, n := range []string{"immich", "immich-db", "immich-redis", "sonarr", "radarr", "sabnzbd", "jellyfin"} {
		c := running(h, n, 1000+i)
		if n == "immich" {
			c.Needs = []doctor.Need{{Service: "immich-db"}, {Service: "immich-redis"}}
			c.Calls = []wiring.Call{{Setting: "DB", Sure: true, To: wiring.Endpoint{Host: "immich-db"}}}
		}
		if n == "sonarr" || n == "radarr" {
			c.Calls = []wiring.Call{{Setting: "SAB", Sure: true, To: wiring.Endpoint{Host: "sabnzbd", Scheme: "http"}}}
		}
	}
	g := Build(w.f)
	dot := g.DOT()
	if drawn := strings.Count(dot, " -> "); drawn > 100 || drawn*4 > len(g.Edges) {
		t.Errorf("%d arrows of %d edges", drawn, len(g.Edges))
	}
	for _, want := range []string{
		`subgraph "cluster node.pve1" {`, `subgraph "cluster lxc.docker" {`, `label="immich (container)\ndocker/web"`, `routes to</font>`,
		`"docker:docker/immich" -> "docker:docker/immich-db" [color="#2c9c77"`,
	} {
		if !strings.Contains(dot, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, edge := range []string{`"lxc.docker" -> "node.`, `-> "network.vmbr0"`, `-> "host.docker"`, `"docker:docker/immich" -> "lxc.docker"`} {
		if strings.Contains(dot, edge) {
			t.Errorf("%s is drawn", edge)
		}
	}
	program, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("Graphviz is not installed here, so it is not asked whether it takes the drawing")
	}
	cmd := exec.Command(program, "-Tsvg")
	cmd.Stdin = strings.NewReader(dot)
	if svg, err := cmd.Output(); err != nil || !strings.Contains(string(svg), "jellyfin (container)") {
		t.Errorf("%v, %d bytes", err, len(svg))
	}
}
