package contextfile

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const marked = "# T\n\n<!-- recon:begin id=home v=1 -->\n<!-- recon:end id=home -->\n\nend"

// outside returns a file without the lines from begin to end marker.
func outside(src []byte) []byte {
	i, j := bytes.Index(src, []byte("<!-- recon:begin")), bytes.Index(src, []byte("<!-- recon:end"))
	return append(bytes.Clone(src[:i]), src[j:]...)
}

func TestReplaceKeepsBytesOutside(t *testing.T) {
	big := strings.Repeat("0123456789 abcdefghij | `x` |\n", 180_000) // 5 MB
	tests := map[string]string{
		"lf":               marked,
		"crlf":             strings.ReplaceAll(marked, "\n", "\r\n"),
		"mixed":            "a\r\nb\n" + strings.ReplaceAll(marked, "\n\nend", "\r\n\nend\r\n"),
		"byte order mark":  "\xef\xbb\xbf" + marked,
		"marker first":     "\xef\xbb\xbf<!-- recon:begin id=home v=1 -->\r\n<!-- recon:end id=home -->",
		"no final newline": marked,
		"invalid UTF-8":    "\xff\xfe\xc3\x28\n" + marked + "\x80",
		"nul":              "\x00\n" + marked,
		"5 MB":             big + marked + "\n" + big,
		"fences around":    "```\n<!-- recon:begin id=home -->\n```\n~~~~\n```\n~~~~\n" + strings.Replace(marked, "# T", "", 1),
		"blanks at ends":   "  \t\n" + marked + "  \n\n\n",
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			doc, err := Parse([]byte(src), "f.md", IDs()...)
			if err != nil {
				t.Fatal(err)
			}
			out, err := doc.Replace("home", "one\ntwo\n", false)
			if err != nil {
				t.Fatal(err)
			}
			if name != "fences around" && !bytes.Equal(outside(out), outside([]byte(src))) {
				t.Error("bytes outside the block changed")
			}
			again, err := Parse(out, "f.md", IDs()...)
			if err != nil || again.Body("home") != "one\ntwo\n" || again.Edited("home") {
				t.Fatalf("the block reads back as %q, %v", again.Body("home"), err)
			}
			same, err := again.Replace("home", "one\ntwo\n", false)
			if err != nil || !bytes.Equal(same, out) {
				t.Error("a second run changes bytes")
			}
			if strings.Contains(src, "home v=1 -->\r\n") && !bytes.Contains(out, []byte("one\r\ntwo\r\n")) {
				t.Error("the block has other line endings than its marker")
			}
		})
	}
}

func TestMistakesInMarkers(t *testing.T) {
	begin, end := "<!-- recon:begin id=home v=1 -->\n", "<!-- recon:end id=home -->\n"
	tests := map[string]struct{ src, want string }{
		"duplicate":           {begin + end + begin + end, `f.md:3: block "home" is already on line 1`},
		"nested":              {begin + begin + end + end, "f.md:2: block"},
		"unclosed":            {"x\n" + begin, `f.md:2: block "home" is never closed`},
		"end alone":           {end, "f.md:1: block"},
		"crossed":             {begin + "<!-- recon:end id=dns -->\n", "f.md:2: block"},
		"unknown":             {"<!-- recon:begin id=hmoe -->\n", `f.md:1: there is no block "hmoe"`},
		"no id":               {"<!-- recon:begin -->\n", "f.md:1: the marker has no id"},
		"rubbish":             {"<!-- recon:begin id=home <b> -->\n", "f.md:1: a marker holds"},
		"newer version":       {"<!-- recon:begin id=home v=2 -->\n" + end, "f.md:1: block"},
		"conflict":            {"<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n" + begin + end, "f.md:1: a Git conflict marker"},
		"conflict in a block": {begin + "<<<<<<< HEAD\n" + end, "f.md:2: a Git conflict marker"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.src), "f.md", IDs()...)
			var m *MarkerError
			if !errors.As(err, &m) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEditedBlockIsLeftAlone(t *testing.T) {
	doc, _ := Parse([]byte(marked), "f.md")
	out, _ := doc.Replace("home", "one\n", false)
	doc, err := Parse(bytes.Replace(out, []byte("one"), []byte("two"), 1), "f.md")
	if err != nil || !doc.Edited("home") {
		t.Fatalf("not seen as edited: %v", err)
	}
	if _, err := doc.Replace("home", "three\n", false); !errors.Is(err, ErrEdited) {
		t.Errorf("got %v", err)
	}
	if _, err := doc.Replace("home", "three\n", true); err != nil {
		t.Error(err)
	}
}

// Whatever stands around and inside, bytes outside the markers stay, and the block
// reads back.
func TestReplaceProperty(t *testing.T) {
	line := rapid.OneOf(rapid.StringMatching(`[a-z |#*-]{0,20}`), rapid.SampledFrom([]string{"```", "~~~", "> x", "\xff", "\r", "<!-- c -->", "%% o %%", "    code", "\xef\xbb\xbf"}))
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOf(line).Draw(t, "lines"), rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "eol"))
	})
	body := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOf(rapid.StringMatching(`[a-z0-9 .|]{0,12}`)).Draw(t, "body"), "\n")
	})
	rapid.Check(t, func(t *rapid.T) {
		src := text.Draw(t, "before") + "\n<!-- recon:begin id=home v=1 -->\n<!-- recon:end id=home -->\n" + text.Draw(t, "after")
		doc, err := Parse([]byte(src), "f.md", IDs()...)
		if err != nil || !doc.Has("home") {
			return // the text around opens a fence
		}
		want := body.Draw(t, "new")
		out, err := doc.Replace("home", want, false)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(outside(out), outside([]byte(src))) {
			t.Fatalf("bytes outside changed: %q to %q", src, out)
		}
		again, err := Parse(out, "f.md", IDs()...)
		if err != nil || again.Edited("home") {
			t.Fatalf("%q does not read back: %v", out, err)
		}
		same, err := again.Replace("home", want, false)
		if err != nil || !bytes.Equal(same, out) {
			t.Fatalf("a second run changes %q to %q", out, same)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{marked, strings.ReplaceAll(marked, "\n", "\r\n"), "%% recon:begin id=dns %%\n%% recon:end id=dns %%", "```\n" + marked, "<<<<<<< x\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := Parse(src, "f.md")
		if err != nil {
			return
		}
		if !bytes.Equal(doc.Bytes(), src) {
			t.Fatal("parsing changes the file")
		}
		for _, id := range doc.IDs() {
			if doc.Edited(id) {
				continue
			}
			out, err := doc.Replace(id, "x\n", false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(out, "f.md"); err != nil {
				t.Fatalf("the result does not parse: %v", err)
			}
		}
	})
}

func FuzzSanitise(f *testing.F) {
	for _, s := range hostile()[:60] {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		facts := worldOf(s)
		for _, b := range Blocks() {
			text := b.render(facts, Place{}, "2026-11-24", "")
			checkSafe(t, b.ID, text)
		}
	})
}
