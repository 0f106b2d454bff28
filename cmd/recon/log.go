package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/daemon"
	"recon/cmd/recon/internal/words"
	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
)

// logger hears of what is done, on stderr: errors, and everything with --verbose. A daemon
// that is to log says each thing as a line of JSON, and so does everything that it uses.
func (c *cli) logger() *slog.Logger {
	level := slog.LevelError
	if c.verbose {
		level = slog.LevelDebug
	}
	if !c.logs {
		return slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(slog.NewJSONHandler(c.stderr, &slog.HandlerOptions{Level: min(level, slog.LevelInfo), ReplaceAttr: c.withoutSecrets}))
}

// withoutSecrets takes secrets out of what is logged before JSON spells it otherwise, and
// what foreign text may do to a terminal.
func (c *cli) withoutSecrets(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case time.Time, time.Duration, int64, uint64, bool, float64, *slog.Source, slog.Level:
		return a
	case error:
		return slog.String(a.Key, c.secrets.Text(words.Clean(v.Error())))
	default:
		return slog.String(a.Key, c.secrets.Text(words.Clean(fmt.Sprint(v))))
	}
}

// warned logs what manifests are warned of.
func (c *cli) warned(log *slog.Logger) func(hcl.Diagnostics, map[string]*hcl.File) {
	return func(diags hcl.Diagnostics, _ map[string]*hcl.File) {
		for _, d := range diags {
			log.Warn(d.Summary, "detail", d.Detail)
		}
	}
}

// logged is how a notice of the daemon is logged: one line for what happened, and one for
// each event and finding.
func logged(log *slog.Logger, n daemon.Notice) {
	log = log.With("schedule", n.Schedule)
	if n.Err != nil {
		log.Error(orRun(n), "action", n.Action, "error", n.Err, "exit_code", api.CodeOf(n.Err))
		return
	}
	switch {
	case n.Facts != nil:
		log.Info("run ended", "action", n.Action, "findings", len(n.Facts.Findings), "new", len(n.New))
		for i := range n.New {
			for _, place := range n.New[i].Wrong {
				log.Warn("statement contradicts what is known", "subject", n.New[i].Subject, "kind", n.New[i].Kind, "file", place.File, "line", place.Line)
			}
		}
	case n.Found != nil:
		log.Info("run ended", "action", n.Action, "findings", len(n.Found.Told), "new", len(n.Doctor))
		for _, f := range n.Doctor {
			log.Warn("finding", "severity", f.Severity, "rule", f.Rule, "address", f.Address, "summary", f.Summary)
		}
	case n.Summary != "":
		var events []inventory.Event
		if n.Cycle != nil {
			events = n.Cycle.Events
		}
		log.Info("run ended", "action", n.Action, "summary", n.Summary, "events", len(events), "exit_code", n.Code)
		for i := range events {
			logEvent(log, &events[i])
		}
	case !n.Next.IsZero():
		log.Info("scheduled", "what", n.Text, "next", n.Next)
	default:
		log.Info(n.Text)
	}
}

func orRun(n daemon.Notice) string {
	if n.Text != "" {
		return n.Text
	}
	return "run failed"
}

func logEvent(log *slog.Logger, e *inventory.Event) {
	subject, text := words.Event(e, words.Clean)
	log.Info("event", "kind", string(e.Kind), "address", subject, "text", strings.TrimSpace(text), "by", e.By)
}
