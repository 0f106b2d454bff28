package proxmox

import "recon/inventory"

// Lines are the command lines for a node that recon and its documents print.
func Lines() []inventory.Line {
	user, token := "the user, with its realm: recon@pve", "the name of the token, what stands behind the ! in user@realm!name"
	role, path := "the role's name", "the path from which on it counts: / is everything, /vms/106 one guest"
	who := map[string]string{
		"PATH": path, "--users": "users to whom it is given", "--tokens": "tokens to which it is given; one with privsep has what both it and its user have", "--groups": "groups to which it is given",
		"--roles": "the roles: PVEAuditor may look at everything and change nothing, NoAccess may do nothing; the others stand in pveum role list", "--propagate": "0: for this path alone; 1, as without it: for what is below it too",
	}
	privileges := "its privileges, by blanks or commas; docs/attributes.md says which attribute needs which"
	until := "the Unix time until which it counts; 0 is without end"
	lost := "whoever works with it is refused from that moment on"
	return []inventory.Line{
		{Form: "pveum role add ROLE", Does: "makes a role: a set of privileges, which nobody has before it is given", Words: map[string]string{"ROLE": role, "--privs": privileges}, Risks: []string{"it is refused where the role is there already: pveum role modify changes that one"}, Undo: "pveum role delete ROLE"},
		{Form: "pveum role list", Does: "lists roles and their privileges; it changes nothing", Undo: "there is nothing to undo"},
		{Form: "pveum user add USER", Does: "makes a user of Proxmox, without password and without rights", Words: map[string]string{"USER": user}, Risks: []string{"it is refused where the user is there already"}, Undo: "pveum user delete USER, which takes its tokens along"},
		{Form: "pveum user modify USER", Does: "changes a user", Words: map[string]string{"USER": user, "--enable": "1: it may log in; 0: neither it nor its tokens may do anything", "--expire": until}, Risks: []string{"a user whose time is over keeps its tokens from working, too"}, Undo: "the same with the former values: pveum user list"},
		{
			Form: "pveum user token add USER TOKENID", Does: "makes a token of a user and prints its secret, once", Words: map[string]string{"USER": user, "TOKENID": token, "--privsep": "1: it has no more rights than it is given itself, and no more than its user; 0: all of its user's", "--expire": until},
			Risks: []string{"whoever reads the secret may do what the token may; it stands on the terminal"}, Undo: "pveum user token remove USER TOKENID",
		},
		{Form: "pveum user token modify USER TOKENID", Does: "changes a token; its secret stays", Words: map[string]string{"USER": user, "TOKENID": token, "--expire": until, "--privsep": "1: it has no more rights than it is given itself"}, Risks: []string{"a token without end is good for whoever finds it later"}, Undo: "the same with the former values: pveum user token list USER"},
		{Form: "pveum user token remove USER TOKENID", Does: "removes a token", Words: map[string]string{"USER": user, "TOKENID": token}, Risks: []string{lost}, Undo: "pveum user token add makes another one, with another secret"},
		{Form: "pveum user token list USER", Does: "lists the tokens of a user and until when they count, without secrets; it changes nothing", Words: map[string]string{"USER": user}, Undo: "there is nothing to undo"},
		{Form: "pveum acl list", Does: "lists who has which role on which path; it changes nothing", Undo: "there is nothing to undo"},
		{
			Form: "pveum acl modify PATH", Does: "gives roles to users and tokens on a path and what is below it", Words: who,
			Risks: []string{"a role on a path replaces, for that path and below, what the same user or token was given further up", "on / it is a right to everything in the cluster"}, Undo: "pveum acl delete with the same words",
		},
		{Form: "pveum acl delete PATH", Does: "takes roles of users and tokens on a path away", Words: who, Risks: []string{lost, "what was given further up counts there again"}, Undo: "pveum acl modify with the same words"},
		{
			Form: "pct set VMID", Does: "changes a container, on its node", Words: map[string]string{"VMID": "the container's number", "--features": "what the container may do beside the ordinary; the list replaces the former one, and root@pam alone may set most of it"},
			Risks: []string{"nesting and keyctl let what runs inside come closer to the node", "it counts from the container's next restart"}, Undo: "the same with the former list: pct config VMID",
		},
	}
}
