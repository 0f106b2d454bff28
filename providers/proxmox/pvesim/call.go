package pvesim

import (
	"net/url"
	"slices"
	"strings"
)

// call is one authenticated request on its way through the checks.
type call struct {
	s      *Server
	method string
	path   string // without /api2/json
	who    *identity
	route  *route
	uri    map[string]string // parameters of the path
	raw    url.Values        // query and body as they came
	nulls  map[string]bool   // JSON null
	p      map[string]string // checked parameters, lists joined
}

// node is the node that the path names, or the one that answers.
func (c *call) node() string {
	if n := c.uri["node"]; n != "" && n != "localhost" {
		return n
	}
	return c.s.local()
}

func (c *call) vmid() int { return atoi(c.uri["vmid"]) }

// kind is the kind of guest that the path is about.
func (c *call) kind() string {
	if strings.Contains(c.path, "/lxc") {
		return "lxc"
	}
	return "qemu"
}

func (c *call) has(name string) bool { _, ok := c.p[name]; return ok }

func (c *call) flag(name string) bool { return c.p[name] == "1" }

// machine finds the guest of the path on the node of the path.
func (c *call) machine() (*machine, error) {
	m := c.s.guests[c.vmid()]
	if m == nil || m.Node != c.node() || m.Kind != c.kind() {
		return nil, die("Configuration file '%s' does not exist", confPath(c.node(), c.kind(), c.vmid()))
	}
	return m, nil
}

// unlocked refuses a locked guest.
func (c *call) unlocked(m *machine) error {
	if m.Lock != "" && !(c.flag("skiplock") && c.who.isRoot()) {
		return die("%s is locked (%s)", m.label(), m.Lock)
	}
	return nil
}

// skiplock refuses the option to everybody but root@pam itself.
func (c *call) skiplock() error {
	if c.flag("skiplock") && !c.who.isRoot() {
		return badParam("skiplock", "Only root may use this option.")
	}
	return nil
}

// quorum refuses what needs the cluster.
func (c *call) quorum() error {
	if c.s.world.NoQuorum {
		return die("cluster not ready - no quorum?")
	}
	return nil
}

// writable refuses a change of a file below /etc/pve without quorum.
func (c *call) writable(file string) error {
	if c.s.world.NoQuorum {
		return die("unable to open file '/etc/pve/%s.tmp.%d' - Permission denied", file, 100+c.s.serial%800)
	}
	return nil
}

// cfsLock is writable for the files that are changed under a cluster lock.
func (c *call) cfsLock(what, file string) error {
	if c.s.world.NoQuorum {
		return die("%s cfs-lock '%s' error: no quorum!", what, file)
	}
	return nil
}

// same checks a digest parameter.
func (c *call) same(m *machine) error {
	d := c.p["digest"]
	if d == "" || d == m.hash() {
		return nil
	}
	if m.Kind == "lxc" {
		return die("detected modified configuration - file changed by other user? Try again.")
	}
	return die("checksum mismatch (file change by other user?)")
}

// changed marks a guest's config as written.
func (c *call) changed(m *machine) {
	m.touch()
	c.s.dirty()
}

// own tells whether the caller may see what belongs to user.
func (c *call) own(user string) bool {
	base, _, _ := strings.Cut(user, "!")
	return base == c.who.user
}

// check requires any of the privileges on a path.
func (c *call) check(path string, privs ...string) error {
	if c.may(path, privs...) {
		return nil
	}
	return denied(path + ", " + strings.Join(privs, "|"))
}

// may tells whether the caller has any of the privileges on a path.
func (c *call) may(path string, privs ...string) bool {
	have := c.s.privs(c.who, path)
	return slices.ContainsFunc(privs, func(p string) bool { _, ok := have[p]; return ok })
}
