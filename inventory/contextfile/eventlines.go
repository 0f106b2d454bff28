package contextfile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/inventory"
)

// A Line is what is said of one event, or of several of a kind.
type Line struct {
	At   time.Time // of the last one
	Text string
	Of   []inventory.Event // oldest first
}

// groupFrom is how many events of a kind are said in one line.
const groupFrom = 3

// Lines says events a line each, oldest first. Guests that were started, stopped,
// restarted or moved together, each at most the gap after the one before, are one line:
// a backup's stops and a node's evacuation are one thing that happened.
func Lines(events []inventory.Event, gap time.Duration) (out []Line) {
	used := make([]bool, len(events))
	for i := range events {
		if used[i] {
			continue
		}
		group := together(events, i, gap)
		if len(group) < groupFrom {
			out = append(out, Line{events[i].At, EventText(&events[i]), events[i : i+1]})
			continue
		}
		var of []inventory.Event
		for _, j := range group {
			used[j] = true
			of = append(of, events[j])
		}
		out = append(out, Line{of[len(of)-1].At, groupText(of), of})
	}
	slices.SortStableFunc(out, func(a, b Line) int { return a.At.Compare(b.At) })
	return out
}

// together returns the indexes of what happened in one go with an event.
func together(events []inventory.Event, first int, gap time.Duration) []int {
	kind := events[first].Kind
	if _, power := powerWords[kind]; !power && kind != inventory.Moved {
		return nil
	}
	group, last := []int{first}, events[first].At
	for i := first + 1; i < len(events); i++ {
		if e := &events[i]; e.Kind == kind && e.At.Sub(last) <= gap {
			group, last = append(group, i), e.At
		}
	}
	return group
}

func groupText(of []inventory.Event) string {
	word := map[inventory.EventKind]string{
		inventory.Started: "were started", inventory.Stopped: "were stopped", inventory.Restarted: "were restarted", inventory.Moved: "moved",
	}[of[0].Kind]
	var names, by []string
	for i := range of {
		names = append(names, safeAddress(of[i].Address, of[i].Identity))
		if who := safeBy(of[i].By); who != "" && !slices.Contains(by, who) {
			by = append(by, who)
		}
	}
	text := fmt.Sprintf("%d guests %s", len(of), word)
	if from, to := of[0].At.UTC().Format("15:04"), of[len(of)-1].At.UTC().Format("15:04"); from != to {
		text += ", " + from + " to " + to
	}
	text += ": " + strings.Join(limit(names, 8), ", ")
	if len(by) > 0 {
		text += " (by " + strings.Join(limit(by, 3), ", ") + ")"
	}
	return text
}
