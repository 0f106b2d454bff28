package access

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"recon/inventory"
)

// A gitlabRole is an access level of members (GitLab's documentation, api/members).
type gitlabRole struct {
	word, name string
	level      int
}

var gitlabRoles = []gitlabRole{{"guest", "Guest", 10}, {"planner", "Planner", 15}, {"reporter", "Reporter", 20}, {"developer", "Developer", 30}, {"maintainer", "Maintainer", 40}, {"owner", "Owner", 50}}

// gitlabRefusals are GitLab's, from lib/api/api_guard.rb and
// lib/gitlab/auth/user_access_denied_reason.rb.
var gitlabRefusals = []refusal{
	{
		status: []int{401}, words: "token is expired", layer: inventory.LayerExpiry,
		said: "the token has expired",
		fix:  []string{"Edit profile > Access tokens > Add new token; of a project or group: Settings > Access tokens"},
	},
	{
		status: []int{401}, words: "token was revoked", layer: inventory.LayerToken,
		said: "the token was revoked",
		fix:  []string{"Edit profile > Access tokens > Add new token; of a project or group: Settings > Access tokens"},
	},
	{
		status: []int{401}, words: "impersonation was disabled", layer: inventory.LayerToken,
		said: "it is an impersonation token, and these are disabled there",
		fix:  []string{"make a personal access token: Edit profile > Access tokens"},
	},
	{
		status: []int{401}, layer: inventory.LayerToken,
		said: "GitLab does not know the token: it was never made, was deleted, or is of another GitLab ({words})",
		fix:  []string{"Edit profile > Access tokens > Add new token, and put it where the check takes it from"},
	},
	{
		status: []int{403}, words: "insufficient_scope", layer: inventory.LayerScope,
		said: "the scopes of the token do not allow that: {words}",
		fix:  []string{"make a token with the scope read_api, or api to change anything: Edit profile > Access tokens"},
	},
	{
		status: []int{403}, words: "has been blocked", layer: inventory.LayerToken,
		said: "the account of the token is blocked ({words})",
		fix:  []string{"an administrator: Admin > Users > Unblock"},
	},
	{
		status: []int{403}, words: "pending approval", layer: inventory.LayerToken,
		said: "the account of the token waits for approval ({words})",
		fix:  []string{"an administrator: Admin > Users > Pending approval > Approve"},
	},
	{
		status: []int{403}, words: "deactivated", layer: inventory.LayerToken,
		said: "the account of the token is deactivated ({words})",
		fix:  []string{"sign in as that account once, or an administrator: Admin > Users > Activate"},
	},
	{
		status: []int{403}, words: "password expired", layer: inventory.LayerToken,
		said: "the password of the account has expired ({words})",
		fix:  []string{"sign in as that account and choose another one"},
	},
	{
		status: []int{403}, words: "terms of service", layer: inventory.LayerToken,
		said: "the account has not accepted the terms of service ({words})",
		fix:  []string{"sign in as that account and accept them"},
	},
	{
		status: []int{403}, words: "confirm", layer: inventory.LayerToken,
		said: "the address of the account is not confirmed ({words})",
		fix:  []string{"follow the link in the confirmation's mail, or an administrator: Admin > Users > Confirm user"},
	},
}

// A gitlabToken is what /personal_access_tokens/self says, which any token may ask.
type gitlabToken struct {
	Name    string
	Scopes  []string
	Active  bool
	Revoked bool
	Expires string `json:"expires_at"` // a day
}

type gitlabUser struct {
	ID       int
	Username string
	Bot      bool
	Admin    bool `json:"is_admin"`
}

type gitlabProject struct {
	Path        string `json:"path_with_namespace"`
	Visibility  string
	Permissions struct {
		Project *gitlabMember `json:"project_access"`
		Group   *gitlabMember `json:"group_access"`
	}
}

type gitlabMember struct {
	Level int `json:"access_level"`
}

// api asks for JSON, and judges what is no answer.
func (t *trial) api(ctx context.Context, service, path string, header http.Header, own []refusal, v any) error {
	a, err := t.get(ctx, path, header)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK || !a.into(v) {
		return refused(service, own, a)
	}
	return nil
}

func (t *trial) gitlab(ctx context.Context) error {
	base := strings.TrimSuffix(t.Text("url"), "/") + "/api/v4"
	header := http.Header{"Private-Token": {t.token()}}
	if t.token() == "" {
		return noToken()
	}
	info, err := t.gitlabToken(ctx, base, header)
	if err != nil {
		return err
	}
	var user gitlabUser
	if err := t.api(ctx, "GitLab", base+"/user", header, gitlabRefusals, &user); err != nil {
		return withScopes(err, info.Scopes)
	}
	if user.Username == "" {
		return fails(inventory.LayerAnswer, "what answers there is no GitLab", "correct the url: https://gitlab.example.net, without a path")
	}
	t.holds(inventory.LayerToken, "it is %s's%s", user.Username, quoted(", named ", info.Name))
	if t.Text("project") == "" {
		return nil
	}
	return withScopes(t.gitlabProject(ctx, base, header, user), info.Scopes)
}

// gitlabToken looks at the token itself. GitLab before 15.5 cannot say, and there is
// nothing to say of a token of OAuth; then other answers decide.
func (t *trial) gitlabToken(ctx context.Context, base string, header http.Header) (info gitlabToken, err error) {
	a, err := t.get(ctx, base+"/personal_access_tokens/self", header)
	if err != nil {
		return info, err
	}
	switch {
	case a.status == http.StatusNotFound, a.status == http.StatusBadRequest:
		if len(inventory.Strings(t.Attrs["scopes"])) > 0 {
			return info, unknown(inventory.LayerScope,
				"GitLab does not say which scopes the token has: it is older than 15.5, or the token is no access token")
		}
		return info, nil
	case a.status != http.StatusOK || !a.into(&info):
		return info, refused("GitLab", gitlabRefusals, a)
	}
	renew := "Edit profile > Access tokens; of a project or group: Settings > Access tokens; or POST " + base + "/personal_access_tokens/self/rotate"
	if info.Revoked {
		return info, fails(inventory.LayerToken, "the token was revoked", renew)
	}
	if until, err := time.Parse(time.DateOnly, info.Expires); err == nil {
		if err := t.daysLeft(inventory.LayerExpiry, "the token", until, renew); err != nil {
			return info, err
		}
	}
	if missing := lackingScopes(inventory.Strings(t.Attrs["scopes"]), info.Scopes, gitlabIncludes); len(missing) > 0 {
		return info, fails(inventory.LayerScope,
			fmt.Sprintf("the token has %s and lacks %s", listed("scope", info.Scopes), strings.Join(missing, ", ")),
			"scopes of a token cannot be changed; make one with them: "+renew)
	}
	if len(info.Scopes) > 0 {
		t.holds(inventory.LayerScope, "it has %s", listed("scope", info.Scopes))
	}
	return info, nil
}

// gitlabIncludes are the scopes that a scope includes.
var gitlabIncludes = map[string][]string{"api": {"read_api", "read_user"}, "read_api": {"read_user"}, "write_repository": {"read_repository"}, "write_registry": {"read_registry"}}

// lackingScopes are those that are wanted and neither there nor included in one that is.
func lackingScopes(wanted, has []string, includes map[string][]string) (out []string) {
	for _, w := range wanted {
		if !slices.ContainsFunc(has, func(h string) bool { return h == w || slices.Contains(includes[h], w) }) {
			out = append(out, w)
		}
	}
	return out
}

func listed(what string, names []string) string {
	switch len(names) {
	case 0:
		return "no " + what
	case 1:
		return "the " + what + " " + names[0]
	}
	return "the " + what + "s " + strings.Join(names, ", ")
}

// quoted puts a name behind some words; nothing without one.
func quoted(before, name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("%s%q", before, name)
}

// withScopes adds to what fails for want of a scope which scopes there are.
func withScopes(err error, scopes []string) error {
	f, is := err.(*failure) //nolint:errorlint // made here, and not wrapped
	if !is || f.layer != inventory.LayerScope || len(scopes) == 0 {
		return err
	}
	f.said += "; it has " + listed("scope", scopes)
	return f
}

// gitlabProject looks whether the account is a member, and as what.
func (t *trial) gitlabProject(ctx context.Context, base string, header http.Header, user gitlabUser) error {
	at := base + "/projects/" + url.PathEscape(t.Text("project"))
	var project gitlabProject
	a, err := t.get(ctx, at, header)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNotFound:
		return t.noMember(base, user, t.Text("project"), ", or there is no such project: GitLab answers 404 to both")
	case a.status != http.StatusOK || !a.into(&project):
		return refused("GitLab", gitlabRefusals, a)
	}
	level, err := t.gitlabLevel(ctx, at, header, user, &project)
	switch {
	case err != nil:
		return err
	case level == 0 && user.Admin:
		t.holds(inventory.LayerMembership, "%s is no member of %s, and an administrator", user.Username, project.Path)
		return nil
	case level == 0:
		return t.noMember(base, user, project.Path, fmt.Sprintf(", and sees it because it is %s", project.Visibility))
	}
	t.holds(inventory.LayerMembership, "%s is a member of %s", user.Username, project.Path)
	return t.gitlabRole(base, user, project.Path, level)
}

// gitlabLevel is the level of the account in the project, with what it has from groups;
// 0 when it is no member.
func (t *trial) gitlabLevel(ctx context.Context, at string, header http.Header, user gitlabUser, p *gitlabProject) (level int, err error) {
	for _, has := range []*gitlabMember{p.Permissions.Project, p.Permissions.Group} {
		if has != nil {
			level = max(level, has.Level)
		}
	}
	var member gitlabMember
	a, err := t.get(ctx, fmt.Sprintf("%s/members/all/%d", at, user.ID), header)
	switch {
	case err != nil:
		return 0, err
	case a.status == http.StatusOK && a.into(&member):
		return max(level, member.Level), nil
	case a.status == http.StatusNotFound || level > 0:
		return level, nil
	}
	return 0, refused("GitLab", gitlabRefusals, a)
}

// noMember ends a check of somebody who does not belong to a project.
func (t *trial) noMember(base string, user gitlabUser, project, also string) error {
	said := fmt.Sprintf("user %s is no member of %s%s", user.Username, project, also)
	if user.Bot {
		return fails(inventory.LayerMembership,
			said,
			"the account is the bot of a token of another project or group; make a token in "+project+": Project > Settings > Access tokens")
	}
	role := gitlabRoles[2]
	if i := slices.IndexFunc(gitlabRoles, func(r gitlabRole) bool { return r.word == t.Text("needs") }); i >= 0 {
		role = gitlabRoles[i]
	}
	return fails(inventory.LayerMembership, said,
		fmt.Sprintf("in %s: Project > Members > Invite members: %s, as %s (in newer menus Manage > Members)", project, user.Username, role.name),
		fmt.Sprintf("or POST %s/projects/%s/members user_id=%d access_level=%d, by a maintainer of it",
			base, url.PathEscape(project), user.ID, role.level))
}

func (t *trial) gitlabRole(base string, user gitlabUser, project string, level int) error {
	has, wanted := fmt.Sprintf("one with access level %d", level), 0
	name := ""
	for _, r := range gitlabRoles {
		if r.level == level {
			has = r.name
		}
		if r.word == t.Text("needs") {
			wanted, name = r.level, r.name
		}
	}
	if level < wanted {
		return fails(inventory.LayerRole, fmt.Sprintf("user %s is %s in %s, and %s is needed", user.Username, has, project, name),
			fmt.Sprintf("in %s: Project > Members: set the role of %s to %s (in newer menus Manage > Members)", project, user.Username, name),
			fmt.Sprintf("or PUT %s/projects/%s/members/%d access_level=%d, by a maintainer of it", base, url.PathEscape(project), user.ID, wanted))
	}
	t.holds(inventory.LayerRole, "%s is %s there", user.Username, has)
	return nil
}

// noToken ends a check whose token is empty.
func noToken() error {
	return unknown(inventory.LayerToken,
		"there is no token: what the check takes it from is empty", "set the variable, or write the file, that token names")
}
