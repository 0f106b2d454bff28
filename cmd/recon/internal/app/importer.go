package app

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"
	"recon/manifests"
	"recon/reconcile/ledger"
)

// An Import is what recon import writes: blocks for guests that no manifest
// declares yet.
type Import struct {
	Files   map[string][]byte // new content by path
	old     map[string][]byte // what was there
	Blocks  []ImportedBlock
	Already []string // asked for, and declared already
	Unknown []string // asked for, and not observable
}

// An ImportedBlock is one block that is written.
type ImportedBlock struct {
	Address  inventory.Address
	Identity string
	File     string
	Text     string
}

// PlanImport renders blocks for what is asked: addresses, names, vmids or
// home/111; all guests when what is nil.
func (s *Session) PlanImport(w *World, what []string) (*Import, error) {
	im := &Import{Files: map[string][]byte{}, old: map[string][]byte{}}
	labels := map[inventory.Address]bool{}
	declared := map[string]inventory.Address{}
	for _, r := range s.Project.Resources {
		labels[inventory.Address{Kind: r.Addr.Kind, Name: r.Addr.Name}] = true
		declared[r.Identity] = r.Addr
	}
	found := map[string]bool{}
	for _, o := range w.observations() {
		asked := matching(what, &o)
		for _, a := range asked {
			found[a] = true
		}
		switch {
		case what != nil && len(asked) == 0 || o.State == inventory.Absent:
		case !declared[o.Resource.Identity].IsZero():
			im.Already = append(im.Already, fmt.Sprintf("%s (%s)", o.Resource.Identity, declared[o.Resource.Identity]))
		case o.State == inventory.Unknown:
			im.Unknown = append(im.Unknown, fmt.Sprintf("%s: %v", o.Resource.Identity, o.Err))
		default:
			if err := s.importOne(im, &o, labels); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range what {
		if !found[a] {
			return nil, &Failure{Code: ExitError, Err: fmt.Errorf("nothing observed is called %q", a), Hint: "recon inventory lists what there is"}
		}
	}
	return im, nil
}

// matching returns the requests that mean an observed guest.
func matching(what []string, o *inventory.Observation) []string {
	_, vmid, _ := strings.Cut(o.Resource.Identity, "/")
	var out []string
	for _, a := range what {
		if a == o.Resource.Identity || a == vmid || a == o.Resource.Addr.String() || a == o.Resource.Name() && a != "" {
			out = append(out, a)
		}
	}
	return out
}

// importOne renders one guest into its file. Existing files are appended to.
func (s *Session) importOne(im *Import, o *inventory.Observation, labels map[inventory.Address]bool) error {
	if !isGuest(o.Resource.Addr.Kind) {
		return s.importFromHost(im, o, labels)
	}
	cluster, _, _ := strings.Cut(o.Resource.Identity, "/")
	vmid := inventory.VMID(o.Resource.Identity)
	addr := inventory.Address{Kind: o.Resource.Addr.Kind, Name: inventory.Label(o.Resource.Name(), vmid)}
	if labels[addr] {
		addr.Name = fmt.Sprintf("%s-%d", addr.Name, vmid)
	}
	labels[addr] = true
	file := manifests.Folder + "/" + cluster + ".hcl"
	if pool := inventory.Text(o.Resource.Attrs["pool"]); pool != "" {
		file = manifests.Folder + "/" + strings.ReplaceAll(pool, "/", "-") + ".hcl"
	}
	r := manifests.Rendering{Label: addr.Name, Resource: o.Resource, Masked: o.Volatile.MaskedSet}
	if len(s.Project.Clusters) > 1 {
		r.Cluster = cluster
	}
	return s.importBlock(im, o, addr, file, manifests.Render(r))
}

// importBlock appends a block to its file.
func (s *Session) importBlock(im *Import, o *inventory.Observation, addr inventory.Address, file string, text []byte) error {
	if _, begun := im.Files[file]; !begun {
		old, exists, err := s.readDocument(file)
		if err != nil {
			return err
		}
		im.old[file] = old
		im.Files[file] = old
		if !exists {
			im.old[file], im.Files[file] = nil, []byte(importHead)
		}
	}
	content := im.Files[file]
	if len(content) > 0 && !bytes.HasSuffix(content, []byte("\n")) {
		content = append(content, '\n')
	}
	if len(content) > 0 {
		content = append(content, '\n')
	}
	im.Files[file] = append(content, text...)
	im.Blocks = append(im.Blocks, ImportedBlock{Address: addr, Identity: o.Resource.Identity, File: file, Text: string(text)})
	return nil
}

const importHead = `# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.
`

// WriteImport writes the blocks, and remembers their values as last applied.
func (s *Session) WriteImport(ctx context.Context, w *World, im *Import) error {
	return s.writing("import", len(s.Project.Resources)+len(im.Blocks), func(l *ledger.Ledger, _ int64) (int, string, error) {
		for _, file := range slices.Sorted(maps.Keys(im.Files)) {
			if _, err := s.replaceFile(file, im.old[file], im.old[file] != nil, im.Files[file]); err != nil {
				return ExitError, "", err
			}
		}
		if err := s.Load(); err != nil {
			return ExitError, "", fmt.Errorf("read what was written: %w", err)
		}
		return ExitOK, fmt.Sprintf("imported %d guests", len(im.Blocks)), s.agree(ctx, l, w)
	})
}

// agree remembers the values on which manifests and the last look agree, after the
// manifests were changed to say what is.
func (s *Session) agree(ctx context.Context, l *ledger.Ledger, w *World) error {
	addrs := map[string]inventory.Address{}
	for _, r := range s.Project.Resources {
		addrs[r.Identity] = r.Addr
	}
	for i := range w.Snapshots {
		for j := range w.Snapshots[i].Observations {
			res := &w.Snapshots[i].Observations[j].Resource
			if a, ok := addrs[res.Identity]; ok && a.Kind == res.Addr.Kind {
				res.Addr = a
			}
		}
	}
	p, err := s.Plan(ctx, w, nil)
	if err != nil {
		return err
	}
	_, err = s.Record(ctx, l, w, p, nil)
	return err
}

// An Adoption is what recon adopt changes: literals in the author's files.
type Adoption struct {
	Edits    []manifests.Edit
	Files    map[string][]byte
	Refusals []manifests.Refusal
}

// PlanAdopt turns the differing fields of resources into edits: live wins. Paths
// choose fields; without one every differing field of the resource is meant.
func (s *Session) PlanAdopt(ctx context.Context, w *World, what []string) (*Adoption, error) {
	p, err := s.Plan(ctx, w, nil)
	if err != nil {
		return nil, err
	}
	a := &Adoption{}
	for _, text := range what {
		addr, path, err := inventory.ParseAddress(text)
		if err != nil {
			return nil, err
		}
		res := s.Project.Resource(addr)
		switch {
		case res == nil:
			return nil, fmt.Errorf("no manifest declares %s", addr)
		case path != "" && !res.Kind().Knows(path):
			return nil, fmt.Errorf("%s has no field %s; recon show %s lists those there are", addr, path, addr)
		}
		i := slices.IndexFunc(p.Changes, func(c inventory.Change) bool { return c.Addr == addr })
		if i < 0 {
			if err := s.observable(w, addr); err != nil {
				return nil, err
			}
			continue
		}
		if p.Changes[i].Action == inventory.ActionCreate {
			return nil, Refuse("take its block out of the manifests if it shall not exist", "%s does not exist, so there is nothing to adopt", addr)
		}
		for _, f := range p.Changes[i].Fields {
			if f.Writes() && (path == "" || f.Path.In(path)) {
				a.Edits = append(a.Edits, manifests.Edit{Addr: addr, Path: f.Path, Value: f.Live})
			}
		}
	}
	a.Files, a.Refusals, err = s.Project.Edits(s.fsys, a.Edits)
	return a, err
}

// observable reports a resource that cannot be adopted because nobody knows what
// live is.
func (s *Session) observable(w *World, addr inventory.Address) error {
	for _, snap := range w.Snapshots {
		for _, u := range snap.Unknown {
			if slices.Contains(u.Addresses, addr) {
				return &Failure{Code: ExitIncomplete, Err: fmt.Errorf("%s could not be observed: %w", addr, u.Err)}
			}
		}
	}
	return nil
}

// WriteAdopt writes the edited files and remembers the adopted values.
func (s *Session) WriteAdopt(ctx context.Context, w *World, a *Adoption) error {
	return s.writing("adopt", len(s.Project.Resources), func(l *ledger.Ledger, _ int64) (int, string, error) {
		for _, file := range slices.Sorted(maps.Keys(a.Files)) {
			old, exists, err := s.readDocument(file)
			if err != nil {
				return ExitError, "", err
			}
			if _, err := s.replaceFile(file, old, exists, a.Files[file]); err != nil {
				return ExitError, "", err
			}
		}
		if err := s.Load(); err != nil {
			return ExitError, "", fmt.Errorf("read what was written: %w", err)
		}
		return ExitOK, fmt.Sprintf("adopted %d values", len(a.Edits)), s.agree(ctx, l, w)
	})
}
