package main

import (
	"fmt"

	"recon/cmd/recon/internal/app"
	"recon/inventory"

	"github.com/spf13/cobra"
)

func newShow(c *cli) *cobra.Command {
	refresh := true
	cmd := &cobra.Command{
		Use:   "show [ADDRESS]",
		Short: "Show everything that is known of a resource",
		Long: `Shows one resource: what the manifest says and where, what was last applied, what
is configured and what is in use, since when it differs and who changed it.
Without an address it lists the declared resources with their verdicts.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error { return runShow(cmd, c, refresh, a) },
	}
	cmd.Flags().BoolVar(&refresh, "refresh", true, "look at live state; false shows what was seen last")
	return exits(cmd, "recon show vm.media", app.ExitOK, app.ExitError, app.ExitIncomplete)
}

func runShow(cmd *cobra.Command, c *cli, refresh bool, a []string) error {
	ctx, s, err := c.openToLook(cmd, refresh)
	if err != nil {
		return err
	}
	w, err := c.look(ctx, s, refresh)
	if err != nil {
		return err
	}
	defer w.Close()
	p, err := s.Plan(ctx, w, nil)
	c.endProgress()
	if err != nil {
		return err
	}
	var shown []*app.Shown
	if len(a) == 1 {
		addr, _, err := inventory.ParseAddress(a[0])
		if err != nil {
			return usage(cmd, err)
		}
		sh, found, err := s.Show(w, p, addr)
		if err != nil {
			return err
		}
		if !found {
			return &app.Failure{Code: app.ExitError, Err: fmt.Errorf("there is no %s", addr), Hint: "recon inventory lists what there is"}
		}
		shown = append(shown, sh)
	} else {
		for _, r := range s.Project.Resources {
			sh, _, err := s.Show(w, p, r.Addr)
			if err != nil {
				return err
			}
			shown = append(shown, sh)
		}
	}
	if err := c.shown(shown, len(a) == 1); err != nil {
		return err
	}
	c.unobserved(w.Unknown())
	for _, sh := range shown {
		if sh.State == inventory.Unknown.String() || len(sh.Unread) > 0 {
			return exit(app.ExitIncomplete)
		}
	}
	return nil
}

func (c *cli) shown(shown []*app.Shown, one bool) error {
	switch {
	case c.json() && one:
		return c.printJSON(shown[0])
	case c.json():
		return c.printJSON(map[string]any{"format_version": "1.0", "resources": append([]*app.Shown{}, shown...)})
	case one:
		c.showOne(shown[0])
		return nil
	}
	var rows [][]string
	for _, sh := range shown {
		rows = append(rows, []string{sh.Address, sh.Identity, sh.Node, sh.Verdict, fmt.Sprintf("%s:%d", sh.File, sh.Line)})
	}
	c.printer().Table([]string{"ADDRESS", "IDENTITY", "NODE", "VERDICT", "WRITTEN"}, rows)
	return nil
}

// showOne prints a head of facts and a table of values.
func (c *cli) showOne(sh *app.Shown) {
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
	if sh.Since != nil {
		p.Printf("  drifting since %s", *sh.Since)
	}
	if sh.ChangedBy != nil {
		p.Printf("  last changed by %s", *sh.ChangedBy)
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
	columns, head := []int{0, 1, 3, 4}, []string{"FIELD", "MANIFEST", "LAST APPLIED", "LIVE", "IN USE"}
	if sh.Terraform != nil {
		columns, head = []int{0, 1, 2, 3, 4}, []string{"FIELD", "MANIFEST", "LAST APPLIED", "TERRAFORM", "LIVE", "IN USE"}
	}
	var rows [][]string
	for _, f := range sh.Fields {
		row := []string{f.Name}
		for _, i := range columns {
			text := f.Text[i]
			if r := []rune(text); len(r) > 24 {
				text = string(r[:21]) + "..."
			}
			row = append(row, text)
		}
		if last := len(row) - 1; row[last] == row[last-1] {
			row[last] = ""
		}
		rows = append(rows, row)
	}
	p.Printf("")
	p.Table(head, rows)
}
