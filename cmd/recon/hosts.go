package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
)

func newHosts(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hosts",
		Short: "Machines that are reached over SSH",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newHostsTrust(c))
	return cmd
}

func newHostsTrust(c *cli) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use:   "trust NAME",
		Short: "Show a host's key and trust it",
		Long: `Asks the machine of a host block for its host key, shows the fingerprint, and, when
you say so, writes it into known_hosts. On the way to it, jump hosts come first. A
key that is another one than the trusted one is never written: take the old one
out with ssh-keygen -R when you know why it changed.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error { return runHostsTrust(cmd, c, yes, a[0]) },
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask; for when the fingerprint was compared elsewhere")
	return exits(cmd, "recon hosts trust docker-media", api.ExitOK, api.ExitError, api.ExitRefused)
}

func runHostsTrust(cmd *cobra.Command, c *cli, yes bool, name string) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	p := c.printer()
	for {
		in, err := api.IntroduceHost(ctx, h, name)
		if err != nil {
			return err
		}
		if in == nil {
			p.Printf("The key of %s is trusted.", name)
			return nil
		}
		p.Printf("%s  %s %s", in.Host, in.Type, in.Fingerprint)
		c.hint("compare it on the machine's own console: ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub", keyFile(in.Type))
		if !yes && !c.confirm(fmt.Sprintf("Trust this key and write it to %s?", in.File)) {
			return api.Refuse("add --yes when you have compared the fingerprint", "the key of %s was not trusted", in.Host)
		}
		if err := in.Trust(); err != nil {
			return err
		}
	}
}

// keyFile is the part of a host key's file name that says its type.
func keyFile(keyType string) string {
	switch keyType {
	case "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512":
		return "rsa"
	case "ssh-ed25519":
		return "ed25519"
	}
	return "ecdsa"
}
