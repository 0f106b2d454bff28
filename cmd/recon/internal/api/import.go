package api

import (
	"context"
	"errors"

	"recon/cmd/recon/internal/runs"
	"recon/inventory"
)

// An ImportRequest asks for manifests of what is live.
type ImportRequest struct {
	What          []string // names, vmids, addresses or identities; nil for every guest
	DryRun        bool
	FromTerraform bool // what Terraform's states say, where they know a guest
	Exact         bool // what the blocks leave out is declared to be at its default
}

// Imported is what an import wrote, or would write.
type Imported struct {
	*runs.Import
	Unobserved []inventory.Scope
}

// Import writes blocks for guests that no manifest declares yet.
func Import(ctx context.Context, h *Home, r ImportRequest) (*Imported, error) {
	if p := h.Project(); len(p.Clusters)+len(p.Hosts)+len(p.Terraform) == 0 {
		return nil, &Failure{Code: ExitError, Err: errors.New("no proxmox block says where a cluster is"), Hint: "write the address of a node into the proxmox block of recon.hcl; recon init, in a folder without one, asks for it on a terminal"}
	}
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	source := w
	if r.FromTerraform {
		if len(w.Project.Terraform) == 0 {
			return nil, &Failure{Code: ExitError, Err: errors.New("no terraform block says where a state is"), Hint: "terraform \"NAME\" { directory = \"FOLDER\" } in recon.hcl"}
		}
		source = w.FromTerraform()
	}
	im, err := runs.PlanImport(source, r.What, r.Exact)
	if err != nil {
		return nil, err
	}
	if !r.DryRun && len(im.Blocks) > 0 {
		if err := runs.WriteImport(ctx, w, im); err != nil {
			return nil, err
		}
	}
	return &Imported{im, w.Unknown()}, nil
}

// Code is the exit code of recon import.
func (im *Imported) Code() int {
	if len(im.Unknown) > 0 || len(im.Unobserved) > 0 {
		return ExitIncomplete
	}
	return ExitOK
}

type importedJSON struct {
	Address  string `json:"address"`
	Identity string `json:"identity"`
	File     string `json:"file"`
	Text     string `json:"text"`
}

// JSON is the answer of recon import.
func (im *Imported) JSON() any {
	blocks := []importedJSON{}
	for _, b := range im.Blocks {
		blocks = append(blocks, importedJSON{b.Address.String(), b.Identity, b.File, b.Text})
	}
	return struct {
		FormatVersion string         `json:"format_version"`
		Imported      []importedJSON `json:"imported"`
		Defaults      map[string]int `json:"left_out_defaults"`      // how often each was left out
		Hidden        []string       `json:"looks_like_credentials"` // fields that are not written
		Already       []string       `json:"already"`
		Unknown       []string       `json:"unknown"`
	}{FormatVersion, blocks, im.Defaults, append([]string{}, im.Hidden...), append([]string{}, im.Already...), append([]string{}, im.Import.Unknown...)}
}

// Adopted is what an adoption changed, or why it changed nothing.
type Adopted struct{ *runs.Adoption }

// Adopt writes observed values into the manifests: all that was asked for, or
// nothing. Nil is everything that differs; a dry run writes nothing.
func Adopt(ctx context.Context, h *Home, what []string, dryRun bool) (*Adopted, error) {
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	a, err := runs.PlanAdopt(ctx, w, what)
	if err != nil {
		return nil, err
	}
	if len(a.Refusals) > 0 || len(a.Edits) == 0 || dryRun {
		return &Adopted{a}, nil
	}
	return &Adopted{a}, runs.WriteAdopt(ctx, w, a)
}

type adoptedJSON struct {
	Address string `json:"address"`
	Field   string `json:"field"`
}

type refusedJSON struct {
	Address string `json:"address"`
	Field   string `json:"field"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Write   string `json:"write"`
	Why     string `json:"why"`
}

// JSON is the answer of recon adopt.
func (a *Adopted) JSON() any {
	adopted, refused := []adoptedJSON{}, []refusedJSON{}
	if len(a.Refusals) == 0 {
		for _, e := range a.Edits {
			adopted = append(adopted, adoptedJSON{e.Addr.String(), string(e.Path)})
		}
	}
	for _, r := range a.Refusals {
		refused = append(refused, refusedJSON{r.Addr.String(), string(r.Path), r.Range.Filename, r.Range.Start.Line, r.Text, r.Why})
	}
	return struct {
		FormatVersion string        `json:"format_version"`
		Adopted       []adoptedJSON `json:"adopted"`
		Refused       []refusedJSON `json:"refused"`
	}{FormatVersion, adopted, refused}
}
