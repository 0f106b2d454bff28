package runs

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
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
	h, err := home.Open(home.Options{Dir: root})
	if err != nil {
		b.Fatal(err)
	}
	importAll(b, h)
	writeBench(b, root, "terraform.tfstate", benchState(b, h))
	block := []byte("terraform \"all\" {\n  state = \"terraform.tfstate\"\n}\n")
	var with, without time.Duration
	for b.Loop() { // in turn, so that a busy machine slows both alike; the best of each counts
		if err := os.Remove(filepath.Join(root, "terraform.recon.hcl")); err != nil && !os.IsNotExist(err) {
			b.Fatal(err)
		}
		without = best(without, benchPlan(b, root))
		writeBench(b, root, "terraform.recon.hcl", block)
		with = best(with, benchPlan(b, root))
	}
	b.ReportMetric(float64(without.Milliseconds()), "ms/without")
	b.ReportMetric(float64(with.Milliseconds()), "ms/with")
	b.ReportMetric(float64(with)/float64(without), "with/without")
}

func best(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

func writeBench(b *testing.B, root, name string, data []byte) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(root, name), data, 0o600); err != nil {
		b.Fatal(err)
	}
}

func importAll(b *testing.B, h *home.Home) {
	b.Helper()
	ctx := context.Background()
	w, err := h.Observe(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	im, err := PlanImport(w, nil, false)
	if err == nil {
		err = WriteImport(ctx, w, im)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// benchState gives every guest a resource of the size that the provider really
// writes, which agrees with what is declared of memory and cores.
func benchState(b *testing.B, h *home.Home) []byte {
	b.Helper()
	raw, err := os.ReadFile("../../../../providers/terraform/testdata/bpg.tfstate")
	if err != nil {
		b.Fatal(err)
	}
	var all []any
	for i, r := range h.Project().Resources {
		var state struct {
			Resources []map[string]any `json:"resources"`
		}
		if err := json.Unmarshal(raw, &state); err != nil {
			b.Fatal(err)
		}
		one := state.Resources[0]
		if r.Addr.Kind == "vm" {
			one = state.Resources[1]
		}
		one["name"] = fmt.Sprintf("g%d", i)
		attrs := one["instances"].([]any)[0].(map[string]any)["attributes"].(map[string]any)
		for _, own := range []string{"disk", "network_device", "network_interface", "initialization", "boot_order", "features", "operating_system", "scsi_hardware", "agent", "hook_script_file_id", "console", "bios", "acpi", "machine", "keyboard_layout", "pool_id", "tablet_device", "protection"} {
			delete(attrs, own)
		}
		mib, _ := inventory.Int(r.Attrs["memory"])
		attrs["vm_id"], attrs["tags"] = inventory.VMID(r.Identity), inventory.Strings(r.Attrs["tags"])
		attrs["description"], attrs["name"] = inventory.Text(r.Attrs["description"]), r.Name()
		attrs["cpu"], attrs["memory"] = nil, []any{map[string]any{"dedicated": mib / inventory.MiB}}
		attrs["unprivileged"], attrs["on_boot"], attrs["start_on_boot"] = inventory.True(r.Attrs["unprivileged"]), inventory.True(r.Attrs["onboot"]), inventory.True(r.Attrs["onboot"])
		attrs["timeouts"] = strings.Repeat("x", 2500) // in place of what was taken out
		all = append(all, one)
	}
	out, err := json.MarshalIndent(map[string]any{"version": 4, "resources": all}, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// benchPlan makes one plan and returns how long it took.
func benchPlan(b *testing.B, root string) time.Duration {
	ctx := context.Background()
	start := time.Now()
	h, err := home.OpenToObserve(ctx, home.Options{Dir: root})
	if err != nil {
		b.Fatal(err)
	}
	w, err := h.Observe(ctx)
	if err != nil {
		b.Fatal(err)
	}
	p, err := w.Plan(ctx, nil)
	took := time.Since(start)
	w.Close()
	if err != nil || p.Managed != benchGuests || !p.InSync() {
		b.Fatal(Describe(p), err)
	}
	return took
}
