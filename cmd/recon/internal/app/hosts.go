package app

import (
	"fmt"
	"strings"

	"recon/inventory"
	"recon/manifests"
	"recon/providers/docker"
	"recon/providers/sshhost"
)

// sshConfig says how a host is reached.
func (s *Session) sshConfig(h *manifests.Host) sshhost.Config {
	cfg := sshhost.Config{Name: h.Name, Address: h.Address, Port: h.Port, User: h.User, Become: h.Become, IdentityFile: h.IdentityFile}
	if h.Recording != "" {
		cfg.Recording = s.absolute(h.Recording)
	}
	return cfg
}

// dockerProvider returns the provider of a host. What its docker_daemon block says of
// the daemon's file and restart goes with it. A command that looks twice, as apply
// does, gets the same one, and with it the same connection.
func (s *Session) dockerProvider(h *manifests.Host) *docker.Provider {
	cfg := docker.Config{Host: s.sshConfig(h), Socket: h.DockerSocket, Probe: s.ProbeLinks}
	for _, r := range s.Project.Resources {
		if r.Addr.Kind == inventory.KindDaemon && r.Provider == "docker."+h.Name {
			cfg.Declared = true
			cfg.ConfigFile, cfg.Restart, cfg.Reload = inventory.Text(r.Attrs["config_file"]), inventory.Text(r.Attrs["restart_command"]), inventory.Text(r.Attrs["reload_command"])
		}
	}
	if s.dockers == nil {
		s.dockers = map[docker.Config]*docker.Provider{}
	}
	if s.dockers[cfg] == nil {
		s.dockers[cfg] = docker.New(cfg)
	}
	return s.dockers[cfg]
}

// HostConfig returns how the host of that name is reached.
func (s *Session) HostConfig(name string) (sshhost.Config, error) {
	h := s.Project.Host(strings.TrimPrefix(name, "host."))
	if h == nil {
		var names []string
		for _, h := range s.Project.Hosts {
			names = append(names, h.Name)
		}
		return sshhost.Config{}, &Failure{Code: ExitError, Err: fmt.Errorf("no manifest declares a host %q", name), Hint: "declared hosts: " + strings.Join(names, ", ")}
	}
	return s.sshConfig(h), nil
}

// hostOf returns the host that a Docker identity belongs to: docker:media/radarr.
func hostOf(identity string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(identity, "docker:"), "/")
	return name
}

// isGuest reports a kind that Proxmox runs.
func isGuest(kind string) bool { return kind == "vm" || kind == "lxc" }

// importFromHost renders a daemon or service of a host into the host's own file.
// Services that several hosts have get the host's name into their label.
func (s *Session) importFromHost(im *Import, o *inventory.Observation, labels map[inventory.Address]bool) error {
	host := hostOf(o.Resource.Identity)
	_, name, _ := strings.Cut(o.Resource.Identity, "/")
	addr := inventory.Address{Kind: o.Resource.Addr.Kind, Name: host}
	if addr.Kind == inventory.KindService {
		addr.Name = serviceLabel(name)
		if labels[addr] {
			addr.Name = host + "-" + addr.Name
		}
	}
	if labels[addr] {
		im.Already = append(im.Already, fmt.Sprintf("%s (another one is called %s)", o.Resource.Identity, addr))
		return nil
	}
	labels[addr] = true
	r := manifests.Rendering{Label: addr.Name, Host: host, Resource: declarable(o.Resource)}
	return s.importBlock(im, o, addr, manifests.Folder+"/host-"+host+".hcl", manifests.Render(r))
}

// serviceLabel turns a container's name into a label.
func serviceLabel(name string) string {
	label := inventory.Label(name, 0)
	if strings.HasPrefix(label, "vm-") && !strings.HasPrefix(strings.ToLower(name), "vm-") {
		return "service" + strings.TrimPrefix(label, "vm") + "-" + strings.Map(onlyDigits, name)
	}
	return label
}

func onlyDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return r
	}
	return -1
}

// declarable takes out of what was observed what nobody would declare: ports that
// change at each start, and what follows from the rest.
func declarable(r inventory.Resource) inventory.Resource {
	out := r
	out.Attrs = inventory.Attrs{}
	for p, v := range r.Attrs {
		if p != "listen" && p.Leaf() != "writable" && p.Leaf() != "filesystem" {
			out.Attrs[p] = v
		}
	}
	return out
}
