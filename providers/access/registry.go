package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

// registryRefusals are those of the OCI distribution specification ("Error codes"), and
// what registries say beside it.
var registryRefusals = []refusal{
	{
		status: []int{404}, words: "manifest_unknown", layer: inventory.LayerAnswer,
		said: "there is no such tag ({words})",
		fix:  []string{"push it, or correct tag in the check"},
	},
	{
		status: []int{404}, words: "name_unknown", layer: inventory.LayerAnswer,
		said: "there is no such repository ({words})",
		fix:  []string{"push an image to it, or correct repository in the check"},
	},
}

func (t *trial) registry(ctx context.Context) error {
	base := strings.TrimSuffix(t.Text("url"), "/")
	needs := t.Text("needs")
	if needs == "" {
		needs = "pull"
	}
	header, granted, err := t.registryLogin(ctx, base, needs)
	if err != nil {
		return err
	}
	what := base + "/v2/" + t.Text("repository")
	if tag := t.Text("tag"); tag != "" {
		what += "/manifests/" + tag
		header["Accept"] = []string{"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json"}
	} else {
		what += "/tags/list?n=1"
	}
	a, err := t.get(ctx, what, header)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return t.registryDenied(a)
	}
	t.holds(inventory.LayerMembership, "%s may pull from %s", t.account(), t.Text("repository"))
	return t.registryPush(needs, granted)
}

// account is who asks a registry.
func (t *trial) account() string {
	if user := t.Text("username"); user != "" {
		return "user " + user
	}
	return "anybody"
}

// registryPush judges whether pushing is allowed, which without pushing only the token
// tells that was made for it.
func (t *trial) registryPush(needs string, granted []string) error {
	switch {
	case needs != "push" || slices.Contains(granted, "push"):
		t.holds(inventory.LayerRole, "%s is allowed", needs)
		return nil
	case granted == nil:
		return unknown(inventory.LayerRole,
			"whether "+t.account()+" may push is not to be seen without pushing: the registry's tokens do not say what they are for",
			"write needs = \"pull\"")
	}
	return fails(inventory.LayerRole,
		fmt.Sprintf("%s may pull from %s and not push to it", t.account(), t.Text("repository")),
		"give the account the right to write there, in the settings of the registry or of the package")
}

// registryDenied says what a refusal of a repository means.
func (t *trial) registryDenied(a *answer) error {
	denied := fmt.Sprintf("%s may not pull from %s, or there is no such repository (%d %s)",
		t.account(), t.Text("repository"), a.status, a.words())
	invite := "give the account the right to read there, in the settings of the registry or of the package"
	switch {
	case a.status == http.StatusUnauthorized && t.token() == "":
		return fails(inventory.LayerToken,
			"the registry shows "+t.Text("repository")+" to nobody without an account", "write username and token into the check")
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return fails(inventory.LayerMembership, denied, invite)
	}
	return refused("registry", registryRefusals, a)
}

// registryLogin does what the registry asks for, and returns the header to go on with and
// what it grants; nil when nobody says that.
func (t *trial) registryLogin(ctx context.Context, base, needs string) (http.Header, []string, error) {
	a, err := t.get(ctx, base+"/v2/", nil)
	if err != nil {
		return nil, nil, err
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(t.Text("username")+":"+t.token()))
	challenge := a.header.Get("Www-Authenticate")
	switch scheme, _, _ := strings.Cut(challenge, " "); {
	case a.status == http.StatusOK:
		t.holds(inventory.LayerToken, "the registry asks nobody who it is")
		return http.Header{}, nil, nil
	case a.status == http.StatusUnauthorized && strings.EqualFold(scheme, "Bearer"):
		return t.registryToken(ctx, base, challenge, basic, needs)
	case a.status == http.StatusUnauthorized && strings.EqualFold(scheme, "Basic") && t.token() == "":
		return nil, nil, fails(inventory.LayerToken, "the registry asks for an account", "write username and token into the check")
	case a.status == http.StatusUnauthorized && strings.EqualFold(scheme, "Basic"):
		header := http.Header{"Authorization": {basic}}
		if a, err = t.get(ctx, base+"/v2/", header); err != nil {
			return nil, nil, err
		}
		if a.status == http.StatusOK {
			t.holds(inventory.LayerToken, "it takes the password of %s", t.Text("username"))
			return header, nil, nil
		}
		return nil, nil, t.wrongPassword(a)
	}
	return nil, nil, refused("registry", registryRefusals, a)
}

func (t *trial) wrongPassword(a *answer) error {
	if a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
		return refused("registry", registryRefusals, a)
	}
	return fails(inventory.LayerToken,
		fmt.Sprintf("the password or token of %s is not accepted (%d %s)", t.account(), a.status, a.words()),
		"make a new one, with the scope read_registry or read:packages where there are scopes")
}

// challengePart finds what a challenge says: realm="...", service="...".
var challengePart = regexp.MustCompile(`([a-z]+)="([^"]*)"`)

// registryToken has a token made, where the registry says that they are made. Credentials
// go to that place only when the check names it, or when it is the registry itself.
func (t *trial) registryToken(ctx context.Context, base, challenge, basic, needs string) (http.Header, []string, error) {
	says := map[string]string{}
	for _, m := range challengePart.FindAllStringSubmatch(challenge, -1) {
		says[m[1]] = m[2]
	}
	realm, err := url.Parse(says["realm"])
	own, errOwn := url.Parse(base)
	if err != nil || errOwn != nil || realm.Host == "" {
		return nil, nil, fails(inventory.LayerAnswer,
			"the registry does not say where tokens are made", "see whether the url is that of a registry")
	}
	header := http.Header{}
	if t.token() != "" {
		if named, err := url.Parse(t.Text("auth")); realm.Scheme+realm.Host != own.Scheme+own.Host && (err != nil || realm.Scheme+realm.Host != named.Scheme+named.Host) {
			return nil, nil, unknown(inventory.LayerToken,
				fmt.Sprintf("the registry has tokens made at %s://%s, to which the check's credentials do not go unasked", realm.Scheme, realm.Host),
				fmt.Sprintf("when that is its own, write auth = \"%s://%s\"", realm.Scheme, realm.Host))
		}
		header.Set("Authorization", basic)
	}
	actions := "pull"
	if needs == "push" {
		actions = "pull,push"
	}
	query := url.Values{"service": {says["service"]}, "scope": {"repository:" + t.Text("repository") + ":" + actions}}
	realm.RawQuery = query.Encode()
	a, err := t.get(ctx, realm.String(), header)
	if err != nil {
		return nil, nil, err
	}
	var made struct {
		Token  string
		Access string `json:"access_token"`
	}
	if a.status != http.StatusOK || !a.into(&made) || made.Token+made.Access == "" {
		return nil, nil, t.wrongPassword(a)
	}
	if made.Token == "" {
		made.Token = made.Access
	}
	t.Secrets.Learn(made.Token)
	t.holds(inventory.LayerToken, "%s takes it and makes a token for %s", realm.Host, t.account())
	return http.Header{"Authorization": {"Bearer " + made.Token}}, t.granted(made.Token), nil
}

// granted are the actions that a token is good for, as far as it is one that can be read
// and says so, as those of distribution and Docker Hub do; nil when not.
func (t *trial) granted(token string) []string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Access *[]struct {
			Name    string
			Actions []string
		}
	}
	if err != nil || json.Unmarshal(body, &claims) != nil || claims.Access == nil {
		return nil
	}
	out := []string{}
	for _, c := range *claims.Access {
		if c.Name == t.Text("repository") {
			out = append(out, c.Actions...)
		}
	}
	return out
}
