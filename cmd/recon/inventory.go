package main

import (
	"fmt"
	"strings"

	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

type inventoryOptions struct {
	format  string
	refresh bool
}

func newInventory(c *cli) *cobra.Command {
	var o inventoryOptions
	cmd := &cobra.Command{
		Use:   "inventory",
		Short: "List what exists",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return runInventory(cmd, c, o) },
	}
	cmd.Flags().StringVar(&o.format, "format", "table", "table or json")
	cmd.Flags().BoolVar(&o.refresh, "refresh", true, "look at live state; false lists what was seen last")
	return exits(cmd, "recon inventory --format json", api.ExitOK, api.ExitError, api.ExitIncomplete)
}

func runInventory(cmd *cobra.Command, c *cli, o inventoryOptions) error {
	if o.format != "table" && o.format != "json" {
		return usage(cmd, fmt.Errorf("--format is table or json, not %q", o.format))
	}
	ctx, h, err := c.openToLook(cmd, o.refresh)
	if err != nil {
		return err
	}
	inv, err := api.ListInventory(ctx, h, o.refresh)
	c.endProgress()
	if err != nil {
		return err
	}
	if c.json() || o.format == "json" {
		if err := c.printJSON(inv); err != nil {
			return err
		}
	} else {
		c.inventoryTable(inv)
		c.unobserved(inv.Unknown)
	}
	if len(inv.Unknown) > 0 {
		return exit(api.ExitIncomplete)
	}
	return nil
}

func (c *cli) inventoryTable(inv *api.Inventory) {
	var rows [][]string
	for _, r := range inv.Resources {
		status := r.Status
		if r.Unknown {
			status = "unknown"
		}
		rows = append(rows, []string{r.Address, r.Identity, r.Node, status, strings.Join(r.Addresses, " "), r.ManagedBy})
	}
	c.printer().Table([]string{"ADDRESS", "IDENTITY", "NODE", "STATUS", "IP", "MANAGED BY"}, rows)
}
