package docs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory/contextfile"
	"recon/inventory/localfile"
	"recon/manifests"
)

// An Init is what recon init would write, and what it noticed.
type Init struct {
	Files []InitFile
	Notes []string // for the person to know
	Next  []string // what to do now
}

// An InitFile is a file that is made or added to.
type InitFile struct {
	Path     string
	Old, New []byte
	Existed  bool
}

// PlanInit looks around in a folder and decides what is missing. Nothing that
// exists is overwritten.
func PlanInit(root string, at Cluster) (*Init, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	in := &Init{}
	i := &initialiser{Init: in, root: root, at: at}
	claude := i.instructions()
	for _, step := range []func(string) error{i.mainFile, i.gitignore, i.markers} {
		if err := step(claude); err != nil {
			return nil, err
		}
	}
	i.surroundings()
	return in, nil
}

// A Cluster is what a person said of theirs; empty when nobody was asked.
type Cluster struct {
	Endpoint, Fingerprint string
	Token                 bool // there is one; recon check says what it is worth
}

type initialiser struct {
	*Init
	root string
	at   Cluster
}

// clusterBlock writes the proxmox block. Without an address from the person it is a
// comment: a live address that recon made up might be answered by a stranger's machine,
// which would then get the token.
func (i *initialiser) clusterBlock() string {
	if i.at.Endpoint != "" {
		proof := "  # fingerprint = \"12:34:...\"\n"
		if i.at.Fingerprint != "" {
			proof = fmt.Sprintf("  fingerprint = %s\n", manifests.Quoted(i.at.Fingerprint))
		}
		return fmt.Sprintf(clusterTemplate, manifests.Quoted(i.at.Endpoint), "", proof)
	}
	endpoint, note := "https://ADDRESS:8006", ""
	if found, where := i.mentioned(); found != "" {
		endpoint, note = found, "   # "+manifests.Quoted(where)+" names it"
	}
	text := fmt.Sprintf(clusterTemplate, manifests.Quoted(endpoint), note, "  # fingerprint = \"12:34:...\"\n")
	head, block, _ := strings.Cut(text, "proxmox \"home\"")
	return head + "# proxmox \"home\"" + strings.ReplaceAll(strings.TrimSuffix(block, "\n"), "\n", "\n# ") + "\n"
}

var nodeAddress = regexp.MustCompile(`https://[A-Za-z0-9][A-Za-z0-9.-]*:8006`)

// mentioned finds the address of a node in what the repository already says.
func (i *initialiser) mentioned() (address, where string) {
	_ = walkFiles(i.root, func(p, rel string) error {
		if !slices.Contains([]string{".tf", ".tfvars", ".md", ".yml", ".yaml"}, path.Ext(rel)) {
			return nil
		}
		text, err := localfile.Read(p, localfile.Small)
		if err != nil || len(text) > 1<<20 {
			return nil
		}
		if at := nodeAddress.Find(text); at != nil {
			address, where = string(at), rel
			return fs.SkipAll
		}
		return nil
	})
	return address, where
}

const clusterTemplate = `# A Proxmox cluster. Its label is part of every guest's identity: home/111.
proxmox "home" {
  endpoints = [%s]%s
  token     = env("PVE_TOKEN") # user@realm!name=uuid; recon check says what it lacks

  # How the server proves who it is: the fingerprint of its certificate (the web
  # interface shows it under Node > Certificates), or ca_file = "pve-root-ca.pem".
%s}
`

func (i *initialiser) exists(rel string) bool {
	_, err := os.Stat(filepath.Join(i.root, rel))
	return err == nil
}

// instructions picks the file that assistants read here.
func (i *initialiser) instructions() string {
	entries, _ := os.ReadDir(i.root)
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	switch {
	case has("CLAUDE.md"):
		return i.behind("CLAUDE.md")
	case has("claude.md"):
		i.Notes = append(i.Notes, "claude.md is kept as it is; on Linux assistants read only CLAUDE.md, so consider renaming it")
		return "claude.md"
	case has("AGENTS.md"):
		return "AGENTS.md"
	}
	return "CLAUDE.md"
}

// behind names the file itself where the name is a link to another document.
func (i *initialiser) behind(name string) string {
	file, err := home.Behind(i.root, name)
	if err != nil || file == name {
		return name // writing says what is wrong with it
	}
	i.Notes = append(i.Notes, fmt.Sprintf("%s is a link to %s, which is what the context block names", name, file))
	return file
}

func (i *initialiser) read(rel string) (old []byte, existed bool, err error) {
	old, err = localfile.Read(filepath.Join(i.root, rel), localfile.Small)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return old, err == nil, err
}

// mainFile writes a commented recon.hcl when there is none.
func (i *initialiser) mainFile(claude string) error {
	if i.exists(manifests.MainFile) {
		i.Notes = append(i.Notes, "recon.hcl is there and stays as it is")
		return nil
	}
	text := fmt.Sprintf(mainTemplate, i.clusterBlock(), manifests.Quoted(claude))
	i.Files = append(i.Files, InitFile{Path: manifests.MainFile, New: []byte(text)})
	if i.at.Endpoint == "" {
		i.Next = append(i.Next, "uncomment the proxmox block of recon.hcl, with the address of a node of yours")
	}
	commands := "recon check, recon import --all, recon plan, recon context"
	if i.at.Token {
		i.Next = append(i.Next, "with the token of PVE_TOKEN: "+commands)
		return nil
	}
	i.Next = append(i.Next, "make a token that may only look, on a node:\n"+tokenCommands, "export PVE_TOKEN='recon@pve!recon=...', then: "+commands)
	return nil
}

const tokenCommands = `      pveum role add ReconLook --privs Sys.Syslog
      pveum user add recon@pve
      pveum user token add recon@pve recon --privsep 1
      pveum acl modify / --users recon@pve --tokens 'recon@pve!recon' --roles PVEAuditor,ReconLook`

const mainTemplate = `# What recon holds this home against. The language is described in
# docs/manifests.md of recon; recon validate checks it, recon fmt lays it out.

recon {
  required_version = ">= 0.1"
}

%s
# What recon writes for people and their assistants, between its markers only.
context {
  claude_md    = %s
  context_md   = ".claude/context.md"
  session_log  = ".claude/session-log.md"
  active_tasks = ".claude/active-tasks.md"

  # Other folders of documents. recon fills its blocks in them, and recon facts
  # checks what people wrote there.
  # root "docs" {
  #   path  = "docs"
  #   style = "reference" # or "tutorial", or "notes"
  # }
}

# What recon serve does by itself.
schedule "drift" {
  cron   = "*/15 * * * *"
  action = "drift"
}
`

// gitignore keeps recon's own folder out of version control.
func (i *initialiser) gitignore(string) error {
	old, existed, err := i.read(".gitignore")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(strings.Split(string(old), "\n"), func(l string) bool {
		l = strings.Trim(strings.TrimSpace(l), "/")
		return l == home.StateDir
	}) {
		return nil
	}
	if !existed && !i.exists(".git") {
		return nil // .recon brings its own .gitignore
	}
	eol := "\n"
	if bytes.Contains(old, []byte("\r\n")) {
		eol = "\r\n"
	}
	text := bytes.Clone(old)
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, eol...)
	}
	i.Files = append(i.Files, InitFile{Path: ".gitignore", Old: old, New: append(text, home.StateDir+"/"+eol...), Existed: existed})
	return nil
}

// markers puts empty marker pairs at the end of the documents that exist and that
// the context block names. A project that has a recon.hcl says itself which they
// are.
func (i *initialiser) markers(claude string) error {
	project, diags := manifests.Load(os.DirFS(i.root), manifests.Options{Env: os.LookupEnv})
	if diags.HasErrors() || project.Context == nil {
		project = &manifests.Project{Context: &manifests.Context{
			ClaudeMD: claude, ContextMD: ".claude/context.md", SessionLog: ".claude/session-log.md", ActiveTasks: ".claude/active-tasks.md",
		}}
	}
	targets, err := targets(home.At(i.root, home.Options{}), project)
	if err != nil {
		return err
	}
	for _, t := range targets {
		old, existed, err := t.read()
		if err != nil {
			return err
		}
		if !existed || t.base != i.root {
			continue // recon context creates it with its block
		}
		doc, err := contextfile.Parse(old, t.name(), contextfile.IDs()...)
		if err != nil {
			return err
		}
		if doc, err = appendBlocks(doc, t.name(), t.blocks); err != nil {
			return err
		}
		if text := doc.Bytes(); !bytes.Equal(text, old) {
			i.Files = append(i.Files, InitFile{Path: t.file, Old: old, New: text, Existed: true})
		}
	}
	return nil
}

// SessionHook is what a person may put into the settings of Claude Code, so that a
// session begins with what has changed. recon never writes those settings.
const SessionHook = `{
  "hooks": {
    "SessionStart": [
      { "hooks": [ { "type": "command", "command": "recon changes --since last" } ] }
    ]
  }
}`

// surroundings notes what else is there.
func (i *initialiser) surroundings() {
	_ = filepath.WalkDir(i.root, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(i.root, p)
		switch {
		case err != nil:
			return nil
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != i.root || strings.Count(rel, string(filepath.Separator)) > 3):
			return filepath.SkipDir
		case !d.IsDir() && filepath.Ext(p) == ".tf":
			i.Notes = append(i.Notes, "there is Terraform code in "+filepath.Dir(rel)+"; terraform \"NAME\" { directory = \""+filepath.ToSlash(filepath.Dir(rel))+"\" } in recon.hcl makes its state a witness")
			return filepath.SkipAll
		}
		return nil
	})
	if dir, err := os.UserHomeDir(); err == nil {
		if _, err := os.Stat(filepath.Join(dir, ".ssh", "config")); err == nil {
			i.Notes = append(i.Notes, "there is an SSH configuration; this version of recon talks to Proxmox only")
		}
	}
}

// WriteInit writes what PlanInit decided.
func WriteInit(root string, in *Init) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	for _, f := range in.Files {
		if _, err := home.ReplaceFile(root, f.Path, f.Old, f.Existed, f.New); err != nil {
			return err
		}
	}
	return nil
}
