package docker

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"recon/inventory/doctor"
)

// parseMounts reads mountinfo of proc_pid_mountinfo(5).
func parseMounts(text string) []doctor.Mount {
	var out []doctor.Mount
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		sep := slices.Index(f, "-")
		if len(f) < 7 || sep < 6 || sep+1 >= len(f) {
			continue
		}
		out = append(out, doctor.Mount{ID: atoi(f[0]), Device: f[2], Root: unescape(f[3]), Point: unescape(f[4]), Type: f[sep+1]})
	}
	return out
}

// unescape undoes the octal escapes of mountinfo and fstab: \040 is a blank.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// parseFstab returns the mount points that fstab(5) wants at boot.
func parseFstab(text string) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) < 4 || strings.HasPrefix(f[0], "#") || !strings.HasPrefix(f[1], "/") || f[1] == "/" {
			continue
		}
		opts := strings.Split(f[3], ",")
		if f[2] == "swap" || slices.Contains(opts, "noauto") {
			continue
		}
		out = append(out, unescape(f[1]))
	}
	return out
}

// parsePorts reads the listening sockets of proc_net(5): state 0A of TCP, 07 of UDP.
// With inodes, only those.
func parsePorts(nets map[string]string, inodes map[string]bool) []doctor.Port {
	var out []doctor.Port
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		proto, state := "tcp", "0A"
		if strings.HasPrefix(table, "udp") {
			proto, state = "udp", "07"
		}
		for _, l := range strings.Split(nets[table], "\n") {
			f := strings.Fields(l)
			if len(f) < 10 || f[3] != state || inodes != nil && !inodes[f[9]] {
				continue
			}
			addr, port, ok := socketAddr(f[1])
			if !ok {
				continue
			}
			p := doctor.Port{Number: port, Proto: proto, Local: addr.IsLoopback()}
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// socketAddr reads an address of proc_net(5): words in the machine's byte order,
// which is little-endian wherever Docker is common.
func socketAddr(s string) (netip.Addr, int, bool) {
	text, portText, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(text)
	port, err2 := strconv.ParseUint(portText, 16, 16)
	if !ok || err != nil || err2 != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.Addr{}, 0, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.LittleEndian.Uint32(raw[i:]))
	}
	addr, ok := netip.AddrFromSlice(raw)
	return addr.Unmap(), int(port), ok
}

// A resolver is what a resolv.conf says.
type resolver struct {
	servers  []string
	external []string // servers to which Docker's own resolver forwards, from its trailer
	stub     bool     // the first server is a local stub
	embedded bool     // 127.0.0.11 of Docker
	own      bool     // servers of its own were given, rather than the host's
}

// parseResolv reads a resolv.conf. Docker notes in its trailer where its own
// resolver asks: # ExtServers: [1.1.1.1 host(127.0.0.53)] and # Overrides:
// [nameservers] (moby, libnetwork/internal/resolvconf). Older engines leave none.
func parseResolv(text string) resolver {
	var r resolver
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		switch {
		case len(f) >= 2 && f[0] == "nameserver":
			r.servers = append(r.servers, f[1])
		case strings.HasPrefix(l, "# ExtServers:"):
			r.external = bracketed(l)
		case strings.HasPrefix(l, "# Overrides:"):
			r.own = slices.Contains(bracketed(l), "nameservers")
		}
	}
	if len(r.servers) > 0 {
		r.embedded = r.servers[0] == "127.0.0.11"
		addr, err := netip.ParseAddr(r.servers[0])
		r.stub = err == nil && addr.IsLoopback() && !r.embedded
	}
	return r
}

// bracketed returns the words between brackets; host(127.0.0.53) is a server in the
// host's network namespace.
func bracketed(l string) []string {
	_, rest, _ := strings.Cut(l, "[")
	inner, _, _ := strings.Cut(rest, "]")
	var out []string
	for _, w := range strings.Fields(inner) {
		if in, ok := strings.CutPrefix(w, "host("); ok {
			w = strings.TrimSuffix(in, ")")
		}
		out = append(out, w)
	}
	return out
}
