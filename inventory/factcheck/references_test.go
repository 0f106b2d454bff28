package factcheck

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"recon/inventory/factcheck/source"
)

// Files that a page names, in a small tree; an empty result is a tree that must stay
// silent.
func TestReferences(t *testing.T) {
	const others = "-- apps/a/compose.yml --\n-- docs/runbook.md --\n-- ansible/playbooks/site.yml --\n-- scripts/run.sh --\n"
	tests := map[string]struct{ tree, want string }{
		"a link":                               {"-- a.md --\n[x](docs/gone.md)\n", "a.md:1:5 dead_reference docs/gone.md"},
		"a link to a line":                     {"-- a.md --\n[x](docs/runbook.md:12-40)\n", ""},
		"a link to a place of the forge":       {"-- roles/x/README.md --\n[x](../../issues?q=is%3Aopen) [y](../tree/main)\n", ""},
		"a link of a done task":                {"-- a.md --\n- [x] wrote [x](docs/gone.md)\n", ""},
		"a path whose folder is there":         {"-- a.md --\nThe stack is `apps/a/gone.yml`, it says.\n", "a.md:1:15 dead_reference apps/a/gone.yml"},
		"a path whose folder is not":           {"-- a.md --\nThe stack is `elsewhere/a/gone.yml`, it says.\n", ""},
		"a path in everybody's folder":         {"-- a.md --\nThe job runs `scripts/gone.sh` there.\n", ""},
		"one that the text points at":          {"-- a.md --\nSee `scripts/gone.sh`.\n", "a.md:1:6 dead_reference scripts/gone.sh"},
		"one of another vault":                 {"-- a.md --\nFull design: see `vault/Projects/Gone.md`.\n", ""},
		"one with a label":                     {"-- a.md --\n- Playbook: `wiki/Introduction.md`\n", "a.md:1:14 dead_reference wiki/Introduction.md"},
		"a path that is to be made":            {"-- a.md --\nRecord results in `apps/a/gone.yml`.\n", ""},
		"made in the line before":              {"-- a.md --\nThen create the new stack\nin `apps/a/gone.yml`, as above.\n", ""},
		"made, in Spanish":                     {"-- a.md --\n1. Crear `apps/a/gone.yml` con los valores.\n", ""},
		"made, in German":                      {"-- a.md --\nErstelle `apps/a/gone.yml` mit den Werten.\n", ""},
		"alone on its line":                    {"-- a.md --\n**`apps/a/gone.yml`**\n", ""},
		"a placeholder":                        {"-- a.md --\nCopy of `apps/a/my_stack.yml`, `apps/a/OA-XX.yml`, see `project_notes_state.md`.\n", ""},
		"the name of an app":                   {"-- a.md --\n### Script (`apps/a/appname.sh`), see `docs/tool-name.md`\n", ""},
		"a machine":                            {"-- a.md --\nThe [dashboard](tekton.home.local) and [it](grafana.lan:3000/)\n", ""},
		"a page of a site":                     {"-- a.md --\n[x](docs/runbook.html#top) [y](docs/gone.html)\n", "a.md:1:32 dead_reference docs/gone.html"},
		"a picture of a site":                  {"-- docs/a/b.md --\n![](../x.png) ![](../gone.png)\n-- mkdocs.yml --\n-- assets/x.png --\n", "docs/a/b.md:1:19 dead_reference ../gone.png"},
		"what moves to another place":          {"-- a.md --\n## Files to Move\n\n- `apps/a/gone.yml` and more\n", ""},
		"a link with every byte written out":   {"-- a.md --\n[x](docs%2Fmy%20run%7D%20book.md)\n-- docs/my run} book.md --\n", ""},
		"what a path becomes":                  {"-- a.md --\nA command: `apps/a/gone.yml` → `/gone`\n", ""},
		"a vault finds pages by their names":   {"-- a/b.md --\n[x](runbook.md) [y](lost.md)\n-- quartz.config.ts --\n", "a/b.md:1:21 dead_reference lost.md"},
		"what a program writes":                {"-- a.md --\nStored in [it](run/data/out.json), see [there](data/gone.md).\n", "a.md:1:48 dead_reference data/gone.md"},
		"a drawing that has the other too":     {"-- a.md --\n```\nhomelab/\n├── docs/\n│   ├── runbook.md\n│   └── site.yml\n└── ansible/\n    └── playbooks/\n        └── site.yml\n```\n", "a.md:5:9 dead_reference site.yml"},
		"a list of another repository's files": {"-- a.md --\n- `pipelines/assets.py`: them\n- `pipelines/one.py` and `apps/a/build.yaml`\n", ""},
		"what an example names":                {"-- a.md --\n문서는 `apps/a/one-more.md`처럼 둔다\n", ""},
		"a folder whose files are ignored":     {"-- a.md --\n```\nhomelab/\n├── docs/\n├── apps/\n├── box/\n├── keys/\n│   └── deep/\n└── lost/\n```\n", "a.md:8:5 dead_reference lost"},
		"what a generator wrote":               {"-- api/docs/a.md --\n[x](gone.md)\n-- api/.openapi-generator-ignore --\n", ""},
		"a drawing of somebody's folder":       {"-- coding/a.md --\n```\ndocs/\n├── runbook.md\n└── gone.md\n```\n-- apps/a.md --\n```\napps/\n├── a/\n├── lost.md\n└── a.md\n```\n", "apps/a.md:4:5 dead_reference lost.md"},
		"a drawn folder of a program":          {"-- a.md --\n```\nhomelab/\n├── docs/\n├── apps/\n└── logs/\n```\n", ""},
		"a report":                             {"-- phase2-complete.md --\n[x](docs/gone.md)\n", ""},
		"a drawn tree":                         {"-- a.md --\n```\nhomelab/\n├── docs/\n│   └── gone.md\n├── apps/\n└── scripts/\n```\n", ""},
		"a drawn tree with a neighbour":        {"-- a.md --\n```\nhomelab/\n├── docs/\n│   ├── runbook.md\n│   └── gone.md\n├── apps/\n└── lost/\n```\n", "a.md:5:9 dead_reference gone.md | a.md:7:5 dead_reference lost"},
		"a tree in a box":                      {"-- docs/a.md --\n```\n┌──────────────┐\n│ ConfigMap    │\n│ ├── runbook.md │\n│ └── gone.html │\n└──────────────┘\n```\n", ""},
		"a tree of something else":             {"-- a.md --\n```\nproduction/\n├── k8s/\n├── pve/\n├── docs/\n└── native/\n```\n", ""},
		"a tree that is not indented":          {"-- a.md --\n```\nhomelab/\n├── docs/\n├── README.md\n├── apps/\n├── README.md\n```\n", ""},
		"services below a folder":              {"-- a.md --\n```\nhomelab/\n├── apps/\n│   ├── a/\n│   └── exporter   # of metrics\n├── docs/\n└── scripts/\n```\n", ""},
		"what is to come":                      {"-- a.md --\n```\nhomelab/\n├── docs/\n├── apps/\n└── charts/  # after the migration\n```\n", ""},
		"a folder of ignored files":            {"-- a.md --\n```\nhomelab/\n├── docs/\n├── apps/\n└── env/\n    └── production.env\n```\n", ""},
		"names with blanks":                    {"-- a.md --\n```\nhomelab/\n├── docs/\n├── apps/\n├── scripts/\n├── Container Provisioning\n└── lost.md  the rest\n```\n", "a.md:7:5 dead_reference lost.md"},
		"a page that is a folder of a site":    {"-- docs/a.md --\n![](../x.svg) ![](../gone.svg)\n-- docs/x.svg --\n", "docs/a.md:1:19 dead_reference ../gone.svg"},
		"a skill for any workspace":            {"-- .claude/skills/x/SKILL.md --\nRead `apps/a/gone.yml` first, and [it](gone.md).\n", ".claude/skills/x/SKILL.md:1:40 dead_reference gone.md"},
		"a file whose text follows":            {"-- a.md --\nUse `apps/a/gone.yml`:\n\n```yaml\na: b\n```\n\nUse `apps/a/lost.yml`.\n", "a.md:7:6 dead_reference apps/a/lost.yml"},
		"secrets beside what is drawn":         {"-- a.md --\n```\nhomelab/\n├── docs/\n├── apps/\n├── .env\n└── lost.md\n```\n", "a.md:6:5 dead_reference lost.md"},
		"what is drawn as to come":             {"-- a.md --\nThe tree should become:\n\n```\nhomelab/\n├── docs/\n├── apps/\n└── lost.md\n```\n-- b.md --\nThe tree:\n\n```\nhomelab/\n├── docs/\n├── apps/\n└── lost.md\n```\n", "b.md:7:5 dead_reference lost.md"},
		"a folder that is there and empty":     {"-- a.md --\n```\nhomelab/\n├── docs/\n├── apps/\n├── submodule/\n└── lost/   # charts\n```\n", "a.md:6:5 dead_reference lost"},
		"how a picture is put into a page":     {"-- a.md --\n![Image](./image.jpg) ![The rack](./image.jpg)\n", "a.md:1:35 dead_reference ./image.jpg"},
		"this file, and a placeholder":         {"-- docs/readme.md --\n```\ndocs/\n├── runbook.md\n├── SERVICE/\n└── README.md   # this file\n```\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var docs []source.Document
			tree := &Tree{Folders: []string{"submodule"}, Rules: []string{"box/root", "keys/**/*.txt"}, Ignored: func(p string) bool { return strings.HasSuffix(p, ".env") }}
			for _, f := range txtar.Parse([]byte(tt.tree + others)).Files {
				tree.Files = append(tree.Files, f.Name)
				docs = append(docs, source.Document{Path: f.Name, Text: f.Data})
			}
			if got := found(Check(docs, nil, Options{Tree: tree})); got != tt.want {
				t.Errorf("got  %s\nwant %s", strings.ReplaceAll(got, " | ", "\n     "), strings.ReplaceAll(tt.want, " | ", "\n     "))
			}
		})
	}
}

// What is suggested for a link that leads nowhere.
func TestSuggestions(t *testing.T) {
	tests := map[string]struct{ page, file, want string }{
		"another case":           {"[x](docs/Runbook.md)", "docs/runbook.md", "docs/runbook.md"},
		"a folder's case":        {"[x](Docs/Guides)", "docs/guides/one.md", "docs/guides"},
		"a name of its own":      {"[x](run-backup.md)", "ops/tools/run-backup.md", "ops/tools/run-backup.md"},
		"everybody's, below":     {"[x](backup.md)", "docs/backup.md", "docs/backup.md"},
		"everybody's folder":     {"[x](ansible/docs/index.md)", "docs/index.md", ""},
		"what is drawn as well":  {"```\nlab/\n├── a.md\n├── one/\n│   ├── x.md\n│   └── two-keys.yml\n└── two/\n    └── two-keys.yml\n```", "two/two-keys.yml", ""},
		"everybody's, twice":     {"[x](b/ansible/README.md)", "a/ansible/README.md", "a/ansible/README.md"},
		"one of everybody's":     {"[x](b/ansible/x.md)", "a/ansible/x.md", ""},
		"somebody's home":        {"[x](file:///Users/me/other/README.md)", "README.md", ""},
		"somebody's home, known": {"[x](file:///Users/me/this/docs/one-more.md)", "docs/one-more.md", "docs/one-more.md"},
		"everybody's, elsewhere": {"[x](apps/media/STATUS.md)", "generated/x/STATUS.md", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			docs := []source.Document{{Path: "a.md", Text: []byte(tt.page)}, {Path: tt.file}}
			got := Check(docs, nil, Options{Tree: &Tree{Files: []string{"a.md", "one/x.md", tt.file}}})
			if len(got) != 1 || got[0].Suggest != tt.want {
				t.Errorf("got %+v, want one finding that suggests %q", got, tt.want)
			}
		})
	}
}

// TestRivals: where a file beside the target may be meant as well, nothing is suggested.
func TestRivals(t *testing.T) {
	for beside, want := range map[string]string{"roadmap.md": "", "platform.md": "", "platform-roadmap-2.md": "", "roads.md": "docs/platform-roadmap.md", "roadmap.txt": "docs/platform-roadmap.md", "map.md": "docs/platform-roadmap.md"} {
		docs := []source.Document{{Path: "net/readme.md", Text: []byte("[x](./platform-roadmap.md)")}}
		got := Check(docs, nil, Options{Tree: &Tree{Files: []string{"net/readme.md", "docs/platform-roadmap.md", "net/" + beside}}})
		if len(got) != 1 || got[0].Suggest != want {
			t.Errorf("beside %s: got %+v, want one finding that suggests %q", beside, got, want)
		}
	}
}
