package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"

	"github.com/spf13/cobra"
)

func newDemo(c *cli) *cobra.Command {
	dir, engine, serve := "", "", false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Tell the whole story on a simulated home",
		Long: `Builds a small home on an embedded simulator (no network, no accounts), imports it,
causes drift, plans, applies, and writes CLAUDE.md and the session log. What it
prints are real commands; the folder and the world stay for you to go on with. The
last chapter is about a Docker host: this machine, when an engine answers here, else
a recorded one. Nothing on it is changed.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if engine != "auto" && engine != "local" && engine != "recorded" {
				return usage(cmd, fmt.Errorf("--docker is auto, local or recorded, not %q", engine))
			}
			return runDemo(cmd.Context(), c, dir, engine, serve)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "recon-demo", "`folder` of the demo; an existing one that is no demo is never touched")
	cmd.Flags().StringVar(&engine, "docker", "auto", "`which` Docker host: auto, local (of this machine) or recorded")
	cmd.Flags().BoolVar(&serve, "serve", false, "leave the home and its page running afterwards, until interrupted")
	return exits(cmd, "recon demo", api.ExitOK, api.ExitError, api.ExitRefused)
}

// A demo is a telling of the story.
type demo struct {
	*cli
	ctx  context.Context
	dir  string
	sim  *pvesim.Server
	api  *simUser
	here bool // the Docker host is this machine
	step int
	err  error // the first thing that went wrong; nothing is told after it
}

// demoMark is the file by which a folder is known as a demo's.
const demoMark = ".sim/demo"

func runDemo(ctx context.Context, c *cli, dir, engine string, serve bool) error {
	d := &demo{cli: c, ctx: ctx, dir: dir, here: engine == "local" || engine == "auto" && engineHere(ctx)}
	if err := d.build(); err != nil {
		return err
	}
	defer d.sim.Close()
	d.tell()
	if serve {
		d.serve()
	} else {
		d.ending()
	}
	return d.err
}

// serve leaves the home running, with its page, until somebody interrupts it.
func (d *demo) serve() {
	if d.err != nil {
		return
	}
	d.chapter("The page")
	listen := "127.0.0.1:8100"
	if l, err := net.Listen("tcp", listen); err != nil {
		listen = "127.0.0.1:0" // somebody else has the port
	} else {
		l.Close()
	}
	d.err = os.WriteFile(filepath.Join(d.dir, "page.recon.hcl"), []byte(fmt.Sprintf(demoPage, listen)), 0o644)
	d.say("The home stays there until you press Ctrl-C. Change something in another terminal,\nas in %s/manifests, and the page shows it by itself. What recon would do about it\nwaits under Proposals for your decision.", d.dir)
	d.recon(api.ExitOK, "serve")
}

// setAside keeps an earlier demo, in which somebody may have worked, under a name of
// its own.
func (d *demo) setAside() error {
	old := filepath.Clean(d.dir)
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.%d", old, n)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			d.cli.hint("the demo before this one is %s now", aside)
			return os.Rename(old, aside)
		}
	}
}

// build makes the folder, the world and the files that the home's owner would
// have written.
func (d *demo) build() error {
	if entries, err := os.ReadDir(d.dir); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(d.dir, demoMark)); err != nil {
			return api.Refuse("choose another folder with --dir", "%s exists and is not a demo", d.dir)
		}
		if err := d.setAside(); err != nil {
			return fmt.Errorf("keep the last demo: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(d.dir, ".sim"), 0o755); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	var err error
	opts := pvesim.Options{Listen: "127.0.0.1:8006", Dir: filepath.Join(d.dir, ".sim"), StatCycle: -1, NodeDelay: 200 * time.Millisecond}
	if d.sim, err = pvesim.New(opts); err != nil {
		var op *net.OpError
		if !errors.As(err, &op) {
			return fmt.Errorf("start the simulated home: %w", err)
		}
		opts.Listen = "127.0.0.1:0"
		if d.sim, err = pvesim.New(opts); err != nil {
			return fmt.Errorf("start the simulated home: %w", err)
		}
	}
	if d.api, err = newSimUser(d.sim, "lena@pve"); err != nil {
		return err
	}
	files := map[string]string{
		demoMark:                 "made by recon demo\n",
		"recon.hcl":              fmt.Sprintf(demoManifest, d.sim.Endpoint()),
		"CLAUDE.md":              demoClaude,
		".claude/session-log.md": demoSessionLog,
		".sim/docker-media.json": demoDockerHost,
	}
	for name, text := range files {
		path := filepath.Join(d.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// tell tells the story.
func (d *demo) tell() {
	d.say("A home: three Proxmox nodes and some twenty-five guests, simulated on\n%s. The folder is %s; the commands below are real.", d.sim.Endpoint(), d.dir)

	d.chapter("What is there becomes manifests")
	d.recon(api.ExitOK, "import", "--all", "-q")
	d.edit("You add what only you know: purposes, and what nobody may touch.", demoEdits()...)
	d.recon(api.ExitOK, "fmt", "-q")
	d.recon(api.ExitOK, "plan")
	d.recon(api.ExitOK, "context")
	d.show("CLAUDE.md", 14)

	d.chapter("Then life goes on")
	d.live("Lena takes memory from the media server in the web interface.", "PUT", "/nodes/node01/qemu/111/config", "memory=4096")
	d.live("A guest moves to another node, and its tags are typed anew in another order.", "POST", "/nodes/node02/qemu/106/migrate", "target=node01", "online=1", "with-local-disks=1")
	d.live("", "PUT", "/nodes/node01/qemu/106/config", "tags=Docker;devops")
	d.live("She switches off the start at boot of the backup server, which is protected.", "PUT", "/nodes/node03/qemu/150/config", "onboot=0")
	d.live("And she tries something out in a new container.", "POST", "/nodes/node01/lxc", "vmid=299", "hostname=scratch", "memory=512", "rootfs=local-lvm:4", "ostemplate=local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst", "net0=name=eth0,bridge=vmbr0,tag=40,ip=dhcp")
	d.edit("You give Immich two more cores in its manifest.", demoEdit{"manifests/media.hcl", `(?s)(vm "immich" .*?cores +=) 6`, "$1 8"})
	d.recon(api.ExitDiffers, "drift")
	d.say("The move and the order of tags are no drift. The rest is, and CLAUDE.md says so.")

	d.chapter("A node goes down halfway")
	d.fault("node-down:node03")
	d.recon(api.ExitIncomplete, "context")
	d.grep("CLAUDE.md", "STALE")
	d.say("Unknown is not absent: its guests keep their last known facts.")
	d.fault("")

	d.chapter("You decide")
	d.recon(api.ExitPartial, "apply", "--yes", "--allow", "restart", "--target", "vm.media", "--target", "vm.pbs")
	d.say("The protected guest was left alone. Immich gets its cores, but no restart yet.")
	d.recon(api.ExitOK, "apply", "--yes", "--defer-restart", "--target", "vm.immich", "-q")
	d.recon(api.ExitDiffers, "plan")
	d.recon(api.ExitOK, "history")

	d.chapter("What the containers suffer from")
	if d.here {
		d.say("An engine answers on this machine, so it is the Docker host: host.here.")
		d.edit("", demoEdit{"recon.hcl", `\z`, demoHere})
		d.recon(anyCode, "import", "--all", "-q")
		d.recon(anyCode, "doctor")
	} else {
		d.say("The Docker host is a recorded one: host.docker-media, which is lxc.docker-media\nof the home. On a machine with an engine the demo looks at that one.")
		d.edit("", demoEdit{"recon.hcl", `\z`, demoRecorded})
		d.recon(api.ExitOK, "import", "--all", "-q")
		d.recon(api.ExitDiffers, "doctor")
	}
}

func (d *demo) chapter(title string) {
	if d.err != nil {
		return
	}
	d.step++
	p := d.printer()
	p.Printf("")
	p.Heading(fmt.Sprintf("%d. %s", d.step, title))
}

func (d *demo) say(format string, a ...any) {
	if d.err == nil {
		d.printer().Printf("\n"+format, a...)
	}
}

// anyCode accepts whatever a command ends with: what runs on the reader's machine is
// the reader's.
const anyCode = -1

// recon runs a command of this program as the reader would type it.
func (d *demo) recon(want int, args ...string) {
	if d.err != nil {
		return
	}
	p := d.printer()
	p.Printf("")
	p.Command("recon " + strings.Join(args, " "))
	sub := &cli{stdin: bytes.NewReader(nil), stdout: d.stdout, stderr: d.stdout, secrets: d.secrets, cut: d.cut, finishing: d.finishing, color: "never"}
	color := "never"
	if d.colored(d.stdout) {
		color = "always"
	}
	root := newRoot(sub)
	root.SetArgs(append([]string{"-C", d.dir, "--color", color}, args...))
	root.SetOut(d.stdout)
	root.SetErr(d.stdout)
	err := root.ExecuteContext(d.ctx)
	if sub.home != nil {
		sub.home.Close()
	}
	if code := sub.report(err); code != want && want != anyCode {
		d.err = fmt.Errorf("recon %s ended with %d, not %d", strings.Join(args, " "), code, want)
	}
}

// A demoEdit replaces text in a manifest.
type demoEdit struct{ file, pattern, with string }

// edit changes files as their author would in an editor.
func (d *demo) edit(why string, edits ...demoEdit) {
	if why != "" {
		d.say("%s", why)
	}
	for _, e := range edits {
		text := d.read(e.file)
		if d.err != nil {
			return
		}
		changed := regexp.MustCompile(e.pattern).ReplaceAllString(text, e.with)
		if changed == text {
			d.err = fmt.Errorf("%s holds nothing like %s", e.file, e.pattern)
			return
		}
		d.err = os.WriteFile(filepath.Join(d.dir, e.file), []byte(changed), 0o644)
	}
}

// live changes the home behind recon's back.
func (d *demo) live(why, method, path string, params ...string) {
	if d.err != nil {
		return
	}
	if why != "" {
		d.printer().Printf("  - %s", why)
	}
	d.err = d.api.call(d.ctx, method, path, params...)
}

func (d *demo) fault(spec string) {
	if d.err != nil {
		return
	}
	d.sim.ClearFaults()
	if spec != "" {
		d.err = d.sim.AddFault(spec)
	}
}

// show prints the beginning of recon's block of a document.
func (d *demo) show(name string, lines int) {
	text := d.read(name)
	if d.err != nil {
		return
	}
	_, block, _ := strings.Cut(text, "<!-- recon:begin")
	d.printer().Printf("")
	for i, line := range strings.Split("<!-- recon:begin"+block, "\n") {
		if i == lines {
			d.printer().Printf("  ...")
			return
		}
		d.printer().Printf("  %s", line)
	}
}

func (d *demo) grep(name, word string) {
	for _, line := range strings.Split(d.read(name), "\n") {
		if strings.Contains(line, word) {
			d.printer().Printf("  %s: %s", name, line)
		}
	}
}

func (d *demo) read(name string) string {
	if d.err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(d.dir, name))
	d.err = err
	return string(text)
}

func (d *demo) ending() {
	if d.err != nil {
		return
	}
	p := d.printer()
	p.Printf("")
	p.Heading("Go on yourself")
	p.Printf(`The world stays in %s/.sim. In one terminal:

  recon sim --world %s/.sim

and in another:

  cd %s
  recon plan
  recon show vm.media
  recon adopt vm.pbs        # live wins: onboot = false goes into its manifest
  recon doctor
  cat CLAUDE.md .claude/session-log.md`, d.dir, d.dir, d.dir)
}
