package pvesim

import (
	"regexp"
	"slices"
	"strings"
)

// privileges lists all privileges of a release, by area.
func privileges(release string) map[string][]string {
	vm := "VM.Allocate VM.Audit VM.Backup VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType VM.Config.Memory VM.Config.Network VM.Config.Options VM.Console VM.Migrate VM.PowerMgmt VM.Snapshot VM.Snapshot.Rollback"
	if release < "9" {
		vm += " VM.Monitor"
	} else {
		vm += " VM.GuestAgent.Audit VM.GuestAgent.FileRead VM.GuestAgent.FileSystemMgmt VM.GuestAgent.FileWrite VM.GuestAgent.Unrestricted VM.Replicate"
	}
	return map[string][]string{
		"VM":        strings.Fields(vm),
		"Sys":       strings.Fields("Sys.AccessNetwork Sys.Audit Sys.Console Sys.Incoming Sys.Modify Sys.PowerMgmt Sys.Syslog"),
		"Datastore": strings.Fields("Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit"),
		"SDN":       strings.Fields("SDN.Allocate SDN.Audit SDN.Use"),
		"Mapping":   strings.Fields("Mapping.Audit Mapping.Modify Mapping.Use"),
		"Pool":      strings.Fields("Pool.Allocate Pool.Audit"),
		"User":      strings.Fields("Group.Allocate Permissions.Modify Realm.Allocate Realm.AllocateUser User.Modify"),
	}
}

// builtinRoles are the roles that every installation has.
func builtinRoles(release string) map[string][]string {
	area := privileges(release)
	var all []string
	for _, ps := range area {
		all = append(all, ps...)
	}
	without := func(ps []string, drop string) []string {
		return slices.DeleteFunc(slices.Clone(ps), func(p string) bool { return slices.Contains(strings.Fields(drop), p) })
	}
	audit := slices.DeleteFunc(slices.Clone(all), func(p string) bool { return !strings.HasSuffix(p, ".Audit") })
	return map[string][]string{
		"Administrator":     all,
		"NoAccess":          {},
		"PVEAdmin":          without(all, "Permissions.Modify Realm.Allocate Sys.Modify Sys.PowerMgmt Sys.AccessNetwork Sys.Incoming Sys.Console Sys.Syslog"),
		"PVEAuditor":        audit,
		"PVEDatastoreAdmin": area["Datastore"],
		"PVEDatastoreUser":  {"Datastore.AllocateSpace", "Datastore.Audit"},
		"PVEMappingAdmin":   area["Mapping"],
		"PVEMappingAuditor": {"Mapping.Audit"},
		"PVEMappingUser":    {"Mapping.Audit", "Mapping.Use"},
		"PVEPoolAdmin":      area["Pool"],
		"PVEPoolUser":       {"Pool.Audit"},
		"PVESDNAdmin":       area["SDN"],
		"PVESDNUser":        {"SDN.Audit", "SDN.Use"},
		"PVESysAdmin":       without(append(slices.Clone(area["Sys"]), "Permissions.Modify"), "Sys.Modify Sys.PowerMgmt Sys.AccessNetwork Sys.Incoming"),
		"PVETemplateUser":   {"VM.Audit", "VM.Clone"},
		"PVEUserAdmin":      without(area["User"], "Permissions.Modify Realm.Allocate"),
		"PVEVMAdmin":        area["VM"],
		"PVEVMUser":         userPrivs(release),
	}
}

func userPrivs(release string) []string {
	ps := strings.Fields("VM.Audit VM.Backup VM.Config.CDROM VM.Config.Cloudinit VM.Console VM.PowerMgmt")
	if release >= "9" {
		ps = append(ps, "VM.GuestAgent.Audit", "VM.GuestAgent.FileRead", "VM.GuestAgent.FileSystemMgmt", "VM.GuestAgent.FileWrite", "VM.GuestAgent.Unrestricted")
	}
	return ps
}

// rolePrivs looks a role up, built in or not.
func (s *Server) rolePrivs(role string) ([]string, bool) {
	if ps, ok := s.roles[role]; ok {
		return ps, true
	}
	for _, r := range s.world.Roles {
		if r.ID == role {
			return r.Privs, true
		}
	}
	return nil, false
}

// privs computes the privileges of an identity on a path, each with whether
// it propagates further. The lock is held.
func (s *Server) privs(who *identity, path string) map[string]int {
	if who == nil {
		return nil
	}
	have := s.userPrivs(who.user, path)
	if who.token == "" || !who.privsep {
		return have
	}
	mine := s.subjectPrivs("token", who.full(), nil, path)
	for p := range mine {
		if _, ok := have[p]; !ok {
			delete(mine, p)
		}
	}
	return mine
}

func (s *Server) userPrivs(user, path string) map[string]int {
	if user == "root@pam" {
		return s.everything // shared: nobody changes what privs returns
	}
	u := s.world.user(user)
	if u == nil {
		return nil
	}
	return s.subjectPrivs("user", user, u.Groups, path)
}

// subjectPrivs adds to the rights on a path those on the pool that holds it.
func (s *Server) subjectPrivs(typ, id string, groups []string, path string) map[string]int {
	out, none := s.pathPrivs(typ, id, groups, path)
	pool := s.poolOf(path)
	if pool == "" || none {
		return out
	}
	more, _ := s.pathPrivs(typ, id, groups, "/pool/"+pool)
	for p, v := range more {
		out[p] |= v
	}
	return out
}

// poolOf finds the pool of the guest or storage that a path is about.
func (s *Server) poolOf(path string) string {
	if id, ok := strings.CutPrefix(path, "/vms/"); ok {
		if m := s.guests[atoi(id)]; m != nil {
			return m.Pool
		}
		return ""
	}
	if id, ok := strings.CutPrefix(path, "/storage/"); ok {
		for _, p := range s.world.Pools {
			if slices.Contains(p.Storages, id) {
				return p.ID
			}
		}
	}
	return ""
}

// pathPrivs walks from / down to the path: what is said deeper replaces what
// was said above, and what is said of the user what is said of its groups.
func (s *Server) pathPrivs(typ, id string, groups []string, path string) (privs map[string]int, none bool) {
	roles := map[string]int{}
	for _, p := range prefixes(path) {
		if r := s.rolesAt(p, p == path, func(a *ACLEntry) bool { return a.Type == typ && a.ID == id }); len(r) > 0 {
			roles = r
			continue
		}
		if r := s.rolesAt(p, p == path, func(a *ACLEntry) bool { return a.Type == "group" && slices.Contains(groups, a.ID) }); len(r) > 0 {
			roles = r
		}
	}
	out := map[string]int{}
	if _, no := roles["NoAccess"]; no {
		return out, true
	}
	for role, propagate := range roles {
		ps, _ := s.rolePrivs(role)
		for _, p := range ps {
			out[p] |= propagate
		}
	}
	return out, false
}

func (s *Server) rolesAt(path string, final bool, mine func(*ACLEntry) bool) map[string]int {
	out := map[string]int{}
	for _, a := range s.world.ACL {
		if a.Path == path && mine(a) && (final || a.Propagate) {
			out[a.Role] = yes(a.Propagate)
		}
	}
	return out
}

// prefixes of /a/b are /, /a and /a/b.
func prefixes(path string) []string {
	out := []string{"/"}
	at := ""
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part != "" {
			at += "/" + part
			out = append(out, at)
		}
	}
	return out
}

// perm guards a route with any of the privileges on a path, in which
// {parameters} of the URI stand.
func perm(path string, privs ...string) guard {
	re := regexp.MustCompile(`\{(\w+)\}`)
	return func(c *call) error {
		return c.check(re.ReplaceAllStringFunc(path, func(m string) string { return c.uri[strings.Trim(m, "{}")] }), privs...)
	}
}

// selfOr lets users at their own things.
func selfOr(g guard) guard {
	return func(c *call) error {
		if c.uri["userid"] == c.who.user || c.raw.Get("userid") == c.who.user {
			return nil
		}
		return g(c)
	}
}

// allocator guards what makes a guest: VM.Allocate on the guest or its pool.
func allocator(idParam string, also ...guard) guard {
	return func(c *call) error {
		for _, g := range also {
			if err := g(c); err != nil {
				return err
			}
		}
		if c.may("/vms/"+c.raw.Get(idParam), "VM.Allocate") {
			return nil
		}
		if p := c.raw.Get("pool"); p != "" && c.may("/pool/"+p, "VM.Allocate") {
			return nil
		}
		return &apiError{status: 403, msg: "Permission check failed"}
	}
}

// permissions is GET /access/permissions.
func permissions(c *call) (any, error) {
	who := c.who
	if id := c.p["userid"]; id != "" && id != c.who.full() {
		if user, _, _ := strings.Cut(id, "!"); user != c.who.user {
			if err := c.check("/access", "Sys.Audit"); err != nil {
				return nil, err
			}
		}
		who = c.s.identityOf(id)
		if who == nil {
			return nil, die("no such user ('%s')", id)
		}
	}
	paths := []string{"/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"}
	for _, a := range c.s.world.ACL {
		paths = append(paths, a.Path)
	}
	for _, m := range c.s.guests {
		if m.Pool != "" {
			paths = append(paths, "/vms/"+itoa(m.VMID))
		}
	}
	for _, p := range c.s.world.Pools {
		for _, st := range p.Storages {
			paths = append(paths, "/storage/"+st)
		}
	}
	if c.has("path") {
		paths = []string{c.p["path"]}
	}
	out := obj{}
	for _, p := range paths {
		have := c.s.privs(who, p)
		if len(have) == 0 && !c.has("path") {
			continue
		}
		row := obj{}
		for priv, propagate := range have {
			row[priv] = propagate
		}
		out[p] = row
	}
	return out, nil
}

// identityOf makes the identity of a user or token name.
func (s *Server) identityOf(name string) *identity {
	user, id, isToken := strings.Cut(name, "!")
	u := s.world.user(user)
	if u == nil {
		return nil
	}
	who := &identity{user: user}
	if isToken {
		t := u.token(id)
		if t == nil {
			return nil
		}
		who.token, who.privsep = id, t.Privsep
	}
	return who
}
