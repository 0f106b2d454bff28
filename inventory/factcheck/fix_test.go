package factcheck

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recon/inventory/factcheck/source"
)

// fixAll puts right what can be put right in Markdown.
func fixAll(docs []source.Document, findings []Finding) (out []source.Document, fixed int) {
	for _, d := range docs {
		if strings.HasSuffix(d.Path, ".md") {
			text, n := Fix(d.Path, d.Text, findings)
			d.Text, fixed = text, fixed+n
		}
		out = append(out, d)
	}
	return out, fixed
}

var factTrees = flag.Int("facts.trees", 40, "how many generated trees TestFixKeepsTruth reads; of the layout, one in ten is read in every way")

// Trees in which everything is true: nothing is rewritten, and nothing is found.
// A thousand of them are read by make attack.
func TestFixKeepsTruth(t *testing.T) {
	for seed := range uint64(*factTrees) {
		r := rand.New(rand.NewPCG(seed, 11))
		guests, truth := testWorld(r, 12+int(seed%20))
		w := &writer{Rand: r, guests: guests}
		w.write()
		findings := Check(w.docs, truth, Options{})
		if len(findings) > 0 {
			t.Fatalf("seed %d: %s", seed, found(findings))
		}
		docs, fixed := fixAll(w.docs, findings)
		for i := range docs {
			if fixed > 0 || !bytes.Equal(docs[i].Text, w.docs[i].Text) {
				t.Fatalf("seed %d: %s was rewritten", seed, docs[i].Path)
			}
		}
	}
}

// Trees with lies: putting them right gives the tree that was written without lies,
// wherever something is put right, and leaves nothing that can be put right.
func TestFixGivesTruth(t *testing.T) {
	for seed := range uint64(*factTrees / 4) {
		guests, truth := testWorld(rand.New(rand.NewPCG(seed, 5)), 25)
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 5)), guests: guests, rate: 20}
		w.write()
		docs, fixed := fixAll(w.docs, Check(w.docs, truth, Options{}))
		if fixed == 0 {
			t.Errorf("seed %d: nothing was put right", seed)
		}
		left := Check(docs, truth, Options{})
		for _, f := range left {
			for _, p := range f.Wrong {
				if strings.HasSuffix(p.File, ".md") && p.Fix != "" {
					t.Errorf("seed %d: %s:%d %s %q can still be put right", seed, p.File, p.Line, f.Kind, p.Claim)
				}
			}
		}
		for i := range docs {
			if a, b := docs[i].Text, w.docs[i].Text; bytes.Count(a, []byte("\n")) != bytes.Count(b, []byte("\n")) {
				t.Errorf("seed %d: lines of %s changed", seed, docs[i].Path)
			}
		}
	}
}

// A read-only document is never put right.
func TestFixReadOnly(t *testing.T) {
	truth, _ := homeTruth(t)
	docs := []source.Document{{Path: "a.md", Text: []byte("gitlab: 10.9.9.9"), ReadOnly: true}}
	findings := Check(docs, truth, Options{})
	if _, fixed := fixAll(docs, findings); fixed != 0 || len(findings) != 1 {
		t.Errorf("%d put right of %s", fixed, found(findings))
	}
}

// What is found does not depend on how a text is laid out.
func TestMetamorphic(t *testing.T) {
	for seed := range uint64(max(2, *factTrees/10)) {
		guests, truth := testWorld(rand.New(rand.NewPCG(seed, 3)), 20)
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 3)), guests: guests, rate: 15}
		w.write()
		for name, truth := range map[string]*Truth{"live": truth, "offline": nil} {
			want := gist(Check(w.docs, truth, Options{}))
			for change, docs := range map[string][]source.Document{
				"CRLF":               mapped(w.docs, func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n") }),
				"LF":                 mapped(w.docs, func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }),
				"a renamed heading":  mapped(w.docs, func(s string) string { return strings.ReplaceAll(s, "# Inventory", "# All that we have") }),
				"an added column":    mapped(w.docs, addColumn),
				"columns reversed":   mapped(w.docs, reverseColumns),
				"an unrelated page":  append(slices.Clone(w.docs), source.Document{Path: "recipes.md", Text: []byte("# Bread\n\n| Flour | Water |\n|---|---|\n| 500 g | 350 g |\n\nBake at 230 for 40 minutes.\n")}),
				"documents reversed": reversed(w.docs),
				"a file in two":      split(w.docs),
			} {
				if got := gist(Check(docs, truth, Options{})); got != want {
					t.Errorf("seed %d, %s, %s:\n%s", seed, name, change, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
				}
			}
		}
	}
}

// gist is what is found, without lines and columns and in any order.
func gist(findings []Finding) string {
	var out []string
	for _, f := range findings {
		for _, p := range f.Wrong {
			out = append(out, f.Kind+" "+f.Subject+" "+strings.Replace(p.File, partName, ".md", 1)+" "+p.Claim)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func mapped(docs []source.Document, change func(string) string) (out []source.Document) {
	for _, d := range docs {
		if strings.HasSuffix(d.Path, ".md") {
			d.Text = []byte(change(string(d.Text)))
		}
		out = append(out, d)
	}
	return out
}

// split parts the inventory page at its second heading: what stood in one file stands
// in two, beside each other, and a finding names the one or the other.
func split(docs []source.Document) (out []source.Document) {
	for _, d := range docs {
		text := string(d.Text)
		at := strings.Index(text, "## Virtual Machines")
		if at < 0 {
			out = append(out, d)
			continue
		}
		first, second := d, d
		first.Text = []byte(text[:at])
		second.Path, second.Text = strings.TrimSuffix(d.Path, ".md")+partName, []byte("# Inventory\n\n"+text[at:])
		out = append(out, first, second)
	}
	return out
}

const partName = "-of-machines.md"

func reversed(docs []source.Document) []source.Document {
	out := slices.Clone(docs)
	slices.Reverse(out)
	return out
}

// eachRow changes the rows of tables that have more than two columns.
func eachRow(text string, change func(line string) string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if bare := strings.TrimSuffix(line, "\r"); strings.HasPrefix(bare, "|") && strings.Count(bare, "|") > 3 {
			lines[i] = change(bare) + line[len(bare):]
		}
	}
	return strings.Join(lines, "\n")
}

func addColumn(text string) string {
	return eachRow(text, func(line string) string {
		if strings.HasPrefix(line, "|---") {
			return line + "---|"
		}
		return line + " x |"
	})
}

func reverseColumns(text string) string {
	return eachRow(text, func(line string) string {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		slices.Reverse(cells)
		return "|" + strings.Join(cells, "|") + "|"
	})
}
