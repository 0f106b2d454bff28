package main

import (
	"fmt"
	"slices"
	"strings"

	"recon/cmd/recon/internal/api"
	"recon/inventory"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newExplain(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain ADDRESS|FINDING|COMMAND",
		Short: "Say what a thing, a finding or a command is, and how back",
		Long: `Explains in words that are the same each time:

  a resource  its values where they differ, since when and by whom, what needs it,
              what recon apply would do, and how to have it the other way
  a finding   a rule of recon doctor, or a rule and an address: why it matters, and
              what is found now, with what to do
  a command   a call as plans show it, or a command line that recon prints: what it
              does, each part, what could go wrong, and how to undo it

A command with flags is written in quotes. What recon has no words for it says that
it does not know. Of a command nothing is asked of anybody.

With --llm a language model says it once more in its own words, below recon's: they may
be wrong, and go nowhere but to the terminal.`,
		Args: args(cobra.MinimumNArgs(1)),
	}
	var model modelOptions
	model.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, words []string) error { return runExplain(cmd, c, &model, words) }
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return &api.Failure{Code: api.ExitUsage, Err: err, Hint: "a command with flags is written in quotes, such as 'recon apply --allow restart'"}
	})
	cmd.ValidArgsFunction = func(cmd *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
		known, end := c.addresses()(cmd, given, begun)
		return append(known, api.Rules()...), end
	}
	return exits(cmd, "recon explain PUT /nodes/node01/qemu/111/config memory=8192", api.ExitOK, api.ExitError, api.ExitIncomplete, api.ExitRefused)
}

func runExplain(cmd *cobra.Command, c *cli, model *modelOptions, words []string) error {
	what := strings.TrimSpace(strings.Join(words, " "))
	if what == "" {
		return usage(cmd, fmt.Errorf("there is nothing to explain"))
	}
	if err := model.check(c, cmd); err != nil {
		return err
	}
	e, err := c.explain(cmd, what, words)
	c.endProgress()
	if err != nil {
		return err
	}
	switch {
	case c.json():
		err = c.printJSON(e)
	case !model.prompt:
		c.printer().Explained(e)
	}
	if err != nil {
		return err
	}
	if err := c.inWordsOfModel(cmd, model, e); err != nil {
		return err
	}
	return exit(e.Code())
}

func (c *cli) explain(cmd *cobra.Command, what string, words []string) (*api.Explained, error) {
	switch own, _ := api.Words(what); {
	case len(own) > 0 && own[0] == "recon":
		if e := explainOwn(newRoot(c), own[1:]); e != nil {
			return api.ExplainedCommand(e), nil
		}
		return nil, usage(cmd, fmt.Errorf("there is no such command of recon"))
	case api.IsCommand(words):
		return api.ExplainCommand(what)
	}
	return api.Explain(cmd.Context(), c.options(cmd), words)
}

// explainOwn explains a command line of recon by its own help, or returns nil when there
// is no such command.
func explainOwn(root *cobra.Command, words []string) *inventory.Explanation {
	about, rest, _ := root.Find(words)
	if about == nil || about == root {
		return nil
	}
	about.InitDefaultHelpFlag()
	e := &inventory.Explanation{Does: about.Short, Parts: []inventory.Piece{}, Risks: ends(about), Undo: wayBack(about.CommandPath())}
	_, uses, _ := strings.Cut(about.Use, " ")
	for i := 0; i < len(rest); i++ {
		name, value, inside := strings.Cut(rest[i], "=")
		switch f := flagOf(about, name); {
		case !strings.HasPrefix(name, "-") && uses == "":
			e.Unknown("a word that it does not take")
		case !strings.HasPrefix(name, "-"):
			e.Part(inventory.Seen(rest[i]), uses)
		case f == nil:
			e.Unknown(name)
		case inside || f.NoOptDefVal != "":
			e.Part(strings.TrimSpace(name+" "+inventory.Seen(value)), f.Usage)
		case i+1 < len(rest):
			i++
			e.Part(name+" "+inventory.Seen(rest[i]), f.Usage)
		default:
			e.Part(name, f.Usage+"; its value is missing")
		}
	}
	return e
}

func flagOf(cmd *cobra.Command, word string) *pflag.Flag {
	if len(word) == 2 && word[0] == '-' {
		if f := cmd.Flags().ShorthandLookup(word[1:]); f != nil {
			return f
		}
		return cmd.InheritedFlags().ShorthandLookup(word[1:])
	}
	if name, long := strings.CutPrefix(word, "--"); long {
		return cmd.Flag(name)
	}
	return nil
}

// ends are the exit codes of a command but for the good one: what can go wrong.
func ends(cmd *cobra.Command) (out []string) {
	_, list, _ := strings.Cut(cmd.Long, "Exit codes:\n")
	for _, line := range strings.Split(list, "\n") {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "0" {
			out = append(out, "it ends with "+f[0]+": "+strings.Join(f[1:], " "))
		}
	}
	return out
}

// wayBack says how to undo what a command of recon did.
func wayBack(path string) string {
	for _, w := range waysBack() {
		if slices.Contains(strings.Split(w.commands, ","), strings.TrimPrefix(path, "recon ")) {
			return w.undo
		}
	}
	return "not known to recon"
}

// waysBack are how to undo what commands did, for every command.
func waysBack() []struct{ commands, undo string } {
	return []struct{ commands, undo string }{
		{"plan,validate,show,inventory,check,graph,graph show,graph depends,graph impact,graph trace,graph why,trace,explain,history,changes,mcp,lock,lock list,snapshots,hosts,notify,version,completion,help," +
			"completion bash,completion zsh,completion fish,completion powershell", "there is nothing to undo: it writes nothing but a file that it is told to write, and what recon itself remembers"},
		{"apply", "write the former values into the manifests (Git has them), and run it again; a plan marks what cannot be taken back, and recon history says what was done"},
		{"approve", "write the former values into the manifests (Git has them), and run recon apply; recon history says what was done"},
		{"reject", "there is nothing to undo: recon apply makes the change all the same, and it is proposed again when it is another one"},
		{"freeze", "recon unfreeze"},
		{"unfreeze", "recon freeze"},
		{"drift", "there is nothing to undo in the home; what it has written into documents Git has as it was"},
		{"import", "take the blocks out of the manifests again, or have Git do it; nothing changes in the home"},
		{"adopt,fmt", "have Git bring the manifests back; nothing changes in the home"},
		{"context", "have Git bring the documents back; nothing changes in the home"},
		{"facts,doctor", "without --fix and --write-baseline it changes nothing; with them Git has the files as they were. With --probe recon doctor takes away again what it makes"},
		{"init", "take its files and markers out again, or have Git do it; nothing changes in the home"},
		{"snapshots prune", "there is no way back: nobody can return to a snapshot that was removed"},
		{"hosts trust", "take the line out of the known_hosts file of the project"},
		{"serve", "end it; what its schedules do is what the commands of their names do, and what it has healed recon history says"},
		{"notify test,notify send", "what was sent is sent"},
		{"demo,sim", "remove its folder; nothing else changes"},
	}
}
