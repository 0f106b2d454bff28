package docker

import (
	"context"

	"recon/inventory"
	"recon/providers/sshhost"
)

// folderScript changes one folder of the host. A link is refused: whoever can
// write the folder above could point it anywhere.
const folderScript = `
method=$1 path=$2 value=$3
there=$path
while [ ! -e "$there" ]; do there=$(dirname -- "$there"); done
real=$(readlink -f -- "$there") || exit 1
[ "$real" = "$there" ] || { echo "$there is a link to $real; name that folder" >&2; exit 1; }
case $method in
mkdir) mkdir -p -- "$path" ;;
chown) [ -d "$path" ] && chown -h -- "$value" "$path" ;;
chmod) [ -d "$path" ] && chmod -- "$value" "$path" ;;
esac
`

// folder makes a folder or sets its owner or mode; what is in it is not touched.
func (p *Provider) folder(ctx context.Context, s inventory.Step) error {
	value := s.Params["owner"] + s.Params["mode"]
	_, err := p.host.Run(ctx, sshhost.Command{What: s.Summary, Script: folderScript, Args: []string{s.Method, s.Path, value}})
	return err
}
