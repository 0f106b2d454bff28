package api

import (
	"context"

	"recon/cmd/recon/internal/runs"
	"recon/cmd/recon/internal/source"
)

type (
	// A Puller keeps the project's folder at its repository; see package source.
	Puller = source.Puller
	// Followed is how the folder stands to its repository.
	Followed = source.State
)

// NewPuller returns what pulls for a home.
func NewPuller(h *Home) *Puller { return source.New(h) }

// FollowConditions are all conditions that a Followed may have.
func FollowConditions() []source.Condition { return source.Conditions() }

// Advance puts in force what a puller is ready for, under the project's lock: nobody else
// writes files meanwhile. News says that it has changed more than documents of recon.
func Advance(ctx context.Context, p *Puller) (news bool, err error) {
	err = runs.Locked(ctx, p.Home, "source", func() error {
		news, err = p.Advance(ctx)
		return err
	})
	return news, err
}
