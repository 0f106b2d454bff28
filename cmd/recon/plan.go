package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/reconcile"

	"github.com/spf13/cobra"
)

type planOptions struct {
	targets []string
	out     string
	refresh bool
	failOn  []string
}

func newPlan(c *cli) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Observe, compare, and show what differs",
		Long: `Observes every source, compares it with the manifests and shows what differs and
what apply would do. It takes no lock and writes nothing but the file of --out.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runPlan(cmd, c, o) },
	}
	cmd.Flags().StringArrayVar(&o.targets, "target", nil, "only this `address`; may be repeated")
	cmd.Flags().StringVar(&o.out, "out", "", "save the plan to a `file` for recon apply")
	cmd.Flags().BoolVar(&o.refresh, "refresh", true, "look at live state; false compares with what was seen last")
	failOnFlag(cmd, &o.failOn)
	offer(cmd, "target", c.addresses())
	return exits(cmd, "recon plan --target vm.gitlab --out gitlab.plan", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete)
}

// failOnFlag adds --fail-on.
func failOnFlag(cmd *cobra.Command, words *[]string) {
	cmd.Flags().StringSliceVar(words, "fail-on", nil, "which `conditions` end it with 2: "+strings.Join(api.FailOnWords(), ", "))
	offer(cmd, "fail-on", these(api.FailOnWords()))
}

// checkFailOn refuses words that are no condition.
func checkFailOn(cmd *cobra.Command, words []string) error {
	for _, w := range words {
		if !slices.Contains(api.FailOnWords(), w) {
			return usage(cmd, fmt.Errorf("--fail-on takes %s, not %q", strings.Join(api.FailOnWords(), ", "), w))
		}
	}
	return nil
}

func runPlan(cmd *cobra.Command, c *cli, o planOptions) error {
	if err := checkFailOn(cmd, o.failOn); err != nil {
		return err
	}
	ctx, h, err := c.openToLook(cmd, o.refresh && len(o.targets) == 0)
	if err != nil {
		return err
	}
	p, err := api.Plan(ctx, h, api.PlanRequest{Targets: o.targets, Refresh: o.refresh, Save: o.out})
	c.endProgress()
	if err != nil {
		return err
	}
	if c.json() {
		if err := c.printJSON(p); err != nil {
			return err
		}
	} else {
		c.printer().Plan(p, term.PlanOptions{})
		c.afterPlan(p, o)
	}
	return exit(api.PlanCode(p, o.failOn))
}

func (c *cli) afterPlan(p *reconcile.Plan, o planOptions) {
	switch {
	case o.out != "":
		c.hint("saved; recon apply %s does exactly this", o.out)
	case p.Stuck():
		c.hint("everything that differs is blocked; recon adopt ADDRESS makes the manifests agree with live")
	case !p.InSync():
		c.hint("recon apply makes live agree with the manifests, recon adopt ADDRESS the manifests with live")
	}
	if p.LacksRights() {
		c.hint("recon check has the commands that give the token more rights; docs/rights.md says what each step is for")
	}
}

// openToLook opens the project for a command that looks at everything, or not.
func (c *cli) openToLook(cmd *cobra.Command, everything bool) (context.Context, *api.Home, error) {
	if everything {
		return c.openToObserve(cmd)
	}
	return c.open(cmd)
}
