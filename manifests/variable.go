package manifests

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A given is a variable's value from outside the manifests.
type given struct {
	text  string    // of --var
	value cty.Value // of --var-file
	rng   hcl.Range
}

// givenVars reads --var-file and --var; --var wins.
func (l *loader) givenVars() map[string]given {
	out := map[string]given{}
	for _, name := range slices.Sorted(maps.Keys(l.opts.VarFiles)) {
		f, diags := parse(l.opts.VarFiles[name], name)
		l.report(diags...)
		if f == nil {
			continue
		}
		l.project.Files[name] = f
		for _, attr := range sortedAttrs(f.Body.(*hclsyntax.Body)) {
			if v, ok := l.eval(attr.Expr, &scope{}); ok {
				out[attr.Name] = given{value: v, rng: attr.SrcRange}
			}
		}
	}
	for name, text := range l.opts.Vars {
		out[name] = given{text: text}
	}
	return out
}

var variableSpec = spec{what: "a variable block", attrs: []string{"type", "default", "description", "sensitive"}}

// variable defines var.NAME. The value given outside wins over the default.
func (l *loader) variable(b *hclsyntax.Block, values map[string]given) {
	l.report(variableSpec.check(b.Body)...)
	name := b.Labels[0]
	n := &node{name: "var." + name, rng: b.DefRange(), state: broken}
	if !l.define(n) {
		return
	}
	t := cty.DynamicPseudoType
	if attr := b.Body.Attributes["type"]; attr != nil {
		var diags hcl.Diagnostics
		t, diags = typeexpr.TypeConstraint(attr.Expr)
		l.report(diags...)
	}
	v, ok := l.variableValue(b, t, values)
	if !ok {
		return
	}
	converted, err := toType(v, t)
	if err != nil {
		l.report(errorAt(b.DefRange(), "Wrong type of variable", "The value of var.%s does not fit its type: %s.", name, err))
		return
	}
	n.value, n.state = converted, ready
}

func (l *loader) variableValue(b *hclsyntax.Block, t cty.Type, values map[string]given) (cty.Value, bool) {
	name := b.Labels[0]
	g, set := values[name]
	switch {
	case set && g.rng.Filename != "":
		return g.value, true
	case set && (t.Equals(cty.DynamicPseudoType) || t.IsPrimitiveType()):
		return cty.StringVal(g.text), true
	case set:
		expr, diags := hclsyntax.ParseExpression([]byte(g.text), "--var "+name, hcl.InitialPos)
		l.report(diags...)
		if diags.HasErrors() {
			return cty.DynamicVal, false
		}
		return l.eval(expr, &scope{})
	}
	if attr := b.Body.Attributes["default"]; attr != nil {
		return l.eval(attr.Expr, &scope{})
	}
	l.report(errorAt(b.DefRange(), "Variable without a value", "var.%s has no default; set it with --var %s=VALUE or --var-file.", name, name))
	return cty.DynamicVal, false
}
