package docker

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// A restart puts the whole daemon.json to use, whoever wrote which part of it. What
// dockerd would refuse was read from moby: daemon/config/config.go
// (getConflictFreeConfiguration, findConfigurationConflicts, Validate),
// config_linux.go, daemon_unix.go (verifyDaemonSettings) and the flags of
// cmd/dockerd, of versions 20.10 to 29. What depends on the machine (a bridge, a
// driver, a certificate that is not there) is not judged here: dockerd --validate
// and the way back are for that.

// An objection is why dockerd does not start with a file.
type objection struct {
	key string // of the file; "" for the file itself
	why string
}

// String says it in a line.
func (o objection) String() string {
	if o.key == "" {
		return o.why
	}
	return o.key + " " + o.why
}

// A judge knows the daemon that would read the file.
type judge struct {
	args    []string // of its command line
	version release
}

// judge returns the judge of what the daemon reads.
func (v *view) judge() judge {
	return judge{args: v.daemon.args, version: releaseOf(v.version)}
}

// objections returns everything for which the daemon would not start with the file;
// none says that nothing was found, not that it starts.
func (j judge) objections(content []byte) (out []objection) {
	ms, err := members(content)
	if err != nil {
		return []objection{{why: err.Error()}}
	}
	if j.version.before(23, 0) && len(trimBOM(content)) < len(content) {
		return []objection{{why: "the file begins with a byte order mark, which only Docker 23.0 and later reads over"}}
	}
	if len(ms) == 0 && j.version.before(23, 0) && len(content) > 0 && !strings.Contains(string(content), "{") {
		return []objection{{why: "the file is empty, which only Docker 23.0 and later takes for no settings; write {}"}}
	}
	f := j.fileOf(ms)
	for _, key := range slices.Sorted(maps.Keys(f.flat)) {
		out = append(out, j.known(key)...)
		if flag := conflict(j.args, key); flag != "" {
			out = append(out, objection{key, "stands on the command line of dockerd too (" + flag + "), and with both it does not start"})
		}
	}
	for _, m := range ms {
		if t, ok := wireTypes()[m.key]; ok && j.has(m.key) && !t.takes(m.raw) {
			out = append(out, objection{m.key, "is " + wordFor(m.raw) + ", and dockerd takes " + t.words})
		}
	}
	if len(out) > 0 {
		return out // values of a wrong type are not looked at
	}
	for _, check := range checks {
		out = append(out, check(j, f)...)
	}
	return out
}

// A file is daemon.json as dockerd sees it.
type file struct {
	own  map[string]json.RawMessage // its keys
	flat map[string]json.RawMessage // with those of objects in place of the objects, as far as dockerd flattens
}

// deep are the keys whose objects dockerd does not flatten, once it has them.
var deep = []string{"cluster-store-opts", "default-network-opts", "log-opts", "runtimes", "default-ulimits", "features", "builder", "nri-opts"}

func (j judge) fileOf(ms []member) file {
	f := file{own: map[string]json.RawMessage{}, flat: map[string]json.RawMessage{}}
	for _, m := range ms {
		f.own[m.key] = m.raw
		var inner map[string]json.RawMessage
		if json.Unmarshal(m.raw, &inner) == nil && inner != nil && !(slices.Contains(deep, m.key) && j.has(m.key)) {
			maps.Copy(f.flat, inner)
			continue
		}
		f.flat[m.key] = m.raw
	}
	return f
}

// read decodes a key's value; the zero value stands for a key that is not there.
func read[T any](f file, key string) (v T) {
	_ = json.Unmarshal(f.own[key], &v)
	return v
}

// A release is a version of the engine; the zero value is one that nobody knows.
type release struct{ major, minor int }

var releasePattern = regexp.MustCompile(`^v?(\d+)\.(\d+)`)

func releaseOf(version string) release {
	m := releasePattern.FindStringSubmatch(version)
	if m == nil {
		return release{}
	}
	return release{atoi(m[1]), atoi(m[2])}
}

func (r release) known() bool { return r.major > 0 }

// before reports a version that is known to be older.
func (r release) before(major, minor int) bool {
	return r.known() && (r.major < major || r.major == major && r.minor < minor)
}

// newest is the last release whose keys are in the tables below.
const newest = 29

// since are the releases that brought keys which 20.10 does not have.
var since = map[string]release{
	"http-proxy": {23, 0}, "https-proxy": {23, 0}, "no-proxy": {23, 0}, "proxies": {23, 0}, "default-network-opts": {24, 0}, "log-format": {25, 0}, "cdi-spec-dirs": {25, 0},
	"host-gateway-ips": {28, 0}, "ip-forward-no-drop": {28, 0}, "allow-direct-routing": {28, 0}, "bridge-accept-fwmark": {28, 0}, "bip6": {28, 0}, "firewall-backend": {29, 0},
	"nri-opts": {29, 0},
}

// gone are keys that a release was seen to refuse which earlier ones take.
var gone = map[string]release{"api-cors-header": {29, 0}, "cluster-store": {29, 0}, "cluster-store-opts": {29, 0}, "cluster-advertise": {29, 0}, "graph": {29, 0}}

// others are keys and flags that dockerd takes and that have no attribute.
var others = []string{
	"api-cors-header", "cluster-store", "cluster-store-opts", "cluster-advertise", "deprecated-key-path", "graph", "disable-legacy-registry", "rootless", "resolv-conf", "default-init",
	"swarm-raft-heartbeat-tick", "swarm-raft-election-tick", "http-proxy", "https-proxy", "no-proxy", "nri-opts", "min-api-version", "restart", "validate", "config-file", "help", "version",
	"add-runtime", "allow-nondistributable-artifacts", "authorization-plugin", "default-address-pool", "default-ulimit", "dns-opt", "exec-opt", "insecure-registry", "label", "log-opt",
	"node-generic-resource", "registry-mirror", "storage-opt", "host", "feature", "cdi-spec-dir", "default-network-opt", "containerd-plugin-namespace",
}

// has reports that the release has a key, as far as is known.
func (j judge) has(key string) bool {
	s, later := since[key]
	return !later || !j.version.before(s.major, s.minor)
}

// known objects to a key that this release does not have.
func (j judge) known(key string) []objection {
	if s := since[key]; !j.has(key) {
		return []objection{{key, fmt.Sprintf("is a key of Docker %d.%d and later, and this is %d.%d", s.major, s.minor, j.version.major, j.version.minor)}}
	}
	if last, is := gone[key]; is && j.version.known() && !j.version.before(last.major, last.minor) {
		return []objection{{key, fmt.Sprintf("is a key that Docker %d.%d takes no more", j.version.major, j.version.minor)}}
	}
	if _, ok := wireTypes()[key]; ok || slices.Contains(others, key) || !j.version.known() || j.version.major > newest {
		return nil
	}
	return []objection{{key, fmt.Sprintf("is no key that Docker %d.%d knows", j.version.major, j.version.minor)}}
}

// A wireType is a type of JSON that a key has.
type wireType struct {
	words string
	into  func() any // what dockerd decodes it into
}

// takes reports whether dockerd can decode the value, in the way in which it does.
func (t wireType) takes(raw json.RawMessage) bool { return json.Unmarshal(raw, t.into()) == nil }

func wire[T any](words string) wireType { return wireType{words, func() any { return new(T) }} }

// wireTypes are the types of all keys: that of the attribute, and what the table of
// attributes leaves open.
func wireTypes() map[string]wireType {
	out := map[string]wireType{
		"default-ulimits": wire[map[string]*struct {
			Name       string
			Hard, Soft int64
		}]("an object of objects with Name, Hard and Soft"),
		"default-network-opts": wire[map[string]map[string]string]("an object of objects of texts"),
		"runtimes": wire[map[string]struct {
			Path string   `json:"path"`
			Args []string `json:"runtimeArgs"`
			Type string   `json:"runtimeType"`
		}]("an object of objects with path and runtimeArgs"),
		"builder": wire[struct {
			GC struct {
				Enabled            bool
				DefaultKeepStorage string
			}
		}]("an object such as {\"gc\": {\"enabled\": true}}"),
		"proxies": wire[struct {
			HTTP  string `json:"http-proxy"`
			HTTPS string `json:"https-proxy"`
			No    string `json:"no-proxy"`
		}]("an object of texts"),
		"default-address-pools": wire[[]*struct {
			Base string `json:"base"`
			Size int    `json:"size"`
		}]("an array of objects with base and size"),
	}
	for _, a := range inventory.KindOf(inventory.KindDaemon).Attrs {
		if _, there := out[a.Key]; a.DaemonJSON() && a.Key != "*" && !there {
			out[a.Key] = wireTypeOf(a.Type)
		}
	}
	return out
}

func wireTypeOf(t cty.Type) wireType {
	switch {
	case t.Equals(cty.Bool):
		return wire[bool]("true or false, without quotes")
	case t.Equals(cty.Number):
		return wire[int]("a whole number, without quotes")
	case t.IsListType() || t.IsSetType():
		return wire[[]string]("an array of texts")
	case t.Equals(cty.Map(cty.Bool)):
		return wire[map[string]bool]("an object of true and false")
	case t.IsMapType():
		return wire[map[string]string]("an object of texts, each in quotes")
	}
	return wire[string]("a text")
}

// wordFor says what a JSON value is.
func wordFor(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "a text"
	case '{':
		return "an object with other values"
	case '[':
		return "an array with other values"
	case 't', 'f':
		return string(raw)
	case 'n':
		return "null"
	}
	return "the number " + string(raw[:min(len(raw), 20)])
}

// checks are what dockerd asks of values, each a sentence about one thing.
var checks = []func(judge, file) []objection{
	checkAddresses, checkWords, checkBoundsOf, checkLabels, checkRuntimes, checkBridge, checkExecOpts, checkMirrors,
}

// each makes an objection of every text of a key that a test refuses.
func each(f file, key, why string, refused func(string) bool) (out []objection) {
	for _, s := range read[[]string](f, key) {
		if refused(s) {
			if strings.Contains(s, "@") { // what stands before it may be a password
				s = "(secret)"
			}
			out = append(out, objection{key, fmt.Sprintf("holds %q, %s", s, why)})
		}
	}
	return out
}

func checkAddresses(_ judge, f file) (out []objection) {
	noIP := func(s string) bool { _, err := netip.ParseAddr(s); return err != nil }
	out = append(each(f, "dns", "which is no IP address", noIP), each(f, "host-gateway-ips", "which is no IP address", noIP)...)
	for _, key := range []string{"ip", "default-gateway", "default-gateway-v6", "host-gateway-ip"} {
		if s := read[string](f, key); s != "" && noIP(s) {
			out = append(out, objection{key, fmt.Sprintf("is %q, which is no IP address", s)})
		}
	}
	return append(out, each(f, "dns-search", "which is no domain", func(s string) bool {
		return strings.Trim(s, " ") != "." && !strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
	})...)
}

// words are the values of keys that take few.
var words = map[string][]string{
	"log-level": {"panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"}, "log-format": {"text", "json"},
	"default-ipc-mode": {"private", "shareable"}, "default-cgroupns-mode": {"private", "host"}, "firewall-backend": {"iptables", "nftables"},
}

func checkWords(_ judge, f file) (out []objection) {
	for _, key := range slices.Sorted(maps.Keys(words)) {
		s := read[string](f, key)
		if key == "log-level" {
			s = strings.ToLower(s)
		}
		if s != "" && !slices.Contains(words[key], s) {
			out = append(out, objection{key, fmt.Sprintf("is %q, and dockerd takes %s", s, strings.Join(words[key], ", "))})
		}
	}
	if raw, ok := f.own["default-shm-size"]; ok && !shmPattern.MatchString(read[string](f, "default-shm-size")) && string(raw) != "null" {
		out = append(out, objection{"default-shm-size", "is no size such as \"64M\""})
	}
	return out
}

var shmPattern = regexp.MustCompile(`(?i)^\d+(\.\d+)*\s?[kmgtp]?(i?b)?$`)

func checkBoundsOf(j judge, f file) (out []objection) {
	for key, least := range map[string]int{"max-concurrent-downloads": 0, "max-concurrent-uploads": 0, "max-download-attempts": j.leastAttempts()} {
		if _, there := f.own[key]; there && read[int](f, key) < least {
			out = append(out, objection{key, fmt.Sprintf("is %d, and dockerd takes %d and more", read[int](f, key), least)})
		}
	}
	return out
}

// leastAttempts: before 23.0 none at all was refused.
func (j judge) leastAttempts() int {
	if j.version.before(23, 0) {
		return 1
	}
	return 0
}

func checkLabels(_ judge, f file) []objection {
	out := each(f, "labels", "which is no name=value", func(s string) bool { return !strings.Contains(s, "=") })
	values := map[string]string{}
	for _, l := range read[[]string](f, "labels") {
		name, value, _ := strings.Cut(l, "=")
		if other, there := values[name]; there && other != value {
			out = append(out, objection{"labels", fmt.Sprintf("gives %q two values", name)})
		}
		values[name] = value
	}
	return out
}

func checkRuntimes(j judge, f file) (out []objection) {
	own := read[map[string]json.RawMessage](f, "runtimes")
	if _, there := own["runc"]; there {
		out = append(out, objection{"runtimes", "defines runc, which is Docker's own"})
	}
	name := read[string](f, "default-runtime")
	_, there := own[name]
	// A name with a dot or slash is a shim of containerd, which has names of its own.
	if name != "" && name != "runc" && !there && !strings.ContainsAny(name, "./") && conflict(j.args, "add-runtime") == "" {
		out = append(out, objection{"default-runtime", fmt.Sprintf("is %q, and runtimes has none of that name", name)})
	}
	return out
}

func checkBridge(j judge, f file) (out []objection) {
	if read[string](f, "bip") != "" && read[string](f, "bridge") != "" {
		out = append(out, objection{"bip", "and bridge exclude each other"})
	}
	off := func(key string) bool {
		v := read[*bool](f, key)
		return v != nil && !*v || slices.Contains(j.args, "--"+key+"=false")
	}
	if off("icc") && off("iptables") {
		out = append(out, objection{"icc", "is false, which needs iptables, and that is false too"})
	}
	if read[bool](f, "ipv6") && read[string](f, "fixed-cidr-v6") == "" && j.version.before(27, 0) && conflict(j.args, "fixed-cidr-v6") == "" && read[string](f, "bridge") != "none" {
		out = append(out, objection{"ipv6", "is true, which before Docker 27.0 needs fixed-cidr-v6 too"})
	}
	return out
}

func checkExecOpts(_ judge, f file) []objection {
	return each(f, "exec-opts", "which dockerd does not take", func(s string) bool {
		key, value, ok := strings.Cut(s, "=")
		driver := strings.EqualFold(strings.TrimSpace(key), "native.cgroupdriver")
		return ok && driver && !slices.Contains([]string{"cgroupfs", "systemd"}, strings.TrimSpace(value))
	})
}

func checkMirrors(_ judge, f file) []objection {
	return each(f, "registry-mirrors", "which is no address such as https://mirror.lan", func(s string) bool {
		return !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") || strings.ContainsAny(s, "?#")
	})
}

// machine are keys of which only the machine tells whether dockerd starts with them:
// they name something that has to be there, or that nobody else may have.
var machine = []string{
	"authorization-plugins", "bip", "bip6", "bridge", "cgroup-parent", "containerd", "cpu-rt-period", "cpu-rt-runtime", "data-root", "default-address-pools", "default-gateway",
	"default-gateway-v6", "exec-opts", "exec-root", "firewall-backend", "fixed-cidr", "fixed-cidr-v6", "group", "hosts", "init-path", "ip", "ip6tables", "iptables", "ipv6", "log-driver",
	"log-opts", "metrics-addr", "network-diagnostic-port", "oom-score-adjust", "pidfile", "runtimes", "seccomp-profile", "selinux-enabled", "storage-driver", "storage-opts",
	"swarm-default-advertise-addr", "tls", "tlscacert", "tlscert", "tlskey", "tlsverify", "userland-proxy-path", "userns-remap",
}

// unproven returns the keys of a file that nobody has seen work, other than some of
// which recon knows how to take them out again.
func unproven(content []byte, own map[string]bool) (out []string) {
	for key := range rawOf(content) {
		if slices.Contains(machine, key) && !own[key] {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// reasons spells objections as one text, the first few of them.
func reasons(all []objection) string {
	var out []string
	for _, o := range all[:min(len(all), 4)] {
		out = append(out, o.String())
	}
	if more := len(all) - len(out); more > 0 {
		out = append(out, "and "+strconv.Itoa(more)+" more")
	}
	return strings.Join(out, "; ")
}
