package mcp

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/inventory/factcheck"
	"recon/inventory/graph"
)

// answers are the tools.
type answers struct{ *api.Reading }

type searchIn struct {
	Query string `json:"query,omitempty" jsonschema:"words (any: name, vmid, IP, tag...) and conditions (all): node=pve2 status!=running memory<1GiB vlan=40 onboot=false backup=none verdict=drift"`
	Kind  string `json:"kind,omitempty" jsonschema:"guest, vm, lxc, container, storage, name, route, finding (of the doctor)..."`
	paging
}

func (a *answers) search(ctx context.Context, in searchIn) (map[string]any, error) {
	things, look, err := a.Search(ctx, api.Query{Words: in.Query, Kind: in.Kind, Fields: in.Fields})
	if err != nil {
		return nil, err
	}
	rows := make([]any, len(things))
	for i := range things {
		row, _ := plain(things[i]).(map[string]any)
		for name, values := range things[i].Asked {
			if _, has := row[name]; !has {
				row[name] = oneOf(values)
			}
		}
		rows[i] = row
	}
	return in.page(headOf(look, map[string]any{"total": len(things)}), "things", "id", rows)
}

// oneOf is the value of a field that has one, else all of them.
func oneOf(values []any) any {
	if len(values) == 1 {
		return values[0]
	}
	return append([]any{}, values...)
}

type getIn struct {
	Thing string `json:"thing" jsonschema:"address, name, vmid, IP or URL"`
	paging
}

// A fact is one field of a thing.
type fact struct {
	Field      string `json:"field"`
	Value      any    `json:"value"`
	Source     string `json:"source"`
	ObservedAt string `json:"observed_at,omitempty"`
	Trust      string `json:"trust"`                 // typed: a number, a size, an address; foreign: a word that somebody chose
	Declared   any    `json:"declared,omitempty"`    // where it is not the value
	DeclaredAt string `json:"declared_at,omitempty"` // file of the manifest
	Running    any    `json:"running,omitempty"`     // where what is in use is not what is configured
	Terraform  any    `json:"terraform,omitempty"`
	Differs    bool   `json:"differs,omitempty"`
}

func (a *answers) get(ctx context.Context, in getIn) (map[string]any, error) {
	d, look, err := a.Get(ctx, in.Thing)
	if err != nil {
		return nil, err
	}
	head := headOf(look, map[string]any{"needs": ends(d.Needs, true), "needed_by": ends(d.NeededBy, false), "documents": append([]string{}, d.Written[:min(len(d.Written), maxEnds)]...)})
	var rows []any
	if n := d.Node; n != nil {
		head["id"], head["kind"], head["name"], head["status"] = n.ID, n.Kind, n.Name, n.State
		for _, name := range sortedKeys(n.Attrs) {
			rows = append(rows, fact{Field: name, Value: n.Attrs[name], Source: "graph", Trust: trustOf(n.Attrs[name])})
		}
	}
	if s := d.Resource; s != nil {
		head["id"], head["kind"], head["status"] = s.Address, s.Kind, s.Status
		if s.Name != "" {
			head["name"] = s.Name
		}
		head["identity"], head["node"], head["state"], head["verdict"], head["managed_by"] = s.Identity, s.Node, s.State, s.Verdict, s.ManagedBy
		head["since"], head["changed_by"] = s.Since, s.ChangedBy
		rows = nil
		for i := range s.Fields {
			rows = append(rows, factOf(s, &s.Fields[i]))
		}
	}
	return in.page(head, "facts", "field", in.wanted(rows))
}

// wanted are the facts that the fields name, by their whole name or its last part; all
// of them when the fields name none, and so are keys.
func (in *getIn) wanted(rows []any) (out []any) {
	keys := slices.Clone(in.Fields)
	for i := range rows {
		name := rows[i].(fact).Field
		called := func(f string) bool { return f == name || strings.HasSuffix(name, "."+f) }
		if slices.ContainsFunc(in.Fields, called) {
			out = append(out, rows[i])
			keys = slices.DeleteFunc(keys, called)
		}
	}
	if len(out) == 0 {
		return rows
	}
	in.Fields = keys
	return out
}

func factOf(s *api.Shown, f *api.ShownField) fact {
	out := fact{Field: f.Name, Value: f.Live, Source: s.Provider, ObservedAt: s.ObservedAt, Trust: trustOf(f.Live), Terraform: f.Terraform, Differs: f.Differs}
	if f.Text[0] != f.Text[3] {
		out.Declared = f.Desired
	}
	if f.Declared {
		out.DeclaredAt = f.File
	}
	if f.Text[4] != f.Text[3] {
		out.Running = f.Running
	}
	return out
}

// ends are the other ends of edges: what is needed, or what needs.
func ends(edges []graph.Edge, to bool) []any {
	out := []any{}
	for i := range edges {
		if len(out) == maxEnds {
			break
		}
		e := &edges[i]
		id := e.From
		if to {
			id = e.To
		}
		out = append(out, map[string]any{"id": id, "by": e.Kind, "source": e.Source, "sure": e.Sure})
	}
	return out
}

// maxEnds bounds what is named of the needs of one thing; impact names all.
const maxEnds = 12

type impactIn struct {
	Thing  string `json:"thing"`
	Action string `json:"action,omitempty" jsonschema:"restart (default), stop or delete"`
	paging
}

func (a *answers) impact(ctx context.Context, in impactIn) (map[string]any, error) {
	if in.Action == "" {
		in.Action = string(graph.Restart)
	}
	g, look, err := a.Ask(ctx, api.Question{Verb: "impact", Of: in.Thing, Action: graph.Action(in.Action)})
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for i := range g.Impact.Affected {
		x := &g.Impact.Affected[i]
		rows = append(rows, map[string]any{"id": x.ID, "kind": x.Kind, "effect": x.Effect, "distance": x.Distance, "stays_down": x.StaysDown, "source": sourceOf(x.Path)})
	}
	head := headOf(look, map[string]any{"id": g.Impact.Of.ID, "action": in.Action, "total": len(rows), "keep_working": keptBy(g.Impact), "single_points": singles(g.Impact)})
	return in.page(notKnown(head, g), "affected", "id", rows)
}

// keptBy names what keeps working, and how much more there is.
func keptBy(i *graph.Impact) any {
	ids := []string{}
	for j := range i.Keeps {
		ids = append(ids, i.Keeps[j].ID)
	}
	return some(ids)
}

// singles are the things that others have no second one of.
func singles(i *graph.Impact) []any {
	out := []any{}
	for _, s := range i.Single[:min(len(i.Single), maxEnds)] {
		out = append(out, map[string]any{"id": s.ID, "role": strings.ReplaceAll(s.Role, " ", "-"), "for": some(s.For)})
	}
	return out
}

// some are the first of many names, and how many there are.
func some(ids []string) any {
	return map[string]any{"total": len(ids), "first": ids[:min(len(ids), maxEnds)]}
}

// sourceOf is by what the first edge of a way is known.
func sourceOf(way []*graph.Edge) graph.Source {
	if len(way) == 0 {
		return ""
	}
	return way[0].Source
}

type traceIn struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	paging
}

func (a *answers) trace(ctx context.Context, in traceIn) (map[string]any, error) {
	g, look, err := a.Ask(ctx, api.Question{Verb: "trace", Of: in.From, To: in.To})
	if err != nil {
		return nil, err
	}
	if g.Journey != nil {
		return in.journey(headOf(look, nil), g)
	}
	var rows []any
	for i, way := range g.Ways {
		hops := []any{}
		for j := range way {
			e := &way[j]
			hops = append(hops, map[string]any{"from": e.From, "to": e.To, "by": e.Kind, "source": e.Source, "sure": e.Sure})
		}
		rows = append(rows, map[string]any{"way": i + 1, "hops": hops})
	}
	head := headOf(look, map[string]any{"from": g.Question.Of, "to": g.Question.To, "total": len(rows), "more": g.MoreWays})
	return in.page(notKnown(head, g), "ways", "way", rows)
}

// journey is the way of a request, each step judged.
func (in *traceIn) journey(head map[string]any, g *api.GraphAnswer) (map[string]any, error) {
	var rows []any
	for i := range g.Journey.Hops {
		h := &g.Journey.Hops[i]
		rows = append(rows, map[string]any{"to": h.Node, "verdict": h.Verdict, "fault": h.Fault, "spare": h.Spare})
	}
	head["from"], head["verdict"] = g.Journey.To, g.Journey.Verdict
	return in.page(notKnown(head, g), "hops", "to", rows)
}

// notKnown adds what is not known and may change the answer.
func notKnown(head map[string]any, g *api.GraphAnswer) map[string]any {
	first, total := []any{}, 0
	for i := range g.NotKnown {
		gap := &g.NotKnown[i]
		if !gap.MayChange {
			continue
		}
		if total++; total <= maxEnds {
			first = append(first, map[string]any{"missing": missing(gap.Missing), "about": gap.About[:min(len(gap.About), maxEnds)]})
		}
	}
	head["complete"] = g.Complete
	head["not_known"] = map[string]any{"total": total, "first": first}
	return head
}

func missing(m graph.Missing) string {
	switch m {
	case graph.NameServers:
		return "name-servers"
	case graph.Inside:
		return "what-runs-inside"
	case graph.Anything:
		return "anything"
	}
	return "something"
}

type changesIn struct {
	Since string `json:"since,omitempty" jsonschema:"24h (default), 3d, 2026-11-24, or last"`
	paging
}

func (a *answers) changes(ctx context.Context, in changesIn) (map[string]any, error) {
	if in.Since == "" {
		in.Since = "24h"
	}
	c, err := a.Changes(ctx, in.Since)
	if failure := new(api.Failure); errors.As(err, &failure) {
		return nil, wrongly("since is last, an age (24h, 3d), a date or a Git revision")
	}
	if err != nil {
		return nil, err
	}
	head := map[string]any{"since": inventory.Timestamp(c.Since), "as_of": inventory.Timestamp(c.Looked), "complete": len(c.Unknown) == 0, "total": len(c.Events)}
	var rows []any
	for i := range c.Events {
		e := &c.Events[len(c.Events)-1-i] // the newest first
		rows = append(rows, eventOf(e))
	}
	return in.page(head, "changes", "event", rows)
}

func eventOf(e *inventory.Event) map[string]any {
	fields := []any{}
	for _, f := range e.Fields {
		fields = append(fields, map[string]any{"field": string(f.Name), "from": f.From, "to": f.To})
	}
	out := map[string]any{"at": inventory.Timestamp(e.At), "event": string(e.Kind), "fields": fields, "source": "ledger"}
	if !e.Address.IsZero() {
		out["id"] = e.Address.String()
	}
	if e.By != "" {
		out["by"] = e.By
	}
	return out
}

type checkIn struct {
	Statement string `json:"statement" jsonschema:"such as: vm media runs on node02 with 8 GiB"`
}

func (a *answers) check(ctx context.Context, in checkIn) (map[string]any, error) {
	if len(in.Statement) > maxStatement {
		return nil, wrongly("one sentence at a time")
	}
	wrong, right, look, err := a.Judge(ctx, in.Statement)
	if err != nil {
		return nil, err
	}
	verdict := "not_known"
	switch {
	case len(wrong) > 0:
		verdict = "contradicted"
	case len(right) > 0:
		verdict = "holds"
	}
	return headOf(look, map[string]any{"verdict": verdict, "contradicted": statements(wrong), "holds": statements(right)}).shown(), nil
}

// maxStatement is longer than any sentence.
const maxStatement = 1000

func statements(list []factcheck.Statement) []any {
	out := []any{}
	for i := range list {
		s := &list[i]
		out = append(out, map[string]any{"about": s.Kind, "subject": s.Subject, "claim": s.Claim, "truth": s.Truth, "observed_at": s.AsOf})
	}
	return out
}

// block reads a block of the documents.
func (a *answers) block(id string) mcp.ResourceHandler {
	return func(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		text, err := a.Block(ctx, id)
		if err != nil {
			return nil, told(err)
		}
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: req.Params.URI, MIMEType: "text/markdown", Text: text}}}, nil
	}
}
