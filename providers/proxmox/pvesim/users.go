package pvesim

import (
	"maps"
	"slices"
	"strings"
)

func userRoutes(t *routeTable) {
	const details = "comment email@email enable:b expire:i>=0 firstname groups keys lastname"
	modify := perm("/access/groups", "User.Modify")
	create := func(c *call) error {
		_, realm, _ := strings.Cut(c.raw.Get("userid"), "@")
		if c.may("/access/realm/"+realm, "Realm.AllocateUser") {
			return nil
		}
		return c.check("/access/realm", "Realm.AllocateUser")
	}
	u := "/access/users"
	t.add("GET", u, "enabled:b full:b", nil, listUsers)
	t.add("POST", u, "userid!@user password "+details, create, createUser)
	t.add("GET", u+"/{userid}", "", selfOr(perm("/access/groups", "User.Modify", "Sys.Audit")), getUser)
	t.add("PUT", u+"/{userid}", "append:b "+details, modify, updateUser)
	t.add("DELETE", u+"/{userid}", "", modify, deleteUser)
	t.add("GET", u+"/{userid}/tfa", "multiple:b", selfOr(modify), func(*call) (any, error) { return obj{"realm": "pve", "types": []string{}}, nil })
	t.add("PUT", u+"/{userid}/unlock-tfa", "", modify, func(*call) (any, error) { return 0, nil })
	tok := u + "/{userid}/token"
	t.add("GET", tok, "", selfOr(modify), listTokens)
	t.add("GET", tok+"/{tokenid}", "", selfOr(modify), getToken)
	t.add("POST", tok+"/{tokenid}", "comment expire:i>=0 privsep:b", selfOr(modify), createToken)
	t.add("PUT", tok+"/{tokenid}", "comment delete expire:i>=0 privsep:b regenerate:b", selfOr(modify), updateToken)
	t.add("DELETE", tok+"/{tokenid}", "", selfOr(modify), deleteToken)
	g := "/access/groups"
	alloc := perm("/access/groups", "Group.Allocate")
	t.add("GET", g, "", nil, listGroups)
	t.add("POST", g, "groupid!@group comment", alloc, createGroup)
	t.add("GET", g+"/{groupid}", "", perm("/access/groups", "Sys.Audit", "Group.Allocate"), getGroup)
	t.add("PUT", g+"/{groupid}", "comment", alloc, updateGroup)
	t.add("DELETE", g+"/{groupid}", "", alloc, deleteGroup)
}

func (c *call) userOf() (*User, error) {
	u := c.s.world.user(c.uri["userid"])
	if u == nil {
		return nil, die("no such user ('%s')", c.uri["userid"])
	}
	return u, nil
}

func (u *User) show() obj {
	o := obj{"enable": yes(!u.Disabled), "expire": u.Expire}
	for k, v := range u.Props {
		o[k] = v
	}
	return o
}

func listUsers(c *call) (any, error) {
	rows := []obj{}
	all := c.may("/access/groups", "User.Modify", "Sys.Audit")
	for _, u := range c.s.world.Users {
		if !all && u.ID != c.who.user || c.has("enabled") && c.flag("enabled") == u.Disabled {
			continue
		}
		o := u.show()
		_, realm, _ := strings.Cut(u.ID, "@")
		o["userid"], o["realm-type"] = u.ID, realm
		if c.flag("full") {
			tokens := []obj{}
			for _, t := range u.Tokens {
				tokens = append(tokens, t.show())
			}
			o["groups"], o["tokens"] = joinComma(u.Groups), tokens
		}
		rows = append(rows, o)
	}
	return shuffle(rows), nil
}

// take copies the parameters of a request into a user.
func (u *User) take(p map[string]string) {
	if u.Props == nil {
		u.Props = Record{}
	}
	for k, v := range p {
		switch k {
		case "userid", "append":
		case "password":
			u.Password = v
		case "enable":
			u.Disabled = v == "0"
		case "expire":
			u.Expire = int64(atoi(v))
		case "groups":
			if p["append"] != "1" {
				u.Groups = nil
			}
			u.Groups = append(u.Groups, splitList(v)...)
		default:
			u.Props[k] = v
		}
	}
}

func createUser(c *call) (any, error) {
	id := c.p["userid"]
	if err := c.cfsLock("create user failed:", "file-user_cfg"); err != nil {
		return nil, err
	}
	if c.s.world.user(id) != nil {
		return nil, die("create user failed: user '%s' already exists", id)
	}
	for _, g := range splitList(c.p["groups"]) {
		if c.s.world.group(g) == nil {
			return nil, die("create user failed: no such group '%s'", g)
		}
	}
	u := &User{ID: id}
	u.take(c.p)
	c.s.world.Users = append(c.s.world.Users, u)
	c.s.dirty()
	return nil, nil
}

func getUser(c *call) (any, error) {
	u, err := c.userOf()
	if err != nil {
		return nil, err
	}
	o := u.show()
	tokens := obj{}
	for _, t := range u.Tokens {
		o := t.show()
		delete(o, "tokenid")
		tokens[t.ID] = o
	}
	o["groups"], o["tokens"] = append([]string{}, u.Groups...), tokens
	return o, nil
}

func updateUser(c *call) (any, error) {
	u, err := c.userOf()
	if err != nil {
		return nil, die("update user failed: %s", err)
	}
	u.take(maps.Clone(c.p))
	c.s.dirty()
	return nil, nil
}

func deleteUser(c *call) (any, error) {
	u, err := c.userOf()
	if err != nil {
		return nil, die("delete user failed: %s", err)
	}
	w := c.s.world
	w.Users = slices.DeleteFunc(w.Users, func(o *User) bool { return o == u })
	w.ACL = slices.DeleteFunc(w.ACL, func(a *ACLEntry) bool { return a.ID == u.ID || strings.HasPrefix(a.ID, u.ID+"!") })
	c.s.dirty()
	return nil, nil
}

func (t *Token) show() obj {
	o := obj{"tokenid": t.ID, "privsep": yes(t.Privsep), "expire": t.Expire}
	if t.Comment != "" {
		o["comment"] = t.Comment
	}
	return o
}

func listTokens(c *call) (any, error) {
	u, err := c.userOf()
	if err != nil {
		return nil, err
	}
	rows := []obj{}
	for _, t := range u.Tokens {
		rows = append(rows, t.show())
	}
	return shuffle(rows), nil
}

func (c *call) tokenOf() (*User, *Token, error) {
	u, err := c.userOf()
	if err != nil {
		return nil, nil, err
	}
	t := u.token(c.uri["tokenid"])
	if t == nil {
		return u, nil, die("no such token '%s' for user '%s'", c.uri["tokenid"], u.ID)
	}
	return u, t, nil
}

func getToken(c *call) (any, error) {
	_, t, err := c.tokenOf()
	if err != nil {
		return nil, err
	}
	o := t.show()
	delete(o, "tokenid")
	return o, nil
}

func createToken(c *call) (any, error) {
	id := c.uri["tokenid"]
	if err := c.s.formats.checks["token"](id); err != nil {
		return nil, badParam("tokenid", "invalid format - "+err.Error()+"\n")
	}
	u, t, err := c.tokenOf()
	if u == nil {
		return nil, err
	}
	if t != nil {
		return nil, die("Token already exists.")
	}
	t = &Token{ID: id, Secret: newUUID(), Privsep: c.p["privsep"] != "0", Comment: c.p["comment"], Expire: int64(atoi(c.p["expire"]))}
	u.Tokens = append(u.Tokens, t)
	c.s.dirty()
	info := obj{"privsep": itoa(yes(t.Privsep))}
	for _, k := range []string{"comment", "expire"} {
		if v, ok := c.p[k]; ok {
			info[k] = v
		}
	}
	return obj{"full-tokenid": u.ID + "!" + id, "value": t.Secret, "info": info}, nil
}

func updateToken(c *call) (any, error) {
	u, t, err := c.tokenOf()
	if err != nil {
		return nil, err
	}
	if c.has("comment") {
		t.Comment = c.p["comment"]
	}
	if c.has("expire") {
		t.Expire = int64(atoi(c.p["expire"]))
	}
	if c.has("privsep") {
		t.Privsep = c.flag("privsep")
	}
	o := t.show()
	delete(o, "tokenid")
	if c.flag("regenerate") {
		t.Secret = newUUID()
		o["full-tokenid"], o["value"] = u.ID+"!"+t.ID, t.Secret
	}
	c.s.dirty()
	return o, nil
}

func deleteToken(c *call) (any, error) {
	u, t, err := c.tokenOf()
	if err != nil {
		return nil, err
	}
	u.Tokens = slices.DeleteFunc(u.Tokens, func(o *Token) bool { return o == t })
	full := u.ID + "!" + t.ID
	c.s.world.ACL = slices.DeleteFunc(c.s.world.ACL, func(a *ACLEntry) bool { return a.Type == "token" && a.ID == full })
	c.s.dirty()
	return nil, nil
}

// members lists the users of a group.
func (w *World) members(group string) []string {
	out := []string{}
	for _, u := range w.Users {
		if slices.Contains(u.Groups, group) {
			out = append(out, u.ID)
		}
	}
	return out
}

func listGroups(c *call) (any, error) {
	rows := []obj{}
	for _, g := range c.s.world.Groups {
		if c.may("/access/groups/"+g.ID, "User.Modify", "Sys.Audit", "Group.Allocate") {
			rows = append(rows, obj{"groupid": g.ID, "comment": g.Comment, "users": joinComma(c.s.world.members(g.ID))})
		}
	}
	return shuffle(rows), nil
}

func createGroup(c *call) (any, error) {
	id := c.p["groupid"]
	if c.s.world.group(id) != nil {
		return nil, die("create group failed: group '%s' already exists", id)
	}
	c.s.world.Groups = append(c.s.world.Groups, &Group{ID: id, Comment: c.p["comment"]})
	c.s.dirty()
	return nil, nil
}

func (c *call) groupOf() (*Group, error) {
	g := c.s.world.group(c.uri["groupid"])
	if g == nil {
		return nil, die("group '%s' does not exist", c.uri["groupid"])
	}
	return g, nil
}

func getGroup(c *call) (any, error) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	return obj{"comment": g.Comment, "members": c.s.world.members(g.ID)}, nil
}

func updateGroup(c *call) (any, error) {
	g, err := c.groupOf()
	if err != nil {
		return nil, err
	}
	if c.has("comment") {
		g.Comment = c.p["comment"]
	}
	c.s.dirty()
	return nil, nil
}

func deleteGroup(c *call) (any, error) {
	g, err := c.groupOf()
	if err != nil {
		return nil, die("delete group failed: %s", err)
	}
	w := c.s.world
	w.Groups = slices.DeleteFunc(w.Groups, func(o *Group) bool { return o == g })
	for _, u := range w.Users {
		u.Groups = slices.DeleteFunc(u.Groups, func(s string) bool { return s == g.ID })
	}
	c.s.dirty()
	return nil, nil
}
