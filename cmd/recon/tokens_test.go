package main

import (
	"slices"
	"strings"

	"recon/providers/proxmox/pvesim"

	"github.com/rogpeppe/go-internal/testscript"
)

const tokenSecret = "0f3b5a52-2d0b-4e4f-9d41-6a1f0c6f2b11"

// setToken gives a token these rights and no others. A token without privilege
// separation has those of its user; one with it has those that both have.
func setToken(sim *pvesim.Server, id string, privsep bool, rights map[string][]string) string {
	user, name, _ := strings.Cut(id, "!")
	sim.Update(func(w *pvesim.World) {
		w.Users = slices.DeleteFunc(w.Users, func(u *pvesim.User) bool { return u.ID == user })
		w.Users = append(w.Users, &pvesim.User{ID: user, Tokens: []*pvesim.Token{{ID: name, Secret: tokenSecret, Privsep: privsep}}})
		w.ACL = slices.DeleteFunc(w.ACL, func(a *pvesim.ACLEntry) bool { return a.ID == user || a.ID == id })
		kind, holder := "user", user
		if privsep { // what its user may do is no help to it
			kind, holder = "token", id
			w.ACL = append(w.ACL, &pvesim.ACLEntry{Path: "/", Role: "Administrator", Type: "user", ID: user, Propagate: true})
		}
		for path, roles := range rights {
			for _, role := range roles {
				w.ACL = append(w.ACL, &pvesim.ACLEntry{Path: path, Role: role, Type: kind, ID: holder, Propagate: true})
			}
		}
	})
	return id + "=" + tokenSecret
}

func cmdToken(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 || !strings.Contains(args[0], "!") {
		ts.Fatalf("usage: token USER!NAME [--privsep] [PATH=ROLE,...]...")
	}
	rights, privsep := map[string][]string{}, false
	for _, a := range args[1:] {
		path, roles, given := strings.Cut(a, "=")
		switch {
		case a == "--privsep":
			privsep = true
		case !given:
			ts.Fatalf("%q is not PATH=ROLE", a)
		default:
			rights[path] = strings.Split(roles, ",")
		}
	}
	ts.Setenv("PVE_TOKEN", setToken(ts.Value(simKey{}).(*scriptSim).server, args[0], privsep, rights))
}

func cmdRole(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: role NAME PRIVILEGE...")
	}
	setRole(ts.Value(simKey{}).(*scriptSim).server, args[0], args[1:]...)
}

// setRole makes a role.
func setRole(sim *pvesim.Server, name string, privileges ...string) {
	sim.Update(func(w *pvesim.World) { w.Roles = append(w.Roles, &pvesim.Role{ID: name, Privs: privileges}) })
}
