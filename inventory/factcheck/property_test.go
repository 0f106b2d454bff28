package factcheck

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"syscall"
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
		"resource \"proxmox_lxc\" \"gitlab\" {\n vmid = 999\n}", "```\n│ ─────── │\n```", "| Name | IP |\n|---|---|\n| ═══ | 10.9.9.9 |", "VM_NAMES = {\n\"101\": \"x-1\",\n}", "<a><hostname>gitlab</hostname><ip>10.9.9.9</ip></a>", "```\nx/\n├── a/\n│   └── b.md\n```", "services:\n  a:\n    image: b\n    ports: [\"1:2\"]",
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
	everywhere := []string{"<!--", "<a>", "{", "[", "(", "gitlab ", "10.9.9.9 ", "recon:ignore x\n", "x = {\n", "  a:\n   b: 1\n", "a = \"${", "&a [*a, *a] vmid\n"}
	inText := []string{
		"[a](", "`", "> ", "- ", "* a\n", "|", "a | b\n---|---\n", "# x (1)\n", "VM 101 (", "├── a/\n", "│ a │\n", "gitlab (VM 101, ", "```\n",
	}
	for _, unit := range append(inText, everywhere...) {
		linear(t, unit, ".md", 1<<16)
	}
	for _, unit := range everywhere {
		for _, ext := range []string{".yml", ".tf", ".xml"} {
			linear(t, unit, ext, 1<<16)
		}
	}
	linear(t, "[a](", ".md", 1<<20)
}

// square is clearly less than 64, which reading in the square of the length would take for
// eight times the length, and more than the 32 that regexp takes under the race detector
// where it changes from one way of matching to another.
const square = 44

// linear reads an eighth of a text and all of it, again where it seems to be slow: the
// collector may have come in between.
func linear(t *testing.T, unit, ext string, size int) {
	t.Helper()
	for range 4 {
		small, large := timeOf(unit, ext, size/8), timeOf(unit, ext, size)
		if large < 150*time.Millisecond || large < square*small {
			return
		}
	}
	t.Errorf("%s of %q: %d bytes take more than %d times as long as an eighth of them", ext, unit, size, square)
}

func timeOf(unit, ext string, size int) time.Duration {
	text := []byte(strings.Repeat(unit, size/len(unit)))
	start := busy()
	Check([]source.Document{{Path: "a" + ext, Text: text}}, nil, Options{Tree: &Tree{}})
	return busy() - start
}

// busy is the time that processors have given to this program: what others do on the
// machine is not in it.
func busy() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano())
}

// 2 MB of documents, full of statements, and 200 guests: within a second on two cores.
// Beside it stands how many times as long that is as looking for addresses alone, with
// one regular expression, which does not depend on the machine.
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
	start := time.Now()
	for _, d := range docs {
		for line := range strings.SplitSeq(string(d.Text), "\n") {
			_ = fourNumbers.FindAllString(line, -1)
		}
	}
	bare := time.Since(start)
	for b.Loop() {
		start = time.Now()
		Check(docs, truth, Options{Tree: &Tree{}})
	}
	b.ReportMetric(float64(time.Since(start))/float64(bare), "x-addresses")
}

var fourNumbers = regexp.MustCompile(`(?:\d{1,3}\.){3}\d{1,3}`)
