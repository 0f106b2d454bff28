package factcheck

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"recon/inventory/factcheck/source"
)

// Pages about different homes do not contradict each other; pages about one home that
// agree in most things do.
func TestOfOneHome(t *testing.T) {
	table := func(first, n int, ram string, more string) string {
		var b strings.Builder
		b.WriteString("| VMID | Name | RAM |\n|---|---|---|\n")
		for i := range n {
			fmt.Fprintf(&b, "| %d | guest-%c%c | %s |\n", first+i, 'a'+rune(i), 'k'+rune(i), ram)
		}
		return b.String() + more
	}
	lxc := func(name, ram string) string {
		return "| VMID | Name | RAM |\n|---|---|---|\n| 101 | " + name + " | 1 GB |\n| 102 | backrest | " + ram + " |\n"
	}
	tests := map[string]struct {
		tree string
		want int
	}{
		"folders of sites":          {"-- sites/de/lxc.md --\n" + lxc("adguard", "1 GB") + "-- sites/pl/lxc.md --\n" + lxc("plex", "2 GB"), 0},
		"folders of other things":   {"-- sites/de/lxc.md --\n" + lxc("adguard", "1 GB") + "-- sites/pl/guests.md --\n" + lxc("plex", "2 GB"), 2},
		"pages that differ in all":  {"-- a.md --\n" + table(201, 8, "1 GB", "") + "-- b.md --\n" + table(301, 8, "2 GB", ""), 0},
		"pages that differ in one":  {"-- a.md --\n" + table(201, 8, "1 GB", "| 300 | other-1 | 1 GB |\n") + "-- b.md --\n" + table(201, 8, "1 GB", "| 300 | other-1 | 2 GB |\n"), 1},
		"pages that differ in half": {"-- a.md --\n" + table(201, 8, "1 GB", "") + "-- b.md --\n" + table(201, 8, "2 GB", ""), 8},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var docs []source.Document
			for _, f := range txtar.Parse([]byte(tt.tree)).Files {
				docs = append(docs, source.Document{Path: f.Name, Text: f.Data})
			}
			if got := Check(docs, nil, Options{}); len(got) != tt.want {
				t.Errorf("%d findings, want %d: %s", len(got), tt.want, found(got))
			}
		})
	}
}
