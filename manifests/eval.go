package manifests

import (
	"maps"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A node is something whose value can be referenced: var.x, local.x or a guest
// block. It is evaluated once, after everything that it refers to.
type node struct {
	name  string
	rng   hcl.Range
	expr  hclsyntax.Expression // of a local
	guest *guestBlock          // of a vm or lxc block
	state nodeState
	value cty.Value // of a variable or local, when state is ready
}

type nodeState int

const (
	waiting nodeState = iota
	active
	ready
	broken // its mistake is already reported
)

// A scope is what an expression can see beside the nodes, and collects the
// guests to which its expressions refer.
type scope struct {
	each map[string]cty.Value
	refs map[inventory.Address]bool

	// missing explains references of the expression at hand to fields that are not
	// declared. It is an explanation, not an error: try() and can() may expect it.
	missing hcl.Diagnostics
}

// variables evaluates the variable blocks, which refer to nothing.
func (l *loader) variables() {
	values := l.givenVars()
	for _, b := range l.vars {
		if d := labels(b, "name"); d != nil {
			l.report(d)
			continue
		}
		l.variable(b, values)
		delete(values, b.Labels[0])
	}
	known := slices.Sorted(maps.Keys(l.nodes))
	for name, v := range values {
		hint := inventory.DidYouMean("var."+name, known)
		if v.rng.Filename != "" {
			l.report(errorAt(v.rng, "Value for an undeclared variable", "No variable block declares %q.%s", name, hint))
			continue
		}
		l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Value for an undeclared variable", Detail: "No variable block declares \"" + name + "\", which --var sets." + hint})
	}
}

// evaluateAll evaluates every node, in the order of their references.
func (l *loader) evaluateAll() {
	for _, name := range slices.Sorted(maps.Keys(l.nodes)) {
		l.evaluate(l.nodes[name])
	}
}

// evaluate evaluates a node and reports whether it has a value.
func (l *loader) evaluate(n *node) bool {
	switch n.state {
	case ready:
		return true
	case broken:
		return false
	case active:
		l.reportCycle(n)
		return false
	}
	n.state = active
	l.stack = append(l.stack, n)
	ok := false
	if n.guest != nil {
		ok = l.evaluateGuest(n.guest)
	} else {
		n.value, ok = l.eval(n.expr, &scope{})
	}
	l.stack = l.stack[:len(l.stack)-1]
	if n.state == active && ok {
		n.state = ready
	} else {
		n.state = broken
	}
	return n.state == ready
}

// reportCycle names every member of a cycle that ends in n.
func (l *loader) reportCycle(n *node) {
	members := l.stack[slices.Index(l.stack, n):]
	var names, places []string
	for _, m := range members {
		if m.state == broken {
			return
		}
		names = append(names, m.name)
		places = append(places, m.name+" at "+place(m.rng))
	}
	for _, m := range members {
		m.state = broken
	}
	l.report(errorAt(n.rng, "Reference cycle", "These need each other's values: %s. The definitions are %s.", strings.Join(append(names, n.name), " -> "), strings.Join(places, ", ")))
}

// eval evaluates an expression. On a mistake it reports and returns false.
func (l *loader) eval(expr hclsyntax.Expression, s *scope) (cty.Value, bool) {
	s.missing = nil
	if isLiteral(expr) {
		v, diags := expr.Value(nil)
		l.report(diags...)
		return v, !diags.HasErrors()
	}
	ctx := &hcl.EvalContext{Functions: l.functions}
	if traversals := expr.Variables(); len(traversals) > 0 {
		vars, ok := l.resolveAll(traversals, s)
		if !ok {
			return cty.DynamicVal, false
		}
		ctx.Variables = vars
	}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() && len(s.missing) > 0 {
		diags = s.missing
	}
	l.report(diags...)
	if diags.HasErrors() {
		return cty.DynamicVal, false
	}
	return v, true
}

// resolveAll evaluates what the traversals refer to and builds the variables of
// an evaluation context that holds just that.
func (l *loader) resolveAll(traversals []hcl.Traversal, s *scope) (map[string]cty.Value, bool) {
	roots := map[string]map[string]cty.Value{}
	all := true
	for _, t := range traversals {
		root := t.RootName()
		if root == "each" {
			all = l.resolveEach(t, s) && all
			continue
		}
		name, v, ok := l.resolve(t, s)
		if !ok {
			all = false
			continue
		}
		if roots[root] == nil {
			roots[root] = map[string]cty.Value{}
		}
		roots[root][name] = v
	}
	if !all {
		return nil, false
	}
	vars := make(map[string]cty.Value, len(roots)+1)
	for root, members := range roots {
		vars[root] = cty.ObjectVal(members)
	}
	if s.each != nil {
		vars["each"] = cty.ObjectVal(s.each)
	}
	return vars, true
}

func (l *loader) resolveEach(t hcl.Traversal, s *scope) bool {
	if s.each == nil {
		l.report(errorAt(t.SourceRange(), "No for_each here", "each.key and each.value exist only in a block that has a for_each argument."))
		return false
	}
	return true
}

// resolve evaluates the node to which a traversal leads.
func (l *loader) resolve(t hcl.Traversal, s *scope) (member string, v cty.Value, ok bool) {
	root := t.RootName()
	if !slices.Contains([]string{"var", "local", "vm", "lxc", inventory.KindDaemon, inventory.KindService}, root) {
		hint := inventory.DidYouMean(root, []string{"var", "local", "each", "vm", "lxc", inventory.KindService})
		l.report(errorAt(t.SourceRange(), "Unknown reference", "%q is nothing that can be referred to.%s A string needs quotes.", root, hint))
		return "", cty.DynamicVal, false
	}
	step, isAttr := hcl.TraverseAttr{}, false
	if len(t) > 1 {
		step, isAttr = t[1].(hcl.TraverseAttr)
	}
	if !isAttr {
		l.report(errorAt(t.SourceRange(), "Incomplete reference", "Write %s.NAME.", root))
		return "", cty.DynamicVal, false
	}
	n := l.nodes[root+"."+step.Name]
	if n == nil {
		hint := inventory.DidYouMean(root+"."+step.Name, slices.Sorted(maps.Keys(l.nodes)))
		l.report(errorAt(t.SourceRange(), "Unknown reference", "%s.%s is not declared anywhere.%s", root, step.Name, hint))
		return "", cty.DynamicVal, false
	}
	if !l.evaluate(n) {
		return "", cty.DynamicVal, false
	}
	if n.guest == nil {
		return step.Name, n.value, true
	}
	s.refer(t, n)
	return step.Name, n.guest.value(), true
}

// refer notes the edge to a guest, and explains a reference to a field that its
// block does not declare: only what is written can be referred to.
func (s *scope) refer(t hcl.Traversal, n *node) {
	v, rest, addr := n.guest.value(), t[2:], inventory.Address{Kind: n.guest.kind.Name, Name: n.guest.label}
	explain := func(summary, format string, args ...any) {
		s.missing = append(s.missing, errorAt(t.SourceRange(), summary, format, args...))
	}
	if n.guest.forEach() && len(rest) > 0 {
		index, ok := rest[0].(hcl.TraverseIndex)
		if !ok || !inventory.Holds(index.Key, cty.String) || !v.Type().HasAttribute(index.Key.AsString()) {
			explain("Unknown instance", "%s has for_each; write %s[\"KEY\"] with one of its keys: %s.", n.name, n.name, strings.Join(attrNames(v), ", "))
			return
		}
		addr.Key = index.Key.AsString()
		v, rest = v.GetAttr(addr.Key), rest[1:]
	}
	s.note(addr, n)
	if len(rest) == 0 {
		return
	}
	field, ok := rest[0].(hcl.TraverseAttr)
	switch {
	case !ok || v.Type().HasAttribute(field.Name):
	case field.Name == "address":
		explain("No declared address", "%s declares no address, so there is nothing to refer to. Write an address in one of its network blocks.", addr)
	default:
		explain("Not a declared field", "%s does not declare %q, and only what is declared can be referred to.%s", addr, field.Name, inventory.DidYouMean(field.Name, attrNames(v)))
	}
}

// note records that the scope's block refers to a guest; without a key it refers
// to every instance.
func (s *scope) note(addr inventory.Address, n *node) {
	if s.refs == nil {
		return
	}
	if addr.Key == "" && n.guest.forEach() {
		for _, key := range n.guest.keys {
			s.refs[inventory.Address{Kind: addr.Kind, Name: addr.Name, Key: key}] = true
		}
		return
	}
	s.refs[addr] = true
}

func attrNames(v cty.Value) []string {
	if !v.Type().IsObjectType() {
		return nil
	}
	return slices.Sorted(maps.Keys(v.Type().AttributeTypes()))
}
