package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"recon/providers/proxmox/pvesim"
)

// benchGuests is how many guests the benchmark's cluster has.
const benchGuests = 400

// BenchmarkPlanWithState holds a plan of 400 declared guests with a state file that
// has all of them against the same plan without it. The promise is at most 1.2 times
// the time.
func BenchmarkPlanWithState(b *testing.B) {
	server, err := pvesim.New(pvesim.Options{World: pvesim.Generate(benchGuests, 1), StatCycle: -1, AuthDelay: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { server.Close() })
	b.Setenv("PVE_TOKEN", server.Token())
	root := b.TempDir()
	cluster := fmt.Sprintf("proxmox \"home\" {\n  endpoints   = [%q]\n  token       = env(\"PVE_TOKEN\")\n  fingerprint = %q\n}\n", server.Endpoint(), server.Fingerprint())
	writeBench(b, root, "recon.hcl", []byte(cluster))
	s, err := Open(Options{Dir: root})
	if err != nil {
		b.Fatal(err)
	}
	importAll(b, s)
	writeBench(b, root, "terraform.tfstate", benchState(b, s))
	b.Run("without", func(b *testing.B) { benchPlan(b, root) })
	writeBench(b, root, "terraform.recon.hcl", []byte("terraform \"all\" {\n  state = \"terraform.tfstate\"\n}\n"))
	b.Run("with", func(b *testing.B) { benchPlan(b, root) })
}

func writeBench(b *testing.B, root, name string, data []byte) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(root, name), data, 0o600); err != nil {
		b.Fatal(err)
	}
}

func importAll(b *testing.B, s *Session) {
	b.Helper()
	ctx := context.Background()
	w, err := s.Observe(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	im, err := s.PlanImport(w, nil)
	if err == nil {
		err = s.WriteImport(ctx, w, im)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// benchState gives every guest a resource of the size that the provider really
// writes.
func benchState(b *testing.B, s *Session) []byte {
	b.Helper()
	raw, err := os.ReadFile("../../../../providers/terraform/testdata/bpg.tfstate")
	if err != nil {
		b.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(raw, &state); err != nil {
		b.Fatal(err)
	}
	byKind := map[string]any{"lxc": state["resources"].([]any)[0], "vm": state["resources"].([]any)[1]}
	var all []any
	for _, r := range s.Project.Resources {
		one, err := json.Marshal(byKind[r.Addr.Kind])
		if err != nil {
			b.Fatal(err)
		}
		vmid := fmt.Sprintf(`"vm_id":%d`, vmidOf(r.Identity))
		one = bytes.Replace(bytes.Replace(one, []byte(`"vm_id":513`), []byte(vmid), 1), []byte(`"vm_id":512`), []byte(vmid), 1)
		one = bytes.Replace(one, []byte(`"name":"`), []byte(fmt.Sprintf(`"name":"g%d-`, len(all))), 1)
		all = append(all, json.RawMessage(one))
	}
	state["resources"] = all
	out, err := json.Marshal(state)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func benchPlan(b *testing.B, root string) {
	ctx := context.Background()
	for b.Loop() {
		s, err := Open(Options{Dir: root})
		if err != nil {
			b.Fatal(err)
		}
		w, err := s.Observe(ctx)
		if err != nil {
			b.Fatal(err)
		}
		p, err := s.Plan(ctx, w, nil)
		w.Close()
		if err != nil || p.Managed != benchGuests {
			b.Fatal(p, err)
		}
	}
}
