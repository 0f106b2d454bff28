package runs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/manifests"
)

// An Adoption is what recon adopt changes: literals in the author's files.
type Adoption struct {
	Edits    []manifests.Edit
	Files    map[string][]byte
	Refusals []manifests.Refusal

	Old map[string][]byte // what stands in the files now
}

// PlanAdopt turns the differing fields of resources into edits: live wins. Paths
// choose fields; without one every differing field of the resource is meant. Nil means
// every resource that is there.
func PlanAdopt(ctx context.Context, w *home.World, what []string) (*Adoption, error) {
	p, err := w.Compare(ctx)
	if err != nil {
		return nil, err
	}
	a := &Adoption{Old: map[string][]byte{}}
	for i := range p.Changes {
		if c := &p.Changes[i]; what == nil && c.Action != inventory.ActionCreate {
			a.take(c, "")
		}
	}
	for _, text := range what {
		addr, path, err := inventory.Find(w.Project.Resources, text)
		if err != nil {
			return nil, fmt.Errorf("no manifest declares %s: %w", text, err)
		}
		res := w.Project.Resource(addr)
		switch {
		case res == nil:
			return nil, fmt.Errorf("no manifest declares %s", addr)
		case path != "" && !res.Kind().Knows(path):
			return nil, fmt.Errorf("%s has no field %s; recon show %s lists those there are", addr, path, addr)
		}
		i := slices.IndexFunc(p.Changes, func(c inventory.Change) bool { return c.Addr == addr })
		if i < 0 {
			if err := observable(w, addr); err != nil {
				return nil, err
			}
			continue
		}
		if p.Changes[i].Action == inventory.ActionCreate {
			return nil, home.Refuse("take its block out of the manifests if it shall not exist", "%s does not exist, so there is nothing to adopt", addr)
		}
		a.take(&p.Changes[i], path)
	}
	if a.Files, a.Refusals, err = w.Project.Edits(w.Home().Files(), a.Edits); err != nil {
		return nil, err
	}
	for file := range a.Files {
		a.Old[file] = w.Project.Files[file].Bytes
	}
	return a, loads(w.Home(), a.Files, nil)
}

// take adds the edits after which the manifest says what live has, below a path.
func (a *Adoption) take(c *inventory.Change, path inventory.Path) {
	for _, f := range c.Fields {
		switch {
		case !f.Writes() || path != "" && !f.Path.In(path):
		case f.Undeclared && f.Attr.Wire == inventory.WireAbsent:
			a.Edits = append(a.Edits, manifests.Declare(c.Addr, c.Have.Resource, f.Path)...)
		default:
			a.Edits = append(a.Edits, manifests.Edit{Addr: c.Addr, Path: f.Path, Value: f.Live})
		}
	}
}

// observable reports a resource that cannot be adopted because nobody knows what
// live is.
func observable(w *home.World, addr inventory.Address) error {
	for _, snap := range w.Snapshots {
		for _, u := range snap.Unknown {
			if slices.Contains(u.Addresses, addr) {
				return &home.Failure{Code: home.ExitIncomplete, Err: fmt.Errorf("%s could not be observed: %w", addr, u.Err)}
			}
		}
	}
	return nil
}

// WriteAdopt writes the edited files, provided that they still are what the
// manifests were loaded from, and remembers the adopted values.
func WriteAdopt(ctx context.Context, w *home.World, a *Adoption) error {
	h := w.Home()
	return writing(ctx, h, "adopt", func(ph *phase) (int, error) {
		for _, file := range slices.Sorted(maps.Keys(a.Files)) {
			if _, err := home.ReplaceFile(h.Root, file, w.Project.Files[file].Bytes, true, a.Files[file]); err != nil {
				return home.ExitError, err
			}
		}
		return home.ExitOK, agree(ctx, ph, w)
	})
}
