package main

import (
	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
)

// completes offers words for arguments, or for a flag. Nothing is asked of any source:
// what a shell completes must be there at once.
type completes func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// these offers a fixed list.
func these(words []string) completes {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// addresses offers what the manifests declare.
func (c *cli) addresses() completes {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		opts := c.options(cmd)
		opts.Warn = nil
		h, err := api.Open(opts)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return api.Addresses(h), cobra.ShellCompDirectiveNoFileComp
	}
}

// completesSources offers what recon check takes.
func (c *cli) completesSources() completes {
	return func(cmd *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		opts := c.options(cmd)
		opts.Warn = nil
		h, err := api.Open(opts)
		if err != nil || len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return api.SourceNames(h), cobra.ShellCompDirectiveNoFileComp
	}
}

// offer has a flag be completed.
func offer(cmd *cobra.Command, flag string, words completes) {
	if err := cmd.RegisterFlagCompletionFunc(flag, words); err != nil {
		panic(err) // a flag that is not there
	}
}
