package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"recon/cmd/recon/internal/app"
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
--allow restart a guest is restarted once, after all its writes.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error { return runApply(cmd, c, o, a) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.targets, "target", nil, "only this `address`; may be repeated")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.StringVar(&o.allow, "allow", "reload", "the worst that may happen to a guest: live, reload, restart, outage, destroy")
	f.BoolVar(&o.bulk, "allow-bulk", false, "change more resources than one run may by default")
	f.BoolVar(&o.deferRestart, "defer-restart", false, "write what needs a restart, and leave the restart to somebody else")
	return exits(cmd, "recon apply --target vm.media --allow restart", app.ExitOK, app.ExitError, app.ExitIncomplete, app.ExitRefused, app.ExitPartial)
}

func runApply(cmd *cobra.Command, c *cli, o applyOptions, a []string) error {
	opts, err := o.reconcile(cmd, c)
	if err != nil {
		return err
	}
	ctx, s, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	w, err := s.Observe(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	p, err := c.planToApply(ctx, cmd, s, w, o, a)
	if err != nil {
		return err
	}
	c.endProgress()
	if !c.json() {
		c.printer().Plan(p, term.PlanOptions{Calls: true})
	}
	if err := s.Guard(w, p, opts, o.bulk); err != nil {
		return err
	}
	if app.Nothing(p, opts) {
		return c.nothingToApply(p, opts)
	}
	if err := c.approve(p, &opts, o); err != nil {
		return err
	}
	run, err := s.RunApply(ctx, w, p, opts)
	c.endProgress()
	if run != nil && run.Results != nil {
		c.applied(run)
	}
	if err != nil {
		return err
	}
	return exit(run.Code())
}

// reconcile turns the flags into what Apply may do.
func (o applyOptions) reconcile(cmd *cobra.Command, c *cli) (reconcile.Options, error) {
	opts := reconcile.Options{DeferRestart: o.deferRestart}
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

// planToApply plans anew, or binds a saved plan to what is there now.
func (c *cli) planToApply(ctx context.Context, cmd *cobra.Command, s *app.Session, w *app.World, o applyOptions, a []string) (*reconcile.Plan, error) {
	targets, err := parseTargets(cmd, o.targets)
	if err != nil {
		return nil, err
	}
	if len(a) == 0 {
		return s.Plan(ctx, w, targets)
	}
	if len(targets) > 0 {
		return nil, usage(cmd, fmt.Errorf("a saved plan has its targets already; leave --target out"))
	}
	data, err := os.ReadFile(a[0])
	if err != nil {
		return nil, fmt.Errorf("read the saved plan: %w", err)
	}
	fresh, err := s.Plan(ctx, w, nil)
	if err != nil {
		return nil, err
	}
	return s.LoadPlan(data, w, fresh)
}

// approve asks before anything is done.
func (c *cli) approve(p *reconcile.Plan, opts *reconcile.Options, o applyOptions) error {
	if o.yes {
		return nil
	}
	if !isTerminal(c.stdin) {
		return app.Refuse("add --yes to apply without being asked", "there is no terminal on which to ask; nothing was done")
	}
	calls, resources := 0, 0
	for i := range p.Changes {
		if run, _ := opts.Select(&p.Changes[i]); len(run) > 0 {
			resources++
			calls += len(run)
		}
	}
	if !c.confirm(fmt.Sprintf("Make %d call(s) on %d resource(s)?", calls, resources)) {
		return app.Refuse("", "not confirmed; nothing was done")
	}
	return nil
}

// nothingToApply ends an apply that may not, or need not, do anything.
func (c *cli) nothingToApply(p *reconcile.Plan, opts reconcile.Options) error {
	run := &app.ApplyRun{Plan: p}
	for i := range p.Changes {
		ch := &p.Changes[i]
		_, withheld := opts.Select(ch)
		run.Results = append(run.Results, reconcile.Result{Change: ch, Status: reconcile.StatusSkipped, Withheld: withheld})
	}
	c.applied(run)
	return exit(run.Code())
}

// applied prints what became of each change.
func (c *cli) applied(run *app.ApplyRun) {
	if c.json() {
		if err := c.printJSON(run.Plan.WithResults(run.Results)); err != nil {
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
