package manifests

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A guestBlock is one vm or lxc block: one resource, or one an instance of its
// for_each.
type guestBlock struct {
	kind      *inventory.Kind
	label     string
	block     *hclsyntax.Block
	each      *hclsyntax.Attribute // for_each, if it is written
	keys      []string             // of for_each, once it is evaluated
	resources []inventory.Resource
	decoded   []*guestDecoder
	seen      cty.Value // what references see; made when the first one looks
}

// value is what references to the block see: the one resource, or an object of its
// instances.
func (g *guestBlock) value() cty.Value {
	if !inventory.IsNull(g.seen) {
		return g.seen
	}
	if !g.forEach() {
		g.seen = g.decoded[0].reference()
		return g.seen
	}
	members := make(map[string]cty.Value, len(g.decoded))
	for _, d := range g.decoded {
		members[d.res.Addr.Key] = d.reference()
	}
	g.seen = cty.ObjectVal(members)
	return g.seen
}

func (g *guestBlock) forEach() bool { return g.each != nil }

var labelPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func (l *loader) collectGuest(b *hclsyntax.Block) {
	if d := labels(b, "name"); d != nil {
		l.report(d)
		return
	}
	if !labelPattern.MatchString(b.Labels[0]) {
		l.report(errorAt(b.LabelRanges[0], "Invalid label", "A label starts with a letter and has letters, digits, _ and - only. Another name for Proxmox goes into the argument \"name\"."))
		return
	}
	g := &guestBlock{kind: inventory.KindOf(b.Type), label: b.Labels[0], block: b, each: b.Body.Attributes["for_each"]}
	l.report(guestSpec(g.kind).check(b.Body)...)
	if l.define(&node{name: b.Type + "." + g.label, rng: b.DefRange(), guest: g}) {
		l.guests = append(l.guests, g)
	}
}

// guestSpec lists what a guest block may hold: the kind's table and what the
// language adds to every resource.
func guestSpec(k *inventory.Kind) spec {
	s := spec{
		what:   "a " + k.Name + " block",
		attrs:  []string{"for_each", "cluster", "depends_on", "protect", "exact", "on_drift", "absent", "terraform_address", "owner", "aliases"},
		blocks: []string{"ignore", "create", "heal"},
	}
	if onHost(k) {
		s.attrs, s.blocks = []string{"for_each", "host", "depends_on", "protect", "on_drift"}, []string{"ignore", "heal"}
	}
	for _, a := range k.Attrs {
		s.attrs = append(s.attrs, a.Name)
	}
	for _, b := range k.Blocks {
		s.blocks = append(s.blocks, b.Name)
	}
	return s
}

// evaluateGuest decodes the block's resources, and lets go of the syntax tree, which
// weighs more than they do.
func (l *loader) evaluateGuest(g *guestBlock) bool {
	defer func() { g.block.Body = &hclsyntax.Body{} }()
	if !g.forEach() {
		l.instance(g, "", nil)
		return true
	}
	each, ok := l.forEachValues(g)
	if !ok {
		return false
	}
	g.keys = slices.SortedFunc(maps.Keys(each), inventory.NaturalCompare)
	for _, key := range g.keys {
		l.instance(g, key, each[key])
	}
	return true
}

// forEachValues evaluates for_each to each.key and each.value of every instance.
func (l *loader) forEachValues(g *guestBlock) (map[string]map[string]cty.Value, bool) {
	expr := g.each.Expr
	v, ok := l.eval(expr, &scope{})
	if !ok {
		return nil, false
	}
	t := v.Type()
	if v.IsNull() || !v.IsWhollyKnown() || !(t.IsMapType() || t.IsObjectType() || t.IsSetType() && t.ElementType().Equals(cty.String)) {
		l.report(errorAt(expr.Range(), "Unsuitable for_each", "for_each takes a map, or a set of strings: toset([\"a\", \"b\"])."))
		return nil, false
	}
	out := map[string]map[string]cty.Value{}
	for it := v.ElementIterator(); it.Next(); {
		k, val := it.Element()
		if t.IsSetType() {
			k = val
		}
		if k.IsNull() || k.AsString() == "" || strings.ContainsAny(k.AsString(), "\"\n") {
			l.report(errorAt(expr.Range(), "Unsuitable for_each key", "Keys of for_each are strings that are not empty and hold no quote."))
			return nil, false
		}
		out[k.AsString()] = map[string]cty.Value{"key": k, "value": val}
	}
	return out, true
}

// A guestDecoder decodes one instance of a guest block.
type guestDecoder struct {
	*loader
	guest   *guestBlock
	scope   *scope
	res     inventory.Resource
	written map[inventory.Path]cty.Value // values as the author spelled them, where their type is another one
}

// instance decodes one resource and adds it to the block.
func (l *loader) instance(g *guestBlock, key string, each map[string]cty.Value) {
	d := &guestDecoder{
		loader: l, guest: g,
		scope:   &scope{each: each, refs: map[inventory.Address]bool{}},
		written: map[inventory.Path]cty.Value{},
		res: inventory.Resource{
			Addr:   inventory.Address{Kind: g.kind.Name, Name: g.label, Key: key},
			Attrs:  inventory.Attrs{},
			Origin: map[inventory.Path]hcl.Range{},
			Range:  g.block.DefRange(),
			Policy: inventory.Policy{OnDrift: "report"},
		},
	}
	d.attributes()
	for _, b := range g.block.Body.Blocks {
		d.nested(b)
	}
	d.defaultName()
	d.required()
	d.consistency()
	d.res.Policy.References = slices.SortedFunc(maps.Keys(d.scope.refs), inventory.CompareAddress)
	g.resources = append(g.resources, d.res)
	g.decoded = append(g.decoded, d)
}

// attributes decodes the block's own arguments.
func (d *guestDecoder) attributes() {
	for _, arg := range sortedAttrs(d.guest.block.Body) {
		if a := d.guest.kind.Attr(arg.Name); a != nil {
			d.set(inventory.Path(a.Name), a, arg)
			continue
		}
		d.policy(arg)
	}
}

// set decodes one argument that the kind's table knows.
func (d *guestDecoder) set(p inventory.Path, a *inventory.Attr, arg *hclsyntax.Attribute) {
	if a.Computed {
		d.report(errorAt(arg.NameRange, "Observed only", "%s is what recon observes; it cannot be written.", p))
		return
	}
	v, ok := d.eval(arg.Expr, d.scope)
	if !ok || v.IsNull() {
		return
	}
	if a.Secret && isLiteral(arg.Expr) {
		d.project.secrets = append(d.project.secrets, arg.Expr.Range())
		d.report(warnAt(arg.Expr.Range(), "Secret in a manifest", "The value of %s stands in the file itself. Take it from env(), file() or a variable.", p))
	}
	if w := decimalUnit(a, v, arg.Expr); w != nil {
		d.report(w)
	}
	val, diag := attrValue(a, v, arg.Expr)
	d.report(diag)
	if diag != nil && diag.Severity == hcl.DiagError {
		return
	}
	d.res.Attrs[p] = val
	d.res.Origin[p] = arg.Expr.Range()
	if !v.Type().Equals(val.Type()) || !v.Type().IsPrimitiveType() {
		d.written[p] = v
	}
}

// nested decodes one block inside the guest's block.
func (d *guestDecoder) nested(b *hclsyntax.Block) {
	switch b.Type {
	case "ignore":
		d.ignore(b)
		return
	case "create":
		d.create(b)
		return
	case "heal":
		d.heal(b)
		return
	}
	block := d.guest.kind.Block(b.Type)
	if block == nil {
		return // reported by the spec
	}
	slot, ok := d.slot(block, b)
	if !ok {
		return
	}
	s := spec{what: "a " + b.Type + " block"}
	for _, a := range block.Attrs {
		s.attrs = append(s.attrs, a.Name)
	}
	d.reportOnce(s.check(b.Body))
	for _, arg := range sortedAttrs(b.Body) {
		if a := block.Attr(arg.Name); a != nil {
			d.set(block.Path(slot, a.Name), a, arg)
		}
	}
}

// reportOnce reports mistakes of the text, which every instance shares.
func (d *guestDecoder) reportOnce(diags hcl.Diagnostics) {
	if len(d.guest.resources) == 0 {
		d.report(diags...)
	}
}

// slot reads the label of a nested block and reports a slot that is unknown or
// taken.
func (d *guestDecoder) slot(block *inventory.Block, b *hclsyntax.Block) (string, bool) {
	if block.Free || block.Repeat {
		return d.freeSlot(block, b)
	}
	if block.Slots == nil {
		if diag := labels(b); diag != nil {
			d.report(diag)
			return "", false
		}
		return "", !d.taken(inventory.Path(block.Name), b)
	}
	if len(b.Labels) != 1 || !block.HasSlot(b.Labels[0]) {
		var ranges []string
		for _, r := range block.Slots {
			ranges = append(ranges, r.String())
		}
		d.report(errorAt(b.DefRange(), "Unknown slot", "A %s block is labelled with its slot: one of %s.", b.Type, strings.Join(ranges, ", ")))
		return "", false
	}
	return b.Labels[0], !d.taken(inventory.Path(block.Name+"."+b.Labels[0]), b)
}

func (d *guestDecoder) taken(p inventory.Path, b *hclsyntax.Block) bool {
	for _, other := range d.guest.block.Body.Blocks {
		if other == b {
			return false
		}
		if other.Type == b.Type && slices.Equal(other.Labels, b.Labels) {
			d.report(errorAt(b.DefRange(), "Duplicate block", "%s is already written at %s.", p, place(other.DefRange())))
			return true
		}
	}
	return false
}

// defaultName gives the guest its name: the one default that counts as written.
func (d *guestDecoder) defaultName() {
	attr := d.guest.kind.Attr("name")
	if attr == nil || !inventory.IsNull(d.res.Attrs["name"]) || d.guest.block.Body.Attributes["name"] != nil {
		return
	}
	name := d.res.Addr.Name
	if d.res.Addr.Key != "" {
		name = d.res.Addr.Key
	}
	v := cty.StringVal(name)
	if err := attr.Check(v); err != nil {
		d.report(errorAt(d.guest.block.LabelRanges[0], "Unsuitable name", "Without an argument \"name\" the guest is called %q, and %s. Write name = \"...\".", name, err))
		return
	}
	d.res.Attrs["name"] = v
	d.res.Origin["name"] = d.guest.block.LabelRanges[0]
}

func (d *guestDecoder) required() {
	if onHost(d.guest.kind) && d.guest.block.Body.Attributes["host"] == nil {
		d.report(errorAt(d.guest.block.DefRange(), "Missing argument", "%s needs the argument \"host\": the address of a host block, host.NAME.", d.res.Addr))
	}
	for _, a := range d.guest.kind.Attrs {
		if a.Required && d.guest.block.Body.Attributes[a.Name] == nil {
			d.report(errorAt(d.guest.block.DefRange(), "Missing argument", "%s needs the argument %q: %s", d.res.Addr, a.Name, a.Doc))
		}
	}
}

// consistency reports what no single argument can: fields that exclude each other.
func (d *guestDecoder) consistency() {
	at := d.res.Attrs
	if d.guest.kind.Name == "vm" {
		d.sharedSlots()
	}
	mem, ok1 := inventory.Int(at["memory"])
	balloon, ok2 := inventory.Int(at["balloon"])
	if ok1 && ok2 && d.guest.kind.Name == "vm" && balloon > mem {
		d.report(errorAt(d.res.Origin["balloon"], "Balloon larger than memory", "balloon is the memory that the VM keeps at least; it cannot exceed memory."))
	}
	if d.res.Policy.Absent && d.res.Policy.Protect {
		d.report(errorAt(d.res.Range, "Absent and protected", "%s has both absent = true and protect = true; recon never deletes what is protected.", d.res.Addr))
	}
}

// sharedSlots reports a disk slot that two blocks of different type claim.
func (d *guestDecoder) sharedSlots() {
	for _, slot := range d.res.Attrs.Slots("cdrom") {
		if p := inventory.Path("disk." + slot); d.res.Attrs.Has(p) {
			d.report(errorAt(d.res.Range, "Slot used twice", "%s is both a disk and a cdrom of %s.", slot, d.res.Addr))
		}
	}
}

// reference returns what other blocks see of the resource: its declared values as
// the author spelled them, nested blocks as objects, and address.
func (d *guestDecoder) reference() cty.Value {
	tree := map[string]any{}
	for p, v := range d.res.Attrs {
		if w, other := d.written[p]; other {
			v = w
		}
		put(tree, strings.Split(string(p), "."), v)
	}
	if a := firstAddress(d.res.Attrs); a != "" {
		tree["address"] = cty.StringVal(a)
	}
	return objectOf(tree)
}

func put(tree map[string]any, parts []string, v cty.Value) {
	if len(parts) == 1 {
		tree[parts[0]] = v
		return
	}
	sub, ok := tree[parts[0]].(map[string]any)
	if !ok {
		sub = map[string]any{}
		tree[parts[0]] = sub
	}
	put(sub, parts[1:], v)
}

func objectOf(tree map[string]any) cty.Value {
	attrs := make(map[string]cty.Value, len(tree))
	for name, v := range tree {
		switch v := v.(type) {
		case cty.Value:
			attrs[name] = v
		case map[string]any:
			attrs[name] = objectOf(v)
		default:
			panic(fmt.Sprintf("unexpected %T in a reference", v))
		}
	}
	return cty.ObjectVal(attrs)
}

// firstAddress returns the first declared address without its prefix length.
func firstAddress(at inventory.Attrs) string {
	for _, slot := range at.Slots("network") {
		for _, field := range []string{"address", "address6"} {
			a := inventory.Text(at[inventory.Path("network."+slot+"."+field)])
			ip, _, isCIDR := strings.Cut(a, "/")
			if isCIDR {
				return ip
			}
		}
	}
	return ""
}
