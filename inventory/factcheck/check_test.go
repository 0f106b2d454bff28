package factcheck

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// homeTruth is a small home with names as people give them.
func homeTruth(t testing.TB) *Truth {
	t.Helper()
	_, truth := testWorld(rand.New(rand.NewPCG(1, 1)), 20)
	for _, h := range truth.hosts {
		if h.name == "gitlab" {
			h.kind, h.vmid, h.node = "vm", 101, "node02"
		}
	}
	return truth
}

// Each statement by itself: what is found in it, and where.
func TestStatements(t *testing.T) {
	truth := homeTruth(t)
	gitlab := ""
	for _, h := range truth.hosts {
		if h.name == "gitlab" {
			gitlab = h.ips[0].String()
		}
	}
	tests := map[string]struct {
		file, text string
		want       []string // line:column kind claim
	}{
		"true":                   {"a.md", "gitlab is at " + gitlab + ".", nil},
		"name and address":       {"a.md", "gitlab (10.9.9.9)", []string{"1:9 address 10.9.9.9"}},
		"after wide characters":  {"a.md", "│ ü gitlab: 10.9.9.9", []string{"1:13 address 10.9.9.9"}},
		"CRLF":                   {"a.md", "x\r\ny\r\ngitlab: 10.9.9.9\r\n", []string{"3:9 address 10.9.9.9"}},
		"byte order mark":        {"a.md", "\xef\xbb\xbf| Name | IP |\n|---|---|\n| gitlab | 10.9.9.9 |\n", []string{"3:12 address 10.9.9.9"}},
		"domain":                 {"a.md", "`gitlab.home.lan` is at 10.9.9.9", []string{"1:25 address 10.9.9.9"}},
		"five names":             {"a.md", "- GitLab: 10.9.9.9\n- home_assistant: 10.9.9.8\n- Home Assistant (10.9.9.7)\n", []string{"1:11 address 10.9.9.9", "2:19 address 10.9.9.8", "3:19 address 10.9.9.7"}},
		"the past":               {"a.md", "gitlab was at 10.9.9.9", nil},
		"a log entry":            {"a.md", "- 2025-01-01: gitlab is at 10.9.9.9", nil},
		"below history":          {"a.md", "## Changelog\n\n### 1.2\n\ngitlab: 10.9.9.9\n", nil},
		"after history":          {"a.md", "## Changelog\n\nx\n\n## Now\n\ngitlab: 10.9.9.9\n", []string{"7:9 address 10.9.9.9"}},
		"struck out":             {"a.md", "~~gitlab: 10.9.9.9~~", nil},
		"a comment":              {"a.md", "<!-- gitlab: 10.9.9.9 -->", nil},
		"ignored with a reason":  {"a.md", "gitlab: 10.9.9.9 <!-- recon:ignore lab -->", nil},
		"ignored without reason": {"a.md", "gitlab: 10.9.9.9 <!-- recon:ignore -->", []string{"1:9 address 10.9.9.9"}},
		"ignored section":        {"a.md", "## Lab\n<!-- recon:ignore copy -->\n\ngitlab: 10.9.9.9\n\n- gitlab (10.9.9.8)\n\n## Now\n\ngitlab: 10.9.9.7\n", []string{"10:9 address 10.9.9.7"}},
		"ignored in YAML":        {"a.yml", "gitlab:\n  ip: 10.9.9.9 # recon:ignore lab\n", nil},
		"a flow":                 {"a.md", "gitlab -> 10.9.9.9, gitlab → 10.9.9.8", nil},
		"a range":                {"a.md", "gitlab 10.9.9.9-10.9.9.20", nil},
		"a network":              {"a.md", "gitlab 10.9.9.0/24", nil},
		"a common word":          {"a.md", "the web server 10.9.9.9 and a db at 10.9.9.8", nil},
		"vmid":                   {"a.md", "VM 999 (gitlab)", []string{"1:4 vmid 999"}},
		"kind":                   {"a.md", "gitlab (LXC 101)", []string{"1:9 guest_kind LXC"}},
		"kind in a sentence":     {"a.md", "gitlab is an LXC for code", []string{"1:14 guest_kind LXC"}},
		"kind before the name":   {"a.md", "The LXC `gitlab` holds the code", []string{"1:5 guest_kind LXC"}},
		"kind behind the name":   {"a.md", "back up the gitlab LXC first", []string{"1:20 guest_kind LXC"}},
		"a true kind":            {"a.md", "gitlab is a VM; the VM gitlab", nil},
		"a kind of the past":     {"a.md", "gitlab used to be an LXC", nil},
		"somebody else's kind":   {"a.md", "an LXC on node02 talks to gitlab", nil},
		"node":                   {"a.md", "gitlab runs on node03", []string{"1:16 node node03"}},
		"section of a node":      {"a.md", "## node03\n\n| VMID | Name |\n|---|---|\n| 101 | gitlab |\n", []string{"5:9 node gitlab"}},
		"other name":             {"a.md", "| VMID | Name |\n|---|---|\n| 101 | gitea-01 |\n", []string{"3:9 name gitea-01"}},
		"merged cells":           {"a.md", "| Name | IP |\n|---|---|\n| gitlab | " + gitlab + " |\n| | 10.9.9.9 |\n", nil},
		"count":                  {"a.md", "The Proxmox cluster has five nodes.", []string{"1:25 count five"}},
		"three of something":     {"a.md", "I use 5 VMs for tests.", nil},
		"version":                {"a.md", "All run Proxmox VE 8.2.", []string{"1:20 version 8.2"}},
		"gateway":                {"a.md", "Gateway: 192.168.40.254", []string{"1:10 gateway 192.168.40.254"}},
		"name server":            {"a.md", "DNS: 192.168.90.3, upstream is another matter", nil},
		"wrong name server":      {"a.md", "DNS server: `192.168.90.3`", []string{"1:14 dns 192.168.90.3"}},
		"VLAN of a subnet":       {"a.md", "VLAN 41 is 192.168.40.0/24", []string{"1:6 vlan 41"}},
		"YAML":                   {"a.yml", "all:\n  hosts:\n    gitlab:\n      ansible_host: 10.9.9.9\n", []string{"4:21 address 10.9.9.9"}},
		"HCL":                    {"a.tf", "resource \"x\" \"y\" {\n  name = \"gitlab\"\n  network {\n    address = \"10.9.9.9/24\"\n  }\n}\n", []string{"4:16 address 10.9.9.9"}},
		"a template":             {"a.tf", "resource \"x\" \"gitlab\" {\n  vmid = var.id\n  ip = \"${var.net}.9\"\n}\n", nil},
		"shell":                  {"a.sh", "GITLAB_IP=10.9.9.9\n", []string{"1:11 address 10.9.9.9"}},
		"Python":                 {"a.py", "HOSTS = {\"gitlab\": \"10.9.9.9\"}\n", []string{"1:21 address 10.9.9.9"}},
		"a drawing": {
			"a.md", "```\n┌────────┐ ┌──────────┐\n│ gitlab │ │ jellyfin │\n│10.9.9.9│ │          │\n└────────┘ └──────────┘\n```\n",
			[]string{"4:2 address 10.9.9.9"},
		},
		"a path":            {"a.md", "| Device | Size |\n|---|---|\n| /srv/gitlab | 5T |\n", nil},
		"a total":           {"a.md", "assignments total 9216 MiB; total 40 of them", nil},
		"recon's own block": {"a.md", "<!-- recon:begin id=home v=1 -->\ngitlab: 10.9.9.9\n<!-- recon:end id=home -->\n", nil},
		"front matter":      {"a.md", "---\nname: gitlab\nip: 10.9.9.9\n---\n", []string{"3:5 address 10.9.9.9"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range Check([]Document{{Path: tt.file, Text: []byte(tt.text)}}, truth, Options{}) {
				got = append(got, fmt.Sprintf("%d:%d %s %s", f.Line, f.Column, f.Kind, f.Claim))
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDeadReferences(t *testing.T) {
	exists := func(p string) bool { return p == "docs" || p == "docs/a.md" || p == "docs/b c.md" || p == "terraform" }
	text := "[a](a.md) [b](b%20c.md#x) [c](gone.md) [d](https://x.test/y.md) [e](#here) `terraform/gone.tf` `/etc/hosts` `other/host.yml`\n![i](img.png)\n"
	var got []string
	for _, f := range Check([]Document{{Path: "docs/a.md", Text: []byte(text)}}, nil, Options{Exists: exists}) {
		got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Claim))
	}
	if want := "1:31 gone.md|1:77 terraform/gone.tf|2:6 img.png"; strings.Join(got, "|") != want {
		t.Errorf("got %q", got)
	}
}

// Fixing leaves nothing fixable, and changes nothing but the wrong tokens.
func TestFix(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	guests, truth := testWorld(r, 30)
	c := &corpus{Rand: r, guests: guests, rate: 20}
	c.write()
	findings := Check(c.docs, truth, Options{})
	fixedCount := 0
	for i := range c.docs {
		text, fixed := Fix(&c.docs[i], findings)
		fixedCount += len(fixed)
		if strings.Count(string(text), "\n") != strings.Count(string(c.docs[i].Text), "\n") || strings.Count(string(text), "\r") != strings.Count(string(c.docs[i].Text), "\r") {
			t.Errorf("%s: lines changed", c.docs[i].Path)
		}
		c.docs[i].Text = text
	}
	for _, f := range Check(c.docs, truth, Options{}) {
		if f.Fixable {
			t.Errorf("still fixable: %+v", f)
		}
	}
	if fixedCount < len(findings)/2 {
		t.Errorf("only %d of %d fixed", fixedCount, len(findings))
	}
	for i := range c.docs {
		c.docs[i].ReadOnly = true
	}
}

// 2 MB of documents, full of statements, and 200 guests.
func BenchmarkCheck(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	guests, truth := testWorld(r, 200)
	c := &corpus{Rand: r, guests: guests, rate: 1}
	c.write()
	var docs []Document
	size := 0
	for i := 0; size < 2<<20; i++ {
		d := c.docs[i%len(c.docs)]
		d.Path = fmt.Sprintf("%d/%s", i, d.Path)
		size += len(d.Text)
		docs = append(docs, d)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		Check(docs, truth, Options{})
	}
}

// Whatever a text holds: a finding's claim stands where the finding says.
func TestPositionsProperty(t *testing.T) {
	truth := homeTruth(t)
	part := rapid.SampledFrom([]string{"gitlab", "GitLab", "node01", "home-assistant", "10.9.9.9", "VM 999", "|", "---", "\n", "\r\n", " ", "(", ")", ": ", "`", "**", "# ", "- ", "```\n", "│", "é", "\xff", "ip", "=", "{", "}", "\"", "VLAN 7", "192.168.40.0/24", "<!-- ", " -->", "vmid"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 1, 40).Draw(t, "text"), "")
		for _, ext := range []string{".md", ".yml", ".tf"} {
			checkPositions(t, truth, "a"+ext, []byte(text))
		}
	})
}

func checkPositions(t interface{ Fatalf(string, ...any) }, truth *Truth, name string, text []byte) {
	for _, f := range Check([]Document{{Path: name, Text: text}}, truth, Options{}) {
		if end := f.Offset + len(f.Claim); end > len(text) || string(text[f.Offset:end]) != f.Claim {
			t.Fatalf("%s: %q does not stand at %d of %q", name, f.Claim, f.Offset, text)
		}
		if f.Line < 1 || f.Column < 1 {
			t.Fatalf("%s: place %d:%d", name, f.Line, f.Column)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"| Name | IP |\n|---|---|\n| gitlab | 10.9.9.9 |", "---\nip: 10.9.9.9\nname: gitlab\n---\n# x", "```\n| gitlab | | x |\n| 10.9.9.9 | | y |\n+---+\n```", "gitlab:\r\n  ip: 10.9.9.9 # x", "resource \"a\" \"gitlab\" {\n vmid = 999\n}"} {
		f.Add([]byte(s))
	}
	truth := homeTruth(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, ext := range []string{".md", ".yml"} {
			checkPositions(t, truth, "a"+ext, text)
			checkPositions(t, nil, "a"+ext, text)
		}
	})
}
