package app

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"recon/inventory"
	"recon/inventory/contextfile"
	"recon/reconcile"
	"recon/reconcile/ledger"
)

// The blocks that recon writes, by id.
const (
	HomeBlock    = "home"
	SessionBlock = "recon"
)

// A Document is a file with a block of recon, as it is and as it should be.
type Document struct {
	Path   string
	Block  string
	Exists bool
	Marked bool // it has the block's markers
	Edited bool // the block was edited by hand
	Old    []byte
	New    []byte // the file as it should be; nil when it cannot be written
}

// Changed reports whether the file is not as it should be.
func (d *Document) Changed() bool {
	return d.New != nil && (!d.Exists || string(d.Old) != string(d.New))
}

// Resolution says what to do with a block that was edited by hand.
type Resolution int

// The resolutions.
const (
	RefuseEdited Resolution = iota
	Theirs                  // recon's text replaces the edited one
	Ours                    // the edited text stays
)

// Documents renders every document that the context block names. Insert adds the
// markers where they are missing.
func (s *Session) Documents(f *contextfile.Facts, insert bool, how Resolution) ([]Document, error) {
	c := s.Project.Context
	if c == nil {
		return nil, nil
	}
	var out []Document
	var errs []error
	for _, target := range []struct {
		file, block string
		render      func(old string) string
	}{
		{c.ClaudeMD, HomeBlock, func(old string) string {
			return contextfile.Dated(old, s.Now(), func(date string) string { return contextfile.Home(f, date) })
		}},
		{c.SessionLog, SessionBlock, func(old string) string { return contextfile.SessionLog(f, old) }},
	} {
		if target.file == "" {
			continue
		}
		d, err := s.document(target.file, target.block, target.render, insert, how)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, d)
	}
	return out, errors.Join(errs...)
}

func (s *Session) document(file, block string, render func(old string) string, insert bool, how Resolution) (Document, error) {
	d := Document{Path: file, Block: block}
	var err error
	if d.Old, d.Exists, err = s.readDocument(file); err != nil {
		return d, err
	}
	doc, err := contextfile.Parse(d.Old, file, HomeBlock, SessionBlock)
	if err != nil {
		return d, err
	}
	d.Marked = doc.Has(block)
	if !d.Marked && (insert || !d.Exists) {
		text := doc.Append(block)
		if !d.Exists {
			text = append([]byte(s.title(file)), text...)
		}
		if doc, err = contextfile.Parse(text, file, HomeBlock, SessionBlock); err != nil {
			return d, err
		}
	}
	if !doc.Has(block) {
		return d, nil
	}
	d.Edited = doc.Edited(block)
	if d.Edited && how != Theirs {
		if how == Ours {
			d.New = d.Old
		}
		return d, nil
	}
	body := render(doc.Body(block))
	if err := checkSecrets(file, body); err != nil {
		return d, err
	}
	d.New, err = doc.Replace(block, body, how == Theirs)
	return d, err
}

// title begins a document that recon creates. A CLAUDE.md hides an AGENTS.md
// beside it from assistants, so it imports that one.
func (s *Session) title(file string) string {
	name := strings.TrimSuffix(path.Base(file), path.Ext(file))
	if name == "session-log" {
		return "# Session log\n\n"
	}
	text := "# " + name + "\n\n"
	if name == "CLAUDE" {
		if _, exists, err := s.readDocument(path.Join(path.Dir(file), "AGENTS.md")); err == nil && exists {
			text += "@AGENTS.md\n\n"
		}
	}
	return text
}

// WriteDocuments brings the documents up to date and returns those that it wrote.
// A block that was edited by hand, or a file without markers, is left alone.
func (s *Session) WriteDocuments(docs []Document) (written []string, err error) {
	var errs []error
	for i := range docs {
		d := &docs[i]
		if !d.Changed() {
			continue
		}
		changed, err := s.replaceFile(d.Path, d.Old, d.Exists, d.New)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if changed {
			written = append(written, d.Path)
		}
	}
	return written, errors.Join(errs...)
}

// Facts gathers what documents are rendered from. What could not be observed
// keeps its last known facts and is marked.
func (s *Session) Facts(w *World, p *reconcile.Plan, events []inventory.Event) *contextfile.Facts {
	f := &contextfile.Facts{Events: events}
	declared := make(map[string]*inventory.Resource, len(s.Project.Resources))
	for i := range s.Project.Resources {
		declared[s.Project.Resources[i].Identity] = &s.Project.Resources[i]
	}
	seen := map[string]bool{}
	for _, snap := range w.Snapshots {
		if name, ok := strings.CutPrefix(snap.Provider, "proxmox."); ok {
			f.Clusters = append(f.Clusters, contextfile.Cluster{Name: name, Version: snap.Version, Nodes: snap.Nodes})
		}
		for _, u := range snap.Unknown {
			f.Sources = append(f.Sources, contextfile.Source{Provider: u.Provider, Scope: u.Scope, Since: u.Since})
		}
	}
	for _, o := range w.observations() {
		seen[o.Resource.Identity] = true
		last, known := w.Memory.Sightings[o.Resource.Identity]
		switch {
		case !isGuest(o.Resource.Addr.Kind):
		case o.State == inventory.Present:
			f.Guests = append(f.Guests, guestOf(&o, declared, false))
		case o.State == inventory.Unknown && known:
			old := observationOf(last)
			f.Guests = append(f.Guests, guestOf(&old, declared, true))
		}
	}
	for id, last := range w.Memory.Sightings {
		if !seen[id] && isGuest(last.Address.Kind) && s.stillMeant(w, last) {
			old := observationOf(last)
			f.Guests = append(f.Guests, guestOf(&old, declared, true))
		}
	}
	slices.SortFunc(f.Guests, func(a, b contextfile.Guest) int { return inventory.CompareAddress(a.Address, b.Address) })
	f.Drift = openDrift(w, p)
	for _, x := range p.Findings {
		if x.Severity != "info" {
			f.Findings = append(f.Findings, contextfile.Finding{Rule: x.Rule, Subject: x.Address})
		}
	}
	return f
}

// stillMeant reports whether something that a pass did not mention may still be
// there: its source could not be observed at all.
func (s *Session) stillMeant(w *World, last ledger.Sighting) bool {
	for _, snap := range w.Snapshots {
		if snap.Provider == last.Provider {
			return len(snap.Observations) == 0 && !snap.Complete
		}
	}
	return false
}

// guestOf turns an observation into what documents know of it.
func guestOf(o *inventory.Observation, declared map[string]*inventory.Resource, unknown bool) contextfile.Guest {
	g := contextfile.Guest{
		Address: o.Resource.Addr, Identity: o.Resource.Identity, Name: o.Resource.Name(), Kind: o.Resource.Addr.Kind, VMID: vmidOf(o.Resource.Identity),
		Node: o.Volatile.Node, Status: o.Volatile.Status, Template: o.Volatile.Template, Unknown: unknown,
		Reboot: len(o.Volatile.Pending) > 0 && o.Running != nil,
	}
	for _, slot := range o.Resource.Attrs.Slots("network") {
		g.Networks = append(g.Networks, networkOf(o.Resource.Attrs, slot)...)
	}
	g.DNS = inventory.Strings(o.Resource.Attrs["nameservers"])
	if g.Kind == "vm" {
		g.DNS = inventory.Strings(o.Resource.Attrs["cloud_init.nameservers"])
	}
	if r := declared[o.Resource.Identity]; r != nil {
		g.Managed, g.Protect, g.Purpose = true, r.Policy.Protect, inventory.Text(r.Attrs["purpose"])
	}
	return g
}

func networkOf(a inventory.Attrs, slot string) []contextfile.Network {
	field := func(name string) string { return inventory.Text(a[inventory.Path("network."+slot+"."+name)]) }
	vlan, _ := inventory.Int(a[inventory.Path("network."+slot+".vlan")])
	var out []contextfile.Network
	if addr := field("address"); addr != "" {
		out = append(out, contextfile.Network{Address: addr, Gateway: field("gateway"), VLAN: vlan})
	}
	if addr := field("address6"); addr != "" && strings.Contains(addr, ":") {
		out = append(out, contextfile.Network{Address: addr, Gateway: field("gateway6"), VLAN: vlan})
	}
	return out
}

// openDrift lists what differs because live moved, with the day on which that
// was first seen.
func openDrift(w *World, p *reconcile.Plan) []contextfile.Drift {
	var out []contextfile.Drift
	for i := range p.Changes {
		c := &p.Changes[i]
		fields := drifted(c)
		if len(fields) == 0 {
			continue
		}
		d := contextfile.Drift{Address: c.Addr, Since: w.At, By: c.Have.Volatile.Changed.User}
		if e, ok := w.Memory.Episodes[c.Addr]; ok {
			d.Since, d.By = e.OpenedAt, e.By
		}
		for _, f := range fields {
			d.Fields = append(d.Fields, contextfile.DriftField{Path: f.Name, Desired: f.FromText, Live: f.ToText})
		}
		out = append(out, d)
	}
	return out
}

// sessionWindow is how far back events are read for the session log.
const sessionWindow = 10 * 24 * time.Hour

// UpdateDocuments renders and writes the documents from what was just recorded.
func (s *Session) UpdateDocuments(l *ledger.Ledger, w *World, p *reconcile.Plan, insert bool, how Resolution) ([]Document, []string, error) {
	docs, err := s.prepareDocuments(l, w, p, insert, how)
	written, writeErr := s.WriteDocuments(docs)
	return docs, written, errors.Join(err, writeErr)
}

// prepareDocuments renders the documents with the memory as it is now.
func (s *Session) prepareDocuments(l *ledger.Ledger, w *World, p *reconcile.Plan, insert bool, how Resolution) ([]Document, error) {
	if err := s.recall(w); err != nil {
		return nil, err
	}
	var events []inventory.Event
	if l != nil {
		var err error
		seen := w.Memory.Sightings
		if w.Memory, err = s.memoryOf(l); err != nil {
			return nil, err
		}
		w.Memory.Sightings = seen
		if events, err = l.Events(w.At.Add(-sessionWindow), inventory.Address{}); err != nil {
			return nil, err
		}
	}
	return s.Documents(s.Facts(w, p, events), insert, how)
}

// RenderDocuments renders the documents for a command that writes nothing.
func (s *Session) RenderDocuments(w *World, p *reconcile.Plan, how Resolution) ([]Document, error) {
	l, err := ledger.OpenExisting(s.StatePath())
	if err != nil {
		return nil, err
	}
	if l != nil {
		defer l.Close()
	}
	return s.prepareDocuments(l, w, p, false, how)
}

// LeftAlone says which documents could not be written and what to do about it.
func LeftAlone(docs []Document) (edited, unmarked []string) {
	for _, d := range docs {
		switch {
		case d.Edited && d.New == nil:
			edited = append(edited, fmt.Sprintf("%s: block %q", d.Path, d.Block))
		case d.Exists && !d.Marked && d.New == nil:
			unmarked = append(unmarked, d.Path)
		}
	}
	return edited, unmarked
}
