package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"recon/cmd/recon/internal/api"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
)

func newInit(c *cli) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Start a project in this folder",
		Long: `Looks around and adds what is missing: a commented recon.hcl, .recon/ in
.gitignore, and empty marker pairs at the end of the documents that are there.
Nothing that exists is overwritten. On a terminal it asks for the address of a node,
shows the fingerprint of its certificate to be compared, shows the changes first, and
ends with recon check.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runInit(cmd, c, dryRun) },
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the changes, write nothing")
	return exits(cmd, "recon init --dry-run", api.ExitOK, api.ExitError, api.ExitRefused)
}

func runInit(cmd *cobra.Command, c *cli, dryRun bool) error {
	root := c.dir
	if root == "" {
		root = "."
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is not a folder", root)
	}
	ask := isTerminal(c.stdin) && !dryRun // what is asked goes to stderr
	var at api.Cluster
	if _, err := os.Stat(filepath.Join(root, "recon.hcl")); ask && os.IsNotExist(err) {
		at = c.askCluster(cmd.Context())
	}
	at.Token = os.Getenv("PVE_TOKEN") != ""
	in, err := api.PlanInit(root, at)
	if err != nil {
		return err
	}
	p := c.printer()
	if dryRun || ask {
		for _, f := range in.Files {
			p.Text(string(diff.Diff(f.Path, f.Old, f.Path, f.New)))
		}
	}
	for _, n := range in.Notes {
		c.hint("%s", n)
	}
	switch {
	case len(in.Files) == 0:
		p.Printf("Nothing to do: everything is there.")
		return nil
	case dryRun:
		return nil
	case ask && !c.confirm("Write this?"):
		return api.Refuse("", "not confirmed; nothing was written")
	}
	if err := c.writeInit(root, in); err != nil {
		return err
	}
	if at.Endpoint == "" || !at.Token {
		return nil
	}
	c.dir = root
	return runCheck(cmd, c, nil)
}

// writeInit writes the files and says what comes next.
func (c *cli) writeInit(root string, in *api.Init) error {
	if err := api.WriteInit(root, in); err != nil {
		return err
	}
	for _, f := range in.Files {
		word := "made"
		if f.Existed {
			word = "added to"
		}
		c.printer().Printf("%s %s", word, f.Path)
	}
	for i, n := range in.Next {
		if lines := strings.Split(n, "\n"); !c.quiet && !c.json() {
			c.errPrinter().Hint(fmt.Sprintf("%d. %s", i+1, lines[0]), lines[1:]...)
		}
	}
	if !c.quiet && !c.json() {
		c.errPrinter().Wrapped("  To begin each session with what has changed, put this into .claude/settings.json:")
		c.errPrinter().Text("\n" + api.SessionHook + "\n")
	}
	return nil
}

// askCluster asks where a node is, and has its certificate compared by the person.
func (c *cli) askCluster(ctx context.Context) api.Cluster {
	for {
		answer := c.ask("Address of a Proxmox VE node (empty: later):")
		if answer == "" {
			return api.Cluster{}
		}
		at := api.Cluster{Endpoint: endpoint(answer)}
		shown, err := api.IntroduceCluster(ctx, at.Endpoint)
		if err != nil {
			c.errPrinter().Error(err, "try another address, or leave it empty")
			continue
		}
		p := c.errPrinter()
		p.Printf("It shows a certificate with the fingerprint\n  %s", shown)
		p.Wrapped("The web interface shows the right one under Node > Certificates (pve-ssl.pem); on the node:")
		p.Printf("  openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem")
		if c.confirm("Is it the same?") {
			at.Fingerprint = shown
			return at
		}
	}
}

// endpoint makes the address of an API out of what people type.
func endpoint(answer string) string {
	host := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(answer, "https://"), "http://"), "/")
	host, _, _ = strings.Cut(host, "/")
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "8006")
	}
	return "https://" + host
}
