package main

import (
	"errors"
	"fmt"
	"slices"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/notify"
	"recon/inventory"

	"github.com/spf13/cobra"
)

func newNotify(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Tell people what happened, as recon serve does by itself",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNotifyTest(c), newNotifySend(c))
	return cmd
}

func newNotifyTest(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test [NAME]",
		Short: "Send a test message by a notify block, and say what came back",
		Long: `Sends a message that says that it is a test by every notify block, or by the one that
is named, whatever its hours and its filters are, and says what the service answered.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error { return runNotifyTest(cmd, c, a) },
	}
	cmd.ValidArgsFunction = c.routes()
	return exits(cmd, "recon notify test family", api.ExitOK, api.ExitError)
}

func newNotifySend(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send",
		Short: "Send once what recon serve would send now",
		Long: `Sends by every notify block what happened since it was last told, with the same
filters, hours, limits and reminders. It is for homes without recon serve, after recon
drift in a crontab: recon drift itself sends nothing. The first time there is nothing to
tell: a route hears of what happens from then on.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runNotifySend(cmd, c) },
	}
	return exits(cmd, "recon drift -q; recon notify send", api.ExitOK, api.ExitError)
}

// routes offers the names of the notify blocks.
func (c *cli) routes() completes {
	return func(cmd *cobra.Command, _ []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		opts := c.options(cmd)
		opts.Warn = nil
		if h, err := api.Open(opts); err == nil {
			names = namesOf(h.Project().Notify)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func namesOf(routes []api.Route) (out []string) {
	for i := range routes {
		out = append(out, routes[i].Name)
	}
	return out
}

// noRoute is a project in which nobody wants to be told anything.
func noRoute() error {
	return &api.Failure{Code: api.ExitError, Err: errors.New("the manifests have no notify block"), Hint: `add one: notify "family" { url = env("NTFY_URL") }`}
}

// A tested is what came of one route.
type tested struct {
	Name    string  `json:"name"`
	Service string  `json:"service"`
	Sent    bool    `json:"sent"`
	Error   *string `json:"error"`
}

func runNotifyTest(cmd *cobra.Command, c *cli, a []string) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	routes := h.Project().Notify
	if len(a) == 1 {
		routes = slices.DeleteFunc(slices.Clone(routes), func(r api.Route) bool { return r.Name != a[0] })
	}
	switch names := namesOf(h.Project().Notify); {
	case len(names) == 0:
		return noRoute()
	case len(routes) == 0:
		return &api.Failure{Code: api.ExitUsage, Err: fmt.Errorf("there is no notify block %q%s", a[0], inventory.DidYouMean(a[0], names))}
	}
	teller, code, answers := &notify.Teller{Home: h}, api.ExitOK, []tested{}
	for i := range routes {
		r := &routes[i]
		t := tested{Name: r.Name, Service: r.Service(), Sent: true}
		if err := teller.Test(ctx, r); err != nil {
			text := err.Error()
			t.Sent, t.Error, code = false, &text, api.ExitError
		}
		answers = append(answers, t)
		c.tested(t)
	}
	if c.json() {
		if err := c.printJSON(map[string]any{"format_version": api.FormatVersion, "routes": answers}); err != nil {
			return err
		}
	}
	return exit(code)
}

// tested prints what came of one route.
func (c *cli) tested(t tested) {
	switch {
	case c.json():
	case t.Sent:
		c.printer().Printf("%s: the message was taken by %s; look whether it is there", t.Name, t.Service)
	default:
		c.printer().Printf("%s: %s", t.Name, *t.Error)
	}
}

func runNotifySend(cmd *cobra.Command, c *cli) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	if len(h.Project().Notify) == 0 {
		return noRoute()
	}
	code := api.ExitOK
	teller := &notify.Teller{Home: h}
	teller.Each(ctx, func(_ string, err error) {
		if err != nil {
			code = api.Worst(code, c.report(err))
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return exit(code)
}
