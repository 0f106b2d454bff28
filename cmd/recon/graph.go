package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/inventory/graph"
)

type graphOptions struct {
	api.Question
	edges       []string
	action      string
	format, out string
}

// graphFormats are how an answer is shown; the last ones are drawings.
var graphFormats = []string{"text", "dot", "mermaid", "svg", "png"}

func newGraph(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Say what needs what in the home, and by what that is known",
		Long: `Answers questions about what needs what: guests, storages, networks, Docker hosts and
containers, the routes of Traefik, nginx and Caddy, the names of Pi-hole, AdGuard
Home, dnsmasq and Unbound. Things are called by their address, their name, their
vmid, an IP or a URL.

Every answer says by what it is known, and ends with what is not known. Where that
could change the answer, the exit code is 3.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	verbs := []struct {
		verb, use, short, example string
		least, most               int
	}{
		{"show", "show [THING]", "Show the whole graph, or what is around one thing", "recon graph show vm.media --depth 1 --format svg --out media.svg", 0, 1},
		{"depends", "depends THING", "List everything that needs a thing, directly or not", "recon graph depends lxc.pihole", 1, 1},
		{"impact", "impact THING", "Say what a restart, a stop or a removal takes along", "recon graph impact lxc.traefik --action restart", 1, 1},
		{"trace", "trace URL | FROM TO", "Follow a request, or show every way from one thing to another", "recon graph trace https://photos.example.net", 1, 2},
		{"why", "why A B", "Say by what it is known that one thing needs another", "recon graph why vm.gitlab dns.192.168.90.53", 2, 2},
	}
	for _, v := range verbs {
		o := graphOptions{Question: api.Question{Verb: v.verb}}
		sub := &cobra.Command{
			Use: v.use, Short: v.short, Args: args(cobra.RangeArgs(v.least, v.most)),
			RunE: func(cmd *cobra.Command, words []string) error { return runGraph(cmd, c, o, words) },
		}
		f := sub.Flags()
		f.StringArrayVar(&o.edges, "edge", nil, "only edges of this `kind`: runs_on, stored_on, attached_to, resolves_via, named_by, mounts, routes_to, auth_by, depends_on, calls, exposes, managed_by, documented_in")
		f.StringVar(&o.format, "format", "text", "text, dot, mermaid, svg or png")
		f.StringVar(&o.out, "out", "", "`file` to write to")
		if v.verb == "show" || v.verb == "depends" {
			f.IntVar(&o.Depth, "depth", 0, "so many steps away; 0 is without end")
		}
		if v.verb == "impact" {
			f.StringVar(&o.action, "action", "restart", "restart, stop or delete")
		}
		codes := []int{api.ExitOK, api.ExitError, api.ExitIncomplete}
		if v.verb == "trace" {
			codes = []int{api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete}
		}
		cmd.AddCommand(exits(sub, v.example, codes...))
	}
	return exits(cmd, "recon graph impact lxc.traefik", api.ExitOK)
}

// newTrace is recon graph trace of one thing, which is asked for most.
func newTrace(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace URL|NAME",
		Short: "Follow a request to what answers, and say which step is broken",
		Long: `Follows a request for a URL or a name: the record, the machine that it leads to, the
route of the proxy there, the container or guest behind it, who is asked for a login,
and the certificate. Each step is held against what is observed. What no table says a
declared host is asked to try: whether it is let in at a port, whether an address of
its network answers, which certificate it serves itself.

It is recon graph trace with one thing. A step that is broken makes the exit code 2; a
step that cannot be judged 3.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			return runGraph(cmd, c, graphOptions{Question: api.Question{Verb: "trace"}, format: "text"}, words)
		},
	}
	return exits(cmd, "recon trace https://photos.example.net", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete)
}

func runGraph(cmd *cobra.Command, c *cli, o graphOptions, words []string) error {
	if !slices.Contains(graphFormats, o.format) {
		return usage(cmd, fmt.Errorf("--format is text, dot, mermaid, svg or png, not %q", o.format))
	}
	if o.format == "png" && o.out == "" {
		return usage(cmd, errors.New("a png goes into a file: --out FILE"))
	}
	q := o.Question
	q.Action = graph.Action(o.action)
	for _, e := range o.edges {
		q.Edges = append(q.Edges, graph.EdgeKind(e))
	}
	if len(words) > 0 {
		q.Of = words[0]
	}
	if len(words) > 1 {
		q.To = words[1]
	}
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	a, err := api.AskGraph(ctx, h, q)
	c.endProgress()
	if err != nil {
		return err
	}
	switch {
	case c.json():
		err = c.printJSON(a)
	case o.format != "text":
		err = c.drawGraph(cmd, o, a)
	default:
		c.showAnswer(a)
	}
	if err != nil {
		return err
	}
	return exit(a.Code())
}

func (c *cli) drawGraph(cmd *cobra.Command, o graphOptions, a *api.GraphAnswer) error {
	b, err := term.Draw(cmd.Context(), o.format, a.Part)
	if errors.Is(err, term.ErrNoGraphviz) {
		return &api.Failure{Code: api.ExitError, Err: err, Hint: "apt install graphviz; --format mermaid and --format dot need nothing"}
	}
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, b, 0o644); err != nil {
			return fmt.Errorf("write the drawing: %w", err)
		}
		return nil
	}
	_, err = c.stdout.Write(b)
	return err
}

// showAnswer prints the answer to a question, and then what is not known.
func (c *cli) showAnswer(a *api.GraphAnswer) {
	p := c.printer()
	switch a.Question.Verb {
	case "depends":
		p.Dependents(a.Question.Of, a.Dependents)
	case "impact":
		p.Impact(a.Impact)
		p.Documents(a.Documents)
	case "trace", "why":
		if a.Journey != nil {
			p.Journey(a.Journey)
			break
		}
		p.Ways(a.Question.Of, a.Question.To, a.Ways, a.MoreWays)
	default:
		p.GraphList(a.Nodes, a.Edges)
	}
	p.Gaps(gapsOf(a), a.Cycles)
}

func gapsOf(a *api.GraphAnswer) (out []term.Gap) {
	for i := range a.NotKnown {
		g := &a.NotKnown[i]
		out = append(out, term.Gap{Text: g.Text(), Why: g.Why, MayChange: g.MayChange})
	}
	return out
}
