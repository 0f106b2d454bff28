package api

import (
	"context"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
)

// A Diagnosis is what the doctor has to say.
type Diagnosis struct {
	home.Findings
	Unknown []inventory.Scope // what could not be observed
}

// Doctor applies the rules of those names, all when there is none. With probe it
// tries hard links inside containers.
func Doctor(ctx context.Context, h *Home, probe bool, rules ...string) (*Diagnosis, error) {
	if err := home.CheckRules(h.Project(), rules); err != nil {
		return nil, err
	}
	h.ProbeLinks = probe
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	found, err := w.Doctor(ctx, rules...)
	if err != nil {
		return nil, err
	}
	return &Diagnosis{found, w.Unknown()}, nil
}

// Complete reports whether everything that the rules judge could be read.
func (d *Diagnosis) Complete() bool { return len(d.Unknown) == 0 && len(d.Unread) == 0 }

// Code is the exit code of recon doctor.
func (d *Diagnosis) Code() int {
	codes := []int{ExitOK}
	if len(d.Told) > 0 {
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
		"format_version": FormatVersion, "findings": append([]inventory.Finding{}, d.Told...), "silenced": d.Silenced,
		"unread": append([]string{}, d.Unread...), "complete": d.Complete(),
	}
}
