package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
	"recon/cmd/recon/internal/term"
	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	xterm "golang.org/x/term"
)

// A cli holds the global flags and where a command reads and writes.
type cli struct {
	stdin          io.Reader
	stdout, stderr *term.Writer
	secrets        *redact.Set // those that no output holds

	dir      string
	output   string
	color    string
	vars     []string
	varFiles []string
	timeout  time.Duration
	lockWait time.Duration
	quiet    bool
	verbose  bool
	logs     bool // what a daemon has to say is logged, as JSON

	progressLock sync.Mutex
	progress     *progress

	home        *api.Home       // of openToObserve, to be closed when the command ends
	interrupted <-chan struct{} // closed by the first interrupt, which ends questions too
	cut         chan struct{}   // closed when the command has had its time to end by itself
	onceCut     sync.Once
	finishing   *atomic.Int32 // calls under way that must not be cut off
}

func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:   "recon",
		Short: "Hold manifests against live Proxmox state, and keep the context that assistants read true",
		Long: `recon holds declarative HCL manifests for the guests of a Proxmox home against
live state, shows and applies the difference, and writes what it observed into
CLAUDE.md and the session log.

Start with "recon demo", which shows everything on a simulated home.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, fmt.Errorf("there is no command %q%s", args[0], suggestions(cmd, args[0])))
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.check(cmd) },
	}
	f := root.PersistentFlags()
	f.StringVarP(&c.dir, "dir", "C", "", "root of the project (default: the nearest parent that holds recon.hcl)")
	f.StringVarP(&c.output, "output", "o", "text", "text or json")
	f.StringVar(&c.color, "color", "auto", "auto, always or never; NO_COLOR is honoured")
	f.StringArrayVar(&c.vars, "var", nil, "value of a variable: `name=value`")
	f.StringArrayVar(&c.varFiles, "var-file", nil, "`file` with values of variables")
	f.DurationVar(&c.timeout, "timeout", 0, "give up after this time")
	f.DurationVar(&c.lockWait, "lock-timeout", 0, "wait so long for another recon that writes in the project")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "no hints and no progress")
	f.BoolVarP(&c.verbose, "verbose", "v", false, "log what is done to stderr")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, err) })
	root.Version = version
	root.SetVersionTemplate("recon {{.Version}}\n")
	root.SetHelpCommand(newHelp())
	if width := widthOf(c.stdout); c.stdout.Terminal() != nil && width < 90 {
		root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages", fmt.Sprintf("FlagUsagesWrapped %d", width)))
		help := root.HelpFunc()
		root.SetHelpFunc(func(cmd *cobra.Command, words []string) {
			cmd.Long = term.Reflow(cmd.Long, width)
			help(cmd, words)
		})
	}
	root.AddCommand(
		newDemo(c), newSim(c), newInit(c), newImport(c), newValidate(c), newFmt(c), newPlan(c), newApply(c), newDrift(c), newAdopt(c),
		newContext(c), newFacts(c), newChanges(c), newCheck(c), newShow(c), newInventory(c), newGraph(c), newTrace(c), newExplain(c), newHistory(c),
		newServe(c), newApprove(c), newReject(c), newFreeze(c), newUnfreeze(c), newNotify(c), newMCP(c), newLock(c), newSnapshots(c), newHosts(c), newDoctor(c),
		newVersion(c),
	)
	return root
}

// newHelp is recon help COMMAND, the same as recon COMMAND --help.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does",
		RunE: func(cmd *cobra.Command, words []string) error {
			about, rest, err := cmd.Root().Find(words)
			if err != nil || len(rest) > 0 {
				return usage(cmd, fmt.Errorf("there is no command %q%s", strings.Join(words, " "), suggestions(cmd.Root(), strings.Join(words, " "))))
			}
			return about.Help()
		},
	}
}

func suggestions(cmd *cobra.Command, word string) string {
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(word); len(s) > 0 {
		return fmt.Sprintf("; did you mean %q?", s[0])
	}
	return ""
}

// usage is a mistake on the command line.
func usage(cmd *cobra.Command, err error) error {
	return &api.Failure{Code: api.ExitUsage, Err: err, Hint: cmd.CommandPath() + " --help tells more"}
}

// args wraps a check of arguments so that its failure is a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, a []string) error {
		if err := check(cmd, a); err != nil {
			return usage(cmd, err)
		}
		return nil
	}
}

// textOnly are the commands that speak to people, or answer in a form of their own.
func textOnly() []string {
	return []string{"completion", "demo", "fmt", "help", "hosts", "init", "serve"}
}

// check validates the global flags.
func (c *cli) check(cmd *cobra.Command) error {
	if c.output != "text" && c.output != "json" {
		return usage(cmd, fmt.Errorf("--output is text or json, not %q", c.output))
	}
	if word := strings.Fields(cmd.CommandPath() + " recon")[1]; c.json() && slices.Contains(textOnly(), word) {
		return usage(cmd, fmt.Errorf("%s has no JSON; leave -o json out", cmd.CommandPath()))
	}
	if c.color != "auto" && c.color != "always" && c.color != "never" {
		return usage(cmd, fmt.Errorf("--color is auto, always or never, not %q", c.color))
	}
	for _, v := range c.vars {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return usage(cmd, fmt.Errorf("--var is name=value, not %q", v))
		}
	}
	cmd.SetContext(c.bounded(cmd))
	return nil
}

// exits documents the exit codes of a command and one example.
func exits(cmd *cobra.Command, example string, codes ...int) *cobra.Command {
	words := map[int]string{
		api.ExitOK: "in sync, or done", api.ExitError: "error", api.ExitDiffers: "something differs", api.ExitIncomplete: "incomplete: some source could not be observed",
		api.ExitRefused: "refused: policy, guard, lock, stale plan, edited block, nobody to ask", api.ExitPartial: "partial: not every change ended as planned", api.ExitUsage: "usage",
	}
	var b strings.Builder
	b.WriteString(strings.TrimSpace(cmd.Long))
	if cmd.Long == "" {
		b.WriteString(cmd.Short + ".")
	}
	b.WriteString("\n\nExit codes:\n")
	for _, code := range append(codes, api.ExitUsage) {
		fmt.Fprintf(&b, "  %-3d %s\n", code, words[code])
	}
	cmd.Long = strings.TrimRight(b.String(), "\n")
	cmd.Example = "  " + example
	return cmd
}

// options turns the flags into those of the api.
func (c *cli) options(cmd *cobra.Command) api.Options {
	vars := map[string]string{}
	for _, v := range c.vars {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	return api.Options{
		Dir: c.dir, Vars: vars, VarFiles: c.varFiles, Secrets: c.secrets, Finishing: c.finishing, LockWait: c.lockWait, Version: version, Command: cmd.CommandPath(), Log: c.logger(),
		Warn: func(d hcl.Diagnostics, files map[string]*hcl.File) {
			if !c.quiet {
				c.endProgress()
				c.errPrinter().Diagnostics(d, files)
			}
		},
		Progress: c.showProgress,
	}
}

// open opens the project.
func (c *cli) open(cmd *cobra.Command) (context.Context, *api.Home, error) {
	h, err := api.Open(c.options(cmd))
	return cmd.Context(), h, err
}

// openToObserve is open for a command that goes on to observe everything.
func (c *cli) openToObserve(cmd *cobra.Command) (context.Context, *api.Home, error) {
	ctx := cmd.Context()
	h, err := api.OpenToObserve(ctx, c.options(cmd))
	c.home = h
	return ctx, h, err
}

// bounded is the command's context, with the time that --timeout allows.
func (c *cli) bounded(cmd *cobra.Command) context.Context {
	if c.timeout <= 0 {
		return cmd.Context()
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), c.timeout)
	context.AfterFunc(ctx, func() {
		cancel()
		c.over()
	})
	return ctx
}

func (c *cli) json() bool { return c.output == "json" }

// printJSON writes the answer of a command.
func (c *cli) printJSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := c.stdout.Write(term.JSON(b.Bytes(), c.secrets))
	return err
}

// hint writes a next step to stderr, unless it is unwanted.
func (c *cli) hint(format string, a ...any) {
	if !c.quiet && !c.json() {
		c.errPrinter().Hint(term.Sprintf(format, a...))
	}
}

func (c *cli) colored(w *term.Writer) bool {
	switch c.color {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && w.Terminal() != nil
}

func isTerminal(v io.Reader) bool {
	f, ok := v.(*os.File)
	return ok && xterm.IsTerminal(int(f.Fd()))
}

func widthOf(w *term.Writer) int {
	if f := w.Terminal(); f != nil {
		if width, _, err := xterm.GetSize(int(f.Fd())); err == nil {
			return min(width, 120)
		}
	}
	return 80
}

// confirm asks a question on the terminal. Without one the answer is no.
func (c *cli) confirm(question string) bool {
	answer := c.ask(question + " [y/N]")
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}

// ask reads a word from the terminal; without one, and when it is interrupted, "".
func (c *cli) ask(question string) string {
	if !isTerminal(c.stdin) {
		return ""
	}
	c.endProgress()
	c.errPrinter().Ask(question)
	answers := make(chan string, 1)
	go func() {
		var answer string
		_, _ = fmt.Fscanln(c.stdin, &answer) // none is ""
		answers <- answer
	}()
	select {
	case answer := <-answers:
		return answer
	case <-c.interrupted:
		fmt.Fprintln(c.stderr)
		return ""
	}
}

// unobserved says which sources could not be observed, and why.
func (c *cli) unobserved(scopes []inventory.Scope) {
	if c.json() {
		return // the answer itself says what is unknown
	}
	for _, u := range scopes {
		if u.Scope == inventory.SomeGuests {
			c.errPrinter().Warning("%s is seen in part only: %v", u.Provider, u.Err)
			continue
		}
		c.errPrinter().Warning("%s could not be observed: %v", u.Scope, u.Err)
	}
}
