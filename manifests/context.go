package manifests

import (
	"path"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Context says which documents recon writes, by path relative to the root.
type Context struct {
	ClaudeMD    string // CLAUDE.md, claude.md or AGENTS.md
	ContextMD   string
	SessionLog  string
	ActiveTasks string
	Commit      bool     // recon commits what it writes into these
	FreeText    []string // fields of free text that documents may show
	Roots       []Root
	Range       hcl.Range
}

// A Root is a folder of documents beside those: docs, a wiki checkout, a vault.
type Root struct {
	Name        string
	Path        string // relative to the project, absolute, or below ~
	Style       string // reference, tutorial or notes
	ReadOnly    bool   // checked by recon facts, never written
	Commit      bool   // recon commits what it writes here
	Credentials bool   // never read
	Range       hcl.Range
}

var (
	contextSpec = spec{what: "the context block", attrs: []string{"claude_md", "context_md", "session_log", "active_tasks", "commit", "free_text"}, blocks: []string{"root"}}
	rootSpec    = spec{what: "a root block", attrs: []string{"path", "style", "read_only", "commit", "credentials"}}
)

func (l *loader) context(b *hclsyntax.Block) {
	l.report(contextSpec.check(b.Body)...)
	l.report(labels(b))
	c := &Context{Range: b.DefRange()}
	for _, target := range []struct {
		name string
		into *string
	}{{"claude_md", &c.ClaudeMD}, {"context_md", &c.ContextMD}, {"session_log", &c.SessionLog}, {"active_tasks", &c.ActiveTasks}} {
		arg := b.Body.Attributes[target.name]
		if arg == nil || !l.argument(arg, &scope{}, target.into) {
			continue
		}
		if diag := documentPath(*target.into, arg.Expr.Range()); diag != nil {
			l.report(diag)
			*target.into = ""
		}
	}
	if arg := b.Body.Attributes["commit"]; arg != nil {
		l.argument(arg, &scope{}, &c.Commit)
	}
	if arg := b.Body.Attributes["free_text"]; arg != nil && l.argument(arg, &scope{}, &c.FreeText) {
		for _, field := range c.FreeText {
			if field != "description" {
				l.report(errorAt(arg.Expr.Range(), "Not a field of free text", "free_text takes \"description\", the notes of a guest; %q is no such field.", field))
			}
		}
	}
	for _, r := range b.Body.Blocks {
		if r.Type == "root" {
			l.root(r, c)
		}
	}
	l.project.Context = c
}

// root decodes one root block.
func (l *loader) root(b *hclsyntax.Block, c *Context) {
	l.report(rootSpec.check(b.Body)...)
	if d := labels(b, "name"); d != nil {
		l.report(d)
		return
	}
	r := Root{Name: b.Labels[0], Style: "reference", Range: b.DefRange()}
	targets := map[string]any{"path": &r.Path, "style": &r.Style, "read_only": &r.ReadOnly, "commit": &r.Commit, "credentials": &r.Credentials}
	for _, arg := range sortedAttrs(b.Body) {
		if target, ok := targets[arg.Name]; ok {
			l.argument(arg, &scope{}, target)
		}
	}
	styles := []string{"reference", "tutorial", "notes"}
	switch {
	case r.Path == "" || strings.ContainsAny(r.Path, "\\\x00"):
		l.report(errorAt(b.DefRange(), "Missing argument", "A root block needs path = \"docs\": a folder of the project, or one elsewhere (../home.wiki, ~/vault)."))
		return
	case !slices.Contains(styles, r.Style):
		l.report(errorAt(b.Body.Attributes["style"].Expr.Range(), "Unknown style", "style takes \"reference\", \"tutorial\" or \"notes\".%s", inventory.DidYouMean(r.Style, styles)))
	case r.Commit && (r.ReadOnly || r.Credentials):
		l.report(errorAt(b.Body.Attributes["commit"].SrcRange, "Nothing to commit", "recon writes nothing into a root that is read-only or holds credentials."))
	}
	if i := slices.IndexFunc(c.Roots, func(o Root) bool { return o.Name == r.Name || path.Clean(o.Path) == path.Clean(r.Path) }); i >= 0 {
		l.report(errorAt(b.DefRange(), "Duplicate definition", "root %q is defined here and at %s.", r.Name, place(c.Roots[i].Range)))
		return
	}
	c.Roots = append(c.Roots, r)
}

// documentPath reports a document that recon must not write: one outside the
// root, one that is no Markdown, and the settings of assistants.
func documentPath(p string, rng hcl.Range) *hcl.Diagnostic {
	clean := path.Clean(p)
	switch {
	case p == "" || path.IsAbs(p) || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsAny(p, "\\\x00"):
		return errorAt(rng, "Not a document of the project", "%q is not a path below the project's root.", p)
	case !slices.Contains([]string{".md", ".markdown"}, strings.ToLower(path.Ext(clean))):
		return errorAt(rng, "Not a Markdown file", "recon writes blocks into Markdown files (.md); %q is none.", p)
	}
	return nil
}
