package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/cmd/recon/internal/words"
	"recon/inventory"

	"github.com/spf13/cobra"
)

func newShow(c *cli) *cobra.Command {
	refresh := true
	cmd := &cobra.Command{
		Use:   "show [ADDRESS|PLANFILE]",
		Short: "Show what is known of a resource, or what a plan file says",
		Long: `Shows one resource: what the manifest says and where, what was last applied, what
is configured and what is in use, since when it differs and who changed it.
Without an address it lists the declared resources with their verdicts.

Of a plan file it shows the changes and calls that it claims, and what it was made
from, without looking at anything.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error { return runShow(cmd, c, refresh, a) },
	}
	cmd.Flags().BoolVar(&refresh, "refresh", true, "look at live state; false shows what was seen last")
	cmd.ValidArgsFunction = c.addresses()
	return exits(cmd, "recon show vm.media", api.ExitOK, api.ExitError, api.ExitIncomplete)
}

func runShow(cmd *cobra.Command, c *cli, refresh bool, a []string) error {
	if len(a) == 1 {
		addr, _, _ := inventory.ParseAddress(a[0])
		if info, err := os.Stat(a[0]); err == nil && info.Mode().IsRegular() && inventory.KindOf(addr.Kind) == nil {
			return c.showPlan(a[0])
		}
	}
	ctx, h, err := c.openToLook(cmd, refresh)
	if err != nil {
		return err
	}
	found, err := api.Show(ctx, h, strings.Join(a, ""), refresh)
	c.endProgress()
	if err != nil {
		return err
	}
	if err := c.shown(found, len(a) == 1); err != nil {
		return err
	}
	c.unobserved(found.Unknown)
	return exit(found.Code())
}

// showPlan shows what a plan file says.
func (c *cli) showPlan(file string) error {
	s, err := api.ShowPlan(file)
	if err != nil {
		return err
	}
	if c.json() {
		return c.printJSON(s.JSON())
	}
	p := c.printer()
	p.Printf("A plan of %s.", words.When(s.Plan.ObservedAt))
	if s.Commit != "" {
		p.Printf("Made from commit %s.", s.Commit)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Manifests)) {
		p.Printf("Made from %s, sha256 %.16s.", name, s.Manifests[name])
	}
	p.Printf("")
	p.PlannedChanges(s.Plan, term.PlanOptions{Calls: true})
	c.hint("recon apply plans anew and does this only when nothing has changed")
	return nil
}

func (c *cli) shown(found *api.Showing, one bool) error {
	switch {
	case c.json() && one:
		return c.printJSON(found.Resources[0])
	case c.json():
		return c.printJSON(found.JSON())
	case one:
		c.showOne(found.Resources[0])
		return nil
	}
	var rows [][]string
	for _, sh := range found.Resources {
		rows = append(rows, []string{sh.Address, sh.Identity, sh.Node, sh.Verdict, fmt.Sprintf("%s:%d", sh.File, sh.Line)})
	}
	c.printer().Table([]string{"ADDRESS", "IDENTITY", "NODE", "VERDICT", "WRITTEN"}, rows)
	return nil
}

// showOne prints a head of facts and a table of values.
func (c *cli) showOne(sh *api.Shown) {
	p := c.printer()
	p.Printf("%s  %s  %s", sh.Address, sh.Identity, sh.Verdict)
	if sh.Node != "" {
		p.Printf("  on %s, %s", sh.Node, sh.Status)
	}
	if sh.Error != nil {
		p.Printf("  not observed now: %s", *sh.Error)
	}
	if sh.File != "" {
		p.Printf("  written in %s:%d", sh.File, sh.Line)
	}
	if !sh.Opened.IsZero() {
		p.Printf("  drifting since %s", words.When(sh.Opened))
	}
	if sh.ChangedBy != nil {
		p.Printf("  last changed by %s", *sh.ChangedBy)
	}
	if sh.ByNeeds != nil {
		p.Printf("  last changed by: not visible to this token (%s)", *sh.ByNeeds)
	}
	if t := sh.Terraform; t != nil {
		p.Printf("  Terraform has it as %s (%s)", t.Address, t.Source)
		if t.File != "" {
			p.Printf("  its code is in %s:%d", t.File, t.Line)
		}
	}
	for _, name := range sh.Unread {
		p.Printf("  not known: what Terraform says; %s could not be read", name)
	}
	for _, n := range sh.Needs {
		p.Printf("  needs %s", n)
	}
	showFields(p, sh)
}

// showFields prints what the sides say of each field: a table of those in which they
// differ, what has to be mended first, and then the one value of each other field.
func showFields(p *term.Printer, sh *api.Shown) {
	columns, head := []int{0, 1, 3, 4}, []string{"FIELD", "MANIFEST", "LAST APPLIED", "LIVE", "IN USE"}
	if sh.Terraform != nil {
		columns, head = []int{0, 1, 2, 3, 4}, []string{"FIELD", "MANIFEST", "LAST APPLIED", "TERRAFORM", "LIVE", "IN USE"}
	}
	var differ, apart [][]string
	var declared, others [][2]string
	for i := range sh.Fields {
		f := &sh.Fields[i]
		row := []string{f.Name}
		for _, c := range columns {
			row = append(row, f.Text[c])
		}
		switch value, one := f.Agreed(); {
		case f.Differs:
			row[0] = "! " + f.Name
			differ = append(differ, row)
		case !one:
			apart = append(apart, row)
		case f.Declared:
			declared = append(declared, [2]string{f.Name, value})
		default:
			others = append(others, [2]string{f.Name, value})
		}
	}
	if rows := append(differ, apart...); len(rows) > 0 {
		p.Printf("")
		p.Table(head, rows)
	}
	p.Titled("As the manifest says", declared)
	p.Titled("Not in the manifest", others)
}
