package term

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"recon/inventory"
	"recon/inventory/graph"
	"recon/reconcile"
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

// TestSentencesFit: on a terminal no line is wider than it, whatever names there are; what
// is not for a terminal is never broken.
func TestSentencesFit(t *testing.T) {
	evidence := "cloud_init.nameservers of vm.nextcloud: 192.168.90.53 is server 1 of 1"
	edge := &graph.Edge{From: "vm.nextcloud", To: "dns.192.168.90.53", Kind: graph.ResolvesVia, Evidence: evidence, Sure: true}
	below := graph.Dependent{Node: graph.Node{ID: "vm.nextcloud", Kind: "guest", State: "stopped"}, Path: []*graph.Edge{edge}}
	says := map[string]func(*Printer){
		"error": func(p *Printer) { p.Error(errors.New(strings.Repeat("the plan is stale ", 9)), "a hint") },
		"tree":  func(p *Printer) { p.Dependents("dns.192.168.90.53", []graph.Dependent{below}) },
		"impact": func(p *Printer) {
			p.Impact(&graph.Impact{Of: graph.Node{ID: "lxc.pihole"}, Action: graph.Restart, Affected: []graph.Affected{{Node: below.Node, Path: below.Path, Effect: graph.NoNames}}})
		},
		"ways": func(p *Printer) { p.Ways("vm.nextcloud", "lxc.pihole", [][]graph.Edge{{*edge}}, false) },
		"changes": func(p *Printer) {
			p.Changes(time.Unix(0, 0), time.Unix(1, 0), nil, []string{strings.Repeat("STALE since ", 12)})
		},
		"empty": func(p *Printer) {
			p.summary(&reconcile.Plan{Unmanaged: make([]inventory.Observation, 3), Complete: true})
		},
	}
	for name, say := range says {
		lines := map[int]int{}
		for _, width := range []int{0, 60, 80} {
			var out bytes.Buffer
			say(&Printer{W: NewWriter(&out, nil), Width: width, Narrow: width > 0})
			for line := range strings.Lines(out.String()) {
				lines[width]++
				if n := cellWidth(strings.TrimRight(line, "\n")); width > 0 && n > width {
					t.Errorf("%s: at %d columns a line has %d: %s", name, width, n, line)
				}
			}
		}
		if lines[60] <= lines[0] {
			t.Errorf("%s: nothing of it has to be broken at 60 columns", name)
		}
	}
}

// TestFewLongValuesMoveRows: where a table is too wide, the columns stay where they are for
// most of its rows.
func TestFewLongValuesMoveRows(t *testing.T) {
	rows := [][]string{{"docker_daemon.docker-media", "docker:docker-media/daemon", "docker-media", "running", ""}}
	for i := range 9 {
		rows = append(rows, []string{"lxc.zigbee2mqtt", fmt.Sprintf("home/20%d", i), "node01", "running", fmt.Sprintf("192.168.90.1%d", i)})
	}
	var out bytes.Buffer
	p := &Printer{W: NewWriter(&out, nil), Width: 60, Narrow: true}
	p.Table([]string{"ADDRESS", "IDENTITY", "NODE", "STATUS", "IP"}, rows)
	if n := strings.Count(out.String(), "\nlxc.zigbee2mqtt  home/20"); n != 9 {
		t.Errorf("%d rows are a line:\n%s", n, &out)
	}
}

// TestTablesAreWhole: nothing of a table is cut, whatever the terminal, and no line is
// wider than it that could be broken.
func TestTablesAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.SampledFrom([]int{0, 40, 60, 80, 120}).Draw(t, "width")
		cell := rapid.StringMatching(`([a-z0-9.:/-]{1,24}( [a-z]{1,20}){0,3})?`)
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 6, 6), 1, 8).Draw(t, "rows")
		var out bytes.Buffer
		p := &Printer{W: NewWriter(&out, nil), Width: width, Narrow: width > 0}
		p.Table([]string{"ADDRESS", "IDENTITY", "NODE", "STATUS", "IP", "OWNER"}, rows)
		var words []string
		for _, row := range rows {
			words = append(words, strings.Fields(strings.Join(row, " "))...)
		}
		_, body, _ := strings.Cut(out.String(), "OWNER\n")
		if got := strings.Fields(body); !slices.Equal(got, words) {
			t.Fatalf("the words are %q, not %q:\n%s", got, words, &out)
		}
		for line := range strings.Lines(out.String()) {
			if n := len(strings.TrimRight(line, "\n")); width > 0 && n > width {
				t.Fatalf("at %d columns a line has %d: %s", width, n, line)
			}
		}
	})
}

// TestHelpIsHung: what an exit code means goes on below what it means, and what is to be
// pasted stays a line.
func TestHelpIsHung(t *testing.T) {
	command := "  recon plan --target vm.gitlab --target vm.media --out gitlab.plan"
	got := Reflow("Exit codes:\n  4   refused: policy, guard, lock, stale plan, edited block, nobody to ask\n"+command, 60)
	want := "Exit codes:\n  4   refused: policy, guard, lock, stale plan, edited\n      block, nobody to ask\n" + command
	if got != want {
		t.Errorf("it says\n%s", got)
	}
}
