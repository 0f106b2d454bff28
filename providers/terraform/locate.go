package terraform

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"recon/inventory"
	"recon/inventory/localfile"
)

// Locate finds the resource block of an address in the source's folder. The file is
// named relative to the project's root where that is possible. ok is false when the
// code is not there to be read.
func (p *Provider) Locate(address string) (file string, line int, ok bool) {
	block := p.block(address)
	if block == nil {
		return "", 0, false
	}
	r := block.DefRange()
	return p.relative(r.Filename), r.Start.Line, true
}

func (p *Provider) relative(file string) string {
	root, err := filepath.Abs(p.cfg.Root)
	if err != nil {
		return filepath.ToSlash(file)
	}
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(rel)
}

// codeFolder is where the root module is: the source's folder, or that of the state
// file, where the local backend puts it.
func (p *Provider) codeFolder() string {
	name := p.path(p.cfg.Directory)
	switch {
	case p.cfg.State != "":
		name = filepath.Dir(p.path(p.cfg.State))
	case p.cfg.JSON != "":
		name = filepath.Dir(p.path(p.cfg.JSON))
	}
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// block follows an address through the modules to the resource's block.
func (p *Provider) block(address string) *hclsyntax.Block {
	parts := splitAddress(address)
	root := p.codeFolder()
	dir, key := root, ""
	for len(parts) >= 2 && parts[0] == "module" {
		key = strings.TrimPrefix(key+"."+parts[1], ".")
		if dir = p.moduleFolder(root, dir, key, parts[1]); dir == "" {
			return nil
		}
		parts = parts[2:]
	}
	if len(parts) != 2 {
		return nil
	}
	return p.findBlock(dir, "resource", parts...)
}

// splitAddress takes an address apart, without the keys of its instances.
func splitAddress(address string) []string {
	var out []string
	var b strings.Builder
	quoted, depth := false, 0
	for _, r := range address {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth > 0:
		case r == '.':
			out = append(out, b.String())
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	return append(out, b.String())
}

// moduleFolder finds the folder of a module call: as terraform init has noted it,
// or by the call's own source when that is a folder beside it.
func (p *Provider) moduleFolder(root, dir, key, call string) string {
	data, err := localfile.Read(filepath.Join(root, ".terraform", "modules", "modules.json"), localfile.Medium)
	var manifest struct {
		Modules []struct{ Key, Dir string }
	}
	if err == nil && json.Unmarshal(data, &manifest) == nil {
		for _, m := range manifest.Modules {
			if m.Key == key {
				return filepath.Join(root, filepath.FromSlash(m.Dir))
			}
		}
	}
	block := p.findBlock(dir, "module", call)
	if block == nil || block.Body.Attributes["source"] == nil {
		return ""
	}
	v, diags := block.Body.Attributes["source"].Expr.Value(nil)
	if diags.HasErrors() || !strings.HasPrefix(inventory.Text(v), ".") {
		return ""
	}
	return filepath.Join(dir, filepath.FromSlash(v.AsString()))
}

// findBlock looks for a block in the files of one folder.
func (p *Provider) findBlock(dir, typ string, labels ...string) *hclsyntax.Block {
	p.mu.Lock()
	defer p.mu.Unlock()
	blocks, known := p.code[dir]
	if !known {
		blocks = parseFolder(dir)
		p.code[dir] = blocks
	}
	for _, b := range blocks {
		if b.Type == typ && slices.Equal(b.Labels, labels) {
			return b
		}
	}
	return nil
}

// parseFolder reads the code of one folder. Files with mistakes are read as far as
// they go.
func parseFolder(dir string) []*hclsyntax.Block {
	var files []string
	for _, pattern := range []string{"*.tf", "*.tofu"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is good
		files = append(files, found...)
	}
	slices.Sort(files)
	parser := hclparse.NewParser()
	var out []*hclsyntax.Block
	for _, name := range files {
		f, _ := parser.ParseHCLFile(name)
		if f == nil {
			continue
		}
		if body, ok := f.Body.(*hclsyntax.Body); ok {
			out = append(out, body.Blocks...)
		}
	}
	return out
}

// spot says where the code spells a field, and what it says there. What the block
// does not spell out (a default, a dynamic block, an object of a variable) is
// pointed at as a whole.
func (p *Provider) spot(address string, pl place) string {
	block := p.block(address)
	if block == nil {
		return "the code of " + address
	}
	at := fmt.Sprintf("%s:%d", p.relative(block.DefRange().Filename), block.DefRange().Start.Line)
	body := block.Body
	for i, s := range pl.steps {
		if attr := body.Attributes[s.name]; attr != nil {
			return position(p, attr.SrcRange)
		}
		if i == len(pl.steps)-1 {
			break
		}
		nested := nthBlock(body, s)
		if nested == nil {
			break
		}
		at, body = position(p, nested.DefRange()), nested.Body
	}
	return at
}

func position(p *Provider, r hcl.Range) string {
	return fmt.Sprintf("%s:%d", p.relative(r.Filename), r.Start.Line)
}

func nthBlock(body *hclsyntax.Body, s step) *hclsyntax.Block {
	n := 0
	for _, b := range body.Blocks {
		if b.Type == s.name {
			if n == s.index {
				return b
			}
			n++
		}
	}
	return nil
}

// spelled names an attribute the way code nests it: memory.dedicated.
func (pl place) spelled() string {
	var names []string
	for _, s := range pl.steps {
		names = append(names, s.name)
	}
	return strings.Join(names, ".")
}
