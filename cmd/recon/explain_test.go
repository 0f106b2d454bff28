package main

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/inventory"
)

// explained is the explanation of a command line, or nil.
func explained(line string) *inventory.Explanation {
	words, _ := api.Words(line)
	if len(words) > 0 && words[0] == "recon" {
		return explainOwn(newRoot(&cli{stdout: term.NewWriter(io.Discard, nil)}), words[1:])
	}
	e, err := api.ExplainCommand(line)
	if err != nil {
		return nil
	}
	return e.Command
}

// TestCommandLinesOfTheDocumentsHaveWords: each line for recon and pveum in a document is
// explained to its last word.
func TestCommandLinesOfTheDocumentsHaveWords(t *testing.T) {
	tried := map[string]int{}
	for _, f := range fences(t) {
		if f.language != "sh" {
			continue
		}
		for _, line := range strings.Split(f.body, "\n") {
			line = strings.TrimPrefix(strings.TrimSpace(line), "sudo -u recon ")
			name, _, _ := strings.Cut(line, " ")
			if name != "recon" && name != "pveum" {
				continue
			}
			tried[name]++
			if e := explained(line); e == nil || !e.Complete() {
				t.Errorf("%s: nobody explains %q: %+v", f.place, line, e)
			}
		}
	}
	if tried["recon"] < 20 || tried["pveum"] < 15 {
		t.Errorf("only so many lines were found: %v", tried)
	}
}

// TestEveryCommandHasAWayBack: every command says how to undo it.
func TestEveryCommandHasAWayBack(t *testing.T) {
	var ask func(*cobra.Command)
	ask = func(cmd *cobra.Command) {
		if cmd.Runnable() && cmd.HasParent() && strings.HasPrefix(wayBack(cmd.CommandPath()), "not known") {
			t.Errorf("%s: how to undo it is not said", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			ask(sub)
		}
	}
	ask(newRoot(&cli{stdout: term.NewWriter(io.Discard, nil)}))
}

// printed is a command line within a sentence: up to what ends it, and its flags.
var printed = regexp.MustCompile(`\b(pveum( [a-z]+)+|recon [a-z]+)([^;,(]*)`)

// TestCommandLinesOfHintsHaveWords: each command of pveum or recon that stands in a text
// of the program has words, and so have its flags.
func TestCommandLinesOfHintsHaveWords(t *testing.T) {
	tried := 0
	for _, text := range literals(t) {
		for _, m := range printed.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "recon ") && !isCommand(strings.Fields(m[1])[1]) {
				continue // a sentence about recon
			}
			tried++
			if !flagsExplained(m[1], m[0]) {
				t.Errorf("nobody explains %q", m[0])
			}
		}
	}
	if tried < 60 {
		t.Errorf("only %d were found", tried)
	}
}

func isCommand(word string) bool {
	cmd, _, err := newRoot(&cli{stdout: term.NewWriter(io.Discard, nil)}).Find([]string{word})
	return err == nil && cmd.HasParent()
}

// flagsExplained reports whether a command is one that there are words for, and whether
// there are words for each flag behind it.
func flagsExplained(command, line string) bool {
	flags := regexp.MustCompile(`\s--[a-z][a-z-]+`).FindAllString(line, -1)
	if strings.HasPrefix(command, "recon ") {
		cmd, _, _ := newRoot(&cli{stdout: term.NewWriter(io.Discard, nil)}).Find(strings.Fields(line)[1:])
		for _, f := range flags {
			if flagOf(cmd, strings.TrimSpace(f)) == nil {
				return false
			}
		}
		return true
	}
	for _, l := range api.Lines() {
		fixed := strings.TrimSpace(regexp.MustCompile(` [A-Z].*`).ReplaceAllString(l.Form, ""))
		if command != fixed && !strings.HasPrefix(command, fixed+" ") {
			continue
		}
		all := true
		for _, f := range flags {
			all = all && l.Words[strings.TrimSpace(f)] != ""
		}
		return all
	}
	return false
}

// literals are the string literals of the program, without its tests and its simulator.
func literals(t *testing.T) (out []string) {
	root := filepath.Dir(filepath.Dir(filepath.Dir(scripts)))
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "pvesim") || strings.HasSuffix(path, "providers/proxmox/explainline.go") {
			return err
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					out = append(out, strings.Split(text, "\n")...)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
