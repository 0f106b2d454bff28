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
	return sshhost.Config{Name: h.Name, Address: h.Address, Port: h.Port, User: h.User, Become: h.Become, IdentityFile: h.IdentityFile}
}

// dockerProvider makes the provider of a host. What its docker_daemon block says of
// the daemon's file and restart goes with it.
func (s *Session) dockerProvider(h *manifests.Host) *docker.Provider {
	cfg := docker.Config{Host: s.sshConfig(h), Socket: h.DockerSocket, Probe: s.ProbeLinks}
	for _, r := range s.Project.Resources {
		if r.Addr.Kind == inventory.KindDaemon && r.Provider == "docker."+h.Name {
			cfg.Declared = true
			cfg.ConfigFile, cfg.Restart, cfg.Reload = inventory.Text(r.Attrs["config_file"]), inventory.Text(r.Attrs["restart_command"]), inventory.Text(r.Attrs["reload_command"])
		}
	}
	return docker.New(cfg)
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
