package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// Moves compares two looks at one resource and says what happened to it in between:
// its power, its place, its name, and every attribute that is not what it was,
// declared or not. It knows nothing of manifests; the caller leaves out what is told
// as drift or as recon's own work, and says whether what is left is declared.
func Moves(old, now *inventory.Observation) (out []inventory.Event) {
	if old.Resource.Addr.Kind != now.Resource.Addr.Kind {
		return nil // another guest under the same number: the one is gone, the other has come
	}
	m := mover{old: old, now: now, kind: now.Resource.Kind()}
	out = append(out, m.place()...)
	out = append(out, m.power()...)
	fields := m.fields()
	if i := slices.IndexFunc(fields, func(f inventory.EventField) bool { return f.Name == "name" }); i >= 0 && fields[i].ToText != "" {
		out = append(out, m.event(inventory.Renamed, fields[i]))
		fields = slices.Delete(fields, i, i+1)
	}
	if len(fields) > 0 {
		out = append(out, m.event(inventory.Changed, fields...))
	}
	return out
}

// bootTolerance is how far two tellings of one boot may lie apart: uptimes are told in
// steps of some ten seconds.
const bootTolerance = 90 * time.Second

type mover struct {
	old, now *inventory.Observation
	kind     *inventory.Kind
}

func (m *mover) event(kind inventory.EventKind, fields ...inventory.EventField) inventory.Event {
	e := inventory.Event{Address: m.now.Resource.Addr, Identity: m.now.Resource.Identity, Kind: kind, Fields: fields}
	e.Summary = fmt.Sprintf("%s %s", e.Address, kind)
	for i, f := range fields {
		if i == 3 {
			e.Summary += fmt.Sprintf(", and %d more", len(fields)-3)
			break
		}
		e.Summary += fmt.Sprintf(" %s %s -> %s", f.Name, f.FromText, f.ToText)
	}
	return e
}

// place tells a move between nodes.
func (m *mover) place() []inventory.Event {
	from, to := m.old.Volatile.Node, m.now.Volatile.Node
	if from == to || from == "" || to == "" {
		return nil
	}
	return []inventory.Event{m.event(inventory.Moved, m.text("node", from, to))}
}

// power tells what became of the guest's power. A paused guest runs.
func (m *mover) power() []inventory.Event {
	from, to := m.old.Volatile.Status, m.now.Volatile.Status
	was, is := running(from), running(to)
	switch {
	case from == "" || to == "":
		return nil
	case is && !was:
		return []inventory.Event{m.event(inventory.Started)}
	case was && !is:
		return []inventory.Event{m.event(inventory.Stopped)}
	case from != to:
		return []inventory.Event{m.event(inventory.Changed, m.text("status", from, to))}
	case is && !m.old.Volatile.Since.IsZero() && m.now.Volatile.Since.Sub(m.old.Volatile.Since) > bootTolerance:
		return []inventory.Event{m.event(inventory.Restarted)}
	}
	return nil
}

func running(status string) bool { return status == "running" || status == "paused" }

func (m *mover) text(name inventory.Path, from, to string) inventory.EventField {
	return inventory.EventField{Name: name, From: from, To: to, FromText: from, ToText: to}
}

// fields lists the attributes that are not what they were, in the order of the table.
func (m *mover) fields() (out []inventory.EventField) {
	before, after := m.old.Resource.Attrs, m.now.Resource.Attrs
	var paths []inventory.Path
	for p := range after {
		paths = append(paths, p)
	}
	for p := range before {
		if _, both := after[p]; !both {
			paths = append(paths, p)
		}
	}
	slices.SortFunc(paths, m.kind.Compare)
	for _, p := range paths {
		if f, moved := m.field(p, before, after); moved {
			out = append(out, f)
		}
	}
	return append(append(out, m.addresses()...), m.secrets()...)
}

// addresses tells that a guest says it has others than it said before. Of IPv6 it may have
// many that come and go by themselves.
func (m *mover) addresses() []inventory.EventField {
	from, to := ipv4(m.old.Volatile.Addresses), ipv4(m.now.Volatile.Addresses)
	if from == "" || to == "" || from == to {
		return nil
	}
	return []inventory.EventField{m.text("addresses", from, to)}
}

func ipv4(all []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(all), func(a string) bool { return strings.Contains(a, ":") }), " ")
}

func (m *mover) field(p inventory.Path, before, after inventory.Attrs) (f inventory.EventField, moved bool) {
	attr, block, _ := m.kind.Lookup(p)
	if attr == nil || !Told(attr) {
		return f, false
	}
	from, to := before[p], after[p]
	// What is seen inside a container depends on which paths the manifests ask about.
	if block != nil && block.Free && (inventory.IsNull(from) || inventory.IsNull(to)) {
		return f, false
	}
	comes := block != nil && block.Leads(attr) && inventory.IsNull(from) != inventory.IsNull(to)
	if !comes && attr.Same(from, to) && attr.Same(to, from) {
		return f, false
	}
	return NewEventField(inventory.FieldChange{Path: p, Attr: attr}, from, to), true
}

// Told reports an attribute whose changes are events of their own: not what is told as
// power, place or identity, not what changes by itself.
func Told(a *inventory.Attr) bool {
	return !a.Document && !a.Fleeting && !a.Secret && (a.Call == inventory.NoCall || a.Call == inventory.CallPool)
}

// secrets tells write-only values that came or went; what they are is not told by
// anybody.
func (m *mover) secrets() (out []inventory.EventField) {
	if m.old.Volatile.Raw == nil {
		return nil // an older ledger did not remember them
	}
	before, after := m.old.Volatile.MaskedSet, m.now.Volatile.MaskedSet
	for _, p := range slices.Concat(before, after) {
		was, is := slices.Contains(before, p), slices.Contains(after, p)
		if attr, _, _ := m.kind.Lookup(p); attr != nil && was != is {
			from, to := cty.NilVal, cty.NilVal
			if was {
				from = cty.StringVal(Secret)
			} else {
				to = cty.StringVal(Secret)
			}
			out = append(out, NewEventField(inventory.FieldChange{Path: p, Attr: attr}, from, to))
		}
	}
	return out
}
