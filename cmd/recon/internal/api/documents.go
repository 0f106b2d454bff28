package api

import (
	"context"
	"errors"
	"slices"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/runs"
	"recon/inventory"
	"recon/providers/proxmox"
)

// Drift runs the cycle of the scheduled report: a plan, and with it the ledger and
// the documents.
func Drift(ctx context.Context, h *Home, kind string) (*Cycle, error) {
	return runs.Run(ctx, h, kind, docs.Options{})
}

// WriteDocuments runs the cycle of recon context.
func WriteDocuments(ctx context.Context, h *Home, o DocumentOptions) (*Cycle, error) {
	if err := hasDocuments(h); err != nil {
		return nil, err
	}
	return runs.Run(ctx, h, "context", o)
}

func hasDocuments(h *Home) error {
	if h.Project().Context != nil {
		return nil
	}
	return &Failure{Code: ExitError, Err: errors.New("no context block says which documents to write"), Hint: `add to recon.hcl: context { claude_md = "CLAUDE.md" }`}
}

// A Comparison is how the documents stand.
type Comparison struct {
	Docs    []Document
	Edited  []string // blocks that were edited by hand
	Unknown []inventory.Scope
}

// CompareDocuments renders the documents and writes nothing.
func CompareDocuments(ctx context.Context, h *Home, how Resolution) (*Comparison, error) {
	if err := hasDocuments(h); err != nil {
		return nil, err
	}
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := w.AskAddresses(ctx); err != nil {
		return nil, err
	}
	p, err := w.Compare(ctx)
	if err != nil {
		return nil, err
	}
	all, err := docs.Render(ctx, w, p, how)
	if err != nil {
		return nil, err
	}
	c := &Comparison{Docs: all, Unknown: w.Unknown()}
	c.Edited, _ = docs.LeftAlone(all)
	return c, nil
}

// Code is the exit code of recon context --check.
func (c *Comparison) Code() int {
	codes := []int{ExitOK}
	if len(c.Unknown) > 0 {
		codes = append(codes, ExitIncomplete)
	}
	if len(c.Edited) > 0 {
		codes = append(codes, ExitRefused)
	}
	if slices.ContainsFunc(c.Docs, func(d Document) bool { return d.Changed() }) {
		codes = append(codes, ExitDiffers)
	}
	return Worst(codes...)
}

// LeftAlone says which documents could not be written and what to do about it.
func LeftAlone(all []Document) (edited, unmarked []string) { return docs.LeftAlone(all) }

type documentJSON struct {
	File    string `json:"file"`
	Block   string `json:"block"`
	Written bool   `json:"written"`
	Edited  bool   `json:"edited"`
	Marked  bool   `json:"marked"`
}

// DocumentsJSON is the answer of recon context.
func DocumentsJSON(u docs.Update) any {
	out := []documentJSON{}
	for _, d := range u.Docs {
		for _, b := range d.Blocks {
			out = append(out, documentJSON{
				File: d.Path, Block: b.ID, Edited: b.Edited, Marked: b.Marked || !d.Exists, Written: slices.Contains(u.Written, d.Path),
			})
		}
	}
	return struct {
		FormatVersion string         `json:"format_version"`
		Documents     []documentJSON `json:"documents"`
	}{FormatVersion, out}
}

// JSON is the answer of recon context --check and --diff.
func (c *Comparison) JSON() any {
	stale := []string{}
	for i := range c.Docs {
		if c.Docs[i].Changed() {
			stale = append(stale, c.Docs[i].Path)
		}
	}
	return struct {
		FormatVersion string   `json:"format_version"`
		Stale         []string `json:"not_up_to_date"`
		Edited        []string `json:"edited"`
	}{FormatVersion, stale, append([]string{}, c.Edited...)}
}

// An Init is what recon init would write.
type Init = docs.Init

// SessionHook is what a person may put into the settings of Claude Code.
const SessionHook = docs.SessionHook

// PlanInit looks around in a folder and decides what is missing.
func PlanInit(root string, at Cluster) (*Init, error) { return docs.PlanInit(root, at) }

// A Cluster is what a person said of theirs.
type Cluster = docs.Cluster

// IntroduceCluster asks a node for the fingerprint of its certificate, and believes it
// nothing yet.
func IntroduceCluster(ctx context.Context, endpoint string) (fingerprint string, err error) {
	return proxmox.Introduce(ctx, endpoint)
}

// WriteInit writes what PlanInit decided.
func WriteInit(root string, in *Init) error { return docs.WriteInit(root, in) }
