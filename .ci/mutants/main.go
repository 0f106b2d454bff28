// Mutants has gremlins change the program in small ways, one at a time, and counts the
// changes that some test of the same package notices. It lists those that none does,
// writes the figures into docs/quality.md, and exits with 1 below a threshold.
//
//	go run ./.ci/mutants GREMLINS [PACKAGE...]
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// page holds the figures of the last runs, a row a package.
const page = "docs/quality.md"

// A goal is what a package's tests must reach, in percent: of the changes that they
// reach, how many they notice; and of all changes, how many they reach.
type goal struct {
	pkg                string
	efficacy, coverage float64
}

var goals = []goal{
	{"inventory", 90, 90},
	{"inventory/contextfile", 90, 90},
	{"reconcile", 90, 90},
	{"reconcile/ledger", 90, 90},
	{"providers/proxmox", 85, 85},
	{"providers/docker", 85, 85},
}

// A report is gremlins' own.
type report struct {
	Efficacy   float64 `json:"test_efficacy"`
	Coverage   float64 `json:"mutations_coverage"`
	Killed     int     `json:"mutants_killed"`
	Lived      int     `json:"mutants_lived"`
	NotCovered int     `json:"mutants_not_covered"`
	Files      []struct {
		Name      string `json:"file_name"`
		Mutations []struct {
			Line, Column int
			Type, Status string
		}
	}
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: mutants GREMLINS [PACKAGE...]")
		os.Exit(2)
	}
	ok, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

func run(gremlins string, only []string) (ok bool, err error) {
	ok = true
	for _, g := range goals {
		if len(only) > 0 && !slices.Contains(only, g.pkg) {
			continue
		}
		r, err := unleash(gremlins, g.pkg)
		if err != nil {
			return false, fmt.Errorf("%s: %w", g.pkg, err)
		}
		r.list(os.Stdout, g.pkg)
		fmt.Println(g.row(r))
		if err := note(page, g, g.row(r)); err != nil {
			return false, err
		}
		ok = ok && r.Efficacy >= g.efficacy && r.Coverage >= g.coverage
	}
	return ok, nil
}

// unleash runs gremlins over one package, without those below it.
func unleash(gremlins, pkg string) (*report, error) {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "report.json")
	// The time that a test may take is measured once, on a machine that may be busier
	// later; but each change that makes a loop endless takes all of it.
	args := []string{"unleash", "./" + pkg, "--silent", "--output", out, "--exclude-files", `^[^/]+/`, "--timeout-coefficient", "6"}
	cmd := exec.Command(gremlins, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run gremlins: %w", err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	r := &report{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("read gremlins' report: %w", err)
	}
	if r.Killed+r.Lived+r.NotCovered == 0 {
		return nil, fmt.Errorf("gremlins found nothing to change")
	}
	return r, nil
}

// list prints the changes that no test noticed.
func (r *report) list(w *os.File, pkg string) {
	for _, f := range r.Files {
		for _, m := range f.Mutations {
			if m.Status == "LIVED" || m.Status == "NOT COVERED" {
				fmt.Fprintf(w, "%-11s %s/%s:%d:%d %s\n", strings.ToLower(m.Status), pkg, filepath.Base(f.Name), m.Line, m.Column, m.Type)
			}
		}
	}
}

func (g goal) row(r *report) string {
	return fmt.Sprintf("| %s | %.1f %% | %.1f %% | %.0f %% | %d | %d | %d | %s |",
		g.pkg, r.Efficacy, r.Coverage, g.efficacy, r.Killed, r.Lived, r.NotCovered, time.Now().UTC().Format(time.DateOnly))
}

// note replaces the package's row on the page.
func note(page string, g goal, row string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	old := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(g.pkg) + ` \|.*$`)
	if !old.Match(text) {
		return fmt.Errorf("%s has no row for %s", page, g.pkg)
	}
	return os.WriteFile(page, old.ReplaceAllLiteral(text, []byte(row)), 0o644)
}
