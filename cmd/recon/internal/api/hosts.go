package api

import (
	"context"

	"recon/cmd/recon/internal/runs"
	"recon/providers/sshhost"
	"recon/reconcile"
)

// An Introduction is a host key that nobody has trusted yet.
type Introduction = sshhost.Introduction

// IntroduceHost asks the machine of a host block for its key; nil when every key on
// the way to it is trusted.
func IntroduceHost(ctx context.Context, h *Home, name string) (*Introduction, error) {
	cfg, err := h.HostConfig(name)
	if err != nil {
		return nil, err
	}
	return sshhost.Introduce(ctx, cfg)
}

// A LockHolder is who holds a project's lock.
type LockHolder struct {
	FormatVersion string            `json:"format_version"`
	Holder        *reconcile.Holder `json:"holder"` // nil when nobody does
}

// WhoHolds says who holds the project's lock.
func WhoHolds(ctx context.Context, h *Home) (*LockHolder, error) {
	holder, err := runs.LockHolder(ctx, h)
	return &LockHolder{FormatVersion, holder}, err
}
