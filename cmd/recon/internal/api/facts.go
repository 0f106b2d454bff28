package api

import (
	"context"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/runs"
)

// CheckFacts holds what people wrote against what is observed; offline, or without a
// project, the documents against each other.
func CheckFacts(ctx context.Context, opts Options, paths []string, offline bool) (*FactCheck, error) {
	return docs.CheckFacts(ctx, opts, paths, offline)
}

// FixFacts writes documents with findings put right, under the project's lock where
// there is a project.
func FixFacts(c *FactCheck, files []docs.FixedFile) error {
	if c.Home().Project() != nil {
		release, err := runs.Lock(c.Home())
		if err != nil {
			return err
		}
		defer release()
	}
	return c.WriteFixed(files)
}
