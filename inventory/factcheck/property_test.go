package factcheck

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"recon/inventory/factcheck/source"
)

var suffixes = []string{".md", ".yml", ".tf", ".py", ".ini", ".xml"}

// Whatever a text holds: a finding's claim stands where the finding says, or it is
// a name or number that is computed there.
func TestPositionsProperty(t *testing.T) {
	truth, _ := homeTruth(t)
	part := rapid.SampledFrom([]string{
		"gitlab", "GitLab", "node01", "home-assistant", "10.9.9.9", "VM 999", "|", "---", "\n", "\r\n", " ", "(", ")", ": ", "`", "**", "# ", "- ", "```\n", "│", "é", "\xff", "ip", "=", "{", "}", "\"", "VLAN 7",
		"192.168.40.0/24", "<!-- ", " -->", "vmid", "[a](b.md)", "├── ", "name: ", "ansible_host", "runs on", "[", "<br/>", "<hostname>", "</hostname>", "GITLAB_IP",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 1, 40).Draw(t, "text"), "")
		for _, ext := range suffixes {
			checkPositions(t, truth, "a"+ext, []byte(text))
		}
	})
}

func checkPositions(t interface{ Fatalf(string, ...any) }, truth *Truth, name string, text []byte) {
	docs := []source.Document{{Path: name, Text: text}, {Path: "docs/b.md", Text: text}}
	for _, f := range Check(docs, truth, Options{Tree: &Tree{Files: []string{name, "docs/b.md"}}}) {
		for _, p := range f.Wrong {
			if p.Line < 1 || p.Column < 1 || p.Offset < 0 || p.Offset > len(text) {
				t.Fatalf("%s: place %d:%d, offset %d of %d", name, p.Line, p.Column, p.Offset, len(text))
			}
			if token := p.token(); p.Fix != "" && (p.Offset+len(token) > len(text) || string(text[p.Offset:p.Offset+len(token)]) != token) {
				t.Fatalf("%s: %q, which is to be put right, does not stand at %d of %q", name, token, p.Offset, text)
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		"| Name | IP |\n|---|---|\n| gitlab | 10.9.9.9 |", "---\nip: 10.9.9.9\nname: gitlab\n---\n# x", "```\n| gitlab | | x |\n| 10.9.9.9 | | y |\n+---+\n```", "gitlab:\r\n  ansible_host: 10.9.9.9 # x",
		"resource \"proxmox_lxc\" \"gitlab\" {\n vmid = 999\n}", "VM_NAMES = {\n\"101\": \"x-1\",\n}", "<a><hostname>gitlab</hostname><ip>10.9.9.9</ip></a>", "```\nx/\n├── a/\n│   └── b.md\n```", "services:\n  a:\n    image: b\n    ports: [\"1:2\"]",
	} {
		f.Add([]byte(s))
	}
	truth, _ := homeTruth(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, ext := range suffixes {
			checkPositions(t, truth, "a"+ext, text)
			checkPositions(t, nil, "a"+ext, text)
		}
	})
}

// Anything is read in time that grows with its length: eight times as much takes
// about eight times as long, not sixty-four times.
func TestLinearTime(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures time")
	}
	for _, unit := range []string{
		"[a](", "`", "> ", "- ", "* a\n", "|", "a | b\n---|---\n", "# x (1)\n", "<!--", "gitlab ", "VM 101 (", "10.9.9.9 ", "├── a/\n", "│ a │\n", "{", "[", "(",
		"gitlab (VM 101, ", "<a>", "recon:ignore x\n", "```\n", "x = {\n", "  a:\n   b: 1\n", "a = \"${", "&a [*a, *a] vmid\n",
	} {
		for _, ext := range []string{".md", ".yml", ".tf", ".xml"} {
			small, large := timeOf(unit, ext, 1<<15), timeOf(unit, ext, 1<<18)
			if large > 400*time.Millisecond && large > 24*small { // once more: others use the machine too
				small, large = timeOf(unit, ext, 1<<15), timeOf(unit, ext, 1<<18)
			}
			if large > 400*time.Millisecond && large > 24*small {
				t.Errorf("%s of %q: 32 KiB take %v, 256 KiB %v", ext, unit, small, large)
			}
		}
	}
}

func timeOf(unit, ext string, size int) time.Duration {
	text := []byte(strings.Repeat(unit, size/len(unit)))
	start := time.Now()
	Check([]source.Document{{Path: "a" + ext, Text: text}}, nil, Options{Tree: &Tree{}})
	return time.Since(start)
}

// 2 MB of documents, full of statements, and 200 guests.
func BenchmarkCheck(b *testing.B) {
	guests, truth := testWorld(rand.New(rand.NewPCG(3, 3)), 200)
	w := &writer{Rand: rand.New(rand.NewPCG(3, 3)), guests: guests, rate: 1}
	w.write()
	var docs []source.Document
	size := 0
	for i := 0; size < 2<<20; i++ {
		d := w.docs[i%len(w.docs)]
		d.Path = fmt.Sprintf("%d/%s", i, d.Path)
		size += len(d.Text)
		docs = append(docs, d)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		Check(docs, truth, Options{Tree: &Tree{}})
	}
}
