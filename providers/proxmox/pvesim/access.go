package pvesim

import (
	"slices"
	"strings"
)

func accessRoutes(t *routeTable) {
	t.add("GET", "/access", "", nil, index("users", "groups", "roles", "acl", "domains", "tfa", "permissions", "ticket", "password"))
	ticket := t.add("POST", "/access/ticket", "username!~64 password! realm otp path privs new-format:b tfa-challenge", nil, createTicket)
	ticket.world, ticket.noToken = true, true
	t.add("GET", "/access/ticket", "", nil, func(*call) (any, error) { return nil, nil }).world = true
	t.add("GET", "/access/permissions", "path userid", nil, permissions)
	t.add("PUT", "/access/password", "userid!@user password!~64 confirmation-password", selfOr(perm("/access/groups", "User.Modify")), setPassword).noToken = true
	t.add("GET", "/access/acl", "", nil, listACL)
	t.add("PUT", "/access/acl", "path! roles! delete:b groups propagate:b tokens users", mayGrant, setACL)
	t.add("GET", "/access/roles", "", nil, listRoles)
	t.add("POST", "/access/roles", "roleid!@role privs", perm("/access", "Sys.Modify"), createRole)
	t.add("GET", "/access/roles/{roleid}", "", nil, getRole)
	t.add("PUT", "/access/roles/{roleid}", "append:b privs", perm("/access", "Sys.Modify"), updateRole)
	t.add("DELETE", "/access/roles/{roleid}", "", perm("/access", "Sys.Modify"), deleteRole)
	t.add("GET", "/access/domains", "", nil, listRealms).world = true
	recordRoutes{
		path: "/access/domains", id: "realm", params: `comment default:b server1 server2 port:i>=1<=65535 base_dn bind_dn user_attr domain
 secure:b mode(ldap|ldaps|ldap+starttls) verify:b filter password tfa issuer-url client-id client-key autocreate:b case-sensitive:b
 sync-defaults-options sync_attributes`, fixed: "type!(ad|ldap|openid|pam|pve) username-claim", change: "digest~64", what: "domain",
		list: func(w *World) *[]Record { return &w.Realms }, read: perm("/access/realm", "Realm.Allocate", "Sys.Audit"), write: perm("/access/realm", "Realm.Allocate"),
	}.add(t)
	t.add("GET", "/access/domains", "", nil, listRealms).world = true
	t.add("GET", "/access/tfa", "", nil, func(*call) (any, error) { return []obj{}, nil })
	t.add("GET", "/access/tfa/{userid}", "", nil, func(*call) (any, error) { return []obj{}, nil })
}

func listRealms(c *call) (any, error) {
	rows := []obj{{"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"}, {"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"}}
	for _, r := range c.s.world.Realms {
		rows = append(rows, obj{"realm": r["id"], "type": r["type"], "comment": r["comment"]})
	}
	return rows, nil
}

func setPassword(c *call) (any, error) {
	u := c.s.world.user(c.p["userid"])
	if u == nil {
		return nil, die("no such user ('%s')", c.p["userid"])
	}
	u.Password = c.p["password"]
	c.s.dirty()
	return nil, nil
}

// listACL shows every entry to those who may see them, and otherwise none.
func listACL(c *call) (any, error) {
	rows := []obj{}
	audit := c.may("/access", "Sys.Audit", "Permissions.Modify")
	for _, a := range c.s.world.ACL {
		if audit || c.may(a.Path, "Permissions.Modify") {
			rows = append(rows, obj{"path": a.Path, "roleid": a.Role, "type": a.Type, "ugid": a.ID, "propagate": yes(a.Propagate)})
		}
	}
	return shuffle(rows), nil
}

// mayGrant requires Permissions.Modify on the path.
func mayGrant(c *call) error {
	return c.check(aclPath(c.raw.Get("path")), "Permissions.Modify")
}

// aclPath normalises a path: one slash, none at the end.
func aclPath(p string) string {
	out := "/" + strings.Trim(p, "/")
	for strings.Contains(out, "//") {
		out = strings.ReplaceAll(out, "//", "/")
	}
	return out
}

func setACL(c *call) (any, error) {
	if err := c.cfsLock("ACL update failed:", "file-user_cfg"); err != nil {
		return nil, err
	}
	if !c.has("users") && !c.has("groups") && !c.has("tokens") {
		missing := "either 'users', 'groups' or 'tokens' is required."
		return nil, badParams(map[string]string{"users": missing, "groups": missing, "tokens": missing})
	}
	path := aclPath(c.p["path"])
	propagate := c.p["propagate"] != "0"
	for _, role := range splitList(c.p["roles"]) {
		if _, ok := c.s.rolePrivs(role); !ok {
			return nil, die("ACL update failed: role '%s' does not exist", role)
		}
		for param, typ := range map[string]string{"users": "user", "groups": "group", "tokens": "token"} {
			for _, id := range splitList(c.p[param]) {
				if err := c.knownSubject(typ, id); err != nil {
					return nil, die("ACL update failed: %s", err)
				}
				c.grant(&ACLEntry{Path: path, Role: role, Type: typ, ID: id, Propagate: propagate})
			}
		}
	}
	c.s.dirty()
	return nil, nil
}

// grant adds or removes an entry.
func (c *call) grant(a *ACLEntry) {
	w := c.s.world
	w.ACL = slices.DeleteFunc(w.ACL, func(o *ACLEntry) bool {
		return o.Path == a.Path && o.Role == a.Role && o.Type == a.Type && o.ID == a.ID
	})
	if !c.flag("delete") {
		w.ACL = append(w.ACL, a)
	}
}

func (c *call) knownSubject(typ, id string) error {
	switch typ {
	case "user":
		if c.s.world.user(id) == nil {
			return die("user '%s' does not exist", id)
		}
	case "group":
		if c.s.world.group(id) == nil {
			return die("group '%s' does not exist", id)
		}
	case "token":
		if c.s.identityOf(id) == nil {
			user, tok, _ := strings.Cut(id, "!")
			return die("no such token '%s' for user '%s'", tok, user)
		}
	}
	return nil
}

func listRoles(c *call) (any, error) {
	rows := []obj{}
	for id, privs := range c.s.roles {
		rows = append(rows, obj{"roleid": id, "privs": joinComma(shuffledCopy(privs)), "special": 1})
	}
	for _, r := range c.s.world.Roles {
		rows = append(rows, obj{"roleid": r.ID, "privs": joinComma(r.Privs), "special": 0})
	}
	return shuffle(rows), nil
}

func getRole(c *call) (any, error) {
	privs, ok := c.s.rolePrivs(c.uri["roleid"])
	if !ok {
		return nil, die("role '%s' does not exist", c.uri["roleid"])
	}
	o := obj{}
	for _, p := range privs {
		o[p] = 1
	}
	return o, nil
}

// validPrivs checks the privileges of a role.
func (c *call) validPrivs() ([]string, error) {
	privs := splitList(c.p["privs"])
	for _, p := range privs {
		if !slices.Contains(c.s.roles["Administrator"], p) {
			return nil, die("invalid privilege '%s'", p)
		}
	}
	return privs, nil
}

func createRole(c *call) (any, error) {
	if err := c.cfsLock("create role failed:", "file-user_cfg"); err != nil {
		return nil, err
	}
	if _, ok := c.s.rolePrivs(c.p["roleid"]); ok {
		return nil, die("create role failed: role '%s' already exists", c.p["roleid"])
	}
	privs, err := c.validPrivs()
	if err != nil {
		return nil, die("create role failed: %s", err)
	}
	c.s.world.Roles = append(c.s.world.Roles, &Role{ID: c.p["roleid"], Privs: privs})
	c.s.dirty()
	return nil, nil
}

func (c *call) customRole() (*Role, error) {
	for _, r := range c.s.world.Roles {
		if r.ID == c.uri["roleid"] {
			return r, nil
		}
	}
	if _, ok := c.s.roles[c.uri["roleid"]]; ok {
		return nil, die("auto-generated role '%s' cannot be modified", c.uri["roleid"])
	}
	return nil, die("role '%s' does not exist", c.uri["roleid"])
}

func updateRole(c *call) (any, error) {
	r, err := c.customRole()
	if err != nil {
		return nil, err
	}
	privs, err := c.validPrivs()
	if err != nil {
		return nil, die("update role failed: %s", err)
	}
	if !c.flag("append") {
		r.Privs = nil
	}
	for _, p := range privs {
		if !slices.Contains(r.Privs, p) {
			r.Privs = append(r.Privs, p)
		}
	}
	c.s.dirty()
	return nil, nil
}

func deleteRole(c *call) (any, error) {
	r, err := c.customRole()
	if err != nil {
		return nil, err
	}
	c.s.world.Roles = slices.DeleteFunc(c.s.world.Roles, func(o *Role) bool { return o == r })
	c.s.world.ACL = slices.DeleteFunc(c.s.world.ACL, func(a *ACLEntry) bool { return a.Role == r.ID })
	c.s.dirty()
	return nil, nil
}
