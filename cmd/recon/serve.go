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

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
)

func newServe(c *cli) *cobra.Command {
	var probe bool
	format := "text"
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the project's schedules, and its page, until interrupted",
		Long: `Runs what the schedule blocks say: the drift report, the context files, the check
of documents and the doctor, each at its times in its time zone. Drift is reported when it opens,
changes or resolves, not each time it is seen, here and by the notify blocks. Changed manifests are loaded anew.

With a page block it shows all that in a browser, with metrics for Prometheus.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usage(cmd, fmt.Errorf("--log-format is text or json, not %q", format))
			}
			c.logs = format == "json"
			if probe {
				return c.probePage(cmd)
			}
			return runServe(cmd, c)
		},
	}
	cmd.Flags().BoolVar(&probe, "probe", false, "ask the page of a daemon that runs here whether it lives, and do nothing else")
	cmd.Flags().StringVar(&format, "log-format", format, "how it says what it does: text for people, or json, a line each on stderr")
	return exits(cmd, "recon serve -C /srv/home", api.ExitOK, api.ExitError)
}

func runServe(cmd *cobra.Command, c *cli) error {
	opts := c.options(cmd)
	opts.Progress = nil
	if c.logs {
		opts.Warn = c.warned(opts.Log)
	}
	h, err := api.Open(opts)
	if err != nil {
		return err
	}
	live := api.NewLive(h)
	shut, err := c.openPage(live)
	if err != nil {
		return err
	}
	defer shut()
	beat := watchdog()
	_, _ = sd.SdNotify(false, sd.SdNotifyReady) // nobody listens outside of systemd
	var mu sync.Mutex
	tell := func(n daemon.Notice) {
		mu.Lock()
		defer mu.Unlock()
		if c.logs {
			logged(h.Log, n)
		} else {
			c.notice(n)
		}
	}
	teller := &notify.Teller{Home: h, Tell: func(_ string, err error) { tell(daemon.Notice{Text: "a notice was not sent", Err: err}) }}
	err = daemon.Run(cmd.Context(), daemon.Options{Live: live, Source: api.NewPuller(h), Look: h.Project().Page != nil, Beat: beat, After: teller.After, Tell: func(n daemon.Notice) {
		if n.Facts != nil && n.Err == nil {
			teller.Found("facts", notify.Facts(n.Facts))
		}
		if n.Found != nil && n.Err == nil {
			teller.Found("doctor", notify.Doctor(n.Found))
		}
		tell(n)
		if err := c.scheduledReport(h, n); err != nil {
			tell(daemon.Notice{Schedule: n.Schedule, Err: err})
		}
	}})
	_, _ = sd.SdNotify(false, sd.SdNotifyStopping)
	return err
}

// watchdog tells systemd, as often as it wants to hear it, that the daemon's loop goes on.
func watchdog() func() {
	every, err := sd.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return nil
	}
	var last time.Time
	return func() {
		if now := time.Now(); now.Sub(last) >= every/3 {
			last = now
			_, _ = sd.SdNotify(false, sd.SdNotifyWatchdog)
		}
	}
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
	case n.Err != nil:
		if n.Text != "" {
			p.Printf("%s: %s", head, n.Text)
		}
		c.report(n.Err)
	case n.Facts != nil:
		p.Printf("%s: %d statement(s) contradict what is known, %d of them new", head, len(n.Facts.Findings), len(n.New))
		if len(n.New) > 0 {
			p.Statements(n.New)
		}
	case n.Found != nil:
		p.Printf("%s: %d finding(s), %d of them new", head, len(n.Found.Told), len(n.Doctor))
		p.Findings(n.Doctor, false)
	case n.Summary != "":
		p.Printf("%s: %s", head, n.Summary)
		if n.Cycle != nil {
			p.Events(n.Cycle.Events, false)
			c.cycleNotes(n.Cycle)
		}
	case !n.Next.IsZero():
		p.Printf("%s: %s; next %s", head, n.Text, n.Next.Format("2006-01-02 15:04 MST"))
	default:
		p.Printf("%s: %s", head, fmt.Sprint(n.Text))
	}
}
