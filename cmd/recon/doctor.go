package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/report"
	"recon/cmd/recon/internal/term"
)

type doctorOptions struct {
	api.Checkup
	writeBaseline string
	report, out   string
}

func newDoctor(c *cli) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [PATH...]",
		Short: "Find what costs evenings: localhost in a container, split mounts",
		Long: `Applies rules to the hosts of the manifests and to the compose files, playbooks
and scripts of the repository. Each finding says by what it is known, why it
matters, and what to do. It changes nothing.

Files need no project: with PATHs, with --offline, or in a folder without recon.hcl
it looks at them alone. Compose files are read as Docker would read them, with what
they extend and include, and with the .env beside them or the .env.example. A folder
tree is one host, unless hosts are declared or an Ansible inventory says otherwise.

Hints (images without a fixed tag) do not decide the exit code; --rule image-latest
lists them. --write-baseline notes what is there today, and --baseline tells only what
came after. With --probe it also tries the hard links that services declare: it makes
an empty file in the one folder, links it into the other, and takes both away again.

A finding that is all right is silenced in a manifest, for a reason and until a day:

  silence "image-latest" {
    only   = ["service.radarr"]
    until  = "2027-01-31"
    reason = "pinned when 6.0 is out"
  }`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			o.Paths = paths
			return runDoctor(cmd, c, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.Offline, "offline", false, "look at no host; files alone")
	f.StringArrayVar(&o.Rules, "rule", nil, "only this `rule`; may be repeated")
	f.BoolVar(&o.Probe, "probe", false, "try hard links inside containers")
	f.StringVar(&o.Baseline, "baseline", "", "`file` with what is known already, which is not told")
	f.StringVar(&o.writeBaseline, "write-baseline", "", "write what was found into this `file`")
	f.StringVar(&o.report, "report", "", "write a report too: md, html, json or sarif")
	f.StringVar(&o.out, "out", "", "`file` for the report")
	offer(cmd, "rule", these(api.Rules()))
	return exits(cmd, "recon doctor --rule container-localhost", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete)
}

func runDoctor(cmd *cobra.Command, c *cli, o doctorOptions) error {
	switch {
	case (o.report == "") != (o.out == ""):
		return usage(cmd, errors.New("--report and --out go together"))
	case o.report != "" && !slices.Contains([]string{"md", "html", "json", "sarif"}, o.report):
		return usage(cmd, fmt.Errorf("--report is md, html, json or sarif, not %q", o.report))
	case o.Probe && (o.Offline || len(o.Paths) > 0):
		return usage(cmd, errors.New("--probe looks at hosts, and --offline and PATHs at files alone"))
	}
	d, err := api.Doctor(cmd.Context(), c.options(cmd), o.Checkup)
	c.endProgress()
	if err != nil {
		return err
	}
	if err := c.diagnosis(d, o); err != nil {
		return err
	}
	if o.writeBaseline != "" {
		if err := report.WriteBaseline(o.writeBaseline, d.Entries); err != nil {
			return err
		}
		c.hint("%d findings are known from now on: recon doctor --baseline %s tells what comes after", len(d.Entries), o.writeBaseline)
	}
	return exit(d.Code())
}

// diagnosis shows the answer, and writes the report that is asked for.
func (c *cli) diagnosis(d *api.Diagnosis, o doctorOptions) error {
	if o.report != "" {
		body, err := term.DoctorReport(o.report, version, d.JSON(), d.Told, d.Entries)
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.out, body, 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if c.json() {
		return c.printJSON(d.JSON())
	}
	p := c.printer()
	p.Findings(d.Told, len(o.Rules) > 0)
	c.unobserved(d.Unknown)
	for _, u := range d.Unread {
		p.Warning("not read, so nothing is known of it: %s", u)
	}
	p.Tally(d.Told, d.Silenced, d.Known)
	return nil
}
