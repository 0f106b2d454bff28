package wiring

import (
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

// Dnsmasq reads dnsmasq.conf(5), which Pi-hole writes too: address, host-record, cname
// and server.
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
			if parts := strings.Split(value, ","); len(parts) >= 2 {
				target := parts[len(parts)-1]
				if digits(target) && len(parts) > 2 { // a time to live
					target, parts = parts[len(parts)-2], parts[:len(parts)-1]
				}
				for _, alias := range parts[:len(parts)-1] {
					z.add(strings.TrimSpace(alias), host(target), at(file, i))
				}
			}
		case "server":
			if server := value[strings.LastIndexByte(value, '/')+1:]; server != "" && !strings.HasPrefix(value, "/") {
				z.Forwards = append(z.Forwards, server)
			}
		}
	}
	return z
}

// dnsmasqAddress reads /name/name/address, which covers what is below the names too.
func (z *Zone) dnsmasqAddress(value, place string) {
	parts := strings.Split(strings.Trim(value, " "), "/")
	if len(parts) < 3 || parts[0] != "" {
		return
	}
	ip := host(parts[len(parts)-1])
	for _, name := range parts[1 : len(parts)-1] {
		z.add(name, ip, place)
		z.add("*."+name, ip, place)
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
		for _, r := range t.sub(part).trees("rewrites") {
			if answer := host(r.text("answer")); answer != "" && answer != "a" && answer != "aaaa" && r.text("enabled") != "false" {
				z.add(r.text("domain"), answer, file+" rewrites")
			}
		}
	}
	z.Forwards = t.sub("dns").list("upstream_dns")
	return z, err
}

// Unbound reads unbound.conf(5): local-data and forward-addr.
func Unbound(file, text string) Zone {
	z := Zone{Program: "unbound"}
	for i, l := range lines(text) {
		key, value, ok := strings.Cut(l, ":")
		if !ok {
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch strings.TrimSpace(key) {
		case "local-data":
			f := strings.Fields(value)
			for j := 1; j+1 < len(f); j++ {
				if t := strings.ToUpper(f[j]); t == "A" || t == "AAAA" || t == "CNAME" {
					z.add(f[0], host(f[j+1]), at(file, i))
					break
				}
			}
		case "forward-addr":
			z.Forwards = append(z.Forwards, value)
		}
	}
	return z
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

// ShareOf reads the device of a mount: nas:/tank/media of NFS, //nas/media of CIFS; nil
// when it is not on another machine.
func ShareOf(device, point, kind string) *Share {
	switch kind {
	case "nfs", "nfs4":
		before, path, ok := strings.Cut(device, ":/")
		if h := host(before); ok && h != "" {
			return &Share{Point: point, Server: h, Path: "/" + path, Type: "nfs"}
		}
	case "cifs", "smb3":
		server, path, ok := strings.Cut(strings.TrimPrefix(device, "//"), "/")
		if h := host(server); ok && h != "" {
			return &Share{Point: point, Server: h, Path: "/" + path, Type: "cifs"}
		}
	}
	return nil
}
