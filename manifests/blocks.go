package manifests

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

var (
	reconSpec   = spec{what: "the recon block", attrs: []string{"required_version", "max_changes", "max_change_percent", "exact"}}
	proxmoxSpec = spec{what: "a proxmox block", attrs: []string{"endpoints", "token", "token_command", "fingerprint", "ca_file", "insecure", "addresses", "timeout"}}
	movedSpec   = spec{what: "a moved block", attrs: []string{"from", "to"}}
)

// clusters decodes the proxmox blocks.
func (l *loader) clusters() {
	for _, b := range l.blocks {
		if b.Type != "proxmox" {
			continue
		}
		l.report(proxmoxSpec.check(b.Body)...)
		if d := labels(b, "name"); d != nil {
			l.report(d)
			continue
		}
		if first := l.project.Cluster(b.Labels[0]); first != nil {
			l.report(errorAt(b.DefRange(), "Duplicate definition", "proxmox.%s is defined here and at %s.", b.Labels[0], place(first.Range)))
			continue
		}
		l.project.Clusters = append(l.project.Clusters, l.cluster(b))
	}
}

func (l *loader) cluster(b *hclsyntax.Block) Cluster {
	c := Cluster{Name: b.Labels[0], Range: b.DefRange()}
	if !labelPattern.MatchString(c.Name) {
		l.report(errorAt(b.LabelRanges[0], "Invalid label", "A label starts with a letter and has letters, digits, _ and - only."))
	}
	targets := map[string]any{"endpoints": &c.Endpoints, "fingerprint": &c.Fingerprint, "ca_file": &c.CAFile, "insecure": &c.Insecure, "addresses": &c.Addresses}
	for _, arg := range sortedAttrs(b.Body) {
		if target, ok := targets[arg.Name]; ok {
			l.argument(arg, &scope{}, target)
		}
	}
	if b.Body.Attributes["endpoints"] == nil {
		l.report(errorAt(b.DefRange(), "Missing argument", "A proxmox block needs endpoints = [\"https://ADDRESS:8006\"]."))
	}
	for _, e := range c.Endpoints {
		if !strings.HasPrefix(e, "https://") || strings.Count(e, "/") != 2 {
			l.report(errorAt(b.Body.Attributes["endpoints"].Expr.Range(), "Unsuitable endpoint", "%q is not of the form https://ADDRESS:8006, without a path.", e))
		}
	}
	if c.Addresses != "" && c.Addresses != "agent" && c.Addresses != "configured" {
		rng := b.Body.Attributes["addresses"].Expr.Range()
		l.report(errorAt(rng, "Unknown way", "addresses takes \"agent\" (ask running guests, the default) or \"configured\".%s", inventory.DidYouMean(c.Addresses, []string{"agent", "configured"})))
	}
	c.Timeout = l.timeout(b)
	if c.Insecure {
		l.report(warnAt(b.Body.Attributes["insecure"].SrcRange, "TLS is not verified", "Whoever stands between recon and %s can read the token. Use fingerprint or ca_file.", c.Name))
	}
	l.credentials(b, &c)
	return c
}

// timeout reads how long a source may take for one look, 0 when nobody says.
func (l *loader) timeout(b *hclsyntax.Block) time.Duration {
	arg := b.Body.Attributes["timeout"]
	text := ""
	if arg == nil || !l.argument(arg, &scope{}, &text) {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d > time.Hour {
		l.report(errorAt(arg.Expr.Range(), "Not a time limit", "timeout is how long one look may take, from \"1s\" to \"1h\"; without it 30 s."))
		return 0
	}
	return d
}

// credentials reads the token. What goes wrong is kept aside: validate and fmt
// work without it.
func (l *loader) credentials(b *hclsyntax.Block, c *Cluster) {
	token, command := b.Body.Attributes["token"], b.Body.Attributes["token_command"]
	if (token == nil) == (command == nil) {
		l.report(errorAt(b.DefRange(), "Token", "A proxmox block takes either token or token_command: token = env(\"PVE_TOKEN\")."))
		return
	}
	outer := l.diags
	l.diags = nil
	defer func() { c.Credentials, l.diags = l.diags, append(outer, warnings(l.diags)...) }()
	if token != nil {
		if isLiteral(token.Expr) {
			l.project.secrets = append(l.project.secrets, token.Expr.Range())
			l.report(warnAt(token.Expr.Range(), "Secret in a manifest", "The token stands in the file itself. Take it from env(), file() or token_command."))
		}
		l.argument(token, &scope{}, &c.Token)
		c.Token = strings.TrimSpace(c.Token)
		return
	}
	if l.argument(command, &scope{}, &c.Command) && len(c.Command) == 0 {
		l.report(errorAt(command.Expr.Range(), "Empty token_command", "token_command takes the words of a command: [\"pass\", \"show\", \"pve\"]."))
	}
}

func warnings(diags hcl.Diagnostics) (out hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity == hcl.DiagWarning {
			out = append(out, d)
		}
	}
	return out
}

// resources gathers what the guest blocks decoded and places each in its cluster.
func (l *loader) resources() {
	for _, g := range l.guests {
		for _, r := range g.resources {
			if r.Addr.Kind == inventory.KindDaemon || r.Addr.Kind == inventory.KindService {
				l.placeOnHost(&r)
			} else {
				l.place(&r)
			}
			l.project.Resources = append(l.project.Resources, r)
		}
	}
}

// place sets the resource's provider and identity. While there is one cluster,
// naming it is optional.
func (l *loader) place(r *inventory.Resource) {
	clusters := l.project.Clusters
	name := strings.TrimPrefix(r.Provider, "proxmox.")
	switch {
	case name == "" && len(clusters) == 1:
		name = clusters[0].Name
	case name == "" && len(clusters) == 0:
		l.reportOnceFor("no cluster", errorAt(r.Range, "No cluster", "No proxmox block says where %s is.", r.Addr))
	case name == "":
		l.report(errorAt(r.Range, "Which cluster?", "There are %d proxmox blocks; write cluster = proxmox.NAME.", len(clusters)))
	case l.project.Cluster(name) == nil:
		var names []string
		for _, c := range clusters {
			names = append(names, c.Name)
		}
		l.report(errorAt(r.Range, "Unknown cluster", "%s names proxmox.%s, which is not declared.%s", r.Addr, name, inventory.DidYouMean(name, names)))
	}
	r.Provider = "proxmox." + name
	if vmid, ok := inventory.Int(r.Attrs["vmid"]); ok {
		r.Identity = fmt.Sprintf("%s/%d", name, vmid)
	}
}

// reportOnceFor reports a mistake that many blocks share only the first time.
func (l *loader) reportOnceFor(what string, d *hcl.Diagnostic) {
	for _, have := range l.diags {
		if strings.EqualFold(have.Summary, what) {
			return
		}
	}
	l.report(d)
}

// duplicates reports two blocks with one vmid.
func (l *loader) duplicates() {
	first := map[string]*inventory.Resource{}
	for i := range l.project.Resources {
		r := &l.project.Resources[i]
		if other := first[r.Identity]; r.Identity != "" && other != nil {
			if r.Origin["vmid"] == (hcl.Range{}) {
				l.report(errorAt(r.Range, "Duplicate resource", "%s and %s (%s) both are %s.", r.Addr, other.Addr, place(other.Range), r.Identity))
				continue
			}
			l.report(errorAt(r.Origin["vmid"], "Duplicate vmid", "%s and %s (%s) both claim %s.", r.Addr, other.Addr, place(other.Origin["vmid"]), r.Identity))
			continue
		}
		first[r.Identity] = r
	}
}

// singles decodes the blocks that stand for themselves.
func (l *loader) singles() {
	seen := map[string]*hclsyntax.Block{}
	for _, b := range l.blocks {
		if slices.Contains([]string{"recon", "context", "ledger", "page", "source"}, b.Type) {
			if first := seen[b.Type]; first != nil {
				l.report(errorAt(b.DefRange(), "Duplicate block", "There is one %s block; the other is at %s.", b.Type, place(first.DefRange())))
				continue
			}
			seen[b.Type] = b
		}
		switch b.Type {
		case "recon":
			l.settings(b)
		case "context":
			l.context(b)
		case "ledger":
			l.ledger(b)
		case "schedule":
			l.schedule(b)
		case "page":
			l.page(b)
		case "notify":
			l.notify(b)
		case "source":
			l.source(b)
		case "moved":
			l.moved(b)
		}
	}
	l.exact()
	l.unheard()
	l.sourceAround()
	l.unhealed()
}

// exact makes guests that do not say themselves what the recon block says of all.
func (l *loader) exact() {
	for i := range l.project.Resources {
		r := &l.project.Resources[i]
		if _, own := r.Origin[inventory.ExactPath]; !own && inventory.IsGuest(r.Addr.Kind) {
			r.Policy.Exact = l.project.Settings.Exact
		}
	}
}

func (l *loader) settings(b *hclsyntax.Block) {
	l.report(reconSpec.check(b.Body)...)
	l.report(labels(b))
	s := &l.project.Settings
	s.Range = b.DefRange()
	targets := map[string]any{"required_version": &s.RequiredVersion, "max_changes": &s.MaxChanges, "max_change_percent": &s.MaxChangePercent, "exact": &s.Exact}
	for _, arg := range sortedAttrs(b.Body) {
		if target, ok := targets[arg.Name]; ok && l.argument(arg, &scope{}, target) && arg.Name == "required_version" {
			if err := checkVersion(s.RequiredVersion, l.opts.Version); err != nil {
				l.report(errorAt(arg.Expr.Range(), "Another version of recon is required", "%s.", err))
			}
		}
	}
}

func (l *loader) moved(b *hclsyntax.Block) {
	l.report(movedSpec.check(b.Body)...)
	l.report(labels(b))
	m := Moved{Range: b.DefRange()}
	for name, target := range map[string]*inventory.Address{"from": &m.From, "to": &m.To} {
		arg := b.Body.Attributes[name]
		if arg == nil {
			l.report(errorAt(b.DefRange(), "Missing argument", "A moved block needs from and to."))
			return
		}
		addr, diag := staticAddress(arg.Expr)
		if diag != nil {
			l.report(diag)
			return
		}
		*target = addr
		if name == "to" {
			l.pending = append(l.pending, pendingLink{addr: addr, rng: arg.Expr.Range()})
		}
	}
	if r := l.project.Resource(m.From); r != nil {
		l.report(errorAt(b.DefRange(), "Moved from something that is there", "%s is still declared at %s; moved names an address that no longer exists.", m.From, place(r.Range)))
		return
	}
	l.project.Moved = append(l.project.Moved, m)
}

// A pendingLink is an address that must exist, checked when all blocks are known.
type pendingLink struct {
	addr inventory.Address
	rng  hcl.Range
	gate bool // it may be a check
}

// links checks that linked addresses exist and fills the graph.
func (l *loader) links() {
	known := map[inventory.Address]bool{}
	var names []string
	for i := range l.project.Resources {
		known[l.project.Resources[i].Addr] = true
		names = append(names, l.project.Resources[i].Addr.String())
	}
	for _, h := range l.project.Hosts {
		known[h.Addr()] = true
		names = append(names, h.Addr().String())
	}
	for i := range l.project.Checks {
		names = append(names, l.project.Checks[i].Addr.String())
	}
	l.hostEdges()
	for _, p := range l.pending {
		if !known[p.addr] && !(p.gate && l.project.Check(p.addr) != nil) {
			l.report(errorAt(p.rng, "Unknown address", "%s is not declared anywhere.%s", p.addr, inventory.DidYouMean(p.addr.String(), names)))
		}
	}
	for i := range l.project.Resources {
		r := &l.project.Resources[i]
		for _, to := range r.Policy.DependsOn {
			l.project.Graph.Add(inventory.Edge{From: r.Addr, To: to, Why: "depends_on"})
		}
		for _, to := range r.Policy.References {
			l.project.Graph.Add(inventory.Edge{From: r.Addr, To: to, Why: "reference"})
		}
	}
}

// staticAddress reads an address without evaluating anything.
func staticAddress(expr hcl.Expression) (inventory.Address, *hcl.Diagnostic) {
	t, diags := hcl.AbsTraversalForExpr(expr)
	bad := errorAt(expr.Range(), "Not an address", "An address is written without quotes: vm.media, or vm.node[\"a\"].")
	if diags.HasErrors() || len(t) < 2 || len(t) > 3 {
		return inventory.Address{}, bad
	}
	name, ok := t[1].(hcl.TraverseAttr)
	if !ok {
		return inventory.Address{}, bad
	}
	addr := inventory.Address{Kind: t.RootName(), Name: name.Name}
	if len(t) == 3 {
		index, ok := t[2].(hcl.TraverseIndex)
		if !ok || !inventory.Holds(index.Key, cty.String) {
			return inventory.Address{}, bad
		}
		addr.Key = index.Key.AsString()
	}
	return addr, nil
}
