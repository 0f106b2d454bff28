// Package api is the door through which every view goes: the commands, the daemon,
// and whatever else shows a home. A request goes in, an answer comes out; the
// answers are the JSON of the command line, and errors carry an exit code.
//
// Views know this package alone. It knows no terminal.
package api

import (
	"context"
	"fmt"
	"strings"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/runs"
	"recon/inventory/doctor"
	"recon/inventory/localfile"
	"recon/manifests"
	"recon/reconcile"
)

// FormatVersion is the version of every answer. Keys are added, never taken away.
const FormatVersion = reconcile.FormatVersion

type (
	// Home is a project on disk; see package home.
	Home = home.Home
	// Options come from the global flags.
	Options = home.Options
	// Failure is an error with an exit code and a next step.
	Failure = home.Failure
	// DiagnosticsError is a project that cannot be used.
	DiagnosticsError = home.DiagnosticsError
	// Cycle is one pass that writes.
	Cycle = runs.Cycle
	// Schedule is one cron entry of the project.
	Schedule = manifests.Schedule
	// Page is where the daemon shows what it knows.
	Page = manifests.Page
	// OIDC is who says who somebody is that looks at it.
	OIDC = manifests.OIDC
	// FactCheck is what recon facts found.
	FactCheck = docs.FactCheck
	// FactsOptions say what recon facts is to look at.
	FactsOptions = docs.FactsOptions
	// Document is a file with blocks of recon.
	Document = docs.Document
	// Resolution says what to do with a block that was edited by hand.
	Resolution = docs.Resolution
	// DocumentOptions say what a run does with documents.
	DocumentOptions = docs.Options
)

// The exit codes; see package home.
const (
	ExitOK         = home.ExitOK
	ExitError      = home.ExitError
	ExitDiffers    = home.ExitDiffers
	ExitIncomplete = home.ExitIncomplete
	ExitRefused    = home.ExitRefused
	ExitPartial    = home.ExitPartial
	ExitUsage      = home.ExitUsage
)

// What becomes of a block that was edited by hand.
const (
	RefuseEdited = docs.RefuseEdited
	Theirs       = docs.Theirs
	Ours         = docs.Ours
)

// Open finds and loads a project.
func Open(opts Options) (*Home, error) { return home.Open(opts) }

// OpenToObserve opens a project of which everything will be observed: its clusters
// are looked at while its manifests are still being read.
func OpenToObserve(ctx context.Context, opts Options) (*Home, error) {
	return home.OpenToObserve(ctx, opts)
}

// Refuse returns an error that ends a command with 4.
func Refuse(hint, format string, args ...any) error { return home.Refuse(hint, format, args...) }

// Worst combines exit codes: 1, 5, 4, 3, 2, 0.
func Worst(codes ...int) int { return home.Worst(codes...) }

// Token reads the file of a token that lets people in. A short one could be guessed.
func Token(h *Home, file string) (string, error) {
	b, err := localfile.Read(h.Absolute(file), localfile.Small)
	if err != nil {
		return "", &Failure{Code: ExitError, Err: fmt.Errorf("read the token of the page: %w", err), Hint: "openssl rand -hex 32 > " + file}
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 20 {
		return "", &Failure{Code: ExitError, Err: fmt.Errorf("the token in %s has %d characters, and could be guessed", file, len(token)), Hint: "openssl rand -hex 32 > " + file}
	}
	h.Secrets.Learn(token)
	return token, nil
}

// CodeOf is the exit code of an error.
func CodeOf(err error) int { return home.WorstOf(err) }

// look observes, or remembers.
func look(ctx context.Context, h *Home, refresh bool) (*home.World, error) {
	if refresh {
		return h.Observe(ctx)
	}
	return h.Remembered(ctx)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Addresses are those of everything that is declared, for completions.
func Addresses(h *Home) (out []string) {
	for i := range h.Project().Resources {
		out = append(out, h.Project().Resources[i].Addr.String())
	}
	return out
}

// SourceNames are the names that CheckSources takes, for completions.
func SourceNames(h *Home) (out []string) {
	p := h.Project()
	for _, c := range p.Clusters {
		out = append(out, "proxmox."+c.Name)
	}
	for _, x := range p.Hosts {
		out = append(out, "host."+x.Name)
	}
	for _, t := range p.Terraform {
		out = append(out, "terraform."+t.Name)
	}
	for _, c := range p.Checks {
		out = append(out, c.Addr.String())
	}
	if p.Source != nil {
		out = append(out, p.Source.Provider())
	}
	return append(out, gitSource)
}

// Rules are the names of the doctor's rules.
func Rules() (out []string) {
	for _, r := range doctor.Rules() {
		out = append(out, r.Name)
	}
	return out
}
