package proxmox

import (
	"context"
	"errors"
	"strings"
	"testing"

	"recon/inventory"
	"recon/providers"
	"recon/providers/proxmox/pvesim"
)

// TestTaskSaysWhy: the error of a task that fails holds the last lines of its log,
// without what a terminal would obey, whether somebody listens or not.
func TestTaskSaysWhy(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for range 60 {
		long = "line\n" + long
	}
	for name, c := range map[string]struct{ log, says string }{
		"a cause":    {"kvm: -device vfio: no IOMMU\nstart failed: QEMU exited with code 1", "start failed: QEMU exited with code 1; before that: kvm: -device vfio: no IOMMU"},
		"no log":     {"start failed", "start failed"},
		"hostile":    {"\x1b[31mred\x07 \u202ename\nstart failed", "start failed; before that: [31mred name"},
		"a long log": {long + "\nstart failed", "start failed; before that: line / line / line / " + strings.Repeat("x", 300) + "..."},
	} {
		t.Run(name, func(t *testing.T) {
			sim, p := newSim(t, pvesim.Options{World: matrixWorld()})
			if err := sim.AddFault("task-error:qmstart=" + c.log); err != nil {
				t.Fatal(err)
			}
			_, err := p.Do(context.Background(), inventory.Step{Method: "POST", Path: "/nodes/n1/qemu/900/status/start"}, nil)
			if err == nil || err.Error() != c.says {
				t.Errorf("the error is %q, want %q", err, c.says)
			}
		})
	}
}

// TestOldDigestInATask: a digest that Proxmox refuses only in the task is somebody else's
// change as well.
func TestOldDigestInATask(t *testing.T) {
	_, p := newSim(t, pvesim.Options{World: matrixWorld()})
	s := inventory.Step{Method: "PUT", Path: "/nodes/n1/qemu/900/resize", Params: map[string]string{"disk": "scsi0", "size": "90G"}, TakesDigest: true, Digest: strings.Repeat("0", 40)}
	if _, err := p.Do(t.Context(), s, nil); !errors.Is(err, providers.ErrChangedMeanwhile) {
		t.Errorf("got %v", err)
	}
}
