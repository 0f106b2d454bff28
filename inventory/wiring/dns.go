package wiring

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// HostsFile reads the format of hosts(5), which Pi-hole's custom.list has too. What
// every machine has of itself is left out.
func HostsFile(program, file, text string) Zone {
	z := Zone{Program: program}
	for i, l := range lines(text) {
		f := strings.Fields(l)
		if len(f) < 2 || !IsIP(host(f[0])) || skipped(host(f[0])) {
			continue
		}
		for _, name := range f[1:] {
			z.add(name, host(f[0]), at(file, i))
		}
	}
	return z
}

// skipped reports addresses that say nothing of other machines.
func skipped(ip string) bool {
	return strings.HasPrefix(ip, "127.") || ip == "::1" || strings.HasPrefix(ip, "ff0") || strings.HasPrefix(ip, "fe00::") || ip == "0.0.0.0" || ip == "::" || ip == "255.255.255.255"
}

// add notes a record; one whose value is a name is an alias.
func (z *Zone) add(name, value, place string) {
	wild := strings.HasPrefix(name, "*.")
	if name = host(strings.TrimPrefix(name, "*.")); name == "" || value == "" || name == "localhost" || skipped(value) {
		return
	}
	if wild {
		name = "*." + name
	}
	kind := "CNAME"
	if IsIP(value) {
		if kind = "A"; strings.Contains(value, ":") {
			kind = "AAAA"
		}
	}
	z.Records = append(z.Records, Record{Name: name, Type: kind, Value: value, Place: place})
}

// Dnsmasq reads dnsmasq.conf(5), which Pi-hole writes too: address, host-record, cname,
// server, and which files it reads beside.
func Dnsmasq(program, file, text string) Zone {
	z := Zone{Program: program}
	for i, l := range lines(text) {
		key, value, ok := strings.Cut(l, "=")
		if key = strings.TrimSpace(key); !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch key {
		case "address":
			z.dnsmasqAddress(value, at(file, i))
		case "host-record":
			z.hostRecord(strings.Split(value, ","), at(file, i))
		case "cname":
			z.dnsmasqAliases(strings.Split(value, ","), at(file, i))
		case "server":
			if value != "" && !strings.HasPrefix(value, "/") {
				z.Forwards = append(z.Forwards, value)
			}
		case "conf-file":
			z.Includes = append(z.Includes, Include{program, value})
		case "conf-dir":
			dir, _, _ := strings.Cut(value, ",")
			z.Includes = append(z.Includes, Include{program, strings.TrimSuffix(dir, "/") + "/*"})
		case "addn-hosts":
			z.Includes = append(z.Includes, Include{"addn-hosts", value})
		case "hostsdir":
			z.Includes = append(z.Includes, Include{"addn-hosts", strings.TrimSuffix(value, "/") + "/*"})
		}
	}
	return z
}

// dnsmasqAliases reads alias,alias,target, with a time to live at the end or without.
func (z *Zone) dnsmasqAliases(parts []string, place string) {
	if last := len(parts) - 1; last > 1 && digits(parts[last]) {
		parts = parts[:last]
	}
	for _, alias := range parts[:max(0, len(parts)-1)] {
		if target := host(parts[len(parts)-1]); !IsIP(target) {
			z.add(strings.TrimSpace(alias), target, place)
		}
	}
}

// dnsmasqAddress reads /name/name/address, which covers what is below the names too.
func (z *Zone) dnsmasqAddress(value, place string) {
	parts := strings.Split(strings.Trim(value, " "), "/")
	if len(parts) < 3 || parts[0] != "" {
		return
	}
	ip := host(parts[len(parts)-1])
	if !IsIP(ip) {
		return // # is the address of the server itself, and nothing is no such name
	}
	before := len(z.Records)
	for _, name := range parts[1 : len(parts)-1] {
		z.add(name, ip, place)
		z.add("*."+name, ip, place)
	}
	for i := range z.Records[before:] {
		z.Records[before+i].Weak = true // hosts and host-record are asked first (rfc1035.c, answer_request)
	}
}

func (z *Zone) hostRecord(parts []string, place string) {
	for _, p := range parts {
		if ip := host(p); IsIP(ip) {
			for _, name := range parts {
				if !IsIP(host(name)) && !digits(name) {
					z.add(strings.TrimSpace(name), ip, place)
				}
			}
		}
	}
}

// PiholeTOML reads pihole.toml of Pi-hole 6: dns.hosts, dns.cnameRecords, dns.upstreams.
func PiholeTOML(file, text string) (Zone, error) {
	z := Zone{Program: "pihole"}
	t, err := TOML(text)
	dns := t.sub("dns")
	for _, l := range dns.list("hosts") {
		for _, r := range HostsFile("pihole", file, l).Records {
			z.add(r.Name, r.Value, file+" dns.hosts")
		}
	}
	if list, ok := dns["cnamerecords"].([]any); ok {
		for _, e := range list {
			if s, ok := e.(string); ok {
				if parts := strings.Split(s, ","); len(parts) >= 2 {
					z.add(parts[0], host(parts[1]), file+" dns.cnameRecords")
				}
			}
		}
	}
	z.Forwards = dns.list("upstreams")
	return z, err
}

// AdGuard reads AdGuardHome.yaml: rewrites, which are below filtering since version
// 0.107.37 and below dns before, and upstream servers.
func AdGuard(file, text string) (Zone, error) {
	z := Zone{Program: "adguard"}
	t, err := YAML(text)
	for _, part := range []string{"filtering", "dns"} {
		if t.sub(part).text("rewrites_enabled") == "false" {
			continue
		}
		for _, r := range t.sub(part).trees("rewrites") {
			if answer := host(r.text("answer")); answer != "" && answer != "a" && answer != "aaaa" && r.text("enabled") != "false" {
				z.add(r.text("domain"), answer, file+" rewrites")
			}
		}
	}
	z.Forwards = t.sub("dns").list("upstream_dns")
	return z, err
}

// Unbound reads unbound.conf(5): local-data, and whom it asks for every name. Settings
// stand one after another, on whatever lines, below the clause that they belong to.
func Unbound(file, text string) Zone {
	u := unbound{Zone: Zone{Program: "unbound"}, redirects: map[string]bool{}}
	key, values := "", []string(nil)
	for i, l := range lines(text) {
		for _, w := range unboundWord.FindAllString(l, -1) {
			if name, ok := strings.CutSuffix(w, ":"); ok && unboundKey.MatchString(name) {
				u.clause(name)
				key, values = name, nil
				continue
			}
			values = append(values, strings.Trim(w, "\"'"))
			u.setting(key, values, at(file, i))
		}
	}
	u.clause("server")
	leads := map[string]bool{}
	for _, r := range u.Records {
		if u.redirects[r.Name] {
			leads[r.Name] = true
			r.Name = "*." + r.Name
			u.Records = append(u.Records, r)
		}
	}
	for _, zone := range slices.Sorted(maps.Keys(u.redirects)) {
		if !leads[zone] && zone != "" { // a zone ends what one around it says
			u.Records = append(u.Records, Record{Name: zone}, Record{Name: "*." + zone})
		}
	}
	return u.Zone
}

var (
	unboundWord = regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"']+`)
	unboundKey  = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
)

type unbound struct {
	Zone
	forward   bool // the clause is a forward-zone
	name      string
	asks      []string
	redirects map[string]bool // zones, and whether their record is that of every name below them
}

// clause ends a clause when a next one begins. Only the zone of all names says whom the
// server asks; others are asked for a few.
func (u *unbound) clause(key string) {
	switch key {
	case "server", "forward-zone", "stub-zone", "auth-zone", "view", "remote-control", "python", "dynlib", "cachedb", "dnscrypt", "rpz":
		if u.name == "." {
			u.Forwards = append(u.Forwards, u.asks...)
		}
		u.forward, u.name, u.asks = key == "forward-zone", "", nil
	}
}

func (u *unbound) setting(key string, values []string, place string) {
	first := values[0]
	switch {
	case len(values) == 1 && key == "name" && u.forward:
		u.name = first
	case len(values) == 1 && key == "forward-addr" && u.forward:
		u.asks = append(u.asks, first)
	case len(values) == 1 && (key == "include" || key == "include-toplevel"):
		u.Includes = append(u.Includes, Include{"unbound", first})
	case len(values) == 2 && key == "local-zone": // the last one of a name counts
		u.redirects[host(first)] = values[1] == "redirect"
	case len(values) == 1 && key == "local-data":
		u.localData(strings.Fields(first), place)
	}
}

// localData reads a record: a name, perhaps a time to live and a class, type and value.
func (u *unbound) localData(f []string, place string) {
	for i := 1; i+1 < len(f); i++ {
		t, value := strings.ToUpper(f[i]), host(f[i+1])
		switch {
		case t == "A" || t == "AAAA":
			if IsIP(value) {
				u.add(f[0], value, place)
			}
			return
		case t == "CNAME":
			if !IsIP(value) {
				u.add(f[0], value, place)
			}
			return
		case t != "IN" && strings.Trim(t, "0123456789SMHDW") != "":
			return
		}
	}
}

// lines yields lines without comments, by their number from 1.
func lines(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for l := range strings.SplitSeq(text, "\n") {
			n++
			if before, _, found := strings.Cut(l, "#"); found && (strings.TrimSpace(before) == "" || strings.HasSuffix(before, " ") || strings.HasSuffix(before, "\t")) {
				l = before
			}
			if l = strings.TrimSpace(l); l != "" && !yield(n, l) {
				return
			}
		}
	}
}

// Server reads a server as name servers write those that they ask: 192.168.1.1#5335,
// 192.168.1.1@853, tls://1.1.1.1, [/example.net/]192.168.1.1. It is "" when it is no
// address.
func Server(s string) string {
	if i := strings.LastIndexByte(s, ']'); strings.HasPrefix(s, "[/") && i > 0 {
		return "" // for some names only
	}
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "#")
	s, _, _ = strings.Cut(s, "@")
	s, _, _ = strings.Cut(s, "/")
	if h := host(s); IsIP(h) {
		return h
	}
	if before, _, ok := cutLast(s); ok && IsIP(host(before)) {
		return host(before)
	}
	return ""
}

// Fstab reads fstab(5): folders of other machines, also such as are not mounted now.
func Fstab(text string) (out []Share) {
	for _, l := range lines(text) {
		if f := strings.Fields(l); len(f) >= 3 {
			if s := ShareOf(f[0], f[1], f[2]); s != nil {
				out = append(out, *s)
			}
		}
	}
	return out
}

// shares are file systems of other machines, with what stands before their path.
var shares = map[string]struct{ name, between string }{
	"nfs": {"nfs", ":"}, "nfs4": {"nfs", ":"}, "cifs": {"cifs", "/"}, "smb3": {"cifs", "/"},
	"fuse.sshfs": {"sshfs", ":"}, "sshfs": {"sshfs", ":"}, "glusterfs": {"glusterfs", ":"},
}

// ShareOf reads the device of a mount: nas:/tank/media of NFS, //nas/media of CIFS,
// lena@nas:/media of SSH; nil when it is not on another machine.
func ShareOf(device, point, kind string) *Share {
	s, ok := shares[kind]
	if !ok {
		return nil
	}
	device = strings.TrimPrefix(strings.TrimPrefix(device, "//"), "sshfs#")
	if i := strings.LastIndexByte(device, '@'); i >= 0 && s.name == "sshfs" {
		device = device[i+1:]
	}
	server, path, ok := strings.Cut(device, s.between)
	if strings.HasPrefix(device, "[") {
		server, path, ok = strings.Cut(device, "]"+s.between)
	}
	h := host(strings.Trim(server, "[]"))
	if !ok || h == "" {
		return nil
	}
	blank := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`)
	return &Share{Point: blank.Replace(point), Server: h, Path: "/" + blank.Replace(strings.TrimPrefix(path, "/")), Type: s.name}
}
