package main

import (
	"fmt"
	"slices"
	"testing"

	"recon/inventory"
)

// TestManyImportsAreCounted: names are told as long as anybody reads them.
func TestManyImportsAreCounted(t *testing.T) {
	var all []inventory.Address
	for i := range 51 {
		kind := "vm"
		if i%3 == 0 {
			kind = "lxc"
		}
		all = append(all, inventory.Address{Kind: kind, Name: fmt.Sprint("g", i)})
	}
	if got := named(all[:2]); !slices.Equal(got, []string{"lxc.g0", "vm.g1"}) {
		t.Errorf("two: %v", got)
	}
	if got := named(all); !slices.Equal(got, []string{"17 lxc", "34 vm"}) {
		t.Errorf("many: %v", got)
	}
}
