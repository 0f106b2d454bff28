package terraform

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"recon/inventory"
	"recon/providers/proxmox"
)

// recorded is testdata/live.json: what the API said of guests at the moment when
// their states were written.
type recorded struct {
	Guests map[string]struct {
		Kind    string            `json:"kind"`
		Node    string            `json:"node"`
		Pending json.RawMessage   `json:"pending"`
		Config  map[string]any    `json:"config"`
		Extra   map[string]string `json:"-"`
	} `json:"guests"`
	Resources []map[string]any `json:"resources"`
}

// observeLive reads the recorded guests through the provider that reads a real
// cluster.
func observeLive(t *testing.T) map[string]*inventory.Observation {
	t.Helper()
	raw, err := os.ReadFile("testdata/live.json")
	if err != nil {
		t.Fatal(err)
	}
	var rec recorded
	if err := json.Unmarshal(raw, &rec); err != nil {
		t.Fatal(err)
	}
	answers := map[string]any{
		"/cluster/resources": rec.Resources, "/cluster/status": []any{map[string]any{"type": "node", "name": "pve1", "online": 1}},
		"/access/permissions": map[string]any{"/": map[string]any{"VM.Audit": 1}}, "/version": map[string]any{"version": "9.2.11"},
	}
	for vmid, g := range rec.Guests {
		answers[fmt.Sprintf("/nodes/%s/%s/%s/pending", g.Node, g.Kind, vmid)] = g.Pending
	}
	server := httptest.NewTLSServer(http.StripPrefix("/api2/json", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
	})))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	p, err := proxmox.New(proxmox.Config{Name: "home", Endpoints: []string{server.URL}, Token: "root@pam!recon=x", CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	snap, err := p.Read(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return snap.ByIdentity()
}

func readGuests(t *testing.T, file string) []*Guest {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return guests(s, "terraform.test")
}

// What the real providers wrote agrees with what the API said at that moment, in
// every field, and no field of substance is missing.
func TestRecordedStatesAgreeWithLive(t *testing.T) {
	live := observeLive(t)
	seen := 0
	for _, file := range []string{"testdata/bpg.tfstate", "testdata/telmate.tfstate"} {
		for _, g := range readGuests(t, file) {
			o := live[g.Identity("home")]
			if o == nil || o.State != inventory.Present {
				t.Fatalf("%s: %s was not recorded: %+v", g.Address, g.Identity("home"), o)
			}
			seen++
			kind := inventory.KindOf(g.Kind)
			have := o.Resource.Attrs
			said, _ := g.Agreeing(have)
			for p, v := range said {
				attr, _, _ := kind.Lookup(p)
				if !attr.Same(v, have[p]) {
					t.Errorf("%s: %s is %s in the state and %s live", g.Address, p, attr.Show(v), attr.Show(have[p]))
				}
			}
			for p, v := range have {
				attr, _, _ := kind.Lookup(p)
				if _, known := said[p]; !known && !attr.Computed {
					t.Logf("%s: the state says nothing of %s = %s", g.Address, p, attr.Show(v))
				}
			}
		}
	}
	if seen != 5 {
		t.Errorf("held %d guests against live, want 5", seen)
	}
}
