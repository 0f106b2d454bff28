package manifests

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/gocty"
)

// argument decodes an argument into a Go string, bool, int or []string.
func (l *loader) argument(arg *hclsyntax.Attribute, s *scope, target any) bool {
	v, ok := l.eval(arg.Expr, s)
	if !ok {
		return false
	}
	t, err := gocty.ImpliedType(target)
	if err != nil {
		panic(err) // the target is ours
	}
	v, err = toType(v, t)
	if err == nil && (v.IsNull() || !v.IsWhollyKnown()) {
		err = errors.New("a value is required")
	}
	if err == nil {
		err = gocty.FromCtyValue(v, target)
	}
	if err != nil {
		l.report(errorAt(arg.Expr.Range(), "Unsuitable value", "%s: %s.", arg.Name, err))
		return false
	}
	return true
}

// attrValue turns a value into the canonical form of its attribute.
func attrValue(a *inventory.Attr, v cty.Value, expr hclsyntax.Expression) (cty.Value, *hcl.Diagnostic) {
	if !v.IsWhollyKnown() {
		return v, errorAt(expr.Range(), "Unknown value", "%s cannot be told before something else happens.", a.Name)
	}
	if err := inventory.CheckBounds(v); err != nil {
		return v, errorAt(expr.Range(), "Unsuitable value", "%s: %s.", a.Name, err)
	}
	if a.Unit == inventory.Bytes {
		return sizeValue(a, v, expr)
	}
	out, err := toType(v, a.Type)
	if err != nil {
		return v, errorAt(expr.Range(), "Unsuitable value", "%s takes a %s: %s.", a.Name, a.Type.FriendlyName(), err)
	}
	if _, whole := inventory.Shape(out, a.Type); !whole {
		err = errors.New("an item of it is null")
	} else {
		err = checkValue(a, out)
	}
	if errors.Is(err, errNewer) {
		return out, warnAt(expr.Range(), "Unknown value", "%s: %s. Proxmox decides whether there is such a value.", a.Name, err)
	}
	if err != nil {
		return v, errorAt(expr.Range(), "Unsuitable value", "%s: %s.", a.Name, err)
	}
	if a.Lower {
		return lower(out), nil
	}
	return out, nil
}

// sizeValue reads a size. A bare number is a mistake even where the language
// could make a string of it.
func sizeValue(a *inventory.Attr, v cty.Value, expr hclsyntax.Expression) (cty.Value, *hcl.Diagnostic) {
	if inventory.Holds(v, cty.Number) {
		n := v.AsBigFloat().Text('f', -1)
		meant := fmt.Sprintf("\"%sGiB\" or \"%sMiB\"", n, n)
		if f, _ := v.AsBigFloat().Float64(); f >= 256 { // what Proxmox calls memory = 8192
			meant = fmt.Sprintf("%q", n+"MiB")
		}
		return v, errorAt(expr.Range(), "Size without a unit", "%s = %s does not say what it counts; write %s.", a.Name, n, meant)
	}
	if !inventory.Holds(v, cty.String) {
		return v, errorAt(expr.Range(), "Not a size", "%s takes a string with a number and a unit: \"8GiB\".", a.Name)
	}
	n, err := inventory.ParseSize(v.AsString())
	if err == nil && a.Wire == inventory.WireMiB && n%inventory.MiB != 0 {
		err = fmt.Errorf("%q is not a whole number of MiB", v.AsString())
	}
	if err == nil {
		err = checkBounds(a, n)
	}
	if err != nil {
		return v, errorAt(expr.Range(), "Unsuitable size", "%s: %s.", a.Name, err)
	}
	return inventory.Size(n), nil
}

// decimalUnit warns of a unit that means powers of ten to many: Proxmox, and so recon,
// counts in powers of two.
func decimalUnit(a *inventory.Attr, v cty.Value, expr hclsyntax.Expression) *hcl.Diagnostic {
	text := strings.TrimSpace(inventory.Text(v))
	n, err := inventory.ParseSize(text)
	decimal := strings.HasSuffix(text, "B") && strings.ContainsAny(strings.TrimSuffix(text, "B"), "KMGT") && !strings.HasSuffix(text, "iB")
	if a.Unit != inventory.Bytes || err != nil || !decimal {
		return nil
	}
	return warnAt(expr.Range(), "Powers of two", "%s = %q is read as %s; write that.", a.Name, text, inventory.FormatSize(n))
}

func checkBounds(a *inventory.Attr, n int64) error {
	show := func(n int64) string { return a.Show(cty.NumberIntVal(n)) }
	switch {
	case n < a.Min:
		return fmt.Errorf("%s is below the minimum of %s", show(n), show(a.Min))
	case a.Max > 0 && n > a.Max:
		return fmt.Errorf("%s is above the maximum of %s", show(n), show(a.Max))
	}
	return nil
}

// errNewer is wrapped when a value is like none that this recon knows: a newer Proxmox may
// have it.
var errNewer = errors.New("")

// checkValue reports a value that no provider would take.
func checkValue(a *inventory.Attr, v cty.Value) error {
	if a.Type.Equals(cty.Number) {
		f, _ := v.AsBigFloat().Float64()
		whole := v.AsBigFloat().IsInt()
		if !whole && !a.Fraction {
			return errors.New("a whole number is required")
		}
		return checkBounds(a, int64(f))
	}
	if a.Enum != nil && !slices.Contains(a.Enum, inventory.Text(v)) {
		text := fmt.Sprintf("%q is not one of %s", inventory.Text(v), strings.Join(a.Enum, ", "))
		if meant := a.Meant[strings.ToLower(inventory.Text(v))]; meant != "" {
			text += fmt.Sprintf(". Did you mean %q?", meant)
		} else if hint := inventory.DidYouMean(inventory.Text(v), a.Enum); hint != "" {
			text += "." + strings.TrimSuffix(hint, ".")
		}
		if !strings.Contains(text, "Did you mean") {
			return fmt.Errorf("%s%w", text, errNewer)
		}
		return errors.New(text)
	}
	if a.Check != nil {
		return a.Check(v)
	}
	if strings.ContainsAny(inventory.Text(v), "\n\r\x00") && a.Wire != inventory.WireText {
		return errors.New("a single line is required")
	}
	return nil
}

// lower brings a set into lower case.
func lower(v cty.Value) cty.Value {
	items := inventory.Strings(v)
	for i, s := range items {
		items[i] = strings.ToLower(s)
	}
	return inventory.StringSet(items...)
}

// isLiteral reports whether an expression is spelled out in the file, so that it
// can be replaced in place: no reference, no function, no interpolation.
func isLiteral(expr hclsyntax.Expression) bool {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return true
	case *hclsyntax.TemplateExpr:
		return !slices.ContainsFunc(e.Parts, func(x hclsyntax.Expression) bool { return !isLiteral(x) })
	case *hclsyntax.ParenthesesExpr:
		return isLiteral(e.Expression)
	case *hclsyntax.UnaryOpExpr:
		return isLiteral(e.Val)
	case *hclsyntax.TupleConsExpr:
		return !slices.ContainsFunc(e.Exprs, func(x hclsyntax.Expression) bool { return !isLiteral(x) })
	}
	return false
}
