package docker

import (
	"context"
	"strings"

	"recon/inventory"
	"recon/providers/sshhost"
)

// folderScript changes one folder of the host. What is changed is the folder that the
// script is in, reached step by step and through no link; see sshhost.Enter.
const folderScript = sshhost.Enter + `
umask 022
[ "$1" = mkdir ] && make=yes
enter "$2" itself
[ -n "$make" ] && [ ! -e "./$name" ] && { mkdir -- "./$name" || exit 1; }
into
case $1 in
chown) chown -- "$3" . ;;
chmod) chmod -- "$3" . ;;
esac
`

// folder makes a folder or sets its owner or mode; what is in it is not touched.
func (p *Provider) folder(ctx context.Context, s inventory.Step) error {
	value := s.Params["owner"] + s.Params["mode"]
	_, err := p.host.Run(ctx, sshhost.Command{What: s.Summary, Script: folderScript, Args: []string{s.Method, strings.TrimRight(s.Path, "/"), value}})
	return sshhost.Foreign(err)
}
