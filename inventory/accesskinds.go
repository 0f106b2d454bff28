package inventory

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"
)

var checkKinds = sync.OnceValue(func() []*CheckKind {
	return []*CheckKind{gitlabCheck(), giteaCheck(), githubCheck(), proxmoxCheck(), registryCheck(), httpCheck(), tlsCheck(), tcpCheck(), dnsCheck(), commandCheck()}
})

// CheckKinds returns the kinds of checks, in the order of the documents.
func CheckKinds() []*CheckKind { return checkKinds() }

// What services of the web have in common.
func webLayers(more ...Layer) []Layer { return append([]Layer{LayerReach, LayerTLS}, more...) }

func urlArg(doc string, required bool) *Attr {
	return &Attr{Name: "url", Type: cty.String, Required: required, Check: checkBase, Doc: doc}
}

func tokenArg(doc string, required bool) *Attr {
	return &Attr{Name: "token", Type: cty.String, Required: required, Secret: true, Doc: doc}
}

func daysArg(def int64) *Attr {
	return &Attr{Name: "days", Type: cty.Number, Max: 3650, Default: cty.NumberIntVal(def), Doc: "With fewer days left it fails, before anything stops to work."}
}

// trust are the arguments that say how a server proves who it is.
func trust() []*Attr {
	return []*Attr{
		{Name: "ca_file", Type: cty.String, Doc: "PEM file of the authority that signed the server's certificate; the system's when left out."},
		{Name: "fingerprint", Type: cty.String, Check: form(`[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31}|[0-9A-Fa-f]{64}`, "a SHA-256 in hex, such as 12:34:..."), Doc: "SHA-256 of the server's certificate, in place of an authority."},
		timeoutArg(),
	}
}

func timeoutArg() *Attr {
	return &Attr{Name: "timeout", Type: cty.String, Check: checkLimit, Default: cty.StringVal("10s"), Doc: "How long the whole check may take, from 1s to 1m."}
}

func needsArg(doc string, words ...string) *Attr {
	return &Attr{Name: "needs", Type: cty.String, Check: oneOf(words...), Doc: doc + " One of " + strings.Join(words, ", ") + "."}
}

func scopesArg(doc string) *Attr {
	return &Attr{Name: "scopes", Type: stringList, Check: words(form(`[a-z][a-z0-9_:]*`, `the name of a scope, such as "api"`)), Doc: doc}
}

func repositoryArg(required bool) *Attr {
	return &Attr{Name: "repository", Type: cty.String, Required: required, Check: form(`[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+`, `of the form OWNER/NAME`), Doc: "OWNER/NAME."}
}

// lacking says that one argument goes with another.
func lacking(name, other string) func(func(string) bool) string {
	return func(has func(string) bool) string {
		if has(name) && !has(other) {
			return fmt.Sprintf("%s says what is needed of %s; write %s, too.", name, map[string]string{"project": "a project", "repository": "a repository"}[other], other)
		}
		return ""
	}
}

func gitlabCheck() *CheckKind {
	return &CheckKind{
		Name: "gitlab", Doc: "A token of GitLab: a personal, project or group access token.",
		Layers: webLayers(LayerToken, LayerExpiry, LayerScope, LayerMembership, LayerRole, LayerAnswer),
		Wants:  lacking("needs", "project"),
		Attrs: append([]*Attr{
			urlArg("Where GitLab is, without /api.", true),
			tokenArg("The token.", true),
			{Name: "project", Type: cty.String, Check: form(`\d+|[A-Za-z0-9_.][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+`, `a project: its path "lena/home", or its number`), Doc: "Path or number of a project that the account has to be a member of."},
			needsArg("The role there, at least.", "guest", "planner", "reporter", "developer", "maintainer", "owner"),
			scopesArg("Scopes that the token has to have. `api` includes `read_api`, and that `read_user`."),
			daysArg(0),
		}, trust()...),
	}
}

func giteaCheck() *CheckKind {
	return &CheckKind{
		Name: "gitea", Doc: "A token of Gitea or Forgejo.",
		Layers: webLayers(LayerToken, LayerScope, LayerMembership, LayerRole, LayerAnswer),
		Wants:  lacking("needs", "repository"),
		Attrs: append([]*Attr{
			urlArg("Where it is, without /api.", true),
			tokenArg("The token.", true),
			repositoryArg(false),
			needsArg("What the account may do there, at least.", "read", "write", "admin"),
			scopesArg("Scopes that the token has to have, such as `write:issue`."),
		}, trust()...),
	}
}

func githubCheck() *CheckKind {
	return &CheckKind{
		Name: "github", Doc: "A token of GitHub, classic or fine-grained.",
		Layers: webLayers(LayerToken, LayerExpiry, LayerScope, LayerMembership, LayerRole, LayerAnswer),
		Wants:  lacking("needs", "repository"),
		Attrs: append([]*Attr{
			urlArg("Where a GitHub Enterprise Server is; github.com when left out.", false),
			tokenArg("The token.", true),
			repositoryArg(false),
			needsArg("The role there, at least.", "read", "triage", "write", "maintain", "admin"),
			scopesArg("Scopes that a classic token has to have."),
			daysArg(0),
		}, trust()...),
	}
}

func proxmoxCheck() *CheckKind {
	return &CheckKind{
		Name: "proxmox", Doc: "A token of Proxmox VE.",
		Layers: webLayers(LayerToken, LayerExpiry, LayerRole, LayerAnswer),
		Links:  map[string]string{"cluster": "proxmox"},
		Wants: func(has func(string) bool) string {
			switch {
			case has("cluster") == has("url"):
				return "write either cluster = proxmox.NAME or url = \"https://ADDRESS:8006\"."
			case has("url") && !has("token"):
				return "write token = env(\"NAME\"), of the form USER@REALM!NAME=UUID."
			}
			return ""
		},
		Attrs: append([]*Attr{
			{Name: "cluster", Type: cty.String, Doc: "A proxmox block, which says where it is and how it proves who it is."},
			urlArg("Its address instead.", false),
			tokenArg("USER@REALM!NAME=UUID; that of the proxmox block when left out.", false),
			{Name: "path", Type: cty.String, Default: cty.StringVal("/"), Check: form(`/|(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+`, `a path of Proxmox's permissions, such as "/vms/106"`), Doc: "Where the privileges are needed."},
			{Name: "privileges", Type: stringList, Check: words(form(`[A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)+`, `a privilege, such as "VM.Audit"`)), Doc: "Privileges that the token has to have there."},
			daysArg(0),
		}, trust()...),
	}
}

func registryCheck() *CheckKind {
	return &CheckKind{
		Name: "registry", Doc: "A registry of container images, by the OCI distribution specification.",
		Layers: webLayers(LayerToken, LayerScope, LayerMembership, LayerRole, LayerAnswer),
		Wants: func(has func(string) bool) string {
			if has("username") != has("token") {
				return "username and token go together; without both the registry is asked as anybody."
			}
			return ""
		},
		Attrs: append([]*Attr{
			urlArg("Where the registry is: https://registry-1.docker.io, https://ghcr.io.", true),
			{Name: "repository", Type: cty.String, Required: true, Check: form(`[a-z0-9]+(?:[._/-]+[a-z0-9]+)*`, `the name of a repository, such as "lena/app"`), Doc: "The repository, without the registry."},
			{Name: "tag", Type: cty.String, Check: form(`[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`, "a tag"), Doc: "A tag that has to be there."},
			{Name: "username", Type: cty.String, Doc: "The account."},
			tokenArg("Its password or token.", false),
			needsArg("What has to be allowed; pull when left out.", "pull", "push"),
			{Name: "auth", Type: cty.String, Check: checkBase, Doc: "Where the registry has tokens made, when that is another machine. Credentials go nowhere else."},
		}, trust()...),
	}
}

func httpCheck() *CheckKind {
	return &CheckKind{
		Name: "http", Doc: "Anything that answers over HTTP.",
		Layers: webLayers(LayerToken, LayerScope, LayerRole, LayerAnswer),
		Wants: func(has func(string) bool) string {
			if has("header") && !has("token") {
				return "header says in which header the token is sent; write token, too."
			}
			return ""
		},
		Attrs: append([]*Attr{
			{Name: "url", Type: cty.String, Required: true, Check: checkURLWithQuery, Doc: "What is fetched. Redirects are answers, and are not followed."},
			tokenArg("Sent as `Authorization: Bearer`, or in the header that is named.", false),
			{Name: "header", Type: cty.String, Check: form(`[A-Za-z][A-Za-z0-9-]*`, `the name of a header, such as "X-Api-Key"`), Doc: "The header that takes the token."},
			{Name: "status", Type: cty.Number, Min: 100, Max: 599, Doc: "The status that it has to answer; any from 200 to 299 when left out."},
			{Name: "contains", Type: cty.String, Doc: "Text that the first 256 KiB of the answer have to hold."},
		}, trust()...),
	}
}

func tlsCheck() *CheckKind {
	return &CheckKind{
		Name: "tls", Doc: "A certificate.", Layers: webLayers(),
		Attrs: append([]*Attr{
			addressArg(),
			{Name: "name", Type: cty.String, Check: checkHostname, Doc: "The name that is asked for, when it is not that of the address."},
			daysArg(14),
		}, trust()...),
	}
}

func tcpCheck() *CheckKind {
	return &CheckKind{
		Name: "tcp", Doc: "A port.", Layers: []Layer{LayerReach, LayerAnswer},
		Attrs: []*Attr{
			addressArg(),
			{Name: "expect", Type: cty.String, Doc: "Text that the server has to begin with by itself, such as `SSH-2.0`."},
			timeoutArg(),
		},
	}
}

func dnsCheck() *CheckKind {
	return &CheckKind{
		Name: "dns", Doc: "What a name server says of a name.", Layers: []Layer{LayerReach, LayerAnswer},
		Attrs: []*Attr{
			{Name: "server", Type: cty.String, Required: true, Check: checkServer, Doc: "The name server: an address, with `:PORT` when that is not 53."},
			{Name: "name", Type: cty.String, Required: true, Check: checkHostname, Doc: "The name."},
			{Name: "type", Type: cty.String, Default: cty.StringVal("A"), Check: oneOf("A", "AAAA", "CNAME", "MX", "NS", "PTR", "TXT"), Doc: "A, AAAA, CNAME, MX, NS, PTR or TXT."},
			{Name: "equals", Type: stringList, Doc: "What it has to say, in any order; anything when left out."},
			timeoutArg(),
		},
	}
}

func commandCheck() *CheckKind {
	return &CheckKind{
		Name: "command", Doc: "A command on a declared host. It runs at each look: it is to change nothing.",
		Layers: []Layer{LayerReach, LayerToken, LayerRole, LayerAnswer},
		Links:  map[string]string{"host": "host"},
		Attrs: []*Attr{
			{Name: "host", Type: cty.String, Required: true, Doc: "A host block."},
			{Name: "command", Type: stringList, Required: true, Check: checkCommand, Doc: "Its words; no shell reads them."},
			{Name: "exit", Type: cty.Number, Max: 255, Default: cty.Zero, Doc: "The status with which it has to end."},
			{Name: "contains", Type: cty.String, Doc: "Text that its output has to hold."},
			timeoutArg(),
		},
	}
}

// hostForm is a name as it is looked up: with underscores, unlike that of a machine.
var hostForm = regexp.MustCompile(`^(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

func addressArg() *Attr {
	return &Attr{Name: "address", Type: cty.String, Required: true, Check: checkHostPort, Doc: "NAME:PORT or ADDRESS:PORT."}
}

func checkBase(v cty.Value) error {
	u, err := checkedURL(v)
	if err == nil && u.RawQuery != "" {
		err = fmt.Errorf("%q has a query", Text(v))
	}
	return err
}

func checkURLWithQuery(v cty.Value) error {
	_, err := checkedURL(v)
	return err
}

// checkedURL reads a URL. One that names a user is not quoted: a password may stand there.
func checkedURL(v cty.Value) (*url.URL, error) {
	u, err := url.Parse(Text(v))
	switch {
	case strings.Contains(Text(v), "@") && (err != nil || u.User != nil):
		return nil, errors.New("a URL names no user; write the token as an argument of its own")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "":
		return nil, fmt.Errorf("%q is not of the form https://NAME or http://NAME:PORT", Text(v))
	}
	return u, nil
}

func checkHostname(v cty.Value) error {
	if s := strings.TrimSuffix(Text(v), "."); net.ParseIP(s) == nil && !hostForm.MatchString(s) {
		return fmt.Errorf("%q is no name and no address", Text(v))
	}
	return nil
}

func checkHostPort(v cty.Value) error {
	host, port, err := net.SplitHostPort(Text(v))
	n, errPort := strconv.Atoi(port)
	if err != nil || errPort != nil || n < 1 || n > 65535 || checkHostname(cty.StringVal(host)) != nil {
		return fmt.Errorf("%q is not of the form NAME:PORT, such as \"192.168.40.11:22\"", Text(v))
	}
	return nil
}

func checkServer(v cty.Value) error {
	if net.ParseIP(Text(v)) == nil && checkHostPort(v) != nil {
		return fmt.Errorf("%q is not the address of a name server, such as \"192.168.90.53\"", Text(v))
	}
	return nil
}

func checkLimit(v cty.Value) error {
	if d, err := time.ParseDuration(Text(v)); err != nil || d < time.Second || d > time.Minute {
		return fmt.Errorf("%q is not a time from \"1s\" to \"1m\"", Text(v))
	}
	return nil
}

func checkCommand(v cty.Value) error {
	if all := Strings(v); len(all) == 0 || slices.Contains(all, "") || strings.ContainsRune(strings.Join(all, ""), 0) {
		return errors.New(`a command is a list of words: ["systemctl", "is-active", "nginx"]`)
	}
	return nil
}
