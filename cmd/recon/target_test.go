package main

import (
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// TestPlanOfATarget: while the sources of a target are asked, those that it does not need
// are told from memory, and nobody reads what another one writes.
func TestPlanOfATarget(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.want(api.ExitOK, "import", "--all", "-q")
	h.write("laptop.recon.hcl", "host \"laptop\" {\n  address = \"127.0.0.1\"\n  port    = 1\n  user    = \"nobody\"\n  timeout = \"2s\"\n}\n")
	h.want(api.ExitIncomplete, "drift", "-q")
	calls := h.sim.Stats().Requests["GET /cluster/resources"]
	if err := h.sim.AddFault("latency:node01=300ms"); err != nil { // the memory is read long before
		t.Fatal(err)
	}
	for range 2 {
		h.want(api.ExitOK, "plan", "--target", "vm.media")
		if strings.Contains(h.out.String(), "laptop") {
			t.Errorf("it speaks of a host that the target does not need:\n%s", &h.out)
		}
	}
	if n := h.sim.Stats().Requests["GET /cluster/resources"]; n == calls {
		t.Error("the cluster was not asked")
	}
	h.want(api.ExitIncomplete, "plan")
}
