package main

import (
	"runtime"
	"runtime/debug"

	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

func newVersion(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  args(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return runVersion(c) },
	}
	return exits(cmd, "recon version", api.ExitOK)
}

func runVersion(c *cli) error {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				commit = s.Value[:12]
			}
		}
	}
	if c.json() {
		return c.printJSON(map[string]string{"format_version": api.FormatVersion, "version": version, "commit": commit, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	text := "recon " + version
	if commit != "" {
		text += " (" + commit + ")"
	}
	c.printer().Printf("%s", text)
	return nil
}
