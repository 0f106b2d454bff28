package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/manifests"
	"recon/reconcile"
	"recon/reconcile/ledger"
)

// A row is an attribute of a kind where it can stand, with some values that its
// manifest takes.
type row struct {
	kind  *inventory.Kind
	block *inventory.Block
	slot  string
	attr  *inventory.Attr
	path  inventory.Path
	takes []cty.Value
}

// rowsOf returns every row of a kind. A block stands in the first of its slots that
// no other block has.
func rowsOf(k *inventory.Kind) (out []*row) {
	for _, a := range k.Attrs {
		out = append(out, &row{kind: k, attr: a, path: inventory.Path(a.Name)})
	}
	taken := map[string]bool{}
	for _, b := range k.Blocks {
		slot := slotOf(b, taken)
		taken[slot] = true
		for _, a := range b.Attrs {
			out = append(out, &row{kind: k, block: b, slot: slot, attr: a, path: b.Path(slot, a.Name)})
		}
	}
	return out
}

func slotOf(b *inventory.Block, taken map[string]bool) string {
	switch {
	case b.Free:
		return "/data"
	case b.Repeat:
		return "0"
	}
	for _, r := range b.Slots {
		for n := r.From; n <= r.To; n++ {
			if slot := fmt.Sprintf("%s%d", r.Prefix, n); !taken[slot] {
				return slot
			}
		}
	}
	return ""
}

// declaration writes a manifest of one resource with the values of some rows.
func declaration(kind *inventory.Kind, values map[*row]cty.Value) string {
	var top strings.Builder
	blocks, heads := map[string]string{}, []string{}
	switch kind.Name {
	case "vm", "lxc":
		top.WriteString("  cluster = proxmox.home\n")
		if !slices.ContainsFunc(slices.Collect(maps.Keys(values)), func(r *row) bool { return r.path == "vmid" }) {
			top.WriteString("  vmid = 100\n")
		}
	default:
		top.WriteString("  host = host.box\n")
	}
	for r, v := range values {
		line := r.attr.Name + " = " + manifests.Literal(r.attr, v) + "\n"
		if r.block == nil {
			top.WriteString("  " + line)
			continue
		}
		head := r.block.Name
		if r.slot != "" && !r.block.Repeat {
			head += fmt.Sprintf(" %q", r.slot)
		}
		if blocks[head] == "" {
			heads = append(heads, head)
		}
		blocks[head] += "    " + line
	}
	for _, head := range heads {
		top.WriteString("  " + head + " {\n" + blocks[head] + "  }\n")
	}
	return fmt.Sprintf("%s \"x\" {\n%s}\n", kind.Name, &top)
}

const rowsProject = `proxmox "home" {
  endpoints = ["https://127.0.0.1:1"]
  token     = "a@pve!b=c"
}
host "box" {
  recording = "there-is-none.json"
}
context {
  claude_md   = "CLAUDE.md"
  session_log = "log.md"
}
`

// loaded reads a manifest and returns what it declares, nil when it is refused.
func loaded(text string) *inventory.Resource {
	p, diags := manifests.Load(fstest.MapFS{"recon.hcl": {Data: []byte(rowsProject)}, "manifests/x.hcl": {Data: []byte(text)}}, manifests.Options{})
	if diags.HasErrors() || len(p.Resources) != 1 {
		return nil
	}
	return &p.Resources[0]
}

// texts are what rows of text may be about. A row that takes none of them fails
// TestEveryRow, and wants one here.
var texts = []string{
	"", "x", "host", "10.0.0.1", "10.0.0.1/24", "fd00::1/64", "BC:24:11:00:00:01", "/data/a", "1000:1000", "0775", "64M", "https://x.example", "7878/tcp",
	"+aes", "nesting", "scsi0", "network", "ssh-ed25519 AAAA a", "40", "0000:01:00.0", "1d6b:0002", "socket", "now", "en-us", "q35", "noatime", "local:snippets/x.sh",
	"local:iso/a.iso", "user=local:snippets/u.yml", "0,5,8-11", "e=mc²\n\"quoted\" ${x} %{y}", "a=b",
}

// candidates are values of the type of a row, of every shape that it allows.
func candidates(a *inventory.Attr) (out []cty.Value) {
	t := a.Type
	switch {
	case a.Enum != nil:
		for _, s := range a.Enum {
			out = append(out, cty.StringVal(s))
		}
	case t.Equals(cty.String):
		for _, s := range texts {
			out = append(out, cty.StringVal(s))
		}
	case t.Equals(cty.Number):
		for _, n := range []int64{-1, 0, 1, 2, 40, 1450, 1 << 40, a.Min, a.Max, inventory.MiB * 16, inventory.GiB} {
			out = append(out, cty.NumberIntVal(n))
		}
		out = append(out, cty.NumberFloatVal(0.5))
	case t.Equals(cty.Bool):
		out = []cty.Value{cty.True, cty.False}
	case t.IsListType() && t.ElementType().Equals(cty.String), t.IsSetType():
		for _, s := range texts {
			out = append(out, shaped(t, cty.StringVal(s)), shaped(t, cty.StringVal(s), cty.StringVal("b")))
		}
		out = append(out, shaped(t))
	case t.IsMapType() && t.ElementType().Equals(cty.Bool):
		out = []cty.Value{cty.MapValEmpty(cty.Bool), cty.MapVal(map[string]cty.Value{"a": cty.True, "b": cty.False})}
	case t.IsMapType():
		out = []cty.Value{cty.MapValEmpty(cty.String), cty.MapVal(map[string]cty.Value{"max-size": cty.StringVal("10m"), "tag": cty.StringVal("{{.Name}}")})}
	case t.IsListType():
		out = []cty.Value{cty.ListValEmpty(t.ElementType()), cty.ListVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"base": cty.StringVal("10.201.0.0/16"), "size": cty.NumberIntVal(24)})})}
	default:
		out = []cty.Value{cty.EmptyObjectVal, nested(), cty.ObjectVal(map[string]cty.Value{"a b": cty.True}), cty.ObjectVal(map[string]cty.Value{"x": cty.StringVal("y"), "n": cty.NumberFloatVal(1.5)})}
	}
	return out
}

// shaped makes the list or set of some items.
func shaped(t cty.Type, items ...cty.Value) cty.Value {
	v, ok := inventory.Shape(cty.TupleVal(items), t)
	if !ok {
		panic("the items are not of the type")
	}
	return v
}

// nested is a value that holds every type.
func nested() cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"list": cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.StringVal("x"), cty.NullVal(cty.DynamicPseudoType), cty.EmptyTupleVal}),
		"deep": cty.ObjectVal(map[string]cty.Value{"": cty.ObjectVal(map[string]cty.Value{"on": cty.True})}), "null": cty.NullVal(cty.DynamicPseudoType),
	})
}

// foreign are values of types that a row does not have.
func foreign(a *inventory.Attr) (out []cty.Value) {
	for _, v := range []cty.Value{
		cty.StringVal(""), cty.StringVal("10"), cty.StringVal("true"), cty.Zero, cty.NumberIntVal(10), cty.MustParseNumberVal("1e300"), cty.True, cty.False, cty.EmptyObjectVal, cty.EmptyTupleVal, nested(),
		cty.TupleVal([]cty.Value{cty.StringVal("a"), cty.NumberIntVal(1)}), cty.TupleVal([]cty.Value{cty.StringVal("10")}), cty.ObjectVal(map[string]cty.Value{"max-size": cty.NumberIntVal(3)}),
		cty.ListVal([]cty.Value{cty.EmptyObjectVal}), cty.MapVal(map[string]cty.Value{"a": cty.True}), cty.SetVal([]cty.Value{cty.NumberIntVal(1)}),
	} {
		if !a.Takes(v) {
			out = append(out, v)
		}
	}
	return out
}

// TestEveryRow drives every row of every kind through what a value can go through:
// a manifest, comparison, JSON, a saved plan, the ledger, an imported manifest and
// the documents; with every shape that its type allows, and observed with values of
// types that it does not have. What a provider says on the wire is its own test.
func TestEveryRow(t *testing.T) {
	for _, kind := range inventory.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			rows := rowsOf(kind)
			for _, r := range rows {
				r.find()
				if len(r.takes) == 0 && !r.attr.Computed {
					t.Errorf("%s.%s takes nothing that the test knows", kind.Name, r.path)
				}
			}
			rapid.Check(t, func(rt *rapid.T) { everyRow(rt, kind, rows) })
		})
	}
}

// find keeps the candidates that a manifest takes, in the form in which it holds them.
func (r *row) find() {
	for _, v := range candidates(r.attr) {
		if r.attr.Computed {
			r.takes = append(r.takes, v)
		} else if res := loaded(declaration(r.kind, map[*row]cty.Value{r: v})); res != nil {
			r.takes = append(r.takes, res.Attrs[r.path])
		}
	}
}

// everyRow draws a wish and an observation of each row, and holds them together.
func everyRow(t *rapid.T, kind *inventory.Kind, rows []*row) {
	wish, live := map[*row]cty.Value{}, inventory.Attrs{}
	for _, r := range rows {
		want := rapid.SampledFrom(r.takes).Draw(t, string(r.path))
		have := rapid.SampledFrom(slices.Concat(r.takes, foreign(r.attr), []cty.Value{cty.NilVal})).Draw(t, string(r.path)+" live")
		compare(t, r, want, have)
		live[r.path] = have
		if !r.attr.Computed && r.attr.Name != "absent" && rapid.Bool().Draw(t, "declared") {
			wish[r] = want
		}
	}
	text := declaration(kind, wish)
	res := loaded(text)
	if res == nil {
		return // what two rows say excludes each other
	}
	o := inventory.Observation{State: inventory.Present, At: time.Now(), Running: live, Digest: "d", Resource: inventory.Resource{
		Addr: res.Addr, Identity: res.Identity, Provider: res.Provider, Attrs: live,
	}}
	planned(t, res, o)
	imported(t, kind, o, rows)
	if rapid.IntRange(0, 19).Draw(t, "documents") == 0 { // one in twenty, since it runs commands
		documented(t, text, res, o)
	}
}

// compare holds two values of a row against each other and through JSON.
func compare(t *rapid.T, r *row, want, have cty.Value) {
	a := r.attr
	if !a.Same(want, want) || !a.SameInUse(have, have) {
		t.Fatalf("%s is not what it is: %#v, %#v", r.path, want, have)
	}
	if !inventory.IsNull(have) && !a.Takes(have) && (a.Same(want, have) || a.Same(have, want)) {
		t.Fatalf("%s: %#v agrees with %#v, which is of another type", r.path, want, have)
	}
	for _, v := range []cty.Value{want, have} {
		if a.Show(v) == "" || inventory.ShowValue(v) == "" {
			t.Fatalf("%s shows nothing for %#v", r.path, v)
		}
		if plain, err := json.Marshal(inventory.JSONValue(v)); err != nil || !json.Valid(plain) {
			t.Fatalf("%s is the JSON %s, %v", r.path, plain, err)
		}
		raw, err := json.Marshal(inventory.Value{Value: v})
		var back inventory.Value
		if err == nil {
			err = json.Unmarshal(raw, &back)
		}
		if err != nil || inventory.IsNull(v) != inventory.IsNull(back.Value) || !inventory.IsNull(v) && !v.RawEquals(back.Value) {
			t.Fatalf("%s: %#v is stored as %s and comes back as %#v, %v", r.path, v, raw, back.Value, err)
		}
	}
}

// planned compares the resource with the observation, and saves and loads the plan.
func planned(t *rapid.T, res *inventory.Resource, o inventory.Observation) {
	req := reconcile.Request{Input: reconcile.Input{
		Desired: []inventory.Resource{*res}, Snapshots: []inventory.Snapshot{{Provider: res.Provider, Observations: []inventory.Observation{o}, Complete: true}}, Now: o.At,
	}}
	p, err := reconcile.New(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Changes {
		for _, f := range p.Changes[i].Fields {
			if f.Writes() && f.Attr.Same(f.Desired, f.Live) {
				t.Fatalf("%s is to be written although %#v is %#v", f.Path, f.Live, f.Desired)
			}
		}
	}
	if out, err := json.Marshal(p); err != nil || !json.Valid(out) {
		t.Fatalf("the plan is the JSON %s, %v", out, err)
	}
	saved, err := p.Save(reconcile.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := reconcile.ReadPlan(saved)
	if err != nil {
		t.Fatalf("the plan does not load: %v\n%s", err, saved)
	}
	if _, err := file.Hold(p); err != nil {
		t.Fatalf("the plan is not what it was saved from: %v\n%s", err, saved)
	}
	again, err := file.Claim()
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Changes {
		for j, f := range p.Changes[i].Fields {
			got := again.Changes[i].Fields[j]
			if !f.Attr.Secret && (!equalOrNull(f.Desired, got.Desired) || !equalOrNull(f.Live, got.Live)) {
				t.Fatalf("%s is saved and comes back as %#v, %#v", f.Path, got.Desired, got.Live)
			}
		}
	}
}

func equalOrNull(a, b cty.Value) bool {
	return inventory.IsNull(a) && inventory.IsNull(b) || !inventory.IsNull(a) && !inventory.IsNull(b) && a.RawEquals(b)
}

// imported writes what was observed as a manifest, and reads it.
func imported(t *rapid.T, kind *inventory.Kind, o inventory.Observation, rows []*row) {
	o.Resource.Attrs = maps.Clone(o.Resource.Attrs)
	o.Resource.Attrs["vmid"] = cty.NumberIntVal(100)
	if kind.Attr("vmid") == nil {
		delete(o.Resource.Attrs, "vmid")
	}
	r := manifests.Rendering{Label: "x", Resource: o.Resource}
	if kind.Name == inventory.KindDaemon || kind.Name == inventory.KindService {
		r.Host = "box"
	}
	text := string(manifests.Render(r))
	res := loaded(text)
	if res == nil {
		_, diags := manifests.Load(fstest.MapFS{"recon.hcl": {Data: []byte(rowsProject)}, "manifests/x.hcl": {Data: []byte(text)}}, manifests.Options{})
		if !strings.Contains(diags.Error(), "Balloon larger") && !strings.Contains(diags.Error(), "Slot used twice") {
			t.Fatalf("what was imported is refused: %v\n%s", diags, text)
		}
		return
	}
	for _, row := range rows {
		declared, written := res.Attrs[row.path]
		if written && row.path != "name" && !row.attr.Same(declared, o.Resource.Attrs[row.path]) {
			t.Fatalf("%s is imported as %#v and is %#v\n%s", row.path, declared, o.Resource.Attrs[row.path], text)
		}
	}
}

// documented remembers the observation in a project whose sources are out of reach,
// and runs what tells of it.
func documented(t *rapid.T, text string, res *inventory.Resource, o inventory.Observation) {
	dir, err := os.MkdirTemp("", "rows")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	h := &home{t: t, dir: dir}
	h.write("recon.hcl", rowsProject)
	h.write("manifests/x.hcl", text)
	remember(t, filepath.Join(dir, ".recon"), res, o)
	for _, args := range [][]string{{"plan", "--refresh=false"}, {"plan", "--refresh=false", "-o", "json"}, {"context"}, {"inventory"}, {"inventory", "-o", "json"}, {"show", res.Addr.String(), "-o", "json"}} {
		if code := h.run(args...); code == api.ExitError || code == api.ExitUsage {
			t.Fatalf("recon %v exits with %d: %s\n%s", args, code, &h.err, text)
		}
		if slices.Contains(args, "json") && !json.Valid(h.out.Bytes()) {
			t.Fatalf("recon %v prints no JSON:\n%s", args, &h.out)
		}
	}
	if _, err := os.Stat(filepath.Join(h.dir, "CLAUDE.md")); errors.Is(err, os.ErrNotExist) {
		return // a source that never answered has no facts
	}
	if doc := h.read("CLAUDE.md"); !strings.Contains(doc, "recon:") {
		t.Fatalf("the document says\n%s", doc)
	}
}

// remember puts the observation and the wish into a ledger and reads them back.
func remember(t *rapid.T, dir string, res *inventory.Resource, o inventory.Observation) {
	ctx := context.Background()
	l, err := ledger.OpenFolder(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run, _, err := l.Write(ctx, "test", reconcile.Holder{})
	if err != nil {
		t.Fatal(err)
	}
	err = run.Learn(ctx, &reconcile.Learned{
		Seen: []inventory.Observation{o}, Applied: map[inventory.Address]inventory.Applied{res.Addr: {Identity: res.Identity, Attrs: res.Attrs}},
	})
	if err := errors.Join(err, run.Close(ctx, 0)); err != nil {
		t.Fatal(err)
	}
	memory, err := l.Recall(ctx, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := l.Seen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	seen, applied := all.Observations[o.Resource.Identity].Resource, memory.Applied
	for p, v := range o.Resource.Attrs {
		if !equalOrNull(v, seen.Attrs[p]) {
			t.Fatalf("%s was seen as %#v and is remembered as %#v", p, v, seen.Attrs[p])
		}
	}
	for p, v := range res.Attrs {
		if !equalOrNull(v, applied[res.Addr].Attrs[p]) {
			t.Fatalf("%s was applied as %#v and is remembered as %#v", p, v, applied[res.Addr].Attrs[p])
		}
	}
}
