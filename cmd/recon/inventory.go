package main

import (
	"fmt"
	"slices"
	"strings"

	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

type inventoryOptions struct {
	format  string
	refresh bool
	list    bool
	host    string
	port    int
}

func newInventory(c *cli) *cobra.Command {
	var o inventoryOptions
	cmd := &cobra.Command{
		Use:   "inventory",
		Short: "List what exists",
		Long: `Lists what exists: as a table, as JSON, or as other programs read guests.

--format ansible answers as a dynamic inventory of Ansible does (--list, --host NAME),
with groups by kind, node, pool, tag and status. --format hosts and ssh-config are the
lines of such a file, --format prometheus a file for file_sd_configs. Guests of which
no address is known, or whose name is none of DNS, are left out and named.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runInventory(cmd, c, o) },
	}
	cmd.Flags().StringVar(&o.format, "format", "table", "table, json, ansible, hosts, ssh-config or prometheus")
	cmd.Flags().BoolVar(&o.list, "list", false, "with --format ansible: all hosts, which it says anyway")
	cmd.Flags().StringVar(&o.host, "host", "", "with --format ansible: the variables of one host")
	cmd.Flags().IntVar(&o.port, "port", 9100, "with --format prometheus: the port that is scraped")
	cmd.Flags().BoolVar(&o.refresh, "refresh", true, "look at live state; false lists what was seen last")
	return exits(cmd, "recon inventory --format json", api.ExitOK, api.ExitError, api.ExitIncomplete)
}

func runInventory(cmd *cobra.Command, c *cli, o inventoryOptions) error {
	if !slices.Contains([]string{"table", "json", "ansible", "hosts", "ssh-config", "prometheus"}, o.format) {
		return usage(cmd, fmt.Errorf("--format is table, json, ansible, hosts, ssh-config or prometheus, not %q", o.format))
	}
	if o.port < 1 || o.port > 65535 {
		return usage(cmd, fmt.Errorf("--port is from 1 to 65535, not %d", o.port))
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
	if err := c.listInventory(inv, o); err != nil {
		return err
	}
	if len(inv.Unknown) > 0 {
		return exit(api.ExitIncomplete)
	}
	return nil
}

// listInventory prints what exists in the format that was asked for.
func (c *cli) listInventory(inv *api.Inventory, o inventoryOptions) error {
	if o.format == "json" || c.json() && o.format == "table" {
		return c.printJSON(inv)
	}
	if o.format == "table" {
		c.inventoryTable(inv)
	}
	c.unobserved(inv.Unknown)
	if o.format == "table" {
		return nil
	}
	targets, left := inv.Targets()
	for _, l := range left {
		if c.quiet {
			break
		}
		c.errPrinter().Warning("left out: %s", l)
	}
	switch o.format {
	case "ansible":
		return c.printJSON(ansible(targets, o.host))
	case "prometheus":
		return c.printJSON(api.Scraped(targets, o.port))
	}
	line := "%s\t%s\n"
	if o.format == "ssh-config" {
		line = "Host %[2]s\n  HostName %[1]s\n"
	}
	for _, t := range targets {
		fmt.Fprintf(c.stdout, line, t.IP, t.Name)
	}
	return nil
}

// ansible is the answer to --list, or to --host of one that there is.
func ansible(targets []api.Target, host string) any {
	if host == "" {
		return api.AnsibleList(targets)
	}
	for _, t := range targets {
		if t.Name == host {
			return api.AnsibleHost(t)
		}
	}
	return map[string]any{}
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
	c.printer().Table([]string{"ADDRESS", "IDENTITY", "NODE", "STATUS", "IP", "OWNER"}, rows)
}
