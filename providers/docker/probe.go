package docker

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"recon/providers/sshhost"
)

// probeScript looks at the daemons of the host in one round trip. $1 is the
// configuration file that the manifest names, "" for the daemon's own. It prints
// lines "key value"; values that may hold anything are base64. Daemons of other
// PID namespaces, and those of root that have another root folder, are those of
// containers and none of this host's; zombies are none at all. A daemon of another user
// than root is rootless, with defaults in that user's folders.
//
// Anybody may call a process dockerd. What it listens on says whether it is the one,
// and only root, who looks, sees that. A file that another user names is read as that
// user, and the file of root's daemon only when nobody else could have put it there.
const probeScript = sshhost.Enter + `
line() { printf '%s %s\n' "$1" "$2"; }
b64() { base64 | tr -d '\n'; }
emit() { printf '%s ' "$1"; b64; echo; }
quick() { if command -v timeout >/dev/null; then timeout 5 "$@"; else "$@"; fi; }
# content prints a regular file, as its reader may see it and no further than anybody needs.
content() { quick $as sh -c '[ -f "$1" ] && [ -r "$1" ] && head -c 1048577 <"$1"' sh "$1"; }
# root says why root should not write a file, and why not run one.
root() {
	[ "$me" = 0 ] || return 0
	why=$( (enter "$1" ''; [ ! -e "./$name" ] || alone "./$name" || refuse "$1 is not root's alone (owner and mode $(stat -c '%U %a' -- "./$name"))") 2>&1 >/dev/null)
	[ $? = 70 ] && line foreign "$(printf %s "$why" | b64)"
}
file() {
	line file "$(printf %s "$1" | b64)"
	[ -n "$as" ] || root "$1"
	real=$(readlink -f -- "$1") || real=$1
	line real "$(printf %s "$real" | b64)"
	cut -d' ' -f5 /proc/self/mountinfo | grep -qxF -- "$real" && line mountpoint yes
	[ -e "$real" ] || return 0
	line mtime "$(stat -c %.9Y -- "$real")"
	text=$(content "$real" | b64)
	if [ -n "$text" ] || [ ! -s "$real" ]; then line content "$text"; else line unreadable yes; fi
	for b in "$real".recon-[0-9]*Z; do
		[ -f "$b" ] && [ -z "$as" ] || continue
		line backup "$(printf %s "$b" | b64)"
		line backuptime "$(stat -c %.9Y -- "$b")"
		line backupkept "$(stat -c %.9Z -- "$b")"
		content "$b" | emit backupcontent
	done
}
# var prints one variable of a process's environment, which may hold secrets, also
# such as have several lines.
var() { tr '\n\0' '\001\n' 2>/dev/null <"$1/environ" | sed -n "s/^$2=//p" | head -n 1; }
# listens prints the Unix sockets that a process listens on.
listens() {
	held=$(ls -l "$1/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p' | tr '\n' ' ')
	awk -v held=" $held" '$4 == "00010000" && index(held, " " $7 " ") { at = index($0, " " $7 " "); print substr($0, at + length($7) + 2) }' "$1/net/unix"
}
me=$(id -u) as=
line uid "$me"
line now "$(date +%s.%N)"
read -r up _ </proc/uptime && line uptime "$up"
line hz "$(getconf CLK_TCK 2>/dev/null || echo 100)"
[ -d /run/systemd/system ] && command -v systemctl >/dev/null && line init systemd
[ -x /etc/init.d/docker ] && line initd yes
command -v docker >/dev/null && line cli yes
emit mounts </proc/self/mountinfo
[ -r /etc/fstab ] && emit fstab </etc/fstab
for n in tcp tcp6 udp udp6; do [ -r /proc/net/$n ] && emit $n </proc/net/$n; done
command -v hostname >/dev/null && line addresses "$(hostname -I 2>/dev/null | b64)"
[ -r /etc/resolv.conf ] && emit resolv </etc/resolv.conf
for t in /run/recon-2*Z; do
	[ -f "$t" ] && line armed "$(printf %s "${t#/run/recon-} $(stat -c %Y -- "$t") $(head -c 200 <"$t")" | b64)"
done
self=$(readlink /proc/self/ns/pid)
for p in /proc/[0-9]*; do
	c=; { read -r c <"$p/comm"; } 2>/dev/null || continue
	[ "$c" = dockerd ] || continue
	[ "$(readlink "$p/ns/pid" 2>/dev/null || echo "$self")" = "$self" ] || continue
	owner=$(stat -c %u "$p" 2>/dev/null) || continue
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "$p/status" 2>/dev/null)
	case $state in Z | X) continue ;; esac
	exe=$(readlink "$p/exe" 2>/dev/null)
	exe=${exe% (deleted)}
	if [ "$me$owner" = 00 ]; then
		case $exe in /snap/*) ;; *) [ "$p/root/." -ef /. ] || continue ;; esac
	fi
	line daemon "${p#/proc/}"
	line exe "$(printf %s "$exe" | b64)"
	emit cmdline <"$p/cmdline"
	emit stat <"$p/stat"
	line owner "$owner"
	[ "$me" = 0 ] && listens "$p" | emit listens
	default=/etc/docker/daemon.json as=
	if [ "$owner" != 0 ]; then
		[ "$me" = 0 ] && as="setpriv --reuid=$owner --clear-groups --"
		run=$(var "$p" XDG_RUNTIME_DIR) conf=$(var "$p" XDG_CONFIG_HOME) home=$(var "$p" HOME)
		line runtime "$(printf %s "${run:-/run/user/$owner}" | b64)"
		# Without its environment its settings are somewhere that nobody knows.
		[ -n "$1" ] || [ -r "$p/environ" ] || line unreadable yes
		default=${conf:-${home:-$(getent passwd "$owner" | cut -d: -f6)}/.config}/docker/daemon.json
	elif [ -n "$exe" ]; then
		root "$exe"
	fi
	config=$1
	[ -n "$config" ] || config=$(tr '\0' '\n' <"$p/cmdline" | sed -n -e 's/^--config-file=//p' -e '/^--config-file$/{n;p;}' | tail -n 1)
	file "${config:-$default}"
done
as=
line daemon 0
file "${1:-/etc/docker/daemon.json}"
line end yes
`

// A hostProbe is what probeScript found.
type hostProbe struct {
	uid     int
	systemd bool
	initd   bool
	cli     bool
	resolv  string
	mounts  string // mountinfo(5)
	fstab   string
	nets    map[string]string // tcp, tcp6, udp, udp6 of proc_net(5)
	ips     []string
	daemons []daemonProbe
	now     float64 // seconds since the epoch, there
	uptime  float64 // seconds, there
	hz      float64 // of the clock that counts the starts of processes
	armed   []armedTimer
}

// A daemonProbe is one dockerd, or the place where one would be (pid 0).
type daemonProbe struct {
	pid        int
	exe        string
	args       []string // of the command line, without the program
	owner      int
	runtime    string   // XDG_RUNTIME_DIR of a rootless daemon
	watched    bool     // it was seen on what the process listens
	listens    []string // Unix sockets
	foreign    []string // why root should neither write its file nor run its program
	started    float64  // seconds since the epoch, to a few hundredths
	ticks      string   // the same, exactly, in ticks since boot
	file       string   // configuration file, as named
	real       string   // with links resolved
	exists     bool
	unreadable bool
	mountpoint bool
	mtime      float64
	content    []byte
	backups    []backupProbe
}

// A backupProbe is a copy that recon kept of the file: what the file was from the one
// time to the other.
type backupProbe struct {
	path    string
	mtime   float64 // of the content
	kept    float64 // when it was copied
	content []byte
}

// parseProbe reads what probeScript printed. It trusts no line of it.
func parseProbe(out string) (*hostProbe, error) {
	h := &hostProbe{nets: map[string]string{}}
	ended := false
	for l := range strings.SplitSeq(out, "\n") {
		key, value, _ := strings.Cut(l, " ")
		switch {
		case key == "end":
			ended = true
		case key == "daemon":
			if len(h.daemons) > maxDaemons {
				return nil, fmt.Errorf("more than %d processes of the host call themselves dockerd", maxDaemons)
			}
			h.daemons = append(h.daemons, daemonProbe{pid: atoi(value)})
		case h.line(key, value):
		case len(h.daemons) > 0:
			d := &h.daemons[len(h.daemons)-1]
			d.line(h, key, value)
			d.fileLine(key, value)
		}
	}
	if !ended || len(h.daemons) == 0 {
		return nil, fmt.Errorf("the host's answer broke off")
	}
	return h, nil
}

// maxDaemons bounds what is looked at of a host where anybody may start processes.
const maxDaemons = 100

// line reads what is said of the host, and reports whether the line is that.
func (h *hostProbe) line(key, value string) bool {
	switch key {
	case "uid":
		h.uid = atoi(value)
	case "now":
		h.now = atof(value)
	case "uptime":
		h.uptime = atof(value)
	case "hz":
		h.hz = atof(value)
	case "init":
		h.systemd = true
	case "initd":
		h.initd = true
	case "cli":
		h.cli = true
	case "resolv":
		h.resolv = decode(value)
	case "mounts":
		h.mounts = decode(value)
	case "fstab":
		h.fstab = decode(value)
	case "tcp", "tcp6", "udp", "udp6":
		h.nets[key] = decode(value)
	case "addresses":
		h.ips = strings.Fields(decode(value))
	case "armed":
		h.armed = append(h.armed, parseArmed(decode(value)))
	default:
		return false
	}
	return true
}

// line reads what is said of the process of a daemon.
func (d *daemonProbe) line(h *hostProbe, key, value string) {
	switch key {
	case "exe":
		d.exe = decode(value)
	case "cmdline":
		if words := strings.Split(strings.TrimSuffix(decode(value), "\x00"), "\x00"); len(words) > 1 {
			d.args = words[1:]
		}
	case "stat":
		d.ticks = startTicks(decode(value))
		if h.hz > 0 {
			d.started = h.now - h.uptime + atof(d.ticks)/h.hz
		}
	case "owner":
		d.owner = atoi(value)
	case "runtime":
		d.runtime = decode(value)
	case "listens":
		d.watched, d.listens = true, strings.Split(strings.TrimSuffix(decode(value), "\n"), "\n")
	case "foreign":
		d.foreign = append(d.foreign, decode(value))
	}
}

// fileLine reads a line about the configuration file.
func (d *daemonProbe) fileLine(key, value string) {
	switch key {
	case "file":
		d.file = decode(value)
	case "real":
		d.real = decode(value)
	case "mountpoint":
		d.mountpoint = true
	case "mtime":
		d.exists, d.mtime = true, atof(value)
	case "unreadable":
		d.unreadable = true
	case "content":
		d.content = []byte(decode(value))
	case "backup":
		d.backups = append(d.backups, backupProbe{path: decode(value)})
	}
	if len(d.backups) == 0 {
		return
	}
	switch b := &d.backups[len(d.backups)-1]; key {
	case "backuptime":
		b.mtime = atof(value)
	case "backupkept":
		b.kept = atof(value)
	case "backupcontent":
		b.content = []byte(decode(value))
	}
}

// startTicks reads the start of a process, in clock ticks since boot, from the 22nd
// field of proc_pid_stat(5). The name before it is in parentheses and may hold
// anything.
func startTicks(stat string) string {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

func atoi(s string) int     { n, _ := strconv.Atoi(strings.TrimSpace(s)); return n }
func atof(s string) float64 { f, _ := strconv.ParseFloat(strings.TrimSpace(s), 64); return f }

func decode(s string) string {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		return ""
	}
	return string(b)
}

// sum is the file's digest, as compare-and-swap takes it.
func (d *daemonProbe) sum() string {
	if !d.exists {
		return sshhost.Absent
	}
	return sshhost.Sum(d.content)
}

// startSlack covers what clocks and rounding make of "before the daemon started":
// a tick of the clock, and a second where date(1) knows no fractions.
const startSlack = 0.02

// loaded returns the file as the daemon read it when it started. It is the present
// one when that is older than the daemon, else the copy that recon kept of the file
// of that time. Known is false when there is none: somebody else wrote since.
func (d *daemonProbe) loaded() (content []byte, known bool) {
	if d.pid == 0 || d.unreadable {
		return nil, false
	}
	if !d.exists || d.mtime <= d.started+startSlack {
		return d.content, true
	}
	in := d.copyInUse()
	return in.content, in.path != ""
}

// copyInUse returns the copy of the file that was there when the daemon started, the
// zero value when recon kept none.
func (d *daemonProbe) copyInUse() backupProbe {
	for _, b := range d.backups {
		if b.mtime > 0 && b.mtime <= d.started+startSlack && b.kept >= d.started-startSlack {
			return b
		}
	}
	return backupProbe{}
}

// flag returns the values of a flag of the running daemon.
func (d *daemonProbe) flag(names ...string) []string {
	var out []string
	for i, a := range d.args {
		for _, n := range names {
			if v, ok := strings.CutPrefix(a, n+"="); ok {
				out = append(out, v)
			} else if a == n && i+1 < len(d.args) {
				out = append(out, d.args[i+1])
			}
		}
	}
	return out
}

// defaultSocket is where dockerd listens when nobody says otherwise; -H fd:// means
// the socket of systemd's docker.socket, which is there too.
const defaultSocket = "/var/run/docker.sock"

// socket returns the Unix socket on which the daemon listens.
func (d *daemonProbe) socket() string {
	hosts := d.flag("-H", "--host")
	content, known := d.loaded()
	if !known {
		content = d.content
	}
	if ms, err := members(content); err == nil && len(hosts) == 0 {
		for _, m := range ms {
			if m.key == "hosts" {
				hosts = stringsOf(m.raw)
			}
		}
	}
	for _, h := range hosts {
		if p, ok := strings.CutPrefix(h, "unix://"); ok && p != "" {
			return p
		}
	}
	if d.rootless() {
		return path.Join(d.runtime, "docker.sock")
	}
	return defaultSocket
}

// rootless reports a daemon that runs as another user than root.
func (d *daemonProbe) rootless() bool { return d.pid != 0 && d.owner != 0 }

// proven reports a daemon that owns the socket on which it is said to listen, as far as
// whoever looks can see.
func (d *daemonProbe) proven() bool {
	return !d.watched || slices.ContainsFunc(d.listens, func(s string) bool { return sameSocket(s, d.socket()) })
}

// sameSocket compares sockets; /var/run is a link to /run.
func sameSocket(a, b string) bool {
	clean := func(s string) string { return strings.TrimPrefix(path.Clean(s), "/var") }
	return clean(a) == clean(b)
}

// choose returns the daemon that is meant: the one on the named socket, else on the
// usual one, else the only one there is. Processes that do not own the socket that they
// name count only when there is no other, root's before others'. The last entry stands
// for a daemon that does not run.
func (h *hostProbe) choose(socket string) (*daemonProbe, error) {
	running, down := slices.Clone(h.daemons[:len(h.daemons)-1]), &h.daemons[len(h.daemons)-1]
	if slices.ContainsFunc(running, func(d daemonProbe) bool { return d.proven() }) {
		running = slices.DeleteFunc(running, func(d daemonProbe) bool { return !d.proven() })
	}
	slices.SortStableFunc(running, func(a, b daemonProbe) int { return cmp.Compare(min(a.owner, 1), min(b.owner, 1)) })
	want := cmp.Or(socket, defaultSocket)
	for i := range running {
		if sameSocket(running[i].socket(), want) {
			return &running[i], nil
		}
	}
	switch {
	case socket != "" || len(running) == 0:
		return down, nil
	case len(running) == 1:
		return &running[0], nil
	}
	var there []string
	for i := range running {
		there = append(there, running[i].socket())
	}
	slices.Sort(there)
	return nil, fmt.Errorf("several Docker daemons run here, on %s; name one with docker_socket in the host block", strings.Join(there, ", "))
}
