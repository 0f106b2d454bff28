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

// proxmoxRefusals are those of PVE/AccessControl.pm, verify_token. Most releases say
// "Authentication failed!" in place of them.
var proxmoxRefusals = []refusal{
	{
		status: []int{401}, words: "access expired", layer: inventory.LayerExpiry,
		said: "it has expired: {words}",
		fix:  []string{"pveum user token modify USER TOKENID --expire 0; of a user: pveum user modify USER --expire 0"},
	},
	{
		status: []int{401}, words: "is disabled", layer: inventory.LayerToken,
		said: "the account is disabled: {words}",
		fix:  []string{"pveum user modify USER --enable 1"},
	},
	{
		status: []int{401}, words: "no such", layer: inventory.LayerToken,
		said: "there is none of that name: {words}",
		fix:  []string{"pveum user token add USER TOKENID"},
	},
	{
		status: []int{401}, words: "invalid token value", layer: inventory.LayerToken,
		said: "the token exists and its secret is another one",
		fix:  []string{"pveum user token remove USER TOKENID, then pveum user token add USER TOKENID, which prints the new secret"},
	},
	{
		status: []int{401}, layer: inventory.LayerToken,
		said: "Proxmox does not take the token: it is not there, has another secret, has expired, or its user is disabled; which of them, Proxmox does not say ({words})",
		fix:  []string{"pveum user token list USER shows whether it is there and when it expires"},
	},
}

func (t *trial) proxmox(ctx context.Context) error {
	id, secret, ok := strings.Cut(t.token(), "=")
	user, name, isToken := strings.Cut(id, "!")
	if !ok || !isToken || secret == "" {
		return unknown(inventory.LayerToken,
			"the token is not of the form USER@REALM!NAME=UUID", "pveum user token add prints both parts, as full-tokenid and value")
	}
	t.Secrets.Learn(secret)
	base := strings.TrimSuffix(t.Text("url"), "/") + "/api2/json"
	header := http.Header{"Authorization": {"PVEAPIToken=" + t.token()}}
	path := inventory.Text(t.Default("path"))
	var has struct{ Data map[string]map[string]int }
	named := func(err error) error { return withNames(err, user, name) }
	if err := t.api(ctx, "Proxmox VE", base+"/access/permissions?path="+url.QueryEscape(path), header, proxmoxRefusals, &has); err != nil {
		return named(err)
	}
	t.holds(inventory.LayerToken, "it is the token %s", id)
	separate, err := t.proxmoxToken(ctx, base, header, user, name)
	if err != nil {
		return named(err)
	}
	var lacks []string
	for _, p := range inventory.Strings(t.Attrs["privileges"]) {
		if _, there := has.Data[path][p]; !there {
			lacks = append(lacks, p)
		}
	}
	if len(lacks) == 0 {
		t.holds(inventory.LayerRole, "%s on %s", counted(len(has.Data[path]), "privilege"), path)
		return nil
	}
	return t.proxmoxLacks(ctx, base, header, id, path, lacks, separate)
}

// withNames writes the names of the account into the commands that mend it.
func withNames(err error, user, name string) error {
	f, is := err.(*failure) //nolint:errorlint // made here, and not wrapped
	if !is {
		return err
	}
	named := *f
	named.fix = slices.Clone(f.fix)
	for i := range named.fix {
		named.fix[i] = strings.NewReplacer("USER", user, "TOKENID", name).Replace(named.fix[i])
	}
	return &named
}

// proxmoxToken looks at the token itself, where it may see that.
func (t *trial) proxmoxToken(ctx context.Context, base string, header http.Header, user, name string) (separate bool, err error) {
	a, err := t.get(ctx, base+"/access/users/"+url.PathEscape(user)+"/token/"+url.PathEscape(name), header)
	if err != nil {
		return false, err
	}
	var info struct {
		Data struct {
			Expire  int64
			Privsep any
		}
	}
	if a.status != http.StatusOK || !a.into(&info) {
		return true, nil // as tokens are when nobody says otherwise
	}
	if info.Data.Expire > 0 {
		err = t.daysLeft(inventory.LayerExpiry, "the token", time.Unix(info.Data.Expire, 0), "pveum user token modify USER TOKENID --expire 0, or a later time")
	} else {
		t.holds(inventory.LayerExpiry, "it does not expire")
	}
	return fmt.Sprint(info.Data.Privsep) != "0", err
}

// proxmoxLacks says which privileges are missing, and whose they are missing: a token with
// privileges of its own has what both it and its user have.
func (t *trial) proxmoxLacks(ctx context.Context, base string, header http.Header, id, path string, lacks []string, separate bool) error {
	user, _, _ := strings.Cut(id, "!")
	said := fmt.Sprintf("the token %s lacks %s on %s", id, strings.Join(lacks, ", "), path)
	role := "pveum role list shows which role has " + strings.Join(lacks, " and ")
	grant := func(flag, to string) string {
		return fmt.Sprintf("pveum acl modify %s --%s '%s' --roles ROLE", path, flag, to)
	}
	if !separate {
		return fails(inventory.LayerRole, said+", as its user does", grant("users", user), role)
	}
	var has struct{ Data map[string]map[string]int }
	query := url.Values{"path": {path}, "userid": {user}}
	a, err := t.get(ctx, base+"/access/permissions?"+query.Encode(), header)
	if err != nil {
		return err
	}
	fix := []string{grant("tokens", id), role}
	if a.status == http.StatusOK && a.into(&has) {
		for _, p := range lacks {
			if _, there := has.Data[path][p]; !there {
				said += ", and so does its user"
				fix = append([]string{grant("users", user)}, fix...)
				break
			}
		}
	}
	return fails(inventory.LayerRole, said, fix...)
}
