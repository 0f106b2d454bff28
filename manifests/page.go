package manifests

import (
	"net"
	"net/netip"
	"net/url"
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
	Login       *Login   // nil: whoever reaches it is let in
	Approve     []string // users of the proxy who may begin runs; whoever knows the token may
	Range       hcl.Range
}

// A Login says who is let in: who knows the token, or whom a proxy vouches for.
type Login struct {
	TokenFile string
	Header    string         // in which a proxy names the user; "" without one
	From      []netip.Prefix // the proxies that are believed
}

// DefaultListen is where the page is when nothing else is said.
const DefaultListen = "127.0.0.1:8100"

var (
	pageSpec  = spec{what: "the page block", attrs: []string{"listen", "url", "certificate", "key", "approve"}, blocks: []string{"login"}}
	loginSpec = spec{what: "a login block", attrs: []string{"token_file"}, blocks: []string{"proxy"}}
	proxySpec = spec{what: "a proxy block", attrs: []string{"header", "from"}}
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
	if arg := b.Body.Attributes["approve"]; arg != nil {
		l.argument(arg, &scope{}, &p.Approve)
		for _, who := range p.Approve {
			if strings.Contains(who, ":") {
				l.report(errorAt(arg.Expr.Range(), "Not possible yet", "approve lists users, as the proxy names them; of groups (%q) this version knows nothing.", who))
			}
		}
	}
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
	if (p.Certificate == "") != (p.Key == "") {
		l.report(errorAt(b.DefRange(), "Half of a certificate", "certificate and key go together."))
	}
	local := host == "localhost" || net.ParseIP(host).IsLoopback()
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
		if inner.Type == "proxy" {
			l.trusted(inner, out)
		}
	}
	if out.TokenFile == "" && out.Header == "" {
		l.report(errorAt(b.DefRange(), "Nobody can log in", "A login block needs token_file, or proxy { header = \"Remote-User\", from = [\"10.0.0.5/32\"] }."))
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
