package term

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"recon/inventory"
)

// TestChangesAreFewLines: whatever happened, recon changes has 40 lines at most, and says
// how much there is beside.
func TestChangesAreFewLines(t *testing.T) {
	at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	kinds := inventory.EventKinds()
	for _, n := range []int{0, 1, 38, 39, 40, 41, 500} {
		var events []inventory.Event
		for i := range n {
			a := inventory.Address{Kind: "vm", Name: fmt.Sprintf("g%d", i)}
			events = append(events, inventory.Event{At: at.Add(time.Duration(i) * time.Hour), Address: a, Identity: fmt.Sprintf("home/%d", i+100), Kind: kinds[i%len(kinds)]})
		}
		var out bytes.Buffer
		p := &Printer{W: NewWriter(&out, nil), Width: 80}
		p.Changes(at, at, events, []string{"STALE: a", "STALE: b", "c", "d", "e", "f", "g"})
		lines := strings.Count(out.String(), "\n")
		if lines > changeLines {
			t.Errorf("%d events are %d lines", n, lines)
		}
		if n > changeLines && !strings.Contains(out.String(), "more changed") {
			t.Errorf("of %d events nothing is said of those that are not shown:\n%s", n, out.String())
		}
	}
}

// TestTablesFit: a table is no wider than its terminal, and whole in a pipe.
func TestTablesFit(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, width := range []int{40, 60, 80, 0} {
		var out bytes.Buffer
		p := &Printer{W: NewWriter(&out, nil), Width: width, Narrow: width > 0}
		p.Table([]string{"FIELD", "MANIFEST", "LIVE"}, [][]string{{"memory", long, "8 GiB"}, {"network.net0.bridge", "vmbr0", long}})
		for line := range strings.Lines(out.String()) {
			if n := len(strings.TrimRight(line, "\n")); width > 0 && n > width {
				t.Errorf("at %d columns a line has %d: %s", width, n, line)
			}
		}
		if width == 0 && strings.Count(out.String(), long) != 2 {
			t.Error("a pipe does not get whole values")
		}
	}
}
