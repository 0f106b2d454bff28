package main

import (
	"errors"
	"fmt"
	"slices"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/inventory"
	"recon/reconcile"

	"github.com/spf13/cobra"
)

type applyOptions struct {
	targets      []string
	yes          bool
	allow        string
	bulk         bool
	deferRestart bool
	overwrite    bool
	restarts     int
	snapshot     bool
}

func newApply(c *cli) *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply [PLANFILE]",
		Short: "Make live agree with the manifests",
		Long: `Shows the exact calls, asks, makes them, reads everything back, and writes ledger
and documents from what it read.

Without --allow only what takes effect live or with a moment's interruption is
done; what would restart, stop or destroy a guest is named and left. With
--allow restart a guest is restarted once, after all its writes. What belongs together
(depends_on, instances of a block, guests under HA) is restarted one after the other:
each has to run again, and its agent to answer if it did before, until it is the next
one's turn. When one does not come back the others are left up.

With --snapshot a snapshot is taken of a guest before what cannot be taken back, a
volume that grows or is taken out, where its storages can; recon snapshots prune
removes them.

Where manifest and live have both moved it asks about each by itself; without a
terminal it leaves them alone, unless --overwrite lets the manifest win.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error { return runApply(cmd, c, o, a) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.targets, "target", nil, "only this `address`; may be repeated")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.StringVar(&o.allow, "allow", "reload", "the worst that may happen to a guest: live, reload, restart, outage, destroy")
	f.BoolVar(&o.bulk, "allow-bulk", false, "change more resources than one run may by default")
	f.BoolVar(&o.overwrite, "overwrite", false, "where manifest and live have both moved, let the manifest win")
	f.BoolVar(&o.deferRestart, "defer-restart", false, "write what needs a restart, and leave the restart to somebody else")
	f.IntVar(&o.restarts, "restarts", 1, "of guests and daemons that belong together, so many are down at a time")
	f.BoolVar(&o.snapshot, "snapshot", false, "take a snapshot before what cannot be taken back")
	offer(cmd, "target", c.addresses())
	offer(cmd, "allow", these([]string{"live", "reload", "restart", "outage", "destroy"}))
	return exits(cmd, "recon apply --target vm.media --allow restart", api.ExitOK, api.ExitError, api.ExitIncomplete, api.ExitRefused, api.ExitPartial)
}

func runApply(cmd *cobra.Command, c *cli, o applyOptions, a []string) error {
	opts, err := o.reconcile(cmd, c)
	if err != nil {
		return err
	}
	r := api.ApplyRequest{
		Targets: o.targets, Options: opts, AllowBulk: o.bulk, Overwrite: o.overwrite, Snapshot: o.snapshot, Show: c.showCalls,
		Confirm: func(calls, resources int) error { return c.approve(o, calls, resources) },
	}
	if !o.yes && isTerminal(c.stdin) {
		r.ConfirmConflict = func(ch *inventory.Change) bool {
			return c.confirm(fmt.Sprintf("%s: manifest and live have both moved. Let the manifest win?", ch.Addr))
		}
	}
	if len(a) == 1 {
		r.PlanFile = a[0]
	}
	if r.PlanFile != "" && len(o.targets) > 0 {
		return usage(cmd, errors.New("a saved plan has its targets already; leave --target out"))
	}
	if r.PlanFile != "" && o.snapshot {
		return usage(cmd, errors.New("a saved plan has its calls already; leave --snapshot out, or apply without the file"))
	}
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	run, err := api.Apply(ctx, h, r)
	c.endProgress()
	if run != nil && (run.Results != nil || err == nil) {
		c.applied(run)
	}
	if err != nil {
		return err
	}
	return exit(run.Code())
}

// showCalls prints the plan with the exact calls, before anything is asked.
func (c *cli) showCalls(p *reconcile.Plan) {
	c.endProgress()
	if !c.json() {
		c.printer().Plan(p, term.PlanOptions{Calls: true})
	}
}

// reconcile turns the flags into what Apply may do.
func (o applyOptions) reconcile(cmd *cobra.Command, c *cli) (reconcile.Options, error) {
	opts := reconcile.Options{DeferRestart: o.deferRestart, Restarts: o.restarts}
	if o.restarts < 1 {
		return opts, usage(cmd, fmt.Errorf("--restarts is how many may be down at a time, at least 1, not %d", o.restarts))
	}
	err := opts.Ceiling.UnmarshalText([]byte(o.allow))
	if err != nil || opts.Ceiling == inventory.ImpactRootOnly {
		return opts, usage(cmd, fmt.Errorf("--allow is live, reload, restart, outage or destroy, not %q", o.allow))
	}
	if !o.yes && isTerminal(c.stdin) {
		opts.Approve = func(ch *inventory.Change) bool {
			c.printer().Plan(&reconcile.Plan{Complete: true, Changes: []inventory.Change{*ch}}, term.PlanOptions{Calls: true})
			return c.confirm(ch.Addr.String() + " has changed meanwhile. Make these calls instead?")
		}
	}
	opts.Progress = c.applyProgress()
	return opts, nil
}

// approve asks before anything is done.
func (c *cli) approve(o applyOptions, calls, resources int) error {
	if o.yes {
		return nil
	}
	if !isTerminal(c.stdin) {
		return api.Refuse("add --yes to apply without being asked", "there is no terminal on which to ask; nothing was done")
	}
	if !c.confirm(fmt.Sprintf("Make %d call(s) on %d resource(s)?", calls, resources)) {
		return api.Refuse("", "not confirmed; nothing was done")
	}
	return nil
}

// applied prints what became of each change.
func (c *cli) applied(run *api.Applied) {
	if c.json() {
		if err := c.printJSON(api.AppliedJSON(run)); err != nil {
			c.errPrinter().Error(err, "")
		}
		return
	}
	c.printer().Results(run.Results)
	if run.After != nil {
		c.cycleNotes(run.After)
	}
	if slices.ContainsFunc(run.Results, func(r reconcile.Result) bool { return len(r.Withheld) > 0 }) {
		c.hint("--allow says how far apply may go: live, reload (the default), restart, outage, destroy")
	}
}

// applyProgress shows steps as they go on.
func (c *cli) applyProgress() func(reconcile.Event) {
	done := 0
	return func(e reconcile.Event) {
		switch {
		case e.Result != nil:
			done++
		case e.Line != "":
			c.logger().Debug("task", "address", e.Addr, "line", e.Line)
			return
		case e.Step != nil:
			c.logger().Info("call", "address", e.Addr, "method", e.Step.Method, "path", e.Step.Path)
		}
		if e.Step != nil {
			c.showProgress("applying "+e.Addr.String()+": "+e.Step.Summary, 0, 1)
		} else {
			c.endProgress()
		}
	}
}
