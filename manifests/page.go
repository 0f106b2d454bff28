package manifests

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A Page is where the daemon shows what it knows.
type Page struct {
	Listen      string // HOST:PORT
	URL         string // by which people come, when that is another; "" otherwise
	Certificate string // files of this machine; both empty: a proxy in front speaks TLS, or nobody comes from outside
	Key         string
	Login       *Login // nil: whoever reaches it is let in
	Approve     Approvers
	Range       hcl.Range
}

// Approvers are who may begin runs, beside whoever knows the token.
type Approvers struct{ Users, Groups []string }

// groupPrefix tells a group from a user in the list of who may.
const groupPrefix = "group:"

// Has reports whether somebody may, of whom a proxy or a provider says who it is.
func (a Approvers) Has(user string, groups []string) bool {
	return user != "" && slices.Contains(a.Users, user) || slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(a.Groups, g) })
}

// A Login says who is let in: who knows the token, or for whom a proxy or a provider of
// OpenID Connect vouches.
type Login struct {
	TokenFile string
	Header    string         // in which a proxy names the user; "" without one
	Groups    string         // the header in which it names their groups; "" without one
	From      []netip.Prefix // the proxies that are believed
	OIDC      *OIDC          // nil: without one
}

// An OIDC is a provider of OpenID Connect that says who somebody is.
type OIDC struct {
	Issuer   string
	ClientID string
	Secret   string   // "" for a client without one, which PKCE alone protects
	Scopes   []string // that are asked for, beside openid
	User     string   // the claim that names the user
	Groups   string   // the claim that lists their groups

	// Credentials holds what went wrong with the secret alone: validate works without it.
	Credentials hcl.Diagnostics
}

// DefaultListen is where the page is when nothing else is said.
const DefaultListen = "127.0.0.1:8100"

var (
	pageSpec  = spec{what: "the page block", attrs: []string{"listen", "url", "certificate", "key", "approve"}, blocks: []string{"login"}}
	loginSpec = spec{what: "a login block", attrs: []string{"token_file"}, blocks: []string{"proxy", "oidc"}}
	proxySpec = spec{what: "a proxy block", attrs: []string{"header", "groups", "from"}}
	oidcSpec  = spec{what: "an oidc block", attrs: []string{"issuer", "client_id", "client_secret", "scopes", "user", "groups"}}
)

// page decodes the page block. Whoever is not on this machine must log in, over TLS.
func (l *loader) page(b *hclsyntax.Block) {
	l.report(pageSpec.check(b.Body)...)
	l.report(labels(b))
	p := &Page{Listen: DefaultListen, Range: b.DefRange()}
	l.project.Page = p
	for name, into := range map[string]*string{"listen": &p.Listen, "url": &p.URL, "certificate": &p.Certificate, "key": &p.Key} {
		if arg := b.Body.Attributes[name]; arg != nil {
			l.argument(arg, &scope{}, into)
		}
	}
	l.approvers(b, p)
	for _, inner := range b.Body.Blocks {
		if inner.Type != "login" {
			continue
		}
		if p.Login != nil {
			l.report(errorAt(inner.DefRange(), "Duplicate block", "A page has one login block."))
		}
		p.Login = l.login(inner)
	}
	l.reachable(b, p)
}

// approvers reads who may begin runs: users, and groups with a word in front.
func (l *loader) approvers(b *hclsyntax.Block, p *Page) {
	arg, all := b.Body.Attributes["approve"], []string(nil)
	if arg == nil || !l.argument(arg, &scope{}, &all) {
		return
	}
	for _, who := range all {
		group, isGroup := strings.CutPrefix(who, groupPrefix)
		switch {
		case strings.TrimSpace(group) == "":
			l.report(errorAt(arg.Expr.Range(), "Nobody", "approve lists users and groups: \"lena\", \"group:admins\"; %q is neither.", who))
		case isGroup:
			p.Approve.Groups = append(p.Approve.Groups, group)
		default:
			p.Approve.Users = append(p.Approve.Users, who)
		}
	}
}

// reachable checks the addresses, and that no stranger can come by one of them.
func (l *loader) reachable(b *hclsyntax.Block, p *Page) {
	at := func(name string) hcl.Range {
		if arg := b.Body.Attributes[name]; arg != nil {
			return arg.Expr.Range()
		}
		return b.DefRange()
	}
	host, port, err := net.SplitHostPort(p.Listen)
	if err != nil || port == "" {
		l.report(errorAt(at("listen"), "Not an address", "listen is of the form 127.0.0.1:8100; %q is not.", p.Listen))
		return
	}
	if u, err := url.Parse(p.URL); p.URL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "") {
		l.report(errorAt(at("url"), "Not an address", "url is what people type, https://recon.example.net, without a path; %q is not.", p.URL))
		return
	}
	local := loopbackName(host)
	if p.Login != nil && p.Login.OIDC != nil && p.URL == "" && !local {
		l.report(errorAt(b.DefRange(), "No way back", "A provider sends people back to the page, so it needs url = \"https://recon.example.net\": what they type."))
	}
	if (p.Certificate == "") != (p.Key == "") {
		l.report(errorAt(b.DefRange(), "Half of a certificate", "certificate and key go together."))
	}
	outside := !local || p.URL != "" && !strings.HasPrefix(p.URL, "http://localhost") && !strings.HasPrefix(p.URL, "http://127.0.0.1")
	switch {
	case outside && p.Login == nil:
		l.report(errorAt(at("listen"), "Open to strangers", "Others than this machine can reach the page, so it needs a login block: login { token_file = \"/etc/recon/token\" }."))
	case outside && p.Certificate == "" && !strings.HasPrefix(p.URL, "https://"):
		l.report(errorAt(at("listen"), "Without TLS", "Others than this machine can reach the page, and whoever listens would read the token. Give it certificate and key, or url = \"https://...\" of the proxy in front of it."))
	}
}

// login decodes who is let in.
func (l *loader) login(b *hclsyntax.Block) *Login {
	l.report(loginSpec.check(b.Body)...)
	out := &Login{}
	if arg := b.Body.Attributes["token_file"]; arg != nil {
		l.argument(arg, &scope{}, &out.TokenFile)
	}
	for _, inner := range b.Body.Blocks {
		switch inner.Type {
		case "proxy":
			l.trusted(inner, out)
		case "oidc":
			out.OIDC = l.provider(inner)
		}
	}
	if out.TokenFile == "" && out.Header == "" && out.OIDC == nil {
		l.report(errorAt(b.DefRange(), "Nobody can log in", "A login block needs token_file, or an oidc block, or proxy { header = \"Remote-User\", from = [\"10.0.0.5/32\"] }."))
	}
	return out
}

func (l *loader) trusted(b *hclsyntax.Block, into *Login) {
	l.report(proxySpec.check(b.Body)...)
	var from []string
	for name, target := range map[string]any{"header": &into.Header, "from": &from} {
		arg := b.Body.Attributes[name]
		if arg == nil {
			l.report(errorAt(b.DefRange(), "Missing argument", "A proxy block needs header, in which the proxy names the user, and from, the addresses of the proxies that are believed."))
			return
		}
		if !l.argument(arg, &scope{}, target) {
			return
		}
	}
	if arg := b.Body.Attributes["groups"]; arg != nil {
		l.argument(arg, &scope{}, &into.Groups)
	}
	for _, text := range from {
		prefix, err := netip.ParsePrefix(text)
		if addr, e := netip.ParseAddr(text); e == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil || prefix.Bits() == 0 {
			l.report(errorAt(b.Body.Attributes["from"].Expr.Range(), "Not a range of addresses", "from lists the proxies that are believed, such as \"10.0.0.5/32\"; %q is none, or is everybody.", text))
			continue
		}
		into.From = append(into.From, prefix.Masked())
	}
}

// provider decodes who says who somebody is. What goes wrong with the secret is kept aside,
// as with the token of a cluster.
func (l *loader) provider(b *hclsyntax.Block) *OIDC {
	l.report(oidcSpec.check(b.Body)...)
	o := &OIDC{Scopes: []string{"profile", "groups"}, User: "preferred_username", Groups: "groups"}
	for name, into := range map[string]any{"issuer": &o.Issuer, "client_id": &o.ClientID, "scopes": &o.Scopes, "user": &o.User, "groups": &o.Groups} {
		if arg := b.Body.Attributes[name]; arg != nil {
			l.argument(arg, &scope{}, into)
		}
	}
	if o.Issuer == "" || o.ClientID == "" {
		l.report(errorAt(b.DefRange(), "Missing argument", "An oidc block needs issuer, the address of the provider, and client_id, by which it knows recon."))
	}
	if u, err := url.Parse(o.Issuer); o.Issuer != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopbackName(u.Hostname()))) {
		l.report(errorAt(b.DefRange(), "Not an issuer", "issuer is the address of the provider, https://auth.example.net; %q is not. Whoever could change what it says over plain HTTP could log in as anybody.", o.Issuer))
	}
	outer := l.diags
	l.diags = nil
	defer func() { o.Credentials, l.diags = l.diags, append(outer, warnings(l.diags)...) }()
	if arg := b.Body.Attributes["client_secret"]; arg != nil && l.argument(arg, &scope{}, &o.Secret) {
		o.Secret = strings.TrimSpace(o.Secret)
		l.literalSecret(arg.Expr)
	}
	return o
}

// loopbackName reports a name of this machine that nobody outside of it answers to.
func loopbackName(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }
