package main

import (
	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
)

type doctorOptions struct {
	rules []string
	probe bool
}

func newDoctor(c *cli) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what costs evenings: localhost in a container, split mounts, DNS, ...",
		Long: `Applies rules to the hosts of the manifests and to the compose files, playbooks
and scripts of the repository. Each finding says by what it is known, why it
matters, and what to do. It changes nothing.

With --probe it also tries the hard links that services declare: it makes an empty
file in the one folder, links it into the other, and takes both away again.

A finding that is all right is silenced in a manifest, for a reason and until a day:

  silence "image-latest" {
    only   = ["service.radarr"]
    until  = "2027-01-31"
    reason = "pinned when 6.0 is out"
  }`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd, c, o) },
	}
	cmd.Flags().StringArrayVar(&o.rules, "rule", nil, "only this `rule`; may be repeated")
	cmd.Flags().BoolVar(&o.probe, "probe", false, "try hard links inside containers")
	return exits(cmd, "recon doctor --rule container-localhost", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete)
}

func runDoctor(cmd *cobra.Command, c *cli, o doctorOptions) error {
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	found, err := api.Doctor(ctx, h, o.probe, o.rules...)
	c.endProgress()
	if err != nil {
		return err
	}
	if err := c.findings(found); err != nil {
		return err
	}
	return exit(found.Code())
}

func (c *cli) findings(found *api.Diagnosis) error {
	if c.json() {
		return c.printJSON(found.JSON())
	}
	p := c.printer()
	p.Findings(found.Told)
	c.unobserved(found.Unknown)
	for _, u := range found.Unread {
		p.Warning("not understood, so nothing is known of it: %s", u)
	}
	switch n := len(found.Told); {
	case n == 0:
		p.Printf("Nothing found.")
	case n == 1:
		p.Printf("1 finding.")
	default:
		p.Printf("%d findings.", n)
	}
	if found.Silenced > 0 {
		p.Printf("%d silenced.", found.Silenced)
	}
	return nil
}
