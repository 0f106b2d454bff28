package sshhost

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kevinburke/ssh_config"

	"recon/inventory/localfile"
)

// settings are the user's SSH files.
type settings struct {
	name    string // label of the host block, for errors
	home    string
	me      string
	configs []*ssh_config.Config // the user's first: the first value wins
}

// readSettings reads ssh_config. What cannot be understood is an error: a Match
// block that is passed over might lead to another machine.
func readSettings(cfg Config) (*settings, error) {
	s := &settings{name: cfg.Name, home: cfg.Home}
	if u, err := user.Current(); err == nil {
		s.me = u.Username
		s.home = cmp.Or(s.home, os.Getenv("HOME"), u.HomeDir)
	}
	for _, name := range []string{filepath.Join(s.home, ".ssh", "config"), "/etc/ssh/ssh_config"} {
		text, err := localfile.Read(name, localfile.Small)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read ssh_config: %w", err)
		}
		c, err := ssh_config.DecodeBytes(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		s.configs = append(s.configs, c)
	}
	return s, nil
}

// get returns a setting of ssh_config for a name, "" when nobody says.
func (s *settings) get(alias, key string) string {
	for _, c := range s.configs {
		if v, err := c.Get(alias, key); err == nil && v != "" {
			return v
		}
	}
	return ""
}

func (s *settings) all(alias, key string) []string {
	var out []string
	for _, c := range s.configs {
		if v, err := c.GetAll(alias, key); err == nil {
			out = append(out, v...)
		}
	}
	return out
}

// A hop is one connection of a route.
type hop struct {
	host, user string
	port       int
	identities []string // key files
	known      []string // known_hosts files
}

func (h hop) addr() string { return net.JoinHostPort(h.host, strconv.Itoa(h.port)) }

// maxJumps bounds a route; ssh_config can name circles.
const maxJumps = 8

// route returns the connections to make, the machine itself last.
func (s *settings) route(cfg Config) ([]hop, error) {
	last, err := s.hop(cfg.Address, cfg.User, cfg.Port)
	if err != nil {
		return nil, err
	}
	if cfg.IdentityFile != "" {
		last.identities = []string{s.expand(cfg.IdentityFile, last)}
	}
	hops := []hop{last}
	for jump := s.get(cfg.Address, "ProxyJump"); jump != "" && jump != "none"; {
		if len(hops) > maxJumps {
			return nil, fmt.Errorf("ProxyJump of %s leads over more than %d machines", cfg.Address, maxJumps)
		}
		// Of a,b the connection goes to a, then to b: those named later are nearer.
		i := strings.LastIndexByte(jump, ',')
		h, alias, err := s.jump(jump[i+1:])
		if err != nil {
			return nil, err
		}
		hops = append([]hop{h}, hops...)
		if i >= 0 {
			jump = jump[:i]
		} else {
			jump = s.get(alias, "ProxyJump")
		}
	}
	return hops, nil
}

// jump reads one part of ProxyJump: [user@]host[:port].
func (s *settings) jump(text string) (hop, string, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "ssh://")
	name, port := "", 0
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		name, text = text[:i], text[i+1:]
	}
	if host, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.Atoi(p)
		if err != nil {
			return hop{}, "", fmt.Errorf("ProxyJump: %q is no port", p)
		}
		text, port = host, n
	}
	h, err := s.hop(text, name, port)
	return h, text, err
}

// hop resolves a name by ssh_config.
func (s *settings) hop(alias, userName string, port int) (hop, error) {
	h := hop{host: cmp.Or(strings.ReplaceAll(s.get(alias, "HostName"), "%h", alias), alias), user: cmp.Or(userName, s.get(alias, "User"), s.me), port: port}
	if h.port == 0 {
		h.port = 22
		if p := s.get(alias, "Port"); p != "" {
			n, err := strconv.Atoi(p)
			if err != nil {
				return h, fmt.Errorf("ssh_config of %s: Port %q is no number", alias, p)
			}
			h.port = n
		}
	}
	files := s.all(alias, "IdentityFile")
	if len(files) == 0 {
		files = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
	}
	for _, f := range files {
		h.identities = append(h.identities, s.expand(f, h))
	}
	known := strings.Fields(s.get(alias, "UserKnownHostsFile"))
	if len(known) == 0 {
		known = []string{"~/.ssh/known_hosts"}
	}
	for _, f := range known {
		h.known = append(h.known, s.expand(f, h))
	}
	return h, nil
}

// expand resolves ~ and the tokens of ssh_config(5) that name files.
func (s *settings) expand(file string, h hop) string {
	file = strings.Trim(file, `"`)
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		file = filepath.Join(s.home, rest)
	}
	return strings.NewReplacer("%d", s.home, "%u", s.me, "%h", h.host, "%r", h.user, "%%", "%").Replace(file)
}
