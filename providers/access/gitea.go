package access

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

// giteaRefusals are Gitea's and Forgejo's, from routers/api/v1/api.go.
var giteaRefusals = []refusal{
	{
		status: []int{401}, layer: inventory.LayerToken,
		said: "the token is not known there: it was never made, was deleted, or is of another server ({words})",
		fix:  []string{"Settings > Applications > Manage access tokens > Generate token"},
	},
	{
		status: []int{403}, words: "required scope", layer: inventory.LayerScope,
		said: "the scopes of the token do not allow that ({words})",
		fix:  []string{"scopes of a token cannot be changed; make one with them: Settings > Applications > Manage access tokens"},
	},
	{
		status: []int{403}, words: "limited to public", layer: inventory.LayerScope,
		said: "the token is for public things only ({words})",
		fix:  []string{"make a token for public and private: Settings > Applications > Manage access tokens"},
	},
	{
		status: []int{403}, words: "not activated", layer: inventory.LayerToken,
		said: "the account of the token is not activated",
		fix:  []string{"follow the link in the mail, or an administrator: Site administration > User accounts > Activated"},
	},
	{
		status: []int{403}, words: "prohibited", layer: inventory.LayerToken,
		said: "the account of the token may not sign in ({words})",
		fix:  []string{"an administrator: Site administration > User accounts > Disable sign-in, off"},
	},
	{
		status: []int{403}, words: "must change", layer: inventory.LayerToken,
		said: "the account of the token has to change its password first ({words})",
		fix:  []string{"sign in as that account and change it"},
	},
}

type giteaRepository struct {
	Name        string `json:"full_name"`
	Private     bool
	Permissions struct{ Admin, Push, Pull bool }
}

func (t *trial) gitea(ctx context.Context) error {
	if t.token() == "" {
		return noToken()
	}
	base := strings.TrimSuffix(t.Text("url"), "/") + "/api/v1"
	header := http.Header{"Authorization": {"token " + t.token()}}
	login, err := t.giteaUser(ctx, base, header)
	if err == nil {
		err = t.giteaScopes(ctx, base, header)
	}
	if err != nil || t.Text("repository") == "" {
		return err
	}
	return t.giteaRepository(ctx, base, header, login)
}

// giteaUser finds out whose token it is. One that may not see its own account is still
// known: then the account is "its account".
func (t *trial) giteaUser(ctx context.Context, base string, header http.Header) (string, error) {
	a, err := t.get(ctx, base+"/user", header)
	if err != nil {
		return "", err
	}
	var user struct{ Login string }
	switch {
	case a.status == http.StatusOK && a.into(&user) && user.Login != "":
		t.holds(inventory.LayerToken, "it is %s's", user.Login)
		return "user " + user.Login, nil
	case a.status == http.StatusForbidden && strings.Contains(a.words(), "required scope"):
		t.holds(inventory.LayerToken, "it is known there; whose it is, a token without read:user does not see")
		return "the account of the token", nil
	case a.status == http.StatusNotFound:
		return "", fails(inventory.LayerAnswer,
			"what answers there is no Gitea and no Forgejo", "correct the url: https://git.example.net, without /api")
	}
	return "", refused("Gitea", giteaRefusals, a)
}

// tokenScopes finds the scopes that a refusal names (since Gitea 1.22).
var tokenScopes = regexp.MustCompile(`token scope=([a-z:,_-]*)`)

// giteaScopes looks for the scopes that are wanted. Nothing tells them but the refusal of
// something that needs another one: that of the administration is had by few.
func (t *trial) giteaScopes(ctx context.Context, base string, header http.Header) error {
	wanted := inventory.Strings(t.Attrs["scopes"])
	if len(wanted) == 0 {
		return nil
	}
	a, err := t.get(ctx, base+"/admin/orgs?limit=1", header)
	if err != nil {
		return err
	}
	m := tokenScopes.FindStringSubmatch(a.words())
	if m == nil {
		return unknown(inventory.LayerScope,
			"which scopes the token has is not to be seen: Gitea names them only where it refuses one, and this token may administrate, or Gitea is older than 1.22",
			"take scopes out of the check")
	}
	has := strings.Split(m[1], ",")
	lacks := slices.DeleteFunc(wanted, func(w string) bool {
		area, isRead := strings.CutPrefix(w, "read:")
		return slices.Contains(has, "all") || slices.Contains(has, w) || isRead && slices.Contains(has, "write:"+area)
	})
	if len(lacks) > 0 {
		return fails(inventory.LayerScope,
			fmt.Sprintf("the token has %s and lacks %s", listed("scope", has), strings.Join(lacks, ", ")),
			"scopes of a token cannot be changed; make one with them: Settings > Applications > Manage access tokens")
	}
	t.holds(inventory.LayerScope, "it has %s", listed("scope", has))
	return nil
}

func (t *trial) giteaRepository(ctx context.Context, base string, header http.Header, login string) error {
	name := t.Text("repository")
	var repo giteaRepository
	a, err := t.get(ctx, base+"/repos/"+name, header)
	invite := fmt.Sprintf("in %s: Settings > Collaborators > Add collaborator: %s, with %s",
		name, strings.TrimPrefix(login, "user "), giteaAccess(t.Text("needs")))
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNotFound:
		return fails(inventory.LayerMembership,
			fmt.Sprintf("%s is no collaborator of %s, or there is no such repository: 404 is the answer to both", login, name), invite)
	case a.status != http.StatusOK || !a.into(&repo):
		return refused("Gitea", giteaRefusals, a)
	}
	p := repo.Permissions
	has := map[string]bool{"": true, "read": p.Pull, "write": p.Push, "admin": p.Admin}
	if has[t.Text("needs")] {
		t.holds(inventory.LayerMembership, "%s sees %s", login, repo.Name)
		t.holds(inventory.LayerRole,
			"and may %s it", map[bool]string{true: "administrate", false: map[bool]string{true: "write", false: "read"}[p.Push]}[p.Admin])
		return nil
	}
	if user, known := strings.CutPrefix(login, "user "); known && !p.Push {
		a, err := t.get(ctx, base+"/repos/"+name+"/collaborators/"+user, header)
		if err != nil {
			return err
		}
		if a.status == http.StatusNotFound && !repo.Private {
			return fails(inventory.LayerMembership,
				fmt.Sprintf("%s is no collaborator of %s, and sees it because it is public", login, repo.Name), invite)
		}
	}
	t.holds(inventory.LayerMembership, "%s sees %s", login, repo.Name)
	return fails(inventory.LayerRole,
		fmt.Sprintf("%s may not %s %s", login, map[string]string{"read": "read", "write": "write", "admin": "administrate"}[t.Text("needs")], repo.Name),
		invite)
}

// giteaAccess is what Gitea calls a level of access.
func giteaAccess(needs string) string {
	if needs == "" {
		needs = "read"
	}
	return map[string]string{"read": "Read", "write": "Write", "admin": "Administrator"}[needs]
}
