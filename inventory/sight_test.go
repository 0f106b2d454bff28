package inventory

import "testing"

// TestSight: what an account may see is decided by the nearest path on which something is
// set, as Proxmox does.
func TestSight(t *testing.T) {
	s := Sight{"/vms/106": Here, "/vms/111": Nowhere, "/pool/media": Below, "/vms": Here}
	for path, want := range map[string]bool{
		"/vms/106": true, "/vms/106/x": false, "/vms/111": false, "/vms/107": false, "/vms": true,
		"/pool/media": true, "/pool/media/films": true, "/pool/infra": false, "/": false,
	} {
		if s.Sees(path) != want {
			t.Errorf("%s: seen is %v", path, !want)
		}
	}
	whole := Sight{"/": Below, "/vms/111": Nowhere}
	if !whole.Sees("/vms/106") || whole.Sees("/vms/111") || (Sight{}).Sees("/vms/106") {
		t.Error("what is set on / counts below it, unless something else is set there")
	}
}
