package inventory

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// The kinds of a Docker host.
const (
	KindDaemon  = "docker_daemon"
	KindService = "service"
)

// DaemonJSON reports whether an attribute of docker_daemon is a key of
// daemon.json; the others say how the daemon is reached.
func (a *Attr) DaemonJSON() bool { return a.Key != "" }

// daemonKind is the table of a Docker daemon. Keys, types and what a reload
// takes were read from daemon/config/config.go and daemon/reload.go of moby 29 and
// from the reference of dockerd. Empty text and empty collections mean that the
// key is not in the file: "" and [] take it out.
func daemonKind() *Kind {
	attrs := []*Attr{
		{Name: "config_file", Type: cty.String, Wire: WireDerived, Document: true, Check: checkAbsolute, Doc: "The daemon's configuration file. Left out, it is that of the running dockerd's command line, else /etc/docker/daemon.json."},
		{Name: "restart_command", Type: cty.String, Wire: WireDerived, Document: true, Doc: "What restarts the daemon where neither systemd nor a service script does: a command line for sh, run as root."},
		{Name: "reload_command", Type: cty.String, Wire: WireDerived, Document: true, Doc: "What has the daemon read its file again; SIGHUP to the daemon when left out."},
		{Name: "purpose", Type: cty.String, Wire: WireDerived, Document: true, Doc: "What the daemon is for, in the author's words. For documents only."},
	}
	attrs = append(attrs, daemonNames()...)
	attrs = append(attrs, daemonLogs()...)
	attrs = append(attrs, daemonNetwork()...)
	attrs = append(attrs, daemonRuntime()...)
	attrs = append(attrs, daemonRegistry()...)
	attrs = append(attrs, &Attr{
		Name: "settings", Key: "*", Type: cty.DynamicPseudoType, Impact: ImpactRestart, Equal: settingsEqual, Check: checkSettings(attrs),
		Doc: "Keys of daemon.json that have no attribute of their own, as they stand in the file: { \"some-key\" = true }. null takes a key out.",
	})
	return &Kind{Name: KindDaemon, Doc: "The Docker daemon of a host: what its daemon.json says and what it runs with. Keys that are not declared stay as they are.", Attrs: attrs}
}

func daemonNames() []*Attr {
	return []*Attr{
		addresses(key("dns", stringList), "DNS servers of containers, in order; the first three are used. On networks of their own containers ask 127.0.0.11, which forwards to these."),
		keyDoc("dns-search", stringList, "Search domains of containers, in order."),
		keyDoc("dns-opts", stringList, "Options for the resolver in containers (resolv.conf(5))."),
		checked(keyDoc("host-gateway-ip", cty.String, "What host-gateway in extra_hosts means."), checkOptionalIP),
		checked(keyDoc("host-gateway-ips", stringList, "What host-gateway in extra_hosts means, an address a family."), checkIPList),
	}
}

func daemonLogs() []*Attr {
	return []*Attr{
		withDefault(keyDoc("log-driver", cty.String, "Log driver of new containers; existing ones keep theirs until they are made anew."), cty.StringVal("json-file")),
		checked(keyDoc("log-opts", cty.Map(cty.String), "Options of the log driver, for new containers: max-size, max-file. Tokens and passwords in it are kept as they are, and never shown."), checkNoSecrets),
		enum(keyDoc("log-level", cty.String, "How much the daemon logs."), "debug", "info", "warn", "error", "fatal"),
		enum(keyDoc("log-format", cty.String, "Form of the daemon's log."), "text", "json"),
		reload(boolKey("debug", false, "Debug log.")),
		boolKey("raw-logs", false, "No colours in the log."),
		checked(keyDoc("metrics-addr", cty.String, "Address of the metrics page."), checkOneLine),
		keyDoc("network-diagnostic-port", cty.Number, "Port of the network diagnostic server."),
	}
}

func daemonNetwork() []*Attr {
	return []*Attr{
		checked(keyDoc("bip", cty.String, "Address of docker0 with prefix length: 172.17.0.1/16."), checkOptionalCIDR),
		checked(keyDoc("bip6", cty.String, "IPv6 address of docker0."), checkOptionalCIDR),
		keyDoc("bridge", cty.String, "A bridge to use in place of docker0; none for no default network."),
		checked(keyDoc("fixed-cidr", cty.String, "Range of container addresses on docker0."), checkOptionalCIDR),
		checked(keyDoc("fixed-cidr-v6", cty.String, "IPv6 range of container addresses on docker0."), checkOptionalCIDR),
		checked(keyDoc("default-gateway", cty.String, "Gateway of containers on docker0."), checkOptionalIP),
		checked(keyDoc("default-gateway-v6", cty.String, "IPv6 gateway of containers on docker0."), checkOptionalIP),
		checked(keyDoc("default-address-pools", cty.List(cty.Object(map[string]cty.Type{"base": cty.String, "size": cty.Number})), "Ranges from which new networks are cut, in order: [{ base = \"10.201.0.0/16\", size = 24 }]."), checkPools),
		keyDoc("default-network-opts", cty.DynamicPseudoType, "Options of new networks, by driver."),
		bounded(keyDoc("mtu", cty.Number, "MTU of docker0."), 68, 65535),
		bounded(keyDoc("network-control-plane-mtu", cty.Number, "MTU of the swarm control plane."), 500, 65535),
		checked(keyDoc("ip", cty.String, "Address on which ports are published when none is named."), checkOptionalIP),
		boolKey("icc", true, "Containers on docker0 reach each other."),
		boolKey("ip-forward", true, "Switch on forwarding in the kernel."),
		boolKey("ip-forward-no-drop", false, "Leave the FORWARD policy alone."),
		boolKey("ip-masq", true, "Masquerade the addresses of containers."),
		boolKey("iptables", true, "Manage iptables rules."),
		boolKey("ip6tables", true, "Manage ip6tables rules."),
		boolKey("ipv6", false, "IPv6 on docker0."),
		boolKey("userland-proxy", true, "A proxy process for published ports."),
		keyDoc("userland-proxy-path", cty.String, "The proxy's program."),
		boolKey("allow-direct-routing", false, "Containers are reachable by their own address from outside."),
		keyDoc("bridge-accept-fwmark", cty.String, "In bridge networks, packets with this firewall mark and mask are let in: 0x1/0x1."),
		enum(keyDoc("firewall-backend", cty.String, "iptables or nftables."), "", "iptables", "nftables"),
	}
}

func daemonRuntime() []*Attr {
	return []*Attr{
		keyDoc("data-root", cty.String, "Where images, containers and volumes are. Another place begins empty."),
		keyDoc("exec-root", cty.String, "Where the state of running containers is."),
		keyDoc("pidfile", cty.String, "The daemon's pid file."),
		keyDoc("group", cty.String, "Group of the socket."),
		keyDoc("hosts", stringSet, "Where the daemon listens. Fatal beside -H on the command line."),
		keyDoc("containerd", cty.String, "Socket of containerd."),
		keyDoc("containerd-namespace", cty.String, "Namespace of containers in containerd."),
		keyDoc("containerd-plugins-namespace", cty.String, "Namespace of plugins in containerd."),
		keyDoc("cgroup-parent", cty.String, "Parent cgroup of containers."),
		boolKey("cri-containerd", false, "Start containerd with its CRI plugin."),
		reload(enum(keyDoc("default-cgroupns-mode", cty.String, "cgroup namespace of new containers."), "private", "host")),
		reload(enum(keyDoc("default-ipc-mode", cty.String, "IPC namespace of new containers."), "private", "shareable")),
		reload(keyDoc("default-runtime", cty.String, "Runtime of new containers.")),
		reload(checked(keyDoc("default-shm-size", cty.String, "Size of /dev/shm of new containers: 64M."), checkOptionalSize)),
		keyDoc("default-ulimits", cty.DynamicPseudoType, "Limits of new containers: { nofile = { Name = \"nofile\", Soft = 1024, Hard = 2048 } }."),
		reload(keyDoc("runtimes", cty.DynamicPseudoType, "More runtimes, by name.")),
		boolKey("experimental", false, "Experimental features."),
		reload(keyDoc("features", cty.Map(cty.Bool), "Features switched on or off, by name.")),
		boolKey("init", false, "An init process in every container."),
		keyDoc("init-path", cty.String, "Program of that init."),
		reload(boolKey("live-restore", false, "Containers run on while the daemon is down.")),
		boolKey("no-new-privileges", false, "No new privileges in new containers."),
		bounded(keyDoc("oom-score-adjust", cty.Number, "OOM score of the daemon."), -1000, 1000),
		keyDoc("seccomp-profile", cty.String, "Seccomp profile of containers."),
		boolKey("selinux-enabled", false, "SELinux in containers."),
		reload(withUnit(keyDoc("shutdown-timeout", cty.Number, "How long containers have to stop when the daemon does; -1 for ever."), -1, 1<<31)),
		keyDoc("storage-driver", cty.String, "Storage driver. Another one does not see what the last one stored."),
		keyDoc("storage-opts", stringList, "Options of the storage driver."),
		keyDoc("exec-opts", stringSet, "Options of the runtime: native.cgroupdriver=systemd."),
		keyDoc("userns-remap", cty.String, "Remap users of containers."),
		keyDoc("cdi-spec-dirs", stringList, "Folders with CDI device descriptions."),
		keyDoc("node-generic-resources", stringSet, "Resources of a swarm node."),
		keyDoc("swarm-default-advertise-addr", cty.String, "Address advertised in a swarm."),
		keyDoc("builder", cty.DynamicPseudoType, "Settings of the builder."),
		checkedKey("proxies", cty.DynamicPseudoType, checkNoSecrets, "Proxies of the daemon: http-proxy, https-proxy, no-proxy. Not with a password: that stays in the file, and recon keeps it."),
		keyDoc("cpu-rt-period", cty.Number, "CPU real-time period in microseconds."),
		keyDoc("cpu-rt-runtime", cty.Number, "CPU real-time runtime in microseconds."),
	}
}

func daemonRegistry() []*Attr {
	return []*Attr{
		reload(keyDoc("labels", stringSet, "Labels of the daemon.")),
		reload(keyDoc("insecure-registries", stringSet, "Registries without verified TLS.")),
		reload(keyDoc("registry-mirrors", stringList, "Mirrors of Docker Hub, in order.")),
		reload(keyDoc("authorization-plugins", stringList, "Authorization plugins, in order.")),
		reload(keyDoc("allow-nondistributable-artifacts", stringSet, "Registries to which foreign layers are pushed.")),
		reload(bounded(keyDoc("max-concurrent-downloads", cty.Number, "Layers pulled at once."), 1, 1000)),
		reload(bounded(keyDoc("max-concurrent-uploads", cty.Number, "Layers pushed at once."), 1, 1000)),
		reload(bounded(keyDoc("max-download-attempts", cty.Number, "Tries a layer."), 1, 1000)),
		boolKey("tls", false, "TLS on the daemon's ports."),
		boolKey("tlsverify", false, "TLS with verified clients."),
		keyDoc("tlscacert", cty.String, "CA of clients."),
		keyDoc("tlscert", cty.String, "The daemon's certificate."),
		keyDoc("tlskey", cty.String, "The daemon's key file."),
	}
}

// serviceKind is the table of a service: a container that somebody needs, and
// what it needs of its host.
func serviceKind() *Kind {
	return &Kind{
		Name: KindService,
		Doc:  "A container and what it needs of its host: folders, ports, other services.",
		Attrs: []*Attr{
			{Name: "container", Type: cty.String, Wire: WireDerived, Document: true, Group: GroupWho, Import: ImportUnlessLabel, Doc: "Name of the container, or SERVICE or PROJECT/SERVICE of a compose file. Defaults to the label, or to each.key."},
			{Name: "url", Type: cty.String, Wire: WireDerived, Document: true, Check: checkURL, Doc: "Where people reach it. For documents and the graph."},
			{Name: "purpose", Type: cty.String, Wire: WireDerived, Document: true, Doc: "What it is for, in the author's words. For documents only."},
			{Name: "listen", Type: stringSet, Wire: WireDerived, Fleeting: true, Impact: ImpactOutage, Equal: subsetEqual, Check: checkPorts, Doc: "Ports on which it must listen or be published: [\"7878/tcp\"]. Others are nobody's business."},
			{Name: "image", Type: cty.String, Wire: WireDerived, Computed: true, Doc: "Image of the container."},
			{Name: "project", Type: cty.String, Wire: WireDerived, Computed: true, Doc: "Compose project."},
			{Name: "networks", Type: stringSet, Wire: WireDerived, Computed: true, Doc: "Networks of the container."},
			{Name: "nameservers", Type: stringList, Wire: WireDerived, Computed: true, Doc: "DNS servers that the container's resolver uses in the end."},
		},
		Blocks: []*Block{servicePath(), serviceHardlink()},
	}
}

func servicePath() *Block {
	return &Block{Name: "path", Free: true, Doc: "A path inside the container, by its absolute name there.", Attrs: []*Attr{
		{Name: "source", Type: cty.String, Wire: WireDerived, Impact: ImpactOutage, Check: checkAbsolute, Doc: "The folder of the host that must be mounted there. recon makes it when it is missing; mounts themselves are the compose file's."},
		{Name: "owner", Type: cty.String, Wire: WireDerived, Check: checkOwner, Doc: "Owner of that folder by number: 1000:1000."},
		{Name: "mode", Type: cty.String, Wire: WireDerived, Equal: modeEqual, Check: checkMode, Doc: "Mode of that folder: 0775."},
		{Name: "filesystem", Type: cty.String, Wire: WireDerived, Impact: ImpactOutage, Doc: "File system on which it must be: nfs4, zfs, ext4. An NFS that is not mounted shows as the disk below it."},
		{Name: "writable", Type: cty.Bool, Wire: WireDerived, Impact: ImpactOutage, Doc: "Whether the container's user can write there."},
	}}
}

func serviceHardlink() *Block {
	return &Block{Name: "hardlink", Repeat: true, Doc: "Two folders in the container between which link(2) must work.", Attrs: []*Attr{
		{Name: "from", Type: cty.String, Wire: WireDerived, Document: true, Check: checkAbsolute, Doc: "Where files arrive: /data/torrents."},
		{Name: "to", Type: cty.String, Wire: WireDerived, Document: true, Check: checkAbsolute, Doc: "Where they are linked to: /data/media."},
	}}
}

// key makes the attribute of a key of daemon.json. What is not said to be taken by
// a reload needs a restart.
func key(name string, t cty.Type) *Attr {
	a := &Attr{Name: strings.ReplaceAll(name, "-", "_"), Key: name, Type: t, Impact: ImpactRestart, Check: checkOneLine}
	switch {
	case t.Equals(cty.String):
		a.Default = cty.StringVal("")
	case t.IsListType():
		a.Default = cty.ListValEmpty(t.ElementType())
	case t.IsSetType():
		a.Default = cty.SetValEmpty(t.ElementType())
	case t.IsMapType():
		a.Default = cty.MapValEmpty(t.ElementType())
	case isDynamic(t):
		a.Default, a.Equal = cty.EmptyObjectVal, JSONEqual
	}
	return a
}

func keyDoc(name string, t cty.Type, doc string) *Attr {
	a := key(name, t)
	a.Doc = doc
	return a
}

func checkedKey(name string, t cty.Type, check func(cty.Value) error, doc string) *Attr {
	return checked(keyDoc(name, t, doc), check)
}

func boolKey(name string, def bool, doc string) *Attr {
	return withDefault(keyDoc(name, cty.Bool, doc), cty.BoolVal(def))
}

func addresses(a *Attr, doc string) *Attr {
	a.Doc = doc
	return checked(a, checkIPList)
}

func withDefault(a *Attr, v cty.Value) *Attr { a.Default = v; return a }

func reload(a *Attr) *Attr { a.Impact = ImpactReload; return a }

func enum(a *Attr, values ...string) *Attr {
	a.Enum = values
	if a.Type.Equals(cty.String) && values[0] != "" {
		a.Default = cty.NilVal
	}
	return a
}

func bounded(a *Attr, least, most int64) *Attr { a.Min, a.Max = least, most; return a }

func withUnit(a *Attr, least, most int64) *Attr {
	a.Unit = Seconds
	return bounded(a, least, most)
}

func checked(a *Attr, check func(cty.Value) error) *Attr { a.Check = check; return a }

// settingsEqual compares the declared keys alone: who names one key has no opinion
// on the others.
func settingsEqual(want, have cty.Value) bool {
	h := Members(have)
	for k, w := range Members(want) {
		if !JSONEqual(w, h[k]) {
			return false
		}
	}
	return true
}

// subsetEqual agrees when everything that is wanted is there.
func subsetEqual(want, have cty.Value) bool {
	there := map[string]bool{}
	for _, s := range Strings(have) {
		there[s] = true
	}
	for _, s := range Strings(want) {
		if !there[s] {
			return false
		}
	}
	return true
}

func modeEqual(a, b cty.Value) bool {
	x, err1 := strconv.ParseUint(Text(a), 8, 32)
	y, err2 := strconv.ParseUint(Text(b), 8, 32)
	return err1 == nil && err2 == nil && x == y
}

func checkOneLine(v cty.Value) error {
	if strings.ContainsAny(Text(v), "\n\r\x00") {
		return fmt.Errorf("a single line is required")
	}
	return nil
}

func checkAbsolute(v cty.Value) error {
	if s := Text(v); !path.IsAbs(s) || path.Clean(s) != s || strings.ContainsAny(s, "\n\r\x00") {
		return fmt.Errorf("%q is not an absolute path without . and .. and final /", s)
	}
	return nil
}

func checkOptionalIP(v cty.Value) error {
	if s := Text(v); s != "" {
		if _, err := netip.ParseAddr(s); err != nil {
			return fmt.Errorf("%q is not an IP address", s)
		}
	}
	return nil
}

func checkIPList(v cty.Value) error {
	for _, s := range Strings(v) {
		if _, err := netip.ParseAddr(s); err != nil {
			return fmt.Errorf("%q is not an IP address", s)
		}
	}
	return nil
}

func checkOptionalCIDR(v cty.Value) error {
	if s := Text(v); s != "" {
		if _, err := netip.ParsePrefix(s); err != nil {
			return fmt.Errorf("%q is not an address with a prefix length, such as \"172.17.0.1/16\"", s)
		}
	}
	return nil
}

func checkPools(v cty.Value) error {
	for _, pool := range Items(v) {
		m := Members(pool)
		base, err := netip.ParsePrefix(Text(m["base"]))
		size, ok := Int(m["size"])
		if err != nil || !ok || int(size) < base.Bits() || int(size) > base.Addr().BitLen() {
			return fmt.Errorf("a pool is { base = \"10.201.0.0/16\", size = 24 }, with a size that is not below the base's prefix length")
		}
	}
	return nil
}

var sizePattern = regexp.MustCompile(`^[0-9]+[bkmgBKMG]?$`)

func checkOptionalSize(v cty.Value) error {
	if s := Text(v); s != "" && !sizePattern.MatchString(s) {
		return fmt.Errorf("%q is not a size as dockerd takes it: 64M", s)
	}
	return nil
}

var portPattern = regexp.MustCompile(`^([0-9]{1,5})/(tcp|udp)$`)

func checkPorts(v cty.Value) error {
	for _, s := range Strings(v) {
		m := portPattern.FindStringSubmatch(s)
		if m == nil {
			return fmt.Errorf("%q is not a port such as \"7878/tcp\"", s)
		}
		if n, _ := strconv.Atoi(m[1]); n < 1 || n > 65535 {
			return fmt.Errorf("%s is not a port number", m[1])
		}
	}
	return nil
}

var ownerPattern = regexp.MustCompile(`^[0-9]{1,10}:[0-9]{1,10}$`)

func checkOwner(v cty.Value) error {
	if !ownerPattern.MatchString(Text(v)) {
		return fmt.Errorf("%q is not an owner by number, such as \"1000:1000\"", Text(v))
	}
	return nil
}

func checkMode(v cty.Value) error {
	if n, err := strconv.ParseUint(Text(v), 8, 32); err != nil || n > 0o7777 {
		return fmt.Errorf("%q is not a mode such as \"0775\"", Text(v))
	}
	return nil
}

func checkURL(v cty.Value) error {
	if s := Text(v); !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") || strings.ContainsAny(s, " \n\r\x00@") {
		return fmt.Errorf("%q is not an address such as \"https://radarr.example.net\", without credentials", s)
	}
	return nil
}

// SecretKey reports whether the name of a log option or setting says that its
// value is a secret: splunk-token, awslogs-credentials, some-password.
func SecretKey(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"token", "password", "passwd", "secret", "credential", "apikey", "api-key"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// SecretText reports whether a text holds a password: the user part of a URL.
func SecretText(s string) bool { return userInfo.MatchString(s) }

var userInfo = regexp.MustCompile(`://[^/@\s]+@`)

// checkNoSecrets refuses values that recon would have to show, however deep they
// are.
func checkNoSecrets(v cty.Value) error {
	return cty.Walk(v, func(at cty.Path, e cty.Value) (bool, error) {
		name := lastName(at)
		if SecretKey(name) || SecretText(Text(e)) {
			return false, fmt.Errorf("%q holds a secret; leave it to the file, where recon keeps it as it is", name)
		}
		return true, nil
	})
}

// lastName returns the last key of a path into a value.
func lastName(at cty.Path) string {
	for i := len(at) - 1; i >= 0; i-- {
		switch s := at[i].(type) {
		case cty.GetAttrStep:
			return s.Name
		case cty.IndexStep:
			if name := Text(s.Key); name != "" {
				return name
			}
		}
	}
	return ""
}

// checkSettings refuses keys that have an attribute of their own, and secrets.
func checkSettings(known []*Attr) func(cty.Value) error {
	return func(v cty.Value) error {
		if !v.Type().IsObjectType() && !v.Type().IsMapType() {
			return fmt.Errorf("settings takes an object: { \"some-key\" = true }")
		}
		for k := range Members(v) {
			for _, a := range known {
				if a.Key == k {
					return fmt.Errorf("%q has an attribute of its own: %s", k, a.Name)
				}
			}
		}
		return checkNoSecrets(v)
	}
}

// dockerIdentity begins what a Docker resource is known by, and no cluster's label can.
const dockerIdentity = "docker:"

// DockerIdentity is what makes a Docker resource the same one: the host's label
// and, for a service, the container. The daemon itself has no container.
func DockerIdentity(host, container string) string {
	if container == "" {
		return dockerIdentity + host
	}
	return dockerIdentity + host + "/" + container
}
