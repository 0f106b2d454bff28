package term

import (
	"fmt"

	"recon/cmd/recon/internal/words"
	"recon/reconcile"
)

// Proposal writes one proposal in few lines: what, why it waits, and until when.
func (p *Printer) Proposal(of *reconcile.Proposal) error {
	c, err := of.Claim()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.W, "%s  %s  %s\n", p.paint(accent, of.ID[:reconcile.ShortID]), p.paint(bold, p.clean(c.Addr.String())), p.paint(quiet, p.until(of)))
	fmt.Fprintln(p.W, wrap("    "+p.clean(of.Why), "    ", p.width()))
	fmt.Fprint(p.W, p.fields(p.fieldRows(c)))
	fmt.Fprintln(p.W, wrap("    effect: "+p.clean(words.Consequence(c)), "      ", p.width()))
	if len(c.Harms) > 0 {
		fmt.Fprintln(p.W, wrap("      meanwhile "+p.clean(words.Harms(c.Harms)), "        ", p.width()))
	}
	return nil
}

// until says how long a proposal waits, or what somebody has decided.
func (p *Printer) until(of *reconcile.Proposal) string {
	if of.By != "" {
		return p.clean(of.State + " by " + of.By)
	}
	return "until " + of.Expires.Local().Format("2006-01-02 15:04")
}

// ProposedCalls writes a proposal with the exact calls that would be made.
func (p *Printer) ProposedCalls(of *reconcile.Proposal) error {
	c, err := of.Claim()
	if err != nil {
		return err
	}
	if err := p.Proposal(of); err != nil {
		return err
	}
	for i := range c.Steps {
		for _, note := range c.Steps[i].Notes {
			fmt.Fprintln(p.W, wrap("      "+p.clean(note), "      ", p.width()))
		}
	}
	p.calls(c.Steps)
	return nil
}
