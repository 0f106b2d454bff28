package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/inventory"

	"github.com/spf13/cobra"
)

func newApprove(c *cli) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "approve [ID...]",
		Short: "List what recon serve proposes, or have some of it done",
		Long: `Without an ID it lists the proposals that wait: the changes that a schedule with
action = "heal" did not make by itself, and why.

With IDs, or their beginnings, it shows the exact calls, asks, and makes them. Everything
is looked at again before the first call and after each one: when manifests, the guest or
the calls are not those that were proposed, nothing more is done. A proposal is carried
out once, and not after its end.`,
		Args: args(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if len(ids) == 0 {
				return runProposals(cmd, c)
			}
			return runApprove(cmd, c, ids, yes)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.ValidArgsFunction = c.proposals()
	return exits(cmd, "recon approve 3f9a1c2e07", api.ExitOK, api.ExitError, api.ExitIncomplete, api.ExitRefused, api.ExitPartial)
}

func newReject(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reject ID...",
		Short: "Decline what recon serve proposes",
		Long: `Nothing is done, and the same change is not proposed again as long as it is there.
recon plan and recon drift still show it.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error { return runReject(cmd, c, ids) },
	}
	cmd.ValidArgsFunction = c.proposals()
	return exits(cmd, "recon reject 3f9a1c2e07", api.ExitOK, api.ExitError, api.ExitRefused)
}

// proposals offers the IDs of what waits.
func (c *cli) proposals() completes {
	return func(cmd *cobra.Command, _ []string, _ string) (ids []string, _ cobra.ShellCompDirective) {
		opts := c.options(cmd)
		opts.Warn = nil
		h, err := api.Open(opts)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		w, err := api.Waiting(cmd.Context(), h)
		for i := range w.Proposals {
			if err == nil {
				ids = append(ids, api.ShortID(&w.Proposals[i]))
			}
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}

// runProposals lists what waits.
func runProposals(cmd *cobra.Command, c *cli) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	w, err := api.Waiting(ctx, h)
	if err != nil {
		return err
	}
	if c.json() {
		return c.printJSON(w.JSON())
	}
	p := c.printer()
	if w.Freeze != nil {
		p.Printf("recon is %s", w.Freeze)
	}
	for i := range w.Proposals {
		if err := p.Proposal(&w.Proposals[i]); err != nil {
			return err
		}
	}
	if len(w.Proposals) == 0 {
		p.Printf("Nothing waits for a decision.")
		return nil
	}
	c.hint("recon approve %s shows its calls and asks; recon reject %s declines it", api.ShortID(&w.Proposals[0]), api.ShortID(&w.Proposals[0]))
	return nil
}

// chosen are the proposals that somebody names, each once.
func chosen(ctx context.Context, h *api.Home, ids []string) (out []api.Proposal, err error) {
	named := map[string]bool{}
	for _, id := range ids {
		p, err := api.FindProposal(ctx, h, id)
		if err != nil {
			return nil, err
		}
		if !named[p.ID] {
			out = append(out, p)
		}
		named[p.ID] = true
	}
	return out, nil
}

func runApprove(cmd *cobra.Command, c *cli, ids []string, yes bool) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	all, err := chosen(ctx, h, ids)
	if err != nil {
		return err
	}
	if err := api.Decidable(all, h.Now()); err != nil {
		return err
	}
	if err := c.mayApprove(all, yes); err != nil {
		return err
	}
	var whole []string
	for i := range all {
		p := &all[i]
		if !p.Approved() { // one that was approved, and recon was ended before it was carried out
			if _, err := api.Decide(ctx, h, p.ID, true, whoami()); err != nil {
				return err
			}
		}
		whole = append(whole, p.ID)
	}
	run, err := api.CarryOut(ctx, h, whole)
	c.endProgress()
	if run != nil && (run.Results != nil || run.Carried != nil) {
		c.carriedOut(run)
	}
	if err != nil {
		return err
	}
	return exit(run.Code())
}

// mayApprove shows the exact calls, and asks.
func (c *cli) mayApprove(all []api.Proposal, yes bool) error {
	calls := 0
	for i := range all {
		change, err := all[i].Claim()
		if err != nil {
			return err
		}
		calls += len(change.Steps)
	}
	if !c.json() {
		for i := range all {
			if err := c.printer().ProposedCalls(&all[i]); err != nil {
				return err
			}
		}
	}
	return c.approve(applyOptions{yes: yes}, calls, len(all))
}

// carriedOut prints what became of what was approved.
func (c *cli) carriedOut(run *api.Applied) {
	c.applied(run)
	if c.json() {
		return
	}
	for _, p := range run.Carried {
		if p.Outcome != inventory.ProposalDone {
			why := ""
			if p.Err != nil {
				why = ": " + p.Err.Error()
			}
			c.printer().Warning("proposal %s of %s %s%s", api.ShortID(&p.Proposal), p.Address(), inventory.ProposalEndings()[p.Outcome], why)
		}
	}
}

func runReject(cmd *cobra.Command, c *cli, ids []string) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	all, err := chosen(ctx, h, ids)
	if err != nil {
		return err
	}
	for i := range all {
		if _, err := api.Decide(ctx, h, all[i].ID, false, whoami()); err != nil {
			return err
		}
		if !c.json() {
			c.printer().Printf("Rejected: %s of %s", api.ShortID(&all[i]), all[i].Address())
		}
	}
	return c.standing(cmd, h)
}

// standing is the answer of what changes what waits: for programs, what waits now.
func (c *cli) standing(cmd *cobra.Command, h *api.Home) error {
	if !c.json() {
		return nil
	}
	w, err := api.Waiting(cmd.Context(), h)
	if err != nil {
		return err
	}
	return c.printJSON(w.JSON())
}

// whoami is who decides at a shell.
func whoami() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "somebody at the shell"
	}
	return u.Username
}

func newFreeze(c *cli) *cobra.Command {
	var span time.Duration
	var reason string
	cmd := &cobra.Command{
		Use:   "freeze",
		Short: "Have recon serve heal nothing and carry out no proposal for a while",
		Long: `recon serve goes on to look, to tell and to write documents. recon apply is not
stopped: whoever runs it is there.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if span < 0 {
				return usage(cmd, errors.New("--for is how long, as 2h or 30m"))
			}
			ctx, h, err := c.open(cmd)
			if err != nil {
				return err
			}
			f, err := api.SetFreeze(ctx, h, span, reason, whoami())
			if err != nil {
				return err
			}
			if !c.json() {
				c.printer().Printf("recon is %s", f)
			}
			if span == 0 {
				c.hint("recon unfreeze ends it")
			}
			return c.standing(cmd, h)
		},
	}
	cmd.Flags().DurationVar(&span, "for", 0, "how long: `2h`; left out: until recon unfreeze")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever wonders")
	return exits(cmd, "recon freeze --for 2h", api.ExitOK, api.ExitError)
}

func newUnfreeze(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unfreeze",
		Short: "End what recon freeze began",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, h, err := c.open(cmd)
			if err != nil {
				return err
			}
			if err := api.Unfreeze(ctx, h, whoami()); err != nil {
				return err
			}
			if !c.json() {
				c.printer().Printf("recon may do again what manifests let it.")
			}
			return c.standing(cmd, h)
		},
	}
	return exits(cmd, "recon unfreeze", api.ExitOK, api.ExitError)
}

// runVerify says whether the history is as it was written.
func runVerify(cmd *cobra.Command, c *cli) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	chain, err := api.VerifyHistory(ctx, h)
	if err != nil {
		return err
	}
	if c.json() {
		if err := c.printJSON(api.ChainJSON(chain)); err != nil {
			return err
		}
	} else if chain.Broken == "" && chain.Linked == 0 {
		c.printer().Printf("There is no history to verify.")
	} else if chain.Broken == "" {
		c.printer().Printf("The history is as it was written: %d events, the last with the link %s.", chain.Linked, chain.Head)
		if chain.Unlinked > 0 {
			c.hint("%d events are from a version of recon that linked none, so nobody knows of them", chain.Unlinked)
		}
		c.hint("whoever can write the ledger can write all links anew: keep this link elsewhere, and look whether a later history still has it")
	}
	if chain.Broken != "" {
		return &api.Failure{Code: api.ExitDiffers, Err: fmt.Errorf("the history is not as it was written: %s", chain.Broken), Hint: "restore the ledger from a backup, or go on with the knowledge that somebody has edited it"}
	}
	return nil
}
