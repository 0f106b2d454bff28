package main

import (
	"fmt"
	"sync"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/daemon"

	"github.com/spf13/cobra"
)

func newServe(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the project's schedules until interrupted",
		Long: `Runs what the schedule blocks say: the drift report, the context files and the check
of documents, each at its times in its time zone. Drift is reported when it opens, changes or resolves,
not each time it is seen. Changed manifests are loaded anew.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd, c) },
	}
	return exits(cmd, "recon serve -C /srv/home", api.ExitOK, api.ExitError)
}

func runServe(cmd *cobra.Command, c *cli) error {
	opts := c.options(cmd)
	opts.Progress = nil
	h, err := api.Open(opts)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	return daemon.Run(cmd.Context(), daemon.Options{Home: h, Tell: func(n daemon.Notice) {
		mu.Lock()
		defer mu.Unlock()
		c.notice(n)
	}})
}

// notice prints what a schedule did, a line each, with news below it.
func (c *cli) notice(n daemon.Notice) {
	p := c.printer()
	head := time.Now().Format("2006-01-02 15:04:05")
	if n.Schedule != "" {
		head += " " + n.Schedule
	}
	switch {
	case n.Cycle != nil && n.Err == nil:
		p.Printf("%s: %s", head, api.Describe(n.Cycle.Plan))
		p.Events(n.Cycle.Events, false)
		c.cycleNotes(n.Cycle)
	case n.Facts != nil && n.Err == nil:
		p.Printf("%s: %d statement(s) contradict what is known, %d of them new", head, len(n.Facts.Findings), len(n.New))
		if len(n.New) > 0 {
			p.Statements(n.New)
		}
	case n.Err != nil:
		if n.Text != "" {
			p.Printf("%s: %s", head, n.Text)
		}
		c.report(n.Err)
	case !n.Next.IsZero():
		p.Printf("%s: %s; next %s", head, n.Text, n.Next.Format("2006-01-02 15:04 MST"))
	default:
		p.Printf("%s: %s", head, fmt.Sprint(n.Text))
	}
}
