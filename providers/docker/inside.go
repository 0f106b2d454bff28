package docker

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"github.com/moby/moby/api/types/container"

	"recon/providers/sshhost"
)

// insideScript looks at what containers see, in one round trip. Its input has a
// line for each container and each path of the host, values as base64. A path may
// lie on a network file system that is dead, on which stat(1) would hang for ever.
const insideScript = `
line() { printf '%s %s\n' "$1" "$2"; }
b64() { base64 | tr -d '\n'; }
unb64() { printf %s "$1" | base64 -d; }
emit() { printf '%s ' "$1"; b64; echo; }
quick() { if command -v timeout >/dev/null; then timeout 3 "$@"; else "$@"; fi; }
while read -r kind a b; do
	case $kind in
	c)
		line container "$a"
		[ -r "/proc/$a/mountinfo" ] && emit mounts <"/proc/$a/mountinfo"
		for n in tcp tcp6 udp udp6; do [ -r "/proc/$a/net/$n" ] && emit $n <"/proc/$a/net/$n"; done
		emit status <"/proc/$a/status"
		f=$(unb64 "$b"); [ -n "$f" ] && [ -r "$f" ] && emit resolv <"$f"
		;;
	p)
		f=$(unb64 "$a")
		line path "$a"
		if s=$(quick stat -L -c '%u:%g %a' -- "$f" 2>/dev/null); then line stat "$s"
		elif [ $? = 124 ]; then line dead yes
		elif quick ls -d -- "$f" >/dev/null 2>&1; then line hidden yes
		else line missing yes; fi
		;;
	esac
done
line end yes
`

// An insideProbe is what insideScript found.
type insideProbe struct {
	containers map[int]*containerProbe
	paths      map[string]pathProbe
}

// A containerProbe is what one container sees.
type containerProbe struct {
	mounts string
	nets   map[string]string
	status string
	resolv string
}

// A pathProbe is a path of the host.
type pathProbe struct {
	owner, mode string
	missing     bool
	dead        bool // it did not answer in time
}

// lookInside looks at running containers and the folders that are mounted there.
func (p *Provider) lookInside(ctx context.Context, list []container.InspectResponse, paths map[string][]string, folders []string) (*insideProbe, error) {
	var input strings.Builder
	asked := map[string]bool{}
	ask := func(folder string) {
		if !asked[folder] {
			asked[folder] = true
			fmt.Fprintf(&input, "p %s\n", b64(folder))
		}
	}
	for _, f := range folders {
		ask(f)
	}
	for _, c := range list {
		if c.State != nil && c.State.Pid > 0 {
			fmt.Fprintf(&input, "c %d %s\n", c.State.Pid, b64(c.ResolvConfPath))
		}
		for _, m := range c.Mounts {
			if m.Type == "bind" {
				ask(m.Source)
			}
		}
		for _, target := range paths[strings.TrimPrefix(c.Name, "/")] {
			if host, ok := onHost(c.Mounts, target); ok {
				ask(host)
			}
		}
	}
	out, err := p.host.Run(ctx, sshhost.Command{What: "look at the containers", Script: insideScript, Stdin: strings.NewReader(input.String())})
	if err != nil {
		return nil, err
	}
	return parseInside(out)
}

// onHost returns the path of the host behind a path of the container.
func onHost(mounts []container.MountPoint, target string) (string, bool) {
	best, found := container.MountPoint{}, false
	for _, m := range mounts {
		if within(target, m.Destination) && len(m.Destination) >= len(best.Destination) {
			best, found = m, true
		}
	}
	if !found || best.Source == "" {
		return "", false
	}
	return path.Join(best.Source, strings.TrimPrefix(target, best.Destination)), true
}

// within reports whether a path is a folder or lies below it.
func within(p, folder string) bool {
	return p == folder || folder == "/" || strings.HasPrefix(p, strings.TrimSuffix(folder, "/")+"/")
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// parseInside reads what insideScript printed. It trusts no line of it.
func parseInside(out string) (*insideProbe, error) {
	p := &insideProbe{containers: map[int]*containerProbe{}, paths: map[string]pathProbe{}}
	c, at, ended := &containerProbe{}, "", false
	for _, l := range strings.Split(out, "\n") {
		key, value, _ := strings.Cut(l, " ")
		switch key {
		case "container":
			c = &containerProbe{nets: map[string]string{}}
			p.containers[atoi(value)] = c
		case "mounts":
			c.mounts = decode(value)
		case "tcp", "tcp6", "udp", "udp6":
			if c.nets != nil {
				c.nets[key] = decode(value)
			}
		case "status":
			c.status = decode(value)
		case "resolv":
			c.resolv = decode(value)
		case "path":
			at = decode(value)
			p.paths[at] = pathProbe{}
		case "stat":
			owner, mode, _ := strings.Cut(value, " ")
			p.paths[at] = pathProbe{owner: owner, mode: fourDigits(mode)}
		case "missing":
			p.paths[at] = pathProbe{missing: true}
		case "dead":
			p.paths[at] = pathProbe{dead: true}
		case "end":
			ended = true
		}
	}
	if !ended {
		return nil, fmt.Errorf("the host's answer broke off")
	}
	return p, nil
}

func fourDigits(mode string) string {
	for len(mode) < 4 {
		mode = "0" + mode
	}
	return mode
}
