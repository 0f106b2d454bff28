package home

import (
	"cmp"
	"fmt"
	"strings"

	"recon/inventory"
	"recon/manifests"
	"recon/providers/docker"
	"recon/providers/sshhost"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// sshConfig says how a host is reached.
func (h *Home) sshConfig(block *manifests.Host) sshhost.Config {
	cfg := sshhost.Config{Name: block.Name, Address: block.Address, Port: block.Port, User: block.User, Become: block.Become, IdentityFile: block.IdentityFile, Tally: h.Tally}
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
	if s := h.Project().Source; s != nil && name == s.Provider() {
		cfg, _, err := h.SourceConfig(s)
		return cfg, err
	}
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

// SourceConfig returns how the repository of a source is reached over SSH, and the path
// that it has there.
func (h *Home) SourceConfig(s *manifests.Source) (cfg sshhost.Config, path string, err error) {
	ep, err := transport.NewEndpoint(s.Repository)
	if err != nil || ep.Protocol != "ssh" {
		return cfg, "", &Failure{Code: ExitError, Err: fmt.Errorf("the repository of source %q is not reached over SSH", s.Name)}
	}
	port := ep.Port
	if port == 22 && !strings.Contains(s.Repository, ":22/") {
		port = 0 // nobody named one: ssh_config may
	}
	return sshhost.Config{Name: s.Provider(), Address: ep.Host, Port: port, User: cmp.Or(ep.User, "git"), IdentityFile: s.KeyFile}, ep.Path, nil
}
