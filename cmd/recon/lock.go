package main

import (
	"time"

	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

func newLock(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "lock", Short: "See who holds the project's lock", Args: args(cobra.NoArgs), RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	list := &cobra.Command{
		Use:   "list",
		Short: "Say who holds the lock",
		Long:  `Says who holds the project's lock. It is a lock of the kernel: when its holder dies it is free at once, so there is nothing to break.`,
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return runLockList(cmd, c) },
	}
	cmd.AddCommand(exits(list, "recon lock list", api.ExitOK, api.ExitError))
	return exits(cmd, "recon lock list", api.ExitOK, api.ExitError)
}

func runLockList(cmd *cobra.Command, c *cli) error {
	ctx, home, err := c.open(cmd)
	if err != nil {
		return err
	}
	found, err := api.WhoHolds(ctx, home)
	if err != nil {
		return err
	}
	if c.json() {
		return c.printJSON(found)
	}
	h := found.Holder
	if h == nil {
		c.printer().Printf("Nobody holds the lock.")
		return nil
	}
	if h.PID == 0 {
		c.printer().Printf("%s holds the lock and left no name.", h.Command)
		return nil
	}
	c.printer().Printf("%s, pid %d on %s, since %s", h.Command, h.PID, h.Host, h.Since.Local().Format(time.DateTime))
	if h.Session != 0 {
		c.hint("its session of the database is %d; SELECT pg_terminate_backend(%d) frees the lock of a machine that is gone", h.Session, h.Session)
	}
	return nil
}
