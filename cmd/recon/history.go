package main

import (
	"time"

	"recon/cmd/recon/internal/app"
	"recon/inventory"
	"recon/reconcile/ledger"

	"github.com/spf13/cobra"
)

func newHistory(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history [ADDRESS]",
		Short: "Show what happened: drift, applies, guests that came and went",
		Args:  args(cobra.MaximumNArgs(1)),
		RunE:  func(cmd *cobra.Command, a []string) error { return runHistory(cmd, c, a) },
	}
	return exits(cmd, "recon history vm.media", app.ExitOK, app.ExitError)
}

type eventOut struct {
	At      string          `json:"at"`
	Address string          `json:"address"`
	Event   string          `json:"event"`
	Fields  []eventFieldOut `json:"fields"`
	By      *string         `json:"by"`
	Summary string          `json:"summary"`
}

type eventFieldOut struct {
	Name string `json:"name"`
	From any    `json:"from"`
	To   any    `json:"to"`
}

func runHistory(cmd *cobra.Command, c *cli, a []string) error {
	_, s, err := c.open(cmd)
	if err != nil {
		return err
	}
	var addr inventory.Address
	if len(a) == 1 {
		if addr, _, err = inventory.ParseAddress(a[0]); err != nil {
			return usage(cmd, err)
		}
	}
	var events []inventory.Event
	l, err := ledger.OpenExisting(s.StatePath())
	if err != nil {
		return err
	}
	if l != nil {
		defer l.Close()
		if events, err = l.Events(time.Time{}, addr); err != nil {
			return err
		}
	}
	if c.json() {
		return c.printJSON(eventsJSON(events))
	}
	switch {
	case len(events) == 0 && !addr.IsZero():
		c.printer().Printf("Nothing has been recorded of %s.", addr)
	case len(events) == 0:
		c.printer().Printf("Nothing has been recorded yet.")
		c.hint("recon drift records what it sees")
	}
	c.printer().Events(events, true)
	return nil
}

func eventsJSON(events []inventory.Event) any {
	out := struct {
		FormatVersion string     `json:"format_version"`
		Events        []eventOut `json:"events"`
	}{"1.0", eventsOut(events)}
	return out
}

func eventsOut(events []inventory.Event) []eventOut {
	out := []eventOut{}
	for _, e := range events {
		o := eventOut{At: inventory.Timestamp(e.At), Event: string(e.Kind), Fields: []eventFieldOut{}, Summary: e.Summary}
		if !e.Address.IsZero() {
			o.Address = e.Address.String()
		}
		if e.By != "" {
			o.By = &e.By
		}
		for _, f := range e.Fields {
			o.Fields = append(o.Fields, eventFieldOut{string(f.Name), f.From, f.To})
		}
		out = append(out, o)
	}
	return out
}
