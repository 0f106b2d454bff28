package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/graph"
)

// graphSource is by what a thing is known that something else names.
const graphSource = "graph"

// A Thing is something that there is.
type Thing struct {
	ID         string   `json:"id"`
	Kind       string   `json:"kind"`
	Name       string   `json:"name"`
	Identity   string   `json:"identity,omitempty"`
	Node       string   `json:"node,omitempty"`
	Status     string   `json:"status,omitempty"`
	Addresses  []string `json:"addresses,omitempty"`
	Pool       string   `json:"pool,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	ManagedBy  string   `json:"managed_by,omitempty"`
	Source     string   `json:"source"`
	ObservedAt string   `json:"observed_at,omitempty"`
	Stale      bool     `json:"stale"` // not observed now; this is what was seen last

	Asked map[string][]any `json:"-"` // what it has of the fields that were asked for

	known *inventory.Observation // nil of what only something else names
	drawn *graph.Node            // nil of what the graph does not have
	about string                 // of a finding
}

// FindingKind is the kind under which Search lists what the doctor finds.
const FindingKind = "finding"

// ErrNoField is wrapped when a query has a condition on a field that nothing has.
var ErrNoField = errors.New("nothing has that field")

// A Query is what is searched for: words of which one has to be found in a thing, and
// conditions (memory<1GiB, node=pve2, backup=none) which all have to hold.
type Query struct {
	Words  string
	Kind   string
	Fields []string // what is wanted of each thing beside what a Thing has

	words      []string
	conditions []condition
}

// A condition is what one field has to be like.
type condition struct{ field, op, value string }

var conditionForm = regexp.MustCompile(`^([a-z][a-z0-9_.]*)(<=|>=|!=|<|>|=)(.+)$`)

func (q *Query) read() {
	for _, w := range strings.Fields(strings.ToLower(q.Words)) {
		if m := conditionForm.FindStringSubmatch(w); m != nil {
			q.conditions = append(q.conditions, condition{m[1], m[2], m[3]})
		} else {
			q.words = append(q.words, w)
		}
	}
}

// asked are the fields that the query is about.
func (q *Query) asked() (out []string) {
	for _, c := range q.conditions {
		out = append(out, c.field)
	}
	return append(out, q.Fields...)
}

// Search lists what there is, the best match first. Without words it is everything.
func (r *Reading) Search(ctx context.Context, q Query) ([]Thing, Look, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, g, err := r.lookAround(ctx)
	if err != nil {
		return nil, Look{}, err
	}
	q.read()
	s := searcher{world: w, query: &q}
	if q.Kind == FindingKind {
		err = s.findings(ctx)
	} else {
		err = s.everything(ctx, g)
	}
	if err == nil {
		err = s.ask(ctx)
	}
	if err != nil {
		return nil, Look{}, err
	}
	return matching(s.things, q.words), lookOf(w), nil
}

// A searcher is one search in one look.
type searcher struct {
	world   *home.World
	query   *Query
	things  []Thing
	backups map[string][]string // jobs by address; nil where nobody asks
	shower  *shower             // nil where nobody asks
}

// everything are the resources, and what else the graph knows, as far as they are of the
// kind that is wanted.
func (s *searcher) everything(ctx context.Context, g *graph.Graph) error {
	known, err := s.world.Known(ctx)
	if err != nil {
		return err
	}
	managed, have := s.world.Managers(), map[string]bool{}
	for i := range known {
		k := &known[i]
		e := existing(&k.Observation, managed[k.Resource.Identity], k.Stale)
		have[e.Address] = true
		drawn := g.Node(e.Address)
		if drawn != nil {
			e.Name = cmp.Or(e.Name, drawn.Name)
		}
		s.add(Thing{
			ID: e.Address, Kind: e.Kind, Name: e.Name, Identity: e.Identity, Node: e.Node, Status: e.Status, Addresses: e.Addresses, ManagedBy: e.ManagedBy,
			Pool: inventory.Text(k.Resource.Attrs["pool"]), Tags: inventory.Strings(k.Resource.Attrs["tags"]), Source: k.Resource.Provider, ObservedAt: e.SeenAt, Stale: e.Unknown,
			known: &k.Observation, drawn: drawn,
		})
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; !have[n.ID] {
			t := Thing{ID: n.ID, Kind: string(n.Kind), Name: n.Name, Status: n.State, Source: graphSource, drawn: n}
			if !n.At.IsZero() {
				t.ObservedAt = inventory.Timestamp(n.At)
			}
			s.add(t)
		}
	}
	return nil
}

// add takes up what is of the kind that is wanted: a container is a service of Docker too.
func (s *searcher) add(t Thing) {
	if k := s.query.Kind; k == "" || t.Kind == k || t.drawn != nil && string(t.drawn.Kind) == k || k == string(graph.Guest) && inventory.IsGuest(t.Kind) {
		s.things = append(s.things, t)
	}
}

// findings are what the doctor finds in this look.
func (s *searcher) findings(ctx context.Context) error {
	found, err := s.world.Doctor(ctx)
	for i := range found.Told {
		f := &found.Told[i]
		s.things = append(s.things, Thing{
			ID: f.Rule + ":" + f.Address, Kind: FindingKind, Name: f.Rule, Status: f.Severity, Source: "doctor", ObservedAt: inventory.Timestamp(s.world.At), about: f.Address,
		})
	}
	return err
}

// ask keeps the things of which every condition holds, with the fields that were asked for.
func (s *searcher) ask(ctx context.Context) error {
	asked := s.query.asked()
	if err := s.prepare(ctx, asked); err != nil {
		return err
	}
	has := map[string]bool{}
	for i := range s.things {
		t := &s.things[i]
		t.Asked = make(map[string][]any, len(asked))
		for _, f := range asked {
			if v, ok := s.values(t, f); ok {
				t.Asked[f], has[f] = v, true
			}
		}
	}
	for _, c := range s.query.conditions {
		if !has[c.field] && len(s.things) > 0 {
			return fmt.Errorf("%w: %s", ErrNoField, c.field)
		}
	}
	s.things = slices.DeleteFunc(s.things, func(t Thing) bool {
		return slices.ContainsFunc(s.query.conditions, func(c condition) bool { return !c.holds(&t) })
	})
	return nil
}

// prepare finds what takes more than a look at one thing.
func (s *searcher) prepare(ctx context.Context, asked []string) error {
	if slices.Contains(asked, "backup") {
		s.backups = s.world.BackedUp()
	}
	if !slices.Contains(asked, "verdict") {
		return nil
	}
	p, err := s.world.Compare(ctx)
	if err != nil {
		return err
	}
	s.shower, err = newShower(ctx, s.world, p)
	return err
}

// values are what a thing has of a field: of those that every thing has, of its settings
// by their whole path or its last part, and of what the graph says of it.
func (s *searcher) values(t *Thing, field string) ([]any, bool) {
	one := map[string]string{"id": t.ID, "kind": t.Kind, "name": t.Name, "identity": t.Identity, "node": t.Node, "status": t.Status, "pool": t.Pool, "managed_by": t.ManagedBy, "about": t.about}
	if v, ok := one[field]; ok {
		return []any{v}, v != ""
	}
	switch field {
	case "address", "addresses":
		return flat(t.Addresses), t.known != nil
	case "tag", "tags":
		return flat(t.Tags), t.known != nil
	case "backup":
		jobs, ok := s.backups[t.ID]
		if ok && len(jobs) == 0 {
			jobs = []string{"none"}
		}
		return flat(jobs), ok
	case "verdict":
		if t.known == nil {
			return nil, false
		}
		if sh := s.shower.show(t.known.Resource.Addr); sh != nil {
			return []any{sh.Verdict}, true
		}
		return nil, false
	}
	return t.setting(field)
}

func (t *Thing) setting(field string) (out []any, ok bool) {
	if t.known != nil {
		for p, v := range t.known.Resource.Attrs {
			attr, _, _ := t.known.Resource.Kind().Lookup(p)
			if name := string(p); attr == nil || attr.Secret || inventory.IsNull(v) || name != field && !strings.HasSuffix(name, "."+field) {
				continue
			}
			out, ok = append(out, flat(inventory.JSONValue(v))...), true
		}
	}
	if !ok && t.drawn != nil {
		if v, has := t.drawn.Attrs[field]; has {
			return []any{v}, true
		}
	}
	return out, ok
}

// flat is a value, or the values in it.
func flat(v any) (out []any) {
	switch v := v.(type) {
	case []string:
		for _, x := range v {
			out = append(out, x)
		}
	case json.RawMessage:
		return []any{string(v)}
	default:
		return []any{v}
	}
	return out
}

// holds reports whether a thing is so. Of what is not known of it nothing holds.
func (c *condition) holds(t *Thing) bool {
	list, ok := t.Asked[c.field]
	if !ok {
		return false
	}
	same := func(v any) bool { return c.compare(v) == 0 }
	switch c.op {
	case "=":
		return slices.ContainsFunc(list, same)
	case "!=":
		return !slices.ContainsFunc(list, same)
	}
	return slices.ContainsFunc(list, func(v any) bool {
		n := c.compare(v)
		return n == -1 && c.op[0] == '<' || n == 1 && c.op[0] == '>' || n == 0 && strings.HasSuffix(c.op, "=")
	})
}

// compare is how a value stands to that of the condition: -1, 0 or 1, and 2 where they
// have no order. A size may have a unit.
func (c *condition) compare(v any) int {
	text := strings.ToLower(fmt.Sprint(v))
	if text == c.value {
		return 0
	}
	have, err := strconv.ParseFloat(text, 64)
	want, err2 := strconv.ParseFloat(c.value, 64)
	if size, err := inventory.ParseSize(sizeSpelled(c.value)); err == nil {
		want, err2 = float64(size), nil
	}
	if err != nil || err2 != nil {
		return 2
	}
	return cmp.Compare(have, want)
}

// sizeSpelled is a size in the letters that sizes have: 1gib is 1GiB.
func sizeSpelled(s string) string {
	return strings.NewReplacer("IB", "iB").Replace(strings.ToUpper(s))
}

// matching keeps what one of the words is found in; who has more of them, or is called by
// one, comes first.
func matching(all []Thing, words []string) []Thing {
	score := map[string]int{}
	var out []Thing
	for i := range all {
		t := &all[i]
		text := strings.ToLower(strings.Join(slices.Concat([]string{t.ID, t.Kind, t.Name, t.Identity, t.Node, t.Status, t.Pool, t.ManagedBy}, t.Addresses, t.Tags), "\n"))
		n := 0
		for _, word := range words {
			if strings.Contains(text, word) {
				n += 2
			}
			if word == strings.ToLower(t.Name) || strings.HasSuffix(t.Identity, "/"+word) {
				n++
			}
		}
		if n > 0 || len(words) == 0 {
			score[t.ID] = n
			out = append(out, *t)
		}
	}
	slices.SortStableFunc(out, func(a, b Thing) int {
		return cmp.Or(score[b.ID]-score[a.ID], strings.Compare(a.origin(), b.origin()), inventory.NaturalCompare(a.ID, b.ID))
	})
	return out
}

// origin puts what the graph alone knows behind what is declared or observed.
func (t *Thing) origin() string {
	if t.Source == graphSource {
		return graphSource
	}
	return ""
}
