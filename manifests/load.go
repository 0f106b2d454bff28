package manifests

import (
	"cmp"
	"io/fs"
	"maps"
	"slices"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Options are what the language may reach outside the manifests.
type Options struct {
	Vars     map[string]string                         // --var
	VarFiles map[string][]byte                         // --var-file, by name
	Env      func(name string) (value string, ok bool) // env()
	ReadFile func(name string) ([]byte, error)         // file(); nil: files of the project only
	Now      time.Time                                 // decides which ignore rules have expired
	Version  string                                    // of recon, for required_version

	// Around holds clusters and hosts that are there although these manifests may not
	// declare them: those of an earlier commit, where the file that does is kept out of
	// version control.
	Around *Project

	// Clusters hears of the clusters that the main file alone declares, as soon as it
	// is read and before it is known whether the rest is right.
	Clusters func([]Cluster)
}

// Load reads a project. The project is never nil; with errors among the
// diagnostics it holds what could be read.
func Load(fsys fs.FS, opts Options) (*Project, hcl.Diagnostics) {
	table := functions(fsys, opts)
	files, diags := parseFiles(fsys, func(main *hcl.File) {
		if opts.Clusters != nil {
			opts.Clusters(clustersOf(main.Body.(*hclsyntax.Body), opts, table))
		}
	})
	l := newLoader(opts, table)
	l.project.Files, l.diags = files, diags
	for _, name := range slices.Sorted(maps.Keys(files)) {
		l.collect(files[name].Body.(*hclsyntax.Body))
	}
	l.variables()
	l.evaluateAll()
	l.clusters()
	l.hosts()
	l.around()
	l.terraforms()
	l.watches()
	l.resources()
	l.singles()
	l.silences()
	l.checks()
	l.links()
	l.duplicates()
	slices.SortFunc(l.project.Resources, func(a, b inventory.Resource) int { return inventory.CompareAddress(a.Addr, b.Addr) })
	sortDiagnostics(l.diags)
	for _, d := range l.diags {
		// With these the writer would print the values of variables, which may be secret.
		d.Expression, d.EvalContext = nil, nil
	}
	if len(l.diags) == 0 {
		l.project.forgetSyntax()
	}
	return l.project, l.diags
}

// around adds the clusters and hosts that are there anyway.
func (l *loader) around() {
	if l.opts.Around == nil {
		return
	}
	for _, c := range l.opts.Around.Clusters {
		if l.project.Cluster(c.Name) == nil {
			l.project.Clusters = append(l.project.Clusters, c)
		}
	}
	for _, h := range l.opts.Around.Hosts {
		if l.project.Host(h.Name) == nil {
			l.project.Hosts = append(l.project.Hosts, h)
		}
	}
}

// clustersOf evaluates the proxmox blocks of one file by themselves. Those that refer
// to anything outside are left out, and all when something is wrong.
func clustersOf(body *hclsyntax.Body, opts Options, table functionTable) []Cluster {
	l := newLoader(opts, table)
	alone := &hclsyntax.Body{}
	for _, b := range body.Blocks {
		if slices.Contains([]string{"proxmox", "variable", "locals"}, b.Type) {
			alone.Blocks = append(alone.Blocks, b)
		}
	}
	l.collect(alone)
	l.variables()
	l.clusters()
	if l.diags.HasErrors() {
		return nil
	}
	return slices.DeleteFunc(l.project.Clusters, func(c Cluster) bool { return c.Credentials.HasErrors() })
}

func newLoader(opts Options, table functionTable) *loader {
	return &loader{
		opts: opts, functions: table, nodes: map[string]*node{},
		project: &Project{Files: map[string]*hcl.File{}, Settings: Settings{MaxChanges: 10, MaxChangePercent: 30}},
	}
}

// A loader holds one run of Load.
type loader struct {
	opts      Options
	project   *Project
	diags     hcl.Diagnostics
	functions functionTable
	blocks    []*hclsyntax.Block // all top-level blocks but variables, locals and guests
	guests    []*guestBlock
	vars      []*hclsyntax.Block
	nodes     map[string]*node // what can be referenced: var.x, local.x, vm.label
	stack     []*node          // nodes whose evaluation is under way
	pending   []pendingLink
}

func (l *loader) report(d ...*hcl.Diagnostic) {
	for _, diag := range d {
		if diag != nil {
			l.diags = append(l.diags, diag)
		}
	}
}

var topLevel = spec{what: "a manifest", blocks: []string{"recon", "proxmox", "vm", "lxc", "host", "docker_daemon", "service", "check", "silence", "context", "schedule", "watch", "page", "notify", "ledger", "source", "variable", "locals", "moved", "terraform"}}

// collect sorts the blocks of one file by what they are.
func (l *loader) collect(body *hclsyntax.Body) {
	l.report(topLevel.check(body)...)
	for _, b := range body.Blocks {
		switch b.Type {
		case "variable":
			l.vars = append(l.vars, b)
		case "locals":
			l.collectLocals(b)
		case "vm", "lxc", inventory.KindDaemon, inventory.KindService:
			l.collectGuest(b)
		default:
			if slices.Contains(topLevel.blocks, b.Type) {
				l.blocks = append(l.blocks, b)
			}
		}
	}
}

func (l *loader) collectLocals(b *hclsyntax.Block) {
	l.report(labels(b))
	for _, blk := range b.Body.Blocks {
		l.report(errorAt(blk.TypeRange, "Unsupported block type", "A locals block holds arguments only."))
	}
	for _, attr := range sortedAttrs(b.Body) {
		l.define(&node{name: "local." + attr.Name, rng: attr.SrcRange, expr: attr.Expr})
	}
}

// define makes a name referable; a second definition is a mistake.
func (l *loader) define(n *node) bool {
	if first, taken := l.nodes[n.name]; taken {
		l.report(errorAt(n.rng, "Duplicate definition", "%s is defined here and at %s.", n.name, place(first.rng)))
		return false
	}
	l.nodes[n.name] = n
	return true
}

func sortedAttrs(body *hclsyntax.Body) []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(body.Attributes), func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte)
	})
}

// sortDiagnostics puts errors in the order in which a reader of the files meets them.
func sortDiagnostics(diags hcl.Diagnostics) {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return 0
		}
		return cmp.Or(cmp.Compare(a.Subject.Filename, b.Subject.Filename), cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte))
	})
}
