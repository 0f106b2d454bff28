package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"recon/inventory"
)

// A writer is a place that puts a whole daemon.json on a host.
type writer struct {
	file *File
	w    Write
}

// daemonJSONOverwritten: a file of the repository writes the whole daemon.json
// that recon has a wish for, or two files do for one host.
func daemonJSONOverwritten(f *Facts) []inventory.Finding {
	var writers []writer
	for i := range f.Files {
		for _, w := range f.Files[i].Writes {
			if w.Target == "/etc/docker/daemon.json" {
				writers = append(writers, writer{&f.Files[i], w})
			}
		}
	}
	var declared []string
	for _, h := range f.Hosts {
		if h.Daemon != "" {
			declared = append(declared, h.Daemon)
		}
	}
	slices.Sort(declared)
	var out []inventory.Finding
	for i, w := range writers {
		others := slices.Clone(declared)
		for j, o := range writers {
			if i != j && undoes(w, o) {
				others = append(others, o.file.At(o.w.Line))
			}
		}
		if len(others) == 0 {
			continue
		}
		content := "its content cannot be read from the file"
		if !w.w.Opaque {
			content = "it writes the keys " + strings.Join(w.w.Keys, ", ") + " and no others"
		}
		out = append(out, inventory.Finding{
			Severity: "warning", Address: w.file.At(w.w.Line), Summary: "daemon.json has several writers: this one, and " + strings.Join(others, ", "),
			Evidence: []string{fmt.Sprintf("%s (%s) replaces /etc/docker/daemon.json", w.file.At(w.w.Line), w.w.How), content},
			Fix:      "let one of them own the file: take the task out and declare its keys in docker_daemon, or write only its keys there (community.general.json_patch, jq)",
		})
	}
	return out
}

// undoes reports two writers of one host's file, as far as the repository tells: two
// scripts may be for two machines. Two places in one file are one program, which takes
// this way or that.
func undoes(a, b writer) bool {
	if a.file == b.file && (a.w.Hosts == nil) == (b.w.Hosts == nil) && (a.w.Hosts == nil || common(a.w.Hosts, b.w.Hosts) != "") && a.file.Kind == "writer" {
		return false
	}
	if a.w.Hosts != nil && b.w.Hosts != nil {
		return common(a.w.Hosts, b.w.Hosts) != "" || slices.Contains(a.w.Hosts, "all") || slices.Contains(b.w.Hosts, "all")
	}
	return a.file.Host.Name != "" && a.file.Host.Meets(b.file.Host)
}

// daemonJSONPending: something is written and not in use.
func daemonJSONPending(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for _, h := range f.Hosts {
		if len(h.Pending) == 0 {
			continue
		}
		subject := h.subject()
		evidence := []string{"written and not in use: " + strings.Join(h.Pending, ", ")}
		if h.PendingWhy != "" {
			evidence = []string{"written, and perhaps not in use: " + strings.Join(h.Pending, ", "), h.PendingWhy}
		}
		fix := "recon apply --allow restart, or systemctl restart docker at a time that suits"
		if len(h.Refused) > 0 {
			fix = "restart nothing before daemon-json-refused is put right: the daemon would not come back"
		}
		out = append(out, inventory.Finding{
			Address: subject, Summary: "daemon.json of " + h.Name + " says what the daemon does not do yet", Evidence: evidence, Fix: fix,
		})
	}
	return out
}

// daemonJSONRefused: the daemon would not start with its file.
func daemonJSONRefused(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for _, h := range f.Hosts {
		if len(h.Refused) > 0 {
			out = append(out, inventory.Finding{
				Severity: "error", Address: h.subject(), Summary: "the next start of Docker on " + h.Name + " fails", Evidence: h.Refused,
				Fix: "put " + h.DaemonFile + " right, by hand or in docker_daemon, before anything restarts the daemon",
			})
		}
	}
	return out
}

// subject is what findings about the host's daemon are about.
func (h *Host) subject() string {
	if h.Daemon != "" {
		return h.Daemon
	}
	return "host." + h.Name
}

// lxcDockerFeatures: Docker runs in an LXC container that lacks what it needs
// (Proxmox, pct.conf(5), features). runc from 1.3.3 on, in containers without
// privileges, fails to start anything under AppArmor profiles of LXC before 6.0.5-2.
func lxcDockerFeatures(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for _, h := range f.Hosts {
		g := h.Guest
		if !h.HasDocker || g == nil || g.Kind != "lxc" || !g.Known {
			continue
		}
		missing := []string{}
		if !slices.Contains(g.Features, "nesting") {
			missing = append(missing, "nesting")
		}
		if g.Unprivileged && !slices.Contains(g.Features, "keyctl") {
			missing = append(missing, "keyctl")
		}
		if len(missing) > 0 {
			out = append(out, inventory.Finding{
				Address: g.Address, Summary: fmt.Sprintf("Docker runs in %s without %s", g.Address, strings.Join(missing, " and ")),
				Evidence: []string{fmt.Sprintf("features = [%s]", strings.Join(g.Features, ", ")), "a Docker daemon runs on host." + h.Name},
				Fix:      fmt.Sprintf("as root on its node: pct set VMID --features %s, then restart the container; keyctl can only be set by root@pam", features(append(slices.Clone(g.Features), missing...))),
			})
		}
		if g.Unprivileged && atLeast(h.RuncVersion, 1, 3, 3) && len(h.Containers) > 0 && !slices.ContainsFunc(h.Containers, func(c Container) bool { return c.State == "running" }) {
			out = append(out, inventory.Finding{
				Address: g.Address, Summary: fmt.Sprintf("runc %s starts nothing in an unprivileged LXC container with an old AppArmor profile", h.RuncVersion),
				Evidence: []string{"runc " + h.RuncVersion, "no container runs"}, Fix: "bring the node's lxc-pve up to date, or hold containerd.io and runc back",
			})
		}
	}
	return out
}

func features(names []string) string {
	slices.Sort(names)
	var out []string
	for _, n := range names {
		if strings.Contains(n, "=") {
			out = append(out, n)
			continue
		}
		out = append(out, n+"=1")
	}
	return strings.Join(out, ",")
}

var versionPattern = regexp.MustCompile(`([0-9]+)\.([0-9]+)\.([0-9]+)`)

// atLeast compares the first version in a text.
func atLeast(text string, want ...int) bool {
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	for i, w := range want {
		n, _ := strconv.Atoi(m[i+1])
		if n != w {
			return n > w
		}
	}
	return true
}

// restartLoop: a container dies again and again.
func restartLoop(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for h, c := range f.containers() {
		if c.State != "restarting" || c.Restarts < 3 {
			continue
		}
		out = append(out, inventory.Finding{
			Severity: "error", Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s restarts again and again", c.Name),
			Evidence: []string{fmt.Sprintf("state %s, %d restarts", c.State, c.Restarts)}, Fix: "docker logs --tail 50 " + c.Name,
		})
	}
	return out
}

// imageLatest: an image has no fixed tag.
func imageLatest(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	add := func(addr, name, image string) {
		if why, floating := floats(image); floating {
			out = append(out, inventory.Finding{
				Severity: "info", Address: addr, Summary: fmt.Sprintf("%s runs %s, %s", name, image, why),
				Evidence: []string{"image: " + image}, Fix: "write a version; docker image inspect --format '{{.RepoDigests}} {{json .Config.Labels}}' IMAGE tells which one is there",
			})
		}
	}
	for h, c := range f.containers() {
		if c.State == "running" {
			add(addressOf(f, h, c), c.Name, c.Image)
		}
	}
	for _, s := range f.services() {
		if !s.Built { // its tag is what the image is called here
			add(s.Place, s.Name, s.Image)
		}
	}
	return out
}

// floats reports an image reference without a fixed tag. One that is only a digest,
// or that a template fills in, says nothing. A tag without a digit (stable, lts, main,
// alpine) is a name that moves from version to version.
func floats(image string) (why string, floating bool) {
	if image == "" || strings.ContainsAny(image, "@$ {") || strings.HasPrefix(image, "sha256:") || hexOnly.MatchString(image) {
		return "", false
	}
	name := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, tagged := strings.Cut(name, ":")
	if !tagged {
		return "which has no tag, and that means latest", true
	}
	return "whose tag " + tag + " moves", !strings.ContainsAny(tag, "0123456789") || strings.HasPrefix(tag, "latest")
}

var hexOnly = regexp.MustCompile(`^[0-9a-f]{12,64}$`)
