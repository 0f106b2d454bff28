package main

import (
	"fmt"
	"time"

	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

type pruneOptions struct {
	targets []string
	older   time.Duration
	yes     bool
}

func newSnapshots(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshots",
		Short: "List the snapshots that recon has taken, or remove them",
		Long: `Lists the snapshots that recon apply --snapshot has taken before changes which
cannot be taken back, and that are still there. Those of others are not looked at.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runSnapshots(cmd, c) },
	}
	var o pruneOptions
	prune := &cobra.Command{
		Use:   "prune",
		Short: "Remove the snapshots that recon has taken",
		Long:  `Removes the snapshots that recon has taken, and no others, after asking.`,
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return runPrune(cmd, c, o) },
	}
	f := prune.Flags()
	f.StringArrayVar(&o.targets, "target", nil, "only those of this `address`; may be repeated")
	f.DurationVar(&o.older, "older-than", 0, "only those that are older: 72h")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	offer(prune, "target", c.addresses())
	cmd.AddCommand(exits(prune, "recon snapshots prune --older-than 168h", api.ExitOK, api.ExitError, api.ExitIncomplete, api.ExitRefused, api.ExitPartial))
	return exits(cmd, "recon snapshots", api.ExitOK, api.ExitError, api.ExitIncomplete)
}

func runSnapshots(cmd *cobra.Command, c *cli) error {
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	list, err := api.ListSnapshots(ctx, h)
	c.endProgress()
	if err != nil {
		return err
	}
	return c.snapshots(list, "There are no snapshots that recon has taken.")
}

func runPrune(cmd *cobra.Command, c *cli, o pruneOptions) error {
	if o.older < 0 {
		return usage(cmd, fmt.Errorf("--older-than is an age, not %s", o.older))
	}
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	list, err := api.PruneSnapshots(ctx, h, api.PruneRequest{Targets: o.targets, Age: o.older, Confirm: func(l *api.SnapshotList) error {
		c.endProgress()
		if o.yes {
			return nil
		}
		if !isTerminal(c.stdin) {
			return api.Refuse("add --yes to remove them without being asked", "there is no terminal on which to ask; nothing was done")
		}
		c.printer().Table(snapshotHead, snapshotRows(l))
		if !c.confirm(fmt.Sprintf("Remove %d snapshot(s)?", len(l.Snapshots))) {
			return api.Refuse("", "not confirmed; nothing was done")
		}
		return nil
	}})
	c.endProgress()
	if err != nil {
		return err
	}
	return c.snapshots(list, "There is nothing to remove.")
}

var snapshotHead = []string{"ADDRESS", "SNAPSHOT", "TAKEN", "BEFORE CHANGES OF", ""}

func snapshotRows(l *api.SnapshotList) (rows [][]string) {
	for _, s := range l.Snapshots {
		became := ""
		if s.Err != nil {
			became = "not removed: " + s.Err.Error()
		}
		rows = append(rows, []string{s.Of.Resource.Addr.String(), s.Name, s.At.Local().Format(time.DateTime), s.Before, became})
	}
	return rows
}

// snapshots prints a list of snapshots.
func (c *cli) snapshots(l *api.SnapshotList, none string) error {
	switch {
	case c.json():
		if err := c.printJSON(l.JSON()); err != nil {
			return err
		}
	case len(l.Snapshots) == 0:
		c.printer().Printf("%s", none)
	default:
		c.printer().Table(snapshotHead, snapshotRows(l))
	}
	return exit(l.Code())
}
