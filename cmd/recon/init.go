package main

import (
	"fmt"
	"os"

	"recon/cmd/recon/internal/api"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
)

func newInit(c *cli) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Start a project in this folder",
		Long: `Looks around and adds what is missing: a commented recon.hcl, .recon/ in
.gitignore, and empty marker pairs at the end of the documents that are there.
Nothing that exists is overwritten. On a terminal the changes are shown first.`,
		Args: args(cobra.NoArgs),
		RunE: func(_ *cobra.Command, _ []string) error { return runInit(c, dryRun) },
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the changes, write nothing")
	return exits(cmd, "recon init --dry-run", api.ExitOK, api.ExitError, api.ExitRefused)
}

func runInit(c *cli, dryRun bool) error {
	root := c.dir
	if root == "" {
		root = "."
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is not a folder", root)
	}
	in, err := api.PlanInit(root)
	if err != nil {
		return err
	}
	p := c.printer()
	ask := isTerminal(c.stdin) && isTerminal(c.stdout) && !dryRun
	if dryRun || ask {
		for _, f := range in.Files {
			fmt.Fprintf(c.stdout, "%s", diff.Diff(f.Path, f.Old, f.Path, f.New))
		}
	}
	for _, n := range in.Notes {
		c.hint("%s", n)
	}
	switch {
	case len(in.Files) == 0:
		p.Printf("Nothing to do: everything is there.")
		return nil
	case dryRun:
		return nil
	case ask && !c.confirm("Write this?"):
		return api.Refuse("", "not confirmed; nothing was written")
	}
	if err := api.WriteInit(root, in); err != nil {
		return err
	}
	for _, f := range in.Files {
		word := "made"
		if f.Existed {
			word = "added to"
		}
		p.Printf("%s %s", word, f.Path)
	}
	for i, n := range in.Next {
		c.hint("%d. %s", i+1, n)
	}
	if !c.quiet && !c.json() {
		fmt.Fprintf(c.stderr, "  To begin each session with what has changed, put this into .claude/settings.json:\n\n%s\n", api.SessionHook)
	}
	return nil
}
