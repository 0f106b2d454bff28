package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/llm"
)

// llmKey is the environment variable with the token of a model that wants one.
const llmKey = "RECON_LLM_KEY"

// modelOptions say which language model adds words of its own to an explanation.
type modelOptions struct {
	llm.Model
	prompt bool
}

func (o *modelOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.Name, "llm", "", "have the language `model` of this name say it in its words, too; to a terminal alone")
	f.StringVar(&o.URL, "llm-url", llm.Here, "where it is asked, by OpenAI's API; "+llmKey+" is its token")
	f.BoolVar(&o.Remote, "allow-remote", false, "the model may be on another machine, by https")
	f.BoolVar(&o.prompt, "show-prompt", false, "show what a model would be sent, and send nothing")
}

// check refuses what a model cannot be asked for, before anybody is asked anything.
func (o *modelOptions) check(c *cli, cmd *cobra.Command) error {
	switch {
	case o.Name == "" && !o.prompt:
		return nil
	case c.json():
		return usage(cmd, errors.New("what a model says is no data: there is no JSON of it"))
	case !o.prompt && c.stdout.Terminal() == nil:
		return &api.Failure{Code: api.ExitRefused, Err: errors.New("a model's words go to a terminal alone, and this is none"), Hint: "--show-prompt shows what it would be sent"}
	}
	o.Key = os.Getenv(llmKey)
	c.secrets.Learn(o.Key)
	return nil
}

// inWordsOfModel shows what the model makes of an explanation, or what it would be sent.
func (c *cli) inWordsOfModel(cmd *cobra.Command, o *modelOptions, e *api.Explained) error {
	if o.Name == "" && !o.prompt {
		return nil
	}
	text, err := e.Prompt(c.secrets)
	if err != nil {
		return &api.Failure{Code: api.ExitRefused, Err: err}
	}
	if o.prompt {
		fmt.Fprintf(c.stdout, "%s\n\n%s", api.PromptOrder, text)
		return nil
	}
	said, err := o.Ask(cmd.Context(), api.PromptOrder, text)
	c.endProgress()
	switch {
	case errors.Is(err, llm.ErrRemote):
		return &api.Failure{Code: api.ExitRefused, Err: err, Hint: "--allow-remote allows it; --show-prompt shows what it would be sent"}
	case errors.Is(err, llm.ErrPlain):
		return &api.Failure{Code: api.ExitRefused, Err: err}
	case err != nil:
		return &api.Failure{Code: api.ExitError, Err: err, Hint: "ollama list says which models there are; --llm-url says where to ask"}
	}
	c.printer().SaidByModel(o.Name, said)
	return nil
}
