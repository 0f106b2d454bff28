package main

import (
	"io"

	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/mcp"
)

func newMCP(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Let an assistant ask about the home (Model Context Protocol)",
		Long: `Answers an assistant's questions over standard input and output: what there is, what is
known of a thing, what a restart takes along, how one thing is reached from another,
what has changed, whether a sentence is true. It is read-only: nothing in it plans,
applies, or changes a file.

An assistant starts it by itself, once it knows of it:

  claude mcp add recon -- recon mcp -C /srv/home`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runMCP(cmd, c) },
	}
	return exits(cmd, "recon mcp -C /srv/home", api.ExitOK, api.ExitError)
}

func runMCP(cmd *cobra.Command, c *cli) error {
	opts := c.options(cmd)
	opts.Progress = nil
	h, err := api.Open(opts)
	if err != nil {
		return err
	}
	r := api.NewReading(h)
	defer r.Close()
	return mcp.Serve(cmd.Context(), r, version, io.NopCloser(cmd.InOrStdin()), keepOpen{c.stdout})
}

// keepOpen is an output that outlives who writes to it.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
