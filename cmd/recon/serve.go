package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/daemon"
	"recon/cmd/recon/internal/notify"

	"github.com/spf13/cobra"
)

func newServe(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the project's schedules until interrupted",
		Long: `Runs what the schedule blocks say: the drift report, the context files and the check
of documents, each at its times in its time zone. Drift is reported when it opens, changes or resolves,
not each time it is seen, here and by the notify blocks. Changed manifests are loaded anew.`,
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
	tell := func(n daemon.Notice) {
		mu.Lock()
		defer mu.Unlock()
		c.notice(n)
	}
	teller := &notify.Teller{Home: h, Tell: func(_ string, err error) { tell(daemon.Notice{Text: "a notice was not sent", Err: err}) }}
	return daemon.Run(cmd.Context(), daemon.Options{Home: h, After: teller.After, Tell: func(n daemon.Notice) {
		if n.Facts != nil && n.Err == nil {
			teller.Found(notify.Facts(n.Facts))
		}
		tell(n)
		if err := c.scheduledReport(h, n); err != nil {
			tell(daemon.Notice{Schedule: n.Schedule, Err: err})
		}
	}})
}

// scheduledReport writes the file of a schedule that makes a report.
func (c *cli) scheduledReport(h *api.Home, n daemon.Notice) error {
	if n.Cycle == nil || n.Err != nil {
		return nil
	}
	for _, s := range h.Project().Schedules {
		if s.Name == n.Schedule && s.Report != "" {
			return c.writeReport(strings.TrimPrefix(filepath.Ext(s.Report), "."), h.Path(s.Report), n.Cycle.Plan)
		}
	}
	return nil
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
