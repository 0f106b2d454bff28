package docker

import (
	"context"
	"errors"
	"fmt"

	"recon/inventory"
	"recon/providers/sshhost"
)

// Check reaches the host, becomes root where that is declared, and asks the engine.
func (p *Provider) Check(ctx context.Context, _ []inventory.Resource) []inventory.Ability {
	way := "ssh"
	if p.cfg.Host.Address == sshhost.Local {
		way = "this machine"
	}
	var out []inventory.Ability
	err := p.host.Probe(ctx)
	var sudo *sshhost.SudoError
	if err != nil && !errors.As(err, &sudo) {
		return append(out, inventory.Ability{Name: way, State: inventory.Fails, Said: err.Error(), Costs: "nothing of " + p.HostName() + " is observed", Mend: mendSSH(err)})
	}
	out = append(out, inventory.Working(way, "reached"))
	switch {
	case sudo != nil:
		return append(out, inventory.Ability{Name: "sudo", State: inventory.Fails, Said: sudo.Said, Costs: "what root alone may see is not observed", Mend: []string{
			fmt.Sprintf("echo '%s ALL=(root) NOPASSWD: ALL' | EDITOR='tee -a' visudo -f /etc/sudoers.d/recon   # as root, on %s", sudo.User, sudo.Host),
		}})
	case p.cfg.Host.Become:
		out = append(out, inventory.Working("sudo", "root without a password"))
	}
	s, err := p.see(ctx)
	switch {
	case err != nil:
		return append(out, inventory.Ability{Name: "engine", State: inventory.Fails, Said: err.Error(), Costs: "no containers are observed"})
	case s.info == nil:
		return append(out, inventory.Ability{Name: "engine", State: inventory.Fails, Said: errStopped.Error(), Costs: "no containers are observed", Mend: []string{"systemctl start docker   # on " + p.HostName()}})
	}
	return append(out, inventory.Working("engine", fmt.Sprintf("Docker %s, %d container(s)", s.info.ServerVersion, len(s.list))))
}

// mendSSH is the command that a refused key asks for.
func mendSSH(err error) []string {
	var key *sshhost.UnknownKeyError
	if errors.As(err, &key) {
		return []string{"recon hosts trust " + key.Name}
	}
	return nil
}
