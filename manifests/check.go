package manifests

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// A Check is a check block.
type Check struct {
	inventory.Check
	Command []string // token_command, which gives the token when it is needed

	// Credentials holds what went wrong with the token alone: it matters to whoever asks,
	// not to a command that only reads manifests.
	Credentials hcl.Diagnostics
}

// Check returns the check at an address, or nil.
func (p *Project) Check(a inventory.Address) *Check {
	for i := range p.Checks {
		if p.Checks[i].Addr == a {
			return &p.Checks[i]
		}
	}
	return nil
}

func checkSpec() spec {
	s := spec{what: "a check block", attrs: []string{"every", "severity"}}
	for _, k := range inventory.CheckKinds() {
		s.blocks = append(s.blocks, k.Name)
	}
	return s
}

// checks decodes the check blocks. Clusters and hosts are known by then.
func (l *loader) checks() {
	for _, b := range l.blocks {
		if b.Type != inventory.KindCheck {
			continue
		}
		l.report(checkSpec().check(b.Body)...)
		if d := labels(b, "name"); d != nil {
			l.report(d)
			continue
		}
		if !labelPattern.MatchString(b.Labels[0]) {
			l.report(errorAt(b.LabelRanges[0], "Invalid label", "A label starts with a letter and has letters, digits, _ and - only."))
			continue
		}
		c := Check{Check: inventory.Check{Addr: inventory.Address{Kind: inventory.KindCheck, Name: b.Labels[0]}, Severity: "warning", Range: b.DefRange(), Attrs: inventory.Attrs{}}}
		if first := l.project.Check(c.Addr); first != nil {
			l.report(errorAt(b.DefRange(), "Duplicate definition", "%s is defined here and at %s.", c.Addr, place(first.Range)))
			continue
		}
		if l.check(b, &c) {
			l.project.Checks = append(l.project.Checks, c)
		}
	}
	slices.SortFunc(l.project.Checks, func(a, b Check) int { return inventory.CompareAddress(a.Addr, b.Addr) })
}

// check decodes one block, and reports whether it says what is to be asked.
func (l *loader) check(b *hclsyntax.Block, c *Check) bool {
	l.every(b, c)
	l.severity(b, c)
	var kinds []*hclsyntax.Block
	for _, k := range b.Body.Blocks {
		if inventory.CheckKindOf(k.Type) != nil {
			kinds = append(kinds, k)
		}
	}
	switch {
	case len(kinds) == 0:
		if len(b.Body.Blocks) == 0 { // else the spec has said what is wrong
			l.report(errorAt(b.DefRange(), "Nothing to ask",
				"A check holds one block that says what is asked: %s { ... }.", strings.Join(checkSpec().blocks, ", ")))
		}
		return false
	case len(kinds) > 1:
		l.report(errorAt(kinds[1].DefRange(), "Two things to ask",
			"A check asks one thing, and %s is written at %s; make two checks.", kinds[0].Type, place(kinds[0].DefRange())))
		return false
	}
	c.Kind = inventory.CheckKindOf(kinds[0].Type)
	l.checkArgs(kinds[0], c)
	return true
}

// severity reads how much it matters when the check fails.
func (l *loader) severity(b *hclsyntax.Block, c *Check) {
	arg := b.Body.Attributes["severity"]
	if arg == nil || !l.argument(arg, &scope{}, &c.Severity) {
		return
	}
	var known []string
	for _, s := range inventory.Severities() {
		known = append(known, string(s))
	}
	if !slices.Contains(known, c.Severity) {
		l.report(errorAt(arg.Expr.Range(), "Unknown severity",
			"severity takes %s.%s", strings.Join(known, ", "), inventory.DidYouMean(c.Severity, known)))
	}
}

// every reads for how long an answer is good.
func (l *loader) every(b *hclsyntax.Block, c *Check) {
	arg, text := b.Body.Attributes["every"], ""
	if arg == nil || !l.argument(arg, &scope{}, &text) {
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute || d > 30*24*time.Hour {
		l.report(errorAt(arg.Expr.Range(), "Not a time",
			"every is for how long an answer is good, from \"1m\" to \"720h\"; without it every look asks."))
		return
	}
	c.Every = d
}

// checkArgs decodes the block that says what is asked.
func (l *loader) checkArgs(b *hclsyntax.Block, c *Check) {
	s := spec{what: "a " + c.Kind.Name + " block"}
	for _, a := range c.Kind.Attrs {
		s.attrs = append(s.attrs, a.Name)
	}
	tokens := c.Kind.Attr("token") != nil
	if tokens {
		s.attrs = append(s.attrs, "token_command")
	}
	l.report(s.check(b.Body)...)
	l.report(labels(b))
	for _, arg := range sortedAttrs(b.Body) {
		if a := c.Kind.Attr(arg.Name); a != nil && !a.Secret {
			l.checkArg(arg, a, c)
		}
	}
	if tokens {
		l.checkToken(b, c)
	}
	for _, a := range c.Kind.Attrs {
		if a.Required && b.Body.Attributes[a.Name] == nil && !(a.Secret && b.Body.Attributes["token_command"] != nil) {
			l.report(errorAt(b.DefRange(), "Missing argument", "A %s block needs %s: %s", c.Kind.Name, a.Name, a.Doc))
		}
	}
	if c.Kind.Wants != nil {
		has := func(name string) bool {
			return b.Body.Attributes[name] != nil || name == "token" && b.Body.Attributes["token_command"] != nil
		}
		if wants := c.Kind.Wants(has); wants != "" {
			l.report(errorAt(b.DefRange(), "Does not fit together", "In a %s block, %s", c.Kind.Name, wants))
		}
	}
}

func (l *loader) checkArg(arg *hclsyntax.Attribute, a *inventory.Attr, c *Check) {
	if of := c.Kind.Links[a.Name]; of != "" {
		l.checkLink(arg, of, c)
		return
	}
	v, ok := l.eval(arg.Expr, &scope{})
	if !ok {
		return
	}
	if v.IsNull() {
		l.report(errorAt(arg.Expr.Range(), "Unsuitable value", "%s: a value is required.", a.Name))
		return
	}
	v, diag := attrValue(a, v, arg.Expr)
	l.report(diag)
	c.Attrs[inventory.Path(a.Name)] = v
}

// checkLink reads the block that a check names, without quotes.
func (l *loader) checkLink(arg *hclsyntax.Attribute, of string, c *Check) {
	addr, diag := staticAddress(arg.Expr)
	if diag != nil || addr.Kind != of || addr.Key != "" {
		l.report(errorAt(arg.Expr.Range(), "Not an address", "%s takes the address of a %s block, without quotes: %s.NAME.", arg.Name, of, of))
		return
	}
	names := map[string]bool{}
	for _, x := range l.project.Clusters {
		names["proxmox."+x.Name] = true
	}
	for _, x := range l.project.Hosts {
		names["host."+x.Name] = true
	}
	if !names[addr.String()] {
		l.report(errorAt(arg.Expr.Range(), "Unknown address",
			"%s is not declared anywhere.%s", addr, inventory.DidYouMean(addr.String(), slices.Sorted(maps.Keys(names)))))
	}
	c.Attrs[inventory.Path(arg.Name)] = cty.StringVal(addr.Name)
}

// checkToken reads the token. What goes wrong with reading it is kept aside: validate
// and fmt work without it.
func (l *loader) checkToken(b *hclsyntax.Block, c *Check) {
	token, command := b.Body.Attributes["token"], b.Body.Attributes["token_command"]
	if token != nil && command != nil {
		l.report(errorAt(command.SrcRange, "Two tokens", "A check takes either token or token_command."))
		return
	}
	outer := l.diags
	l.diags = nil
	defer func() { c.Credentials, l.diags = l.diags, append(outer, warnings(l.diags)...) }()
	text := ""
	switch {
	case command != nil:
		if l.argument(command, &scope{}, &c.Command) && len(c.Command) == 0 {
			l.report(errorAt(command.Expr.Range(), "Empty token_command",
				"token_command takes the words of a command: [\"pass\", \"show\", \"gitlab\"]."))
		}
	case token != nil:
		if isLiteral(token.Expr) {
			l.project.secrets = append(l.project.secrets, token.Expr.Range())
			l.report(warnAt(token.Expr.Range(), "Secret in a manifest",
				"The token stands in the file itself. Take it from env(), file() or token_command."))
		}
		if l.argument(token, &scope{}, &text) {
			c.Attrs["token"] = cty.StringVal(strings.TrimSpace(text))
		}
	}
	if strings.HasPrefix(c.Text("url"), "http://") && (token != nil || command != nil) {
		l.report(warnAt(b.Body.Attributes["url"].Expr.Range(), "Token without TLS",
			"Whoever stands between recon and %s can read the token. Use https.", c.Text("url")))
	}
}
