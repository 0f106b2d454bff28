package docker

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"

	"recon/inventory/doctor"
	"recon/providers/sshhost"
)

// insideScript looks at what containers see, in one round trip and with one process
// for all of them. Its input has a line for each container and each path of the host,
// paths as base64. What it prints of files may hold anything, and a container can
// write to its own resolv.conf: lines that say something begin with a word that
// nobody can guess, $1. A path may lie on a network file system that is dead, on
// which stat(1) would hang for ever.
const insideScript = `
word=$1
line() { printf '%s %s %s\n' "$word" "$1" "$2"; }
quick() { if command -v timeout >/dev/null; then timeout 3 "$@"; else "$@"; fi; }
# own names the sockets of a container that has no network namespace of its own: those
# of the processes in its PID namespace.
own() {
	ns=$(readlink "/proc/$1/ns/pid") && [ "$ns" != "$(readlink /proc/self/ns/pid)" ] || return
	all=$(find /proc/[0-9]*/ns/pid -maxdepth 0 -lname "$(printf %s "$ns" | tr '[]' '??')" 2>/dev/null)
	[ -n "$all" ] || return
	found=$(for p in $all; do find "${p%/ns/pid}/fd" -lname 'socket:*' -printf '%l ' 2>/dev/null; done)
	[ -n "$found" ] && line sockets "$1 $found"
}
# none reports that sockstat, $1, counts no sockets of a protocol, $2. Listing the
# sockets of TCP has the kernel go through all the connections of the host.
none() {
	while read -r proto _ n _; do
		[ "$proto" = "$2" ] && { [ "$n" = 0 ]; return; }
	done 2>/dev/null <"$1"
	return 1
}
set --
while read -r kind a b; do
	case $kind in
	c | s)
		[ "$kind" = s ] && own "$a"
		tcp=/proc/$a/net/tcp tcp6=/proc/$a/net/tcp6
		none "/proc/$a/net/sockstat" TCP: && line file "$tcp" && tcp=
		none "/proc/$a/net/sockstat6" TCP6: && line file "$tcp6" && tcp6=
		# In the namespace of whoever reads it, a map speaks of the namespace around it.
		uids=/proc/$a/uid_map gids=/proc/$a/gid_map
		if [ ! -e "/proc/$a/ns/user" ] || [ "/proc/$a/ns/user" -ef /proc/self/ns/user ]; then uids='' gids=''; fi
		for f in "/proc/$a/mountinfo" "/proc/$a/status" "$uids" "$gids" "$tcp" "$tcp6" "/proc/$a/net/udp" "/proc/$a/net/udp6" "$b"; do
			[ -f "$f" ] && [ -r "$f" ] && set -- "$@" "$f"
		done
		;;
	p)
		f=$(printf %s "$a" | base64 -d)
		line path "$a"
		if s=$(quick stat -L -c '%u:%g %a' -- "$f" 2>/dev/null); then line stat "$s"
		elif [ $? = 124 ]; then line dead yes
		elif quick ls -d -- "$f" >/dev/null 2>&1; then line hidden yes
		else line missing yes; fi
		;;
	esac
done
[ $# -gt 0 ] && awk -v w="$word" 'FNR==1{print w, "file", FILENAME} {print}' "$@"
line end yes
`

// An insideProbe is what insideScript found.
type insideProbe struct {
	containers map[int]*containerProbe
	resolv     map[string]string // resolv.conf by path
	paths      map[string]pathProbe
}

// A containerProbe is what one container sees.
type containerProbe struct {
	mounts string
	nets   map[string]string
	status string
	uidMap string
	gidMap string
	resolv string

	sockets map[string]bool // inodes of its own sockets, when its network is shared; nil when they were not seen
}

// A pathProbe is a path of the host.
type pathProbe struct {
	owner, mode string
	missing     bool
	dead        bool // it did not answer in time
}

// foreignAbove returns the nearest folder above a path in which others than root may
// rename, "" when none was seen. Where the sticky bit is set they cannot rename what is
// root's.
func (p *insideProbe) foreignAbove(folder string) (dir string, is pathProbe) {
	below := p.paths[folder]
	for folder != "/" && strings.HasPrefix(folder, "/") {
		folder = path.Dir(folder)
		is = p.paths[folder]
		sticky := strings.HasPrefix(is.mode, "1") && strings.HasPrefix(below.owner, "0:")
		if is.owner != "" && !(strings.HasPrefix(is.owner, "0:") && (sticky || !is.othersWrite())) {
			return folder, is
		}
		below = is
	}
	return "", pathProbe{}
}

// othersWrite reports that somebody else than the owner may write, the group root aside.
func (p *pathProbe) othersWrite() bool {
	mode, err := strconv.ParseUint(p.mode, 8, 32)
	return err != nil || mode&0o2 != 0 || mode&0o20 != 0 && !strings.HasSuffix(p.owner, ":0")
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
	// Who may write above a declared folder decides whether root works there.
	upwards := func(folder string) {
		for ; strings.HasPrefix(folder, "/") && !asked[folder]; folder = path.Dir(folder) {
			ask(folder)
		}
	}
	for _, f := range folders {
		upwards(f)
	}
	for _, c := range list {
		if c.State != nil && c.State.Pid > 0 {
			kind := "c"
			if c.HostConfig != nil && borrowsNetwork(string(c.HostConfig.NetworkMode)) {
				kind = "s"
			}
			fmt.Fprintf(&input, "%s %d %s\n", kind, c.State.Pid, oneLine(c.ResolvConfPath))
		}
		for _, m := range c.Mounts {
			if m.Type == "bind" {
				ask(m.Source)
			}
		}
		for _, target := range paths[strings.TrimPrefix(c.Name, "/")] {
			if host, ok := onHost(c.Mounts, target); ok {
				upwards(host)
			}
		}
	}
	word := rand.Text()
	out, err := p.host.Run(ctx, sshhost.Command{What: "look at the containers", Script: insideScript, Args: []string{word}, Stdin: strings.NewReader(input.String())})
	if err != nil {
		return nil, err
	}
	probe, err := parseInside(out, word)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.State != nil && probe.containers[c.State.Pid] != nil {
			probe.containers[c.State.Pid].resolv = probe.resolv[c.ResolvConfPath]
		}
	}
	return probe, nil
}

// onHost returns the path of the host behind a path of the container.
func onHost(mounts []container.MountPoint, target string) (string, bool) {
	best, found := container.MountPoint{}, false
	for _, m := range mounts {
		if doctor.Within(target, m.Destination) && len(m.Destination) >= len(best.Destination) {
			best, found = m, true
		}
	}
	if !found || best.Source == "" {
		return "", false
	}
	return path.Join(best.Source, strings.TrimPrefix(target, best.Destination)), true
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// oneLine keeps a path to the line that it is given on; one that does not fit is
// not looked at.
func oneLine(p string) string {
	if strings.ContainsAny(p, "\n\r") {
		return ""
	}
	return p
}

// parseInside reads what insideScript printed. It trusts no line that does not
// begin with the word.
func parseInside(out, word string) (*insideProbe, error) {
	p := &insideProbe{containers: map[int]*containerProbe{}, paths: map[string]pathProbe{}, resolv: map[string]string{}}
	at, ended := "", false
	content := &strings.Builder{}
	var file string
	for l := range strings.SplitSeq(out, "\n") {
		said, ours := strings.CutPrefix(l, word+" ")
		if !ours {
			content.WriteString(l + "\n")
			continue
		}
		p.keep(file, content.String())
		content.Reset()
		key, value, _ := strings.Cut(said, " ")
		file = ""
		switch key {
		case "file":
			file = value
		case "sockets":
			pid, list, _ := strings.Cut(value, " ")
			c := p.container(atoi(pid))
			c.sockets = map[string]bool{}
			for _, link := range strings.Fields(list) {
				c.sockets[strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")] = true
			}
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

// keep notes the content of a file: /proc/PID/... of a container, or a resolv.conf.
func (p *insideProbe) keep(file, content string) {
	rest, ok := strings.CutPrefix(file, "/proc/")
	if !ok {
		if file != "" {
			p.resolv[file] = content
		}
		return
	}
	pid, name, _ := strings.Cut(rest, "/")
	c := p.container(atoi(pid))
	switch name = path.Base(name); name {
	case "mountinfo":
		c.mounts = content
	case "status":
		c.status = content
	case "uid_map":
		c.uidMap = content
	case "gid_map":
		c.gidMap = content
	default:
		c.nets[name] = content
	}
}

func (p *insideProbe) container(pid int) *containerProbe {
	if p.containers[pid] == nil {
		p.containers[pid] = &containerProbe{nets: map[string]string{}}
	}
	return p.containers[pid]
}

// borrowsNetwork reports a container in the network namespace of the host or of
// another container.
func borrowsNetwork(mode string) bool { return mode == "host" || strings.HasPrefix(mode, "container:") }

func fourDigits(mode string) string {
	for len(mode) < 4 {
		mode = "0" + mode
	}
	return mode
}
