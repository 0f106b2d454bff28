package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"

	"github.com/spf13/cobra"
)

type simOptions struct {
	listen  string
	world   string
	guests  int
	seed    int64
	pve     string
	latency time.Duration
	workers int
	faults  []string
}

func newSim(c *cli) *cobra.Command {
	var o simOptions
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run the Proxmox VE simulator",
		Long: `Serves a simulated Proxmox VE cluster over HTTPS until it is interrupted: for trying
recon, for tests, for demonstrations. Worlds are home (a small home), single (one
empty node), a JSON file, or a folder (./world) in which the world lives on. Faults can be
set while it runs: POST /recon-sim/faults, one a line; DELETE clears them.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runSim(cmd, c, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8006", "`address`; port 0 takes a free one")
	f.StringVar(&o.world, "world", "home", "home, single, a JSON file, or a folder that keeps the world")
	f.IntVar(&o.guests, "guests", 0, "make a world of so many guests on pve1 to pve3")
	f.Int64Var(&o.seed, "seed", 1, "which of the made worlds")
	f.StringVar(&o.pve, "pve", "9.2", "manners of Proxmox VE 8.4, 9.1 or 9.2")
	f.DurationVar(&o.latency, "latency", 0, "service time of a request")
	f.IntVar(&o.workers, "workers", 3, "requests that a node serves at the same time")
	f.StringArrayVar(&o.faults, "fault", nil, "`fault`: node-down:NODE, no-quorum, latency:NODE=2s, lose-response:PUT, error:500@GET /path, lock:101=backup, unlock:101")
	return exits(cmd, "recon sim --world single --listen 127.0.0.1:0 -o json", api.ExitOK, api.ExitError)
}

func runSim(cmd *cobra.Command, c *cli, o simOptions) error {
	opts, err := o.server(cmd)
	if err != nil {
		return err
	}
	if c.json() || c.verbose {
		opts.Log = slog.New(slog.NewTextHandler(c.stderr, nil))
	}
	s, err := pvesim.New(opts)
	if err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	if c.json() {
		line, err := json.Marshal(map[string]string{"endpoint": s.Endpoint(), "token": s.Token(), "fingerprint": s.Fingerprint(), "ca_file": s.CAFile()})
		if err != nil {
			return errors.Join(err, s.Close())
		}
		fmt.Fprintf(c.stdout, "%s\n", line)
	} else {
		c.simBanner(s)
	}
	<-cmd.Context().Done()
	return s.Close()
}

// server turns the flags into the simulator's options.
func (o simOptions) server(cmd *cobra.Command) (pvesim.Options, error) {
	opts := pvesim.Options{Listen: o.listen, PVE: o.pve, Latency: o.latency, Workers: o.workers, Faults: o.faults}
	if o.pve != "8.4" && o.pve != "9.1" && o.pve != "9.2" {
		return opts, usage(cmd, fmt.Errorf("--pve is 8.4, 9.1 or 9.2, not %q", o.pve))
	}
	info, err := os.Stat(o.world)
	folder := err == nil && info.IsDir() || errors.Is(err, os.ErrNotExist) && strings.ContainsRune(o.world, filepath.Separator) && filepath.Ext(o.world) == ""
	if folder {
		opts.Dir = o.world
	}
	switch {
	case o.guests > 0:
		opts.World = pvesim.Generate(o.guests, o.seed)
	case !folder:
		w, err := pvesim.LoadWorld(o.world)
		if err != nil {
			return opts, fmt.Errorf("load the world %s: %w", o.world, err)
		}
		opts.World = w
	}
	return opts, nil
}

func (c *cli) simBanner(s *pvesim.Server) {
	p := c.printer()
	p.Printf(`Simulated Proxmox VE on %s

  token        %s
  fingerprint  %s
  CA           %s

For recon.hcl:

proxmox "home" {
  endpoints   = [%q]
  token       = env("PVE_TOKEN")
  fingerprint = %q
}

  export PVE_TOKEN='%s'

Interrupt it to stop.`, s.Endpoint(), s.Token(), s.Fingerprint(), s.CAFile(), s.Endpoint(), s.Fingerprint(), s.Token())
}
