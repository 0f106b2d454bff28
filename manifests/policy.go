package manifests

import (
	"strings"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// policy decodes the arguments that the language adds to every resource.
func (d *guestDecoder) policy(arg *hclsyntax.Attribute) {
	p := &d.res.Policy
	switch arg.Name {
	case "cluster":
		d.link(arg.Expr, func(name string) { d.res.Provider = "proxmox." + name })
	case "host":
		d.host(arg)
	case "depends_on":
		d.dependsOn(arg)
	case "protect":
		d.argument(arg, d.scope, &p.Protect)
	case "exact":
		if d.argument(arg, d.scope, &p.Exact) {
			d.res.Origin[inventory.ExactPath] = arg.Expr.Range()
		}
	case "absent":
		d.argument(arg, d.scope, &p.Absent)
	case "terraform_address":
		d.argument(arg, d.scope, &p.Terraform)
	case "owner":
		d.owner(arg)
	case "aliases":
		d.argument(arg, d.scope, &p.Aliases)
	case "on_drift":
		if d.argument(arg, d.scope, &p.OnDrift) {
			d.checkOnDrift(arg)
		}
	}
}

func (d *guestDecoder) checkOnDrift(arg *hclsyntax.Attribute) {
	switch p := &d.res.Policy; p.OnDrift {
	case "report":
	case "heal":
		p.Heal = inventory.Heal{Allow: inventory.ImpactReload, AtMost: healAtMost}
		d.res.Origin[healOrigin] = arg.Expr.Range()
	case "adopt":
		d.report(errorAt(arg.Expr.Range(), "Not possible yet", "recon writes no manifest by itself; write on_drift = \"report\", and use recon adopt."))
		p.OnDrift = "report"
	default:
		d.report(errorAt(arg.Expr.Range(), "Unknown policy", "on_drift takes \"report\", \"heal\" or \"adopt\".%s", inventory.DidYouMean(p.OnDrift, []string{"report", "heal", "adopt"})))
		p.OnDrift = "report"
	}
}

// link reads the name of a cluster: proxmox.home.
func (d *guestDecoder) link(expr hclsyntax.Expression, use func(name string)) {
	t, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() || len(t) != 2 || t.RootName() != "proxmox" {
		d.report(errorAt(expr.Range(), "Not a cluster", "cluster takes the address of a proxmox block, without quotes: proxmox.home."))
		return
	}
	if name, ok := t[1].(hcl.TraverseAttr); ok {
		use(name.Name)
	}
}

func (d *guestDecoder) dependsOn(arg *hclsyntax.Attribute) {
	items, diags := hcl.ExprList(arg.Expr)
	if diags.HasErrors() {
		d.report(errorAt(arg.Expr.Range(), "Not a list of addresses", "depends_on takes a list of addresses, without quotes: [lxc.pihole, vm.db]."))
		return
	}
	for _, item := range items {
		addr, diag := staticAddress(item)
		if diag != nil {
			d.report(diag)
			continue
		}
		if addr.Kind == inventory.KindCheck {
			d.res.Policy.Gates = append(d.res.Policy.Gates, addr)
		} else {
			d.res.Policy.DependsOn = append(d.res.Policy.DependsOn, addr)
		}
		d.pending = append(d.pending, pendingLink{addr: addr, rng: item.Range(), gate: true})
	}
}

var ignoreSpec = spec{what: "an ignore block", attrs: []string{"until", "reason"}}

// ignore decodes: ignore "path" { until = "2027-01-01", reason = "..." }
func (d *guestDecoder) ignore(b *hclsyntax.Block) {
	d.reportOnce(ignoreSpec.check(b.Body))
	if diag := labels(b, "path"); diag != nil {
		d.report(diag)
		return
	}
	ig := inventory.Ignore{Path: inventory.Path(b.Labels[0]), Range: b.DefRange()}
	if !d.guest.kind.Knows(ig.Path) {
		first, _, _ := strings.Cut(b.Labels[0], ".")
		s := guestSpec(d.guest.kind)
		d.report(errorAt(b.LabelRanges[0], "Unknown field", "A %s has no field %q.%s", d.guest.kind.Name, ig.Path, inventory.DidYouMean(first, append(s.attrs, s.blocks...))))
		return
	}
	if arg := b.Body.Attributes["reason"]; arg != nil {
		d.argument(arg, d.scope, &ig.Reason)
	}
	if arg := b.Body.Attributes["until"]; arg != nil {
		d.until(arg, &ig)
	}
	d.res.Policy.Ignore = append(d.res.Policy.Ignore, ig)
}

// until reads the day on which an ignore rule ends, and says when that day is past.
func (d *guestDecoder) until(arg *hclsyntax.Attribute, ig *inventory.Ignore) {
	var day string
	if !d.argument(arg, d.scope, &day) {
		return
	}
	t, err := time.ParseInLocation(time.DateOnly, day, time.Local)
	if err != nil {
		d.report(errorAt(arg.Expr.Range(), "Not a date", "until takes a day: \"2027-01-31\"."))
		return
	}
	ig.Until = t
	if now := d.opts.Now; !now.IsZero() && !now.Before(t) {
		d.report(warnAt(ig.Range, "Ignore rule has expired", "%s of %s is compared again since %s. Remove the rule, or set a later day.", ig.Path, d.res.Addr, day))
	}
}

var createSpecs = map[string]spec{
	"vm":  {what: "a create block of a vm", attrs: []string{"clone", "full", "storage", "node", "start"}},
	"lxc": {what: "a create block of an lxc", attrs: []string{"template", "clone", "full", "storage", "node", "start", "password", "ssh_keys"}},
}

// create decodes how the guest is made when it does not exist.
func (d *guestDecoder) create(b *hclsyntax.Block) {
	if diag := labels(b); diag != nil {
		d.report(diag)
		return
	}
	if d.res.Policy.Create != nil {
		d.report(errorAt(b.DefRange(), "Duplicate block", "create is already written at %s.", place(d.res.Policy.Create.Range)))
		return
	}
	d.reportOnce(createSpecs[d.guest.kind.Name].check(b.Body))
	c := &inventory.Create{Range: b.DefRange()}
	targets := map[string]any{"clone": &c.Clone, "full": &c.Full, "template": &c.Template, "storage": &c.Storage, "node": &c.Node, "start": &c.Start}
	for _, arg := range sortedAttrs(b.Body) {
		switch target, ok := targets[arg.Name]; {
		case ok:
			d.argument(arg, d.scope, target)
		case arg.Name == "password":
			d.createPassword(arg, c)
		case arg.Name == "ssh_keys":
			if v, ok := d.eval(arg.Expr, d.scope); ok {
				if list, err := toType(v, cty.List(cty.String)); err == nil {
					c.SSHKeys = inventory.Strings(list)
				}
			}
		}
	}
	if c.Template != "" && c.Clone != "" {
		d.report(errorAt(b.DefRange(), "Two origins", "create takes either template or clone."))
	}
	d.res.Policy.Create = c
}

func (d *guestDecoder) createPassword(arg *hclsyntax.Attribute, c *inventory.Create) {
	var s string
	if isLiteral(arg.Expr) {
		d.project.secrets = append(d.project.secrets, arg.Expr.Range())
		d.report(warnAt(arg.Expr.Range(), "Secret in a manifest", "The password stands in the file itself. Take it from env(), file() or a variable."))
	}
	if d.argument(arg, d.scope, &s) {
		c.Password = cty.StringVal(s)
	}
}
