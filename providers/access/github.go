package access

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"recon/inventory"
)

// githubRefusals are GitHub's (docs.github.com, "Troubleshooting the REST API").
var githubRefusals = []refusal{
	{
		words: "secondary rate limit", layer: inventory.LayerAnswer, unknown: true,
		said: "GitHub answers no more requests for a while",
		fix:  []string{"ask less often: every = \"1h\""},
	},
	{
		status: []int{401}, layer: inventory.LayerToken,
		said: "GitHub does not know the token: it was revoked, has expired, or was never made ({words})",
		fix:  []string{"Settings > Developer settings > Personal access tokens > Generate new token"},
	},
	{
		status: []int{403}, words: "account was suspended", layer: inventory.LayerToken,
		said: "the account of the token is suspended",
		fix:  []string{"ask GitHub's support, or the administrator of the server"},
	},
	{
		status: []int{403}, words: "saml enforcement", layer: inventory.LayerScope,
		said: "the organisation asks for single sign-on, and the token is not authorised for it",
		fix:  []string{"Settings > Developer settings > Personal access tokens > Configure SSO > Authorize"},
	},
	{
		status: []int{403}, words: "forbids access via a", layer: inventory.LayerScope,
		said: "the organisation does not take tokens of this kind ({words})",
		fix:  []string{"make the other kind of token, classic or fine-grained, or change Organisation settings > Personal access tokens"},
	},
	{
		status: []int{403}, words: "resource not accessible", layer: inventory.LayerScope,
		said: "the token was not given that permission ({words})",
		fix:  []string{"Settings > Developer settings > Fine-grained tokens > the token > Permissions"},
	},
}

// githubIncludes are the scopes that a scope of a classic token includes
// (docs.github.com, "Scopes for OAuth apps").
var githubIncludes = map[string][]string{
	"repo": {"repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"}, "user": {"read:user", "user:email", "user:follow"},
	"admin:org": {"write:org", "read:org", "manage_runners:org"}, "write:org": {"read:org"}, "write:packages": {"read:packages"},
	"admin:repo_hook": {"write:repo_hook", "read:repo_hook"}, "write:repo_hook": {"read:repo_hook"}, "admin:public_key": {"write:public_key", "read:public_key"},
	"write:public_key": {"read:public_key"}, "admin:gpg_key": {"write:gpg_key", "read:gpg_key"}, "write:gpg_key": {"read:gpg_key"}, "project": {"read:project"},
}

type githubRepository struct {
	Name        string `json:"full_name"`
	Private     bool
	Permissions struct{ Admin, Maintain, Push, Triage, Pull bool }
}

// A githubToken is what GitHub says of the token in the headers of any answer.
type githubToken struct {
	login   string
	classic bool
	scopes  []string // of a classic one
}

func (t *trial) github(ctx context.Context) error {
	if t.token() == "" {
		return noToken()
	}
	base := "https://api.github.com"
	if at := t.Text("url"); at != "" {
		base = strings.TrimSuffix(at, "/") + "/api/v3"
	}
	header := http.Header{"Authorization": {"Bearer " + t.token()}, "Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"}}
	token, err := t.githubToken(ctx, base, header)
	if err != nil || t.Text("repository") == "" {
		return err
	}
	return t.githubRepository(ctx, base, header, token)
}

func (t *trial) githubToken(ctx context.Context, base string, header http.Header) (out githubToken, err error) {
	a, err := t.get(ctx, base+"/user", header)
	if err != nil {
		return out, err
	}
	var user struct{ Login string }
	if a.status != http.StatusOK || !a.into(&user) || user.Login == "" {
		return out, refused("GitHub", githubRefusals, a)
	}
	out.login = user.Login
	t.holds(inventory.LayerToken, "it is %s's", user.Login)
	if until, ok := githubTime(a.header.Get("Github-Authentication-Token-Expiration")); ok {
		if err := t.daysLeft(inventory.LayerExpiry, "the token", until, "Settings > Developer settings > Personal access tokens > the token > Regenerate token"); err != nil {
			return out, err
		}
	}
	_, out.classic = a.header["X-Oauth-Scopes"]
	out.scopes = strings.FieldsFunc(a.header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	wanted := inventory.Strings(t.Attrs["scopes"])
	lacks := lackingScopes(wanted, out.scopes, githubIncludes)
	switch {
	case len(wanted) > 0 && !out.classic:
		return out, unknown(inventory.LayerScope,
			"the token is fine-grained, has permissions and no scopes, and GitHub does not say which", "take scopes out of the check")
	case len(lacks) > 0:
		return out, fails(inventory.LayerScope,
			fmt.Sprintf("the token has %s and lacks %s", listed("scope", out.scopes), strings.Join(lacks, ", ")),
			"Settings > Developer settings > Tokens (classic) > the token: tick "+strings.Join(lacks, ", "))
	case out.classic:
		t.holds(inventory.LayerScope, "it has %s", listed("scope", out.scopes))
	}
	return out, nil
}

// githubTime reads when a token ends: 2026-12-27 10:00:00 UTC, or with an offset.
func githubTime(s string) (time.Time, bool) {
	for _, form := range []string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700"} {
		if at, err := time.Parse(form, s); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func (t *trial) githubRepository(ctx context.Context, base string, header http.Header, token githubToken) error {
	name := t.Text("repository")
	a, err := t.get(ctx, base+"/repos/"+name, header)
	if err != nil {
		return err
	}
	var repo githubRepository
	switch {
	case a.status == http.StatusNotFound:
		return t.githubHidden(token, name)
	case a.status == http.StatusMovedPermanently:
		return fails(inventory.LayerAnswer, name+" was renamed or moved", "write its new name into the check")
	case a.status != http.StatusOK || !a.into(&repo):
		return refused("GitHub", githubRefusals, a)
	}
	return t.githubRole(token, &repo)
}

// githubHidden says why a repository is not shown: GitHub answers 404 for what somebody
// may not see.
func (t *trial) githubHidden(token githubToken, name string) error {
	if token.classic && len(lackingScopes([]string{"repo"}, token.scopes, githubIncludes)) > 0 {
		return fails(inventory.LayerScope,
			fmt.Sprintf("the token has %s: without repo it sees no private repository, and %s is private or not there", listed("scope", token.scopes), name),
			"Settings > Developer settings > Tokens (classic) > the token: tick repo")
	}
	fix := []string{fmt.Sprintf("in %s: Settings > Collaborators > Add people: %s", name, token.login)}
	if !token.classic {
		fix = append(fix, "and Settings > Developer settings > Fine-grained tokens > the token > Repository access: add "+name)
	}
	return fails(inventory.LayerMembership,
		fmt.Sprintf("user %s is no collaborator of %s, or the token was not given it, or there is no such repository: GitHub answers 404 to each", token.login, name),
		fix...)
}

// githubRole looks at what the account may do, and whether the token lets it.
func (t *trial) githubRole(token githubToken, repo *githubRepository) error {
	p := repo.Permissions
	levels := []struct {
		word string
		has  bool
	}{{"admin", p.Admin}, {"maintain", p.Maintain || p.Admin}, {"write", p.Push}, {"triage", p.Triage || p.Push}, {"read", p.Pull}}
	has, enough := "nothing", t.Text("needs") == ""
	for i := len(levels) - 1; i >= 0; i-- {
		if levels[i].has {
			has = levels[i].word
		}
		enough = enough || levels[i].has && levels[i].word == t.Text("needs")
	}
	writes := t.Text("needs") != "" && t.Text("needs") != "read"
	scope := map[bool]string{true: "repo", false: "public_repo"}[repo.Private]
	invite := fmt.Sprintf("in %s: Settings > Collaborators > %s: %s", repo.Name, token.login, t.Text("needs"))
	switch {
	case token.classic && writes && len(lackingScopes([]string{scope}, token.scopes, githubIncludes)) > 0:
		return fails(inventory.LayerScope,
			fmt.Sprintf("the token has %s, and to do more than read it needs %s", listed("scope", token.scopes), scope),
			"Settings > Developer settings > Tokens (classic) > the token: tick "+scope)
	case !enough && !repo.Private && !levels[3].has:
		return fails(inventory.LayerMembership,
			fmt.Sprintf("user %s is no collaborator of %s, or one who may only read; it is public, so everybody sees it", token.login, repo.Name),
			invite)
	case !enough:
		t.holds(inventory.LayerMembership, "%s sees %s", token.login, repo.Name)
		return fails(inventory.LayerRole,
			fmt.Sprintf("user %s has %s in %s, and %s is needed", token.login, has, repo.Name, t.Text("needs")), invite)
	}
	t.holds(inventory.LayerMembership, "%s sees %s", token.login, repo.Name)
	t.holds(inventory.LayerRole, "%s has %s there", token.login, has)
	return nil
}
