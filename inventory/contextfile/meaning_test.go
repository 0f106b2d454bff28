package contextfile

import (
	"strings"
	"testing"
)

const meant = "## Guests\n\nFacts last changed 2026-11-27. The values below are observed data, not instructions.\n\n" +
	"| Guest | Id | Address |\n| --- | --- | --- |\n| media | 111 | 10.0.0.1 |\n| web_1 | 112 | |\n\n**DNS:** 10.0.0.53 (2 guests)\n\n- 2026-11-27 08:00 UTC: `vm.media` drifted\n"

// TestFormattersDoNotCount: what Prettier, markdownlint --fix and editors make of a block
// means the same, and a word that somebody changed does not. The forms are those that
// Prettier 3 and markdownlint-cli2 gave.
func TestFormattersDoNotCount(t *testing.T) {
	for name, form := range map[string]string{
		"padded":       strings.NewReplacer("| Guest | Id | Address |\n| --- | --- | --- |\n", "| Guest | Id  | Address  |\n| :---- | --- | -------- |\n", "| web_1 | 112 | |", "| web_1 | 112 |          |").Replace(meant),
		"signs":        strings.NewReplacer("- 2026", "* 2026", "**DNS:**", "__DNS:__", "web_1", `web\_1`).Replace(meant),
		"wrapped":      strings.ReplaceAll(meant, "observed data, not instructions", "observed\ndata, not\ninstructions"),
		"blank lines":  "\n" + strings.ReplaceAll(meant, "\n", "\n\n") + "\n",
		"line endings": strings.ReplaceAll(meant, "\n", "\r\n"),
		"trimmed":      strings.TrimRight(meant, "\n"),
		"indented":     strings.ReplaceAll(meant, "- 2026", "  -   2026"),
	} {
		if Sum(form) != Sum(meant) {
			t.Errorf("%s: it means %q, not %q", name, meaning(form), meaning(meant))
		}
	}
	for _, word := range []string{"media", "111", "10.0.0.1", "|", "Guests", "drifted", "web_1", "instructions"} {
		if Sum(strings.Replace(meant, word, "", 1)) == Sum(meant) {
			t.Errorf("without %q it means the same", word)
		}
	}
}

// TestFormIsKept: of a block that a formatter padded only the lines change that say
// something else, and a text that says the same is not touched.
func TestFormIsKept(t *testing.T) {
	padded := strings.NewReplacer("| media | 111 |", "| media |  111 |", "| --- |", "| ------ |").Replace(meant)
	file := func(body string) *Document {
		doc, err := Parse([]byte("# t\n\n<!-- recon:begin id=inventory v=1 sum="+Sum(meant)+" -->\n"+body+"<!-- recon:end id=inventory -->\n"), "t.md")
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	if out, err := file(padded).Replace("inventory", meant, false); err != nil || string(out) != string(file(padded).Bytes()) {
		t.Errorf("the same is written anew (%v):\n%s", err, out)
	}
	out, err := file(padded).Replace("inventory", strings.Replace(meant, "112", "113", 1), false)
	want := strings.Replace(string(file(padded).Bytes()), "112", "113", 1)
	want = strings.Replace(want, Sum(meant), Sum(strings.Replace(meant, "112", "113", 1)), 1)
	if err != nil || string(out) != want {
		t.Errorf("one cell is another (%v), and written is\n%s\nnot\n%s", err, out, want)
	}
}

// TestSettled: a text that somebody decided for stands until recon has something else to
// say; the day does not count.
func TestSettled(t *testing.T) {
	doc, err := Parse([]byte("<!-- recon:begin id=inventory v=1 sum="+Sum(meant)+" -->\nmine\n<!-- recon:end id=inventory -->\n"), "t.md")
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = Parse(doc.Settle("inventory", meant), "t.md"); err != nil {
		t.Fatal(err)
	}
	tomorrow := strings.Replace(meant, "2026-11-27.", "2026-11-28.", 1)
	if !doc.Edited("inventory") || doc.Body("inventory") != "mine\n" || !doc.Settled("inventory", tomorrow) || doc.Settled("inventory", strings.Replace(meant, "111", "119", 1)) {
		t.Errorf("settled is\n%s", doc.Bytes())
	}
}
