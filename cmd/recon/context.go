package main

import (
	"context"
	"errors"

	"recon/cmd/recon/internal/api"

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
	return exits(cmd, "recon context --diff", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete, api.ExitRefused)
}

func runContext(cmd *cobra.Command, c *cli, o contextOptions) error {
	if o.theirs && o.ours {
		return usage(cmd, errors.New("--theirs and --ours exclude each other"))
	}
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	how := api.RefuseEdited
	switch {
	case o.theirs:
		how = api.Theirs
	case o.ours:
		how = api.Ours
	}
	if o.check || o.diff {
		return c.compareDocuments(ctx, h, o, how)
	}
	cycle, err := api.WriteDocuments(ctx, h, api.DocumentOptions{Insert: o.insert, How: how})
	c.endProgress()
	if err != nil {
		return err
	}
	c.cycleNotes(cycle)
	if c.json() {
		if err := c.printJSON(api.DocumentsJSON(cycle.Docs)); err != nil {
			return err
		}
	} else if len(cycle.Docs.Written) == 0 && cycle.DocsCode() == api.ExitOK {
		c.printer().Printf("Documents are up to date.")
	}
	c.unobserved(cycle.World.Unknown())
	return exit(cycle.DocsCode())
}

// compareDocuments shows what recon context would change.
func (c *cli) compareDocuments(ctx context.Context, h *api.Home, o contextOptions, how api.Resolution) error {
	found, err := api.CompareDocuments(ctx, h, how)
	c.endProgress()
	if err != nil {
		return err
	}
	if c.json() {
		if err := c.printJSON(found.JSON()); err != nil {
			return err
		}
		return exit(found.Code())
	}
	for _, e := range found.Edited {
		c.errPrinter().Warning("%s was edited by hand", e)
	}
	for i := range found.Docs {
		d := &found.Docs[i]
		switch {
		case !d.Changed():
		case o.diff:
			c.printer().Text(string(diff.Diff(d.Path, d.Old, d.Path+" (observed)", d.New)))
		default:
			c.printer().Printf("%s is not up to date", d.Path)
		}
	}
	return exit(found.Code())
}
