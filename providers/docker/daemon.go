package docker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/system"

	"recon/inventory"
)

// observeDaemon turns a look at the daemon into an observation. Info is nil when
// the daemon does not run.
func (p *Provider) observeDaemon(h *hostProbe, d *daemonProbe, info *system.Info) inventory.Observation {
	o := inventory.Observation{State: inventory.Present, At: p.now(), Digest: d.sum(), Resource: inventory.Resource{
		Addr: inventory.Address{Kind: inventory.KindDaemon, Name: p.cfg.Host.Name}, Identity: p.identity(""), Provider: p.Name(),
	}}
	o.Volatile.Status, o.Volatile.Node = "stopped", p.HostName()
	if d.pid == 0 && !d.exists && !h.cli && !h.initd {
		o.State = inventory.Absent
		return o
	}
	if d.unreadable {
		o.State, o.Err = inventory.Unknown, fmt.Errorf("%s cannot be read by this user; write become = true in the host block", d.file)
		return o
	}
	attrs, err := attrsOf(d.content)
	o.Block = refusals(h, d, err)
	if err != nil {
		attrs = inventory.Attrs{}
	}
	o.Resource.Attrs, o.Volatile.Raw = attrs, rawOf(d.content)
	if info == nil {
		return o
	}
	o.Volatile.Status = "running"
	content, known := d.loaded()
	loaded, err := attrsOf(content)
	o.Running = runningOf(attrs, loaded, known && err == nil, info)
	return o
}

// refusals say why the daemon's file is not to be written.
func refusals(h *hostProbe, d *daemonProbe, syntax error) []inventory.Reason {
	var out []inventory.Reason
	add := func(code, format string, args ...any) {
		out = append(out, inventory.Reason{Code: code, Detail: fmt.Sprintf(format, args...)})
	}
	switch {
	case d.pid != 0 && strings.HasPrefix(d.exe, "/snap/"):
		add("snap", "Docker is installed as a snap, whose daemon.json lives in the snap and is reset by updates; recon only reads it")
	case d.rootless():
		add("rootless", "the daemon runs rootless as user %d; recon only reads it", d.owner)
	}
	if d.pid != 0 && !d.proven() {
		add("not_proven", "process %d calls itself dockerd and does not listen on %s; recon only reads until the daemon that does is found", d.pid, d.socket())
	}
	if h.uid == 0 && len(d.foreign) > 0 {
		add("foreign", "%s; recon only reads: have root own it, and nobody else write to it", d.foreign[0])
	}
	if h.uid != 0 && !d.rootless() {
		add("not_root", "recon is user %d there and cannot write %s; write become = true in the host block", h.uid, d.file)
	}
	if d.mountpoint {
		add("mount_point", "%s is itself a mount point and can only be changed where it comes from", d.real)
	}
	if syntax != nil {
		add("syntax", "%s: %v; put it right by hand first", d.file, syntax)
	}
	return out
}

// flagOf are the flags that set a key of daemon.json where the name differs
// (moby, cmd/dockerd/config.go and config_unix.go).
func flagsOf(key string) []string {
	switch key {
	case "hosts":
		return []string{"-H", "--host"}
	case "log-opts":
		return []string{"--log-opt"}
	case "labels":
		return []string{"--label"}
	case "debug":
		return []string{"-D", "--debug"}
	case "data-root":
		return []string{"-g", "--graph", "--data-root"}
	case "group":
		return []string{"-G", "--group"}
	case "bridge":
		return []string{"-b", "--bridge"}
	case "log-level":
		return []string{"-l", "--log-level"}
	case "pidfile":
		return []string{"-p", "--pidfile"}
	case "storage-driver":
		return []string{"-s", "--storage-driver"}
	case "storage-opts", "exec-opts", "default-ulimits":
		return []string{"--" + strings.TrimSuffix(key, "s")}
	case "host-gateway-ips", "cdi-spec-dirs", "default-network-opts", "node-generic-resources", "features", "dns-opts", "insecure-registries", "registry-mirrors", "authorization-plugins", "default-address-pools":
		return []string{"--" + singular(key)}
	}
	return []string{"--" + key}
}

func singular(key string) string {
	if s, ok := strings.CutSuffix(key, "ies"); ok {
		return s + "y"
	}
	return strings.TrimSuffix(key, "s")
}

// conflict returns the flag of a command line that sets the key too: dockerd refuses
// to start with both.
func conflict(args []string, key string) string {
	names := flagsOf(key)
	for _, a := range args {
		name, _, _ := strings.Cut(a, "=")
		if slices.Contains(names, name) {
			return name
		}
	}
	return ""
}
