package factcheck

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"recon/inventory/factcheck/source"
)

// TestNamed: a document names what was observed and stands in it by its name, at the first
// place; what is history there, an everyday word, another machine's name and a part of a path
// name nothing.
func TestNamed(t *testing.T) {
	guests, truth := testWorld(rand.New(rand.NewPCG(3, 3)), 20)
	address := map[string]string{}
	for _, g := range guests {
		address[g.name] = fmt.Sprintf("%s.%s", g.kind, g.name)
	}
	for name, row := range map[string]struct {
		file, text string
		want       string // names and lines
	}{
		"prose":                {"README.md", "# Home\n\nThe proxy is traefik.\n", "traefik:3"},
		"once, and the first":  {"README.md", "# Home\n\ntraefik and traefik\n\ntraefik\n", "traefik:3"},
		"a table":              {"docs/a.md", "# Home\n\n| Name | IP |\n|---|---|\n| gitlab | 192.168.20.30 |\n", "gitlab:5"},
		"code":                 {"README.md", "# Home\n\nLog in to `web`, please.\n", "web:3"},
		"an everyday word":     {"README.md", "# Home\n\nThe web is wide, and the db too.\n", ""},
		"a node":               {"README.md", "# Home\n\nIt runs on node02.\n", "node02:3"},
		"several words":        {"README.md", "# Home\n\nHome Assistant switches lights.\n", "home-assistant:3"},
		"a changelog":          {"CHANGELOG.md", "# Changelog\n\ntraefik was installed.\n", ""},
		"history":              {"README.md", "# Home\n\n## Removed\n\ntraefik is no more.\n", ""},
		"an image":             {"README.md", "# Home\n\ndocker pull traefik/traefik:v3\n", ""},
		"nobody's":             {"README.md", "# Home\n\nplex shows films.\n", ""},
		"what a program reads": {"compose.yml", "services:\n  traefik: {image: traefik}\n", ""},
		"recon's own block":    {"CLAUDE.md", "# Home\n\n<!-- recon:begin inventory -->\ntraefik\n<!-- recon:end inventory -->\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, n := range Named([]source.Document{{Path: row.file, Text: []byte(row.text)}}, truth) {
				who := n.Node
				for name, a := range address {
					if a == n.Address {
						who = name
					}
				}
				got = append(got, fmt.Sprintf("%s:%d", who, n.Line))
				if n.File != row.file {
					t.Errorf("the file is %s", n.File)
				}
			}
			if slices.Sort(got); strings.Join(got, " ") != row.want {
				t.Errorf("it names %v, want %s", got, row.want)
			}
		})
	}
}
