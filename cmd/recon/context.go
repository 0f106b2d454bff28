package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"recon/cmd/recon/internal/app"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
)

type contextOptions struct {
	check, diff, insert, theirs, ours bool
}

func newContext(c *cli) *cobra.Command {
	var o contextOptions
	cmd := &cobra.Command{
		Use:   "context",
		Short: "Write what was observed into CLAUDE.md and the session log",
		Long: `Observes, and brings recon's blocks in the documents of the context block up to
date. Text outside recon's markers is never touched. A block that was edited by
hand is left alone: --theirs puts recon's text in its place, --ours keeps the
edited text.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runContext(cmd, c, o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.check, "check", false, "write nothing; exit 2 when a document is not up to date")
	f.BoolVar(&o.diff, "diff", false, "show what would change, and write nothing")
	f.BoolVar(&o.insert, "insert", false, "add missing markers at the end of existing documents")
	f.BoolVar(&o.theirs, "theirs", false, "replace blocks that were edited by hand")
	f.BoolVar(&o.ours, "ours", false, "keep blocks that were edited by hand")
	return exits(cmd, "recon context --diff", app.ExitOK, app.ExitError, app.ExitDiffers, app.ExitIncomplete, app.ExitRefused)
}

func runContext(cmd *cobra.Command, c *cli, o contextOptions) error {
	if o.theirs && o.ours {
		return usage(cmd, errors.New("--theirs and --ours exclude each other"))
	}
	ctx, s, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	if s.Project.Context == nil {
		return &app.Failure{Code: app.ExitError, Err: errors.New("no context block says which documents to write"), Hint: `add to recon.hcl: context { claude_md = "CLAUDE.md" }`}
	}
	how := app.RefuseEdited
	switch {
	case o.theirs:
		how = app.Theirs
	case o.ours:
		how = app.Ours
	}
	if o.check || o.diff {
		return c.compareDocuments(ctx, s, o, how)
	}
	cycle, err := s.RunCycle(ctx, "context", app.CycleOptions{Insert: o.insert, How: how})
	c.endProgress()
	if err != nil {
		return err
	}
	c.cycleNotes(cycle)
	if c.json() {
		if err := c.printJSON(documentsJSON(cycle.Docs, cycle.Written)); err != nil {
			return err
		}
	} else if len(cycle.Written) == 0 && cycle.DocsCode() == app.ExitOK {
		c.printer().Printf("Documents are up to date.")
	}
	c.unobserved(cycle.World.Unknown())
	return exit(cycle.DocsCode())
}

// compareDocuments shows what recon context would change.
func (c *cli) compareDocuments(ctx context.Context, s *app.Session, o contextOptions, how app.Resolution) error {
	w, err := s.Observe(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	p, err := s.Plan(ctx, w, nil)
	if err != nil {
		return err
	}
	docs, err := s.RenderDocuments(w, p, how)
	c.endProgress()
	if err != nil {
		return err
	}
	codes := []int{app.ExitOK}
	if w.Incomplete() {
		codes = append(codes, app.ExitIncomplete)
	}
	edited, _ := app.LeftAlone(docs)
	for _, e := range edited {
		codes = append(codes, app.ExitRefused)
		c.errPrinter().Warning("%s was edited by hand", e)
	}
	for i := range docs {
		d := &docs[i]
		if d.Changed() {
			codes = append(codes, app.ExitDiffers)
			if o.diff {
				fmt.Fprintf(c.stdout, "%s", diff.Diff(d.Path, d.Old, d.Path+" (observed)", d.New))
			} else {
				c.printer().Printf("%s is not up to date", d.Path)
			}
		}
	}
	return exit(app.Worst(codes...))
}

type documentsOut struct {
	FormatVersion string        `json:"format_version"`
	Documents     []documentOut `json:"documents"`
}

type documentOut struct {
	File    string `json:"file"`
	Block   string `json:"block"`
	Written bool   `json:"written"`
	Edited  bool   `json:"edited"`
	Marked  bool   `json:"marked"`
}

func documentsJSON(docs []app.Document, written []string) documentsOut {
	out := documentsOut{FormatVersion: "1.0", Documents: []documentOut{}}
	for _, d := range docs {
		for _, b := range d.Blocks {
			out.Documents = append(out.Documents, documentOut{
				File: d.Path, Block: b.ID, Edited: b.Edited, Marked: b.Marked || !d.Exists, Written: slices.Contains(written, d.Path),
			})
		}
	}
	return out
}
