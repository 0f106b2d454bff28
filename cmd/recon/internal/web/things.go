package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"
	"recon/inventory"
)

type thingRow struct {
	mark
	Address, Path, Identity, Name, Node, State, Addresses, Manager string
}

// things lists everything that there is.
func (s *server) things(r *http.Request, state api.LiveState) (answer, error) {
	p := state.Picture
	if p == nil {
		return answer{}, errNothing
	}
	query := r.URL.Query().Get("q")
	var rows []thingRow
	for i := range p.Inventory.Resources {
		e := &p.Inventory.Resources[i]
		row := thingRow{
			mark: good, Address: words.Clean(e.Address), Path: thingPath(e.Address), Identity: words.Clean(e.Identity), Name: words.Clean(e.Name), Node: words.Clean(e.Node),
			State: words.Clean(e.Status), Addresses: words.Clean(strings.Join(e.Addresses, " ")), Manager: e.ManagedBy,
		}
		switch {
		case e.Unknown:
			row.mark, row.State = unknown, "not observed now; last seen "+row.State
		case e.Status == "stopped":
			row.mark = mark{"soft", "–"}
		}
		if contains(query, row.Address, row.Identity, row.Name, row.Node, row.State, row.Addresses, row.Manager) {
			rows = append(rows, row)
		}
	}
	from, to, pages := paged(r, len(rows), perPage)
	body := struct {
		paging
		Headline, Query string
		Things          []thingRow
	}{pages, fmt.Sprintf("%d things", len(p.Inventory.Resources)), query, rows[from:to]}
	return answer{template: "things", title: "Things", body: body}, nil
}

// drawing is the map of the home.
func (s *server) drawing(_ *http.Request, state api.LiveState) (answer, error) {
	if state.Picture == nil {
		return answer{}, errNothing
	}
	return answer{template: "map", title: "Map", body: struct{ Drawing template.HTML }{drawMap(state.Picture)}}, nil
}

// The measures of the map, in its own units.
const (
	boxWidth, boxHeight = 190, 30
	boxGap              = 8
	perColumn           = 14
	frameGap            = 18
	headHeight          = 44
)

// A place is a node or a host, with what runs on it.
type place struct {
	name, note string
	stale      bool
	on         []*api.Existing
}

// drawMap draws each node as a frame with its guests in it. Everything in it that came
// from outside is escaped.
func drawMap(p *api.Picture) template.HTML {
	places := placesOf(p)
	differs := map[string]bool{}
	for i := range p.Plan.Changes {
		differs[p.Plan.Changes[i].Addr.String()] = true
	}
	var out strings.Builder
	x, height := 0, 0
	for _, at := range places {
		columns := max(1, (len(at.on)+perColumn-1)/perColumn)
		rows := (len(at.on) + columns - 1) / columns
		w, h := columns*(boxWidth+boxGap)+boxGap, headHeight+rows*(boxHeight+boxGap)+boxGap
		fmt.Fprintf(&out, `<g class="node%s" transform="translate(%d 1)"><rect width="%d" height="%d" rx="6"/><text x="10" y="18" font-weight="600">%s</text><text x="10" y="35" class="soft">%s</text>`,
			when(at.stale, " stale"), x+1, w, h, escape(at.name), escape(at.note))
		for i, e := range at.on {
			box(&out, e, boxGap+(i/max(1, rows))*(boxWidth+boxGap), headHeight+(i%max(1, rows))*(boxHeight+boxGap), differs[e.Address])
		}
		out.WriteString(`</g>`)
		x, height = x+w+frameGap, max(height, h)
	}
	return template.HTML(fmt.Sprintf(`<svg class="map" role="group" aria-label="Nodes and what runs on them" xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">%s</svg>`, //nolint:gosec // every text in it is escaped
		x+2, height+2, x+2, height+2, out.String()))
}

func box(out *strings.Builder, e *api.Existing, x, y int, differs bool) {
	label := e.Name
	if vmid := e.Identity[strings.LastIndexByte(e.Identity, '/')+1:]; inventory.IsGuest(e.Kind) {
		label = vmid + " " + label
	}
	if r := []rune(label); len(r) > 22 {
		label = string(r[:21]) + "…"
	}
	note := strings.ToUpper(e.Kind)
	if differs {
		label = "≠ " + label
	}
	fmt.Fprintf(out, `<a href="%s"><g class="guest%s%s%s" transform="translate(%d %d)"><title>%s</title><rect width="%d" height="%d" rx="4"/><text x="8" y="20">%s</text><text x="%d" y="20" text-anchor="end" class="soft">%s</text></g></a>`,
		escape(thingPath(e.Address)), when(e.Status == "stopped", " stopped"), when(e.Unknown, " stale"), when(differs, " differs"), x, y,
		escape(e.Address+", "+e.Status+" "+strings.Join(e.Addresses, " ")), boxWidth, boxHeight, escape(label), boxWidth-8, escape(note))
}

func when(holds bool, text string) string {
	if holds {
		return text
	}
	return ""
}

func escape(s string) string { return template.HTMLEscapeString(words.Clean(s)) }

// placesOf are the nodes with their guests, and the hosts beside them.
func placesOf(p *api.Picture) (out []place) {
	index := map[string]int{}
	for _, n := range p.Nodes {
		note := "not observed now"
		if !n.Stale {
			note = fmt.Sprintf("%s, %d cores, %d GiB", strings.TrimPrefix(n.Source, "proxmox."), n.Cores, n.Memory>>30)
		}
		if strings.HasPrefix(n.Source, "docker.") {
			continue
		}
		index[n.Name] = len(out)
		out = append(out, place{name: n.Name, note: note, stale: n.Stale})
	}
	for i := range p.Inventory.Resources {
		e := &p.Inventory.Resources[i]
		if !inventory.IsGuest(e.Kind) {
			continue
		}
		at, known := index[e.Node]
		if !known {
			at = len(out)
			index[e.Node] = at
			out = append(out, place{name: e.Node, note: "not observed now", stale: true})
		}
		out[at].on = append(out[at].on, e)
	}
	for i := range out {
		slices.SortFunc(out[i].on, func(a, b *api.Existing) int { return inventory.NaturalCompare(a.Identity, b.Identity) })
	}
	return out
}
