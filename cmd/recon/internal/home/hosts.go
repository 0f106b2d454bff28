package home

import (
	"fmt"
	"strings"

	"recon/inventory"
	"recon/manifests"
	"recon/providers/docker"
	"recon/providers/sshhost"
)

// sshConfig says how a host is reached.
func (h *Home) sshConfig(block *manifests.Host) sshhost.Config {
	cfg := sshhost.Config{Name: block.Name, Address: block.Address, Port: block.Port, User: block.User, Become: block.Become, IdentityFile: block.IdentityFile}
	if block.Recording != "" {
		cfg.Recording = h.Absolute(block.Recording)
	}
	return cfg
}

// dockerProvider returns the provider of a host. What its docker_daemon block says of
// the daemon's file and restart goes with it. A command that looks twice, as apply
// does, gets the same one, and with it the same connection.
func (h *Home) dockerProvider(project *manifests.Project, block *manifests.Host) *docker.Provider {
	cfg := docker.Config{Host: h.sshConfig(block), Socket: block.DockerSocket, Probe: h.ProbeLinks}
	for _, r := range project.Resources {
		if r.Addr.Kind == inventory.KindDaemon && r.Provider == "docker."+block.Name {
			cfg.Declared = true
			cfg.ConfigFile, cfg.Restart, cfg.Reload = inventory.Text(r.Attrs["config_file"]), inventory.Text(r.Attrs["restart_command"]), inventory.Text(r.Attrs["reload_command"])
		}
	}
	h.dockers.Lock()
	defer h.dockers.Unlock()
	if h.dockers.byConfig == nil {
		h.dockers.byConfig = map[docker.Config]*docker.Provider{}
	}
	if h.dockers.byConfig[cfg] == nil {
		h.dockers.byConfig[cfg] = docker.New(cfg)
	}
	return h.dockers.byConfig[cfg]
}

// HostConfig returns how the host of that name is reached.
func (h *Home) HostConfig(name string) (sshhost.Config, error) {
	block := h.Project().Host(strings.TrimPrefix(name, "host."))
	if block == nil {
		var names []string
		for _, other := range h.Project().Hosts {
			names = append(names, other.Name)
		}
		return sshhost.Config{}, &Failure{Code: ExitError, Err: fmt.Errorf("no manifest declares a host %q", name), Hint: "declared hosts: " + strings.Join(names, ", ")}
	}
	return h.sshConfig(block), nil
}
