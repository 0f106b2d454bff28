package manifests

import (
	"slices"
	"strings"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A Terraform is a terraform block: where a state of Terraform or OpenTofu is.
// Exactly one of Directory, State and JSON is set. Paths are as they are written.
type Terraform struct {
	Name      string
	Directory string // a folder with code, in which terraform runs
	State     string // a state file, read without a binary
	JSON      string // the output of terraform show -json
	Binary    string // terraform or tofu; "" looks for them on the PATH
	Workspace string // "" takes the selected one
	Cluster   string // whose guests it is about
	Timeout   time.Duration
	Range     hcl.Range
}

var terraformSpec = spec{what: "a terraform block", attrs: []string{"directory", "state", "json", "binary", "workspace", "cluster", "timeout"}}

// terraforms decodes the terraform blocks. The clusters are known by then.
func (l *loader) terraforms() {
	first := map[string]hcl.Range{}
	for _, b := range l.blocks {
		if b.Type != "terraform" {
			continue
		}
		l.report(terraformSpec.check(b.Body)...)
		if d := labels(b, "name"); d != nil {
			l.report(d)
			continue
		}
		name := b.Labels[0]
		if rng, taken := first[name]; taken {
			l.report(errorAt(b.DefRange(), "Duplicate definition", "terraform.%s is defined here and at %s.", name, place(rng)))
			continue
		}
		if !labelPattern.MatchString(name) {
			l.report(errorAt(b.LabelRanges[0], "Invalid label", "A label starts with a letter and has letters, digits, _ and - only."))
		}
		first[name] = b.DefRange()
		l.project.Terraform = append(l.project.Terraform, l.terraform(b))
	}
}

func (l *loader) terraform(b *hclsyntax.Block) Terraform {
	t := Terraform{Name: b.Labels[0], Range: b.DefRange()}
	targets := map[string]*string{"directory": &t.Directory, "state": &t.State, "json": &t.JSON, "binary": &t.Binary, "workspace": &t.Workspace}
	for _, arg := range sortedAttrs(b.Body) {
		target, ok := targets[arg.Name]
		if ok && l.argument(arg, &scope{}, target) && *target == "" {
			l.report(errorAt(arg.Expr.Range(), "Empty argument", "%s is empty; leave it out instead.", arg.Name))
		}
	}
	t.Timeout = l.timeout(b)
	l.terraformSource(b)
	t.Cluster = l.oneCluster(b, "terraform."+t.Name)
	return t
}

// terraformSource reports a block that does not say exactly one place, and what goes
// with a folder only.
func (l *loader) terraformSource(b *hclsyntax.Block) {
	var sources []*hclsyntax.Attribute
	for _, arg := range sortedAttrs(b.Body) {
		if slices.Contains([]string{"directory", "state", "json"}, arg.Name) {
			sources = append(sources, arg)
		}
	}
	switch len(sources) {
	case 1:
	case 0:
		l.report(errorAt(b.DefRange(), "Missing argument", "A terraform block says where the state is: directory = \"FOLDER WITH CODE\", state = \"terraform.tfstate\", or json = \"OUTPUT OF terraform show -json\"."))
		return
	default:
		l.report(errorAt(sources[1].SrcRange, "Two sources", "A terraform block takes one of directory, state and json; %s is written at %s.", sources[0].Name, place(sources[0].SrcRange)))
		return
	}
	for _, name := range []string{"binary", "workspace"} {
		if arg := b.Body.Attributes[name]; arg != nil && sources[0].Name != "directory" {
			l.report(errorAt(arg.SrcRange, "Nothing to run", "%s goes with directory; %s is read without running anything.", name, sources[0].Name))
		}
	}
}

// oneCluster reads the cluster that a block is about, which may be left out while there is
// one; who names the block, as terraform.cloud.
func (l *loader) oneCluster(b *hclsyntax.Block, who string) (name string) {
	arg := b.Body.Attributes["cluster"]
	switch {
	case arg == nil && len(l.project.Clusters) == 1:
		return l.project.Clusters[0].Name
	case arg == nil && len(l.project.Clusters) == 0:
		l.reportOnceFor("no cluster", errorAt(b.DefRange(), "No cluster", "No proxmox block says whose guests %s is about.", who))
	case arg == nil:
		l.report(errorAt(b.DefRange(), "Which cluster?", "There are %d proxmox blocks; write cluster = proxmox.NAME.", len(l.project.Clusters)))
	default:
		var diag *hcl.Diagnostic
		name, diag = clusterName(arg.Expr)
		l.report(diag)
		if diag == nil && l.project.Cluster(name) == nil {
			var names []string
			for _, c := range l.project.Clusters {
				names = append(names, c.Name)
			}
			l.report(errorAt(arg.Expr.Range(), "Unknown cluster", "proxmox.%s is not declared.%s", name, inventory.DidYouMean(name, names)))
		}
	}
	return name
}

// clusterName reads proxmox.home.
func clusterName(expr hclsyntax.Expression) (string, *hcl.Diagnostic) {
	t, diags := hcl.AbsTraversalForExpr(expr)
	if !diags.HasErrors() && len(t) == 2 && t.RootName() == "proxmox" {
		if name, ok := t[1].(hcl.TraverseAttr); ok {
			return name.Name, nil
		}
	}
	return "", errorAt(expr.Range(), "Not a cluster", "cluster takes the address of a proxmox block, without quotes: proxmox.home.")
}

// owner reads who may write to a guest that Terraform knows.
func (d *guestDecoder) owner(arg *hclsyntax.Attribute) {
	p := &d.res.Policy
	if d.argument(arg, d.scope, &p.Owner) && p.Owner != "recon" {
		d.report(errorAt(arg.Expr.Range(), "Unknown owner", "owner takes \"recon\": recon writes to the guest although Terraform knows it. Leave it out for a guest that is changed through Terraform.%s", inventory.DidYouMean(strings.ToLower(p.Owner), []string{"recon"})))
		p.Owner = ""
	}
}
