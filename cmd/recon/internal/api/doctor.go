package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/report"
	"recon/inventory"
	"recon/inventory/doctor"
)

// A Checkup is what the doctor is asked.
type Checkup struct {
	Paths    []string // files and folders; none: everything
	Offline  bool     // look at no host
	Probe    bool     // try hard links inside containers
	Rules    []string // none: all
	Baseline string   // file with what is known already
}

// A Diagnosis is what the doctor has to say.
type Diagnosis struct {
	home.Findings
	Known   int               // findings that the baseline knows
	Unknown []inventory.Scope // what could not be observed
	Entries []report.Entry    // all that was found, for reports and the baseline
}

// Doctor applies rules. With a project it looks at the hosts too, unless it is asked
// about files alone: those need neither a project nor credentials.
func Doctor(ctx context.Context, opts Options, ask Checkup) (*Diagnosis, error) {
	out := &Diagnosis{}
	var err error
	if home.HasProject(opts.Dir) && !ask.Offline && len(ask.Paths) == 0 {
		out, err = diagnoseAll(ctx, opts, ask)
	} else {
		out.Findings, err = home.DoctorFiles(ctx, opts, ask.Paths, ask.Rules)
	}
	if err != nil {
		return nil, err
	}
	return out, out.compare(ask.Baseline)
}

// diagnoseAll looks at hosts and files. Where only the credentials are missing, as right
// after recon init, the files are looked at all the same.
func diagnoseAll(ctx context.Context, opts Options, ask Checkup) (*Diagnosis, error) {
	h, err := OpenToObserve(ctx, opts)
	if h != nil {
		defer h.Close()
	}
	var found home.Findings
	var unknown []inventory.Scope
	if err == nil {
		found, unknown, err = observed(ctx, h, ask)
	}
	var mistakes *DiagnosticsError
	if errors.As(err, &mistakes) && h.LacksOnlyCredentials() {
		unknown = []inventory.Scope{{Scope: "everything but the files", Err: firstMistake(mistakes)}}
		found, err = home.DoctorFiles(ctx, opts, nil, ask.Rules)
	}
	return &Diagnosis{Findings: found, Unknown: unknown}, err
}

func observed(ctx context.Context, h *Home, ask Checkup) (home.Findings, []inventory.Scope, error) {
	if err := home.CheckRules(h.Project(), ask.Rules); err != nil {
		return home.Findings{}, nil, err
	}
	h.ProbeLinks = ask.Probe
	w, err := h.Observe(ctx)
	if err != nil {
		return home.Findings{}, nil, err
	}
	defer w.Close()
	w.Survey(ctx, "")
	found, err := w.Doctor(ctx, ask.Rules...)
	return found, w.Unknown(), err
}

func firstMistake(e *DiagnosticsError) error {
	for _, d := range e.Diags {
		if d.Detail != "" {
			return errors.New(strings.TrimSuffix(d.Detail, "."))
		}
	}
	return e
}

// compare takes out what the baseline knows.
func (d *Diagnosis) compare(file string) error {
	d.Entries = entries(d.Told)
	if file == "" {
		return nil
	}
	known, err := report.ReadBaseline(file)
	if err != nil {
		return err
	}
	isNew := known.New(d.Entries)
	told := d.Told
	d.Told = nil
	for i, f := range told {
		if isNew[i] {
			d.Told = append(d.Told, f)
		} else {
			d.Known++
		}
	}
	return nil
}

// entries are findings as reports have them. An address of a file is a place.
func entries(findings []inventory.Finding) []report.Entry {
	levels := map[string]report.Level{"error": report.Error, "warning": report.Warning, "info": report.Note}
	out := make([]report.Entry, len(findings))
	for i, f := range findings {
		e := report.Entry{Rule: f.Rule, Level: levels[f.Severity], Message: f.Summary + ". " + f.Detail, Says: f.Summary, Fix: f.Fix}
		if file, line, ok := doctor.Place(f.Address); ok {
			e.Place = report.Place{File: file, Line: line}
		} else {
			e.Subject = f.Address
		}
		for _, ev := range f.Evidence {
			if at := strings.LastIndexByte(ev, '('); at >= 0 {
				if file, line, ok := doctor.Place(strings.TrimSuffix(ev[at+1:], ")")); ok {
					e.Others = append(e.Others, report.Place{File: file, Line: line, Note: strings.TrimSpace(ev[:at])})
				}
			}
		}
		out[i] = e
	}
	return out
}

// Complete reports whether everything that the rules judge could be read.
func (d *Diagnosis) Complete() bool { return len(d.Unknown) == 0 && len(d.Unread) == 0 }

// Code is the exit code of recon doctor: hints do not decide.
func (d *Diagnosis) Code() int {
	codes := []int{ExitOK}
	if slices.ContainsFunc(d.Told, func(f inventory.Finding) bool { return f.Severity != "info" }) {
		codes = append(codes, ExitDiffers)
	}
	if !d.Complete() {
		codes = append(codes, ExitIncomplete)
	}
	return Worst(codes...)
}

// JSON is the answer of recon doctor.
func (d *Diagnosis) JSON() any {
	return map[string]any{
		"format_version": FormatVersion, "findings": append([]inventory.Finding{}, d.Told...), "silenced": d.Silenced, "known": d.Known,
		"unread": append([]string{}, d.Unread...), "complete": d.Complete(),
	}
}
