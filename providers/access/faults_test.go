package access

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/net/dns/dnsmessage"

	"recon/inventory"
	"recon/providers/proxmox/pvesim"
	"recon/providers/sshhost"
)

var quiet = log.New(io.Discard, "", 0)

// secrets is a set that knows values as they are; cmd/recon has the one that knows how
// they may be spelled.
type secrets struct{ known []string }

func (s *secrets) Learn(values ...string) {
	for _, v := range values {
		if len(v) > 5 {
			s.known = append(s.known, v)
		}
	}
}

func (s *secrets) Text(text string) string {
	for _, v := range s.known {
		text = strings.ReplaceAll(text, v, "(secret)")
	}
	return text
}

// args are what a check says, by name.
type args map[string]any

func checkOf(t testing.TB, kind string, a args) *inventory.Check {
	t.Helper()
	c := &inventory.Check{Addr: inventory.Address{Kind: inventory.KindCheck, Name: "it"}, Kind: inventory.CheckKindOf(kind), Severity: "warning", Attrs: inventory.Attrs{"timeout": cty.StringVal("4s")}}
	if c.Kind.Attr("token") != nil && kind != "proxmox" {
		c.Attrs["token"] = cty.StringVal(canary)
	}
	for name, v := range a {
		if c.Kind.Attr(name) == nil {
			t.Fatalf("a %s check has no argument %s", kind, name)
		}
		switch v := v.(type) {
		case string:
			c.Attrs[inventory.Path(name)] = cty.StringVal(v)
		case int:
			c.Attrs[inventory.Path(name)] = cty.NumberIntVal(int64(v))
		case []string:
			c.Attrs[inventory.Path(name)] = inventory.StringList(v...)
		}
	}
	return c
}

// An equipment is what faults are injected into: one authority, and servers below it.
type equipment struct {
	t  testing.TB
	ca *authority
}

// at runs a service with a good certificate, and returns its URL.
func (e *equipment) at(h http.Handler) string {
	now := time.Now()
	return serve(e.t, e.ca.sign(e.t, "127.0.0.1", now.Add(-time.Hour), now.AddDate(1, 0, 0)), h).URL
}

// certified runs a server with another certificate, and returns its address.
func (e *equipment) certified(name string, from, to time.Time) string {
	return serve(e.t, e.ca.sign(e.t, name, from, to), http.NotFoundHandler()).Listener.Addr().String()
}

// listens runs a server that does something with each connection.
func (e *equipment) listens(do func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go do(c)
		}
	}()
	return l.Addr().String()
}

// nobody is an address at which nobody listens.
func (e *equipment) nobody() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// names runs a name server that knows one name, and answers as it is told otherwise.
func (e *equipment) names(code dnsmessage.RCode) string {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			m.Response, m.RCode = true, code
			if q := m.Questions[0]; code == dnsmessage.RCodeSuccess && q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type}, Body: &dnsmessage.AResource{A: [4]byte{192, 168, 40, 23}}}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = c.WriteTo(out, from)
			}
		}
	}()
	return c.LocalAddr().String()
}

// cluster runs a simulated Proxmox VE with a token whose rights are its own.
func (e *equipment) cluster(expire int64) args {
	s, err := pvesim.New(pvesim.Options{AuthDelay: -1})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { s.Close() })
	s.Update(func(w *pvesim.World) {
		w.Users = append(w.Users, &pvesim.User{ID: "chronos@pve", Tokens: []*pvesim.Token{{ID: "ci", Secret: secretPVE, Privsep: true, Expire: expire}}})
		w.ACL = append(w.ACL, &pvesim.ACLEntry{Path: "/vms", Type: "user", ID: "chronos@pve", Role: "PVEVMAdmin", Propagate: true},
			&pvesim.ACLEntry{Path: "/vms", Type: "token", ID: "chronos@pve!ci", Role: "PVEAuditor", Propagate: true})
	})
	return args{"url": s.Endpoint(), "fingerprint": s.Fingerprint(), "token": "chronos@pve!ci=" + secretPVE, "path": "/vms/106"}
}

const secretPVE = "7d3f6c1e-canary-4c55-9e0f-aa0bb1cc2dd3"

func with(a args, more args) args {
	out := maps.Clone(a)
	maps.Copy(out, more)
	return out
}

// A fault is an access that does not work, and where it does not.
type fault struct {
	name  string
	kind  string
	args  args
	layer inventory.Layer
	says  string // part of what is found, or of what mends it
	open  bool   // it does not decide: the standing is unknown
}

// faults injects every fault.
func (e *equipment) faults() (out []fault) {
	out = append(out, e.gitlabFaults()...)
	out = append(out, e.giteaFaults()...)
	out = append(out, e.githubFaults()...)
	out = append(out, e.otherFaults()...)
	return append(out, e.plainFaults()...)
}

func (e *equipment) gitlabFaults() []fault {
	api, soon := []string{"api"}, time.Now().AddDate(0, 0, 5).Format(time.DateOnly)
	of := func(g fakeGitLab, more args) args {
		return with(args{"url": e.at(&g), "project": "lena/home", "needs": "reporter"}, more)
	}
	return []fault{
		{name: "unknown token", kind: "gitlab", args: of(fakeGitLab{scopes: api}, args{"token": "glpat-another-canary-00"}), layer: "token", says: "does not know the token"},
		{name: "revoked token", kind: "gitlab", args: of(fakeGitLab{fault: "revoked"}, nil), layer: "token", says: "revoked"},
		{name: "blocked account", kind: "gitlab", args: of(fakeGitLab{fault: "blocked"}, nil), layer: "token", says: "blocked"},
		{name: "expired token", kind: "gitlab", args: of(fakeGitLab{fault: "expired"}, nil), layer: "expiry", says: "expired"},
		{name: "token that ends soon", kind: "gitlab", args: of(fakeGitLab{scopes: api, level: 30, expires: soon}, args{"days": 14}), layer: "expiry", says: "and 14 are wanted"},
		{name: "declared scope", kind: "gitlab", args: of(fakeGitLab{scopes: []string{"read_api"}, level: 30}, args{"scopes": api}), layer: "scope", says: "has the scope read_api and lacks api"},
		{name: "token for repositories only", kind: "gitlab", args: of(fakeGitLab{scopes: []string{"read_repository"}, level: 30}, nil), layer: "scope", says: "it has the scope read_repository"},
		{name: "another member only", kind: "gitlab", args: of(fakeGitLab{scopes: api}, args{"scopes": api}), layer: "membership", says: "user chronos is no member of lena/home"},
		{name: "the same, older GitLab", kind: "gitlab", args: of(fakeGitLab{scopes: api, fault: "old"}, nil), layer: "membership", says: "Project > Members > Invite members: chronos, as Reporter"},
		{name: "public project, no member", kind: "gitlab", args: of(fakeGitLab{scopes: api, visibility: "public"}, nil), layer: "membership", says: "sees it because it is public"},
		{name: "bot of another project", kind: "gitlab", args: of(fakeGitLab{scopes: api, bot: true}, nil), layer: "membership", says: "Project > Settings > Access tokens"},
		{name: "guest where a reporter is needed", kind: "gitlab", args: of(fakeGitLab{scopes: api, level: 10}, nil), layer: "role", says: "is Guest in lena/home, and Reporter is needed"},
		{name: "login page before it", kind: "gitlab", args: with(args{}, args{"url": e.at(http.RedirectHandler("https://auth.example.net/?rd="+canary, 302))}), layer: "answer", says: "redirects to https://auth.example.net/,"},
		{name: "proxy without GitLab", kind: "gitlab", args: args{"url": e.at(status(502, "<html>Bad Gateway "+canary+"</html>"))}, layer: "answer", says: "502"},
		{name: "an error that echoes the token", kind: "gitlab", args: args{"url": e.at(status(500, `{"message":"no such token `+canary+`"}`))}, layer: "answer", says: "500"},
		{name: "another page", kind: "gitlab", args: args{"url": e.at(status(200, "<html>hello</html>"))}, layer: "answer", says: "is no GitLab"},
		{name: "too many requests", kind: "gitlab", args: args{"url": e.at(status(429, "Retry later"))}, layer: "answer", says: "no more requests", open: true},
		{name: "no token", kind: "gitlab", args: args{"url": "https://127.0.0.1:1", "token": ""}, layer: "token", says: "there is no token", open: true},
	}
}

func status(code int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	})
}

func (e *equipment) giteaFaults() []fault {
	of := func(g fakeGitea, more args) args {
		return with(args{"url": e.at(&g), "repository": "lena/home", "needs": "write"}, more)
	}
	both := "read:user,write:repository"
	return []fault{
		{name: "unknown token", kind: "gitea", args: of(fakeGitea{}, args{"token": "another-canary-4711"}), layer: "token", says: "not known there"},
		{name: "account that may not sign in", kind: "gitea", args: of(fakeGitea{prohibited: true}, nil), layer: "token", says: "may not sign in"},
		{name: "token for accounts only", kind: "gitea", args: of(fakeGitea{scopes: "read:user", collaborator: true, push: true}, nil), layer: "scope", says: "required=[read:repository]"},
		{name: "declared scope", kind: "gitea", args: of(fakeGitea{scopes: "read:user,read:repository", collaborator: true, push: true}, args{"scopes": []string{"write:repository"}}), layer: "scope", says: "lacks write:repository"},
		{name: "another collaborator only", kind: "gitea", args: of(fakeGitea{scopes: both}, nil), layer: "membership", says: "user chronos is no collaborator of lena/home, or"},
		{name: "public, no collaborator", kind: "gitea", args: of(fakeGitea{scopes: both, public: true}, nil), layer: "membership", says: "because it is public"},
		{name: "collaborator who may read", kind: "gitea", args: of(fakeGitea{scopes: both, collaborator: true}, nil), layer: "role", says: "may not write lena/home"},
	}
}

func (e *equipment) githubFaults() []fault {
	of := func(g fakeGitHub, more args) args {
		return with(args{"url": e.at(&g), "repository": "lena/home", "needs": "write"}, more)
	}
	return []fault{
		{name: "bad credentials", kind: "github", args: of(fakeGitHub{}, args{"token": "ghp_canaryAnother4711"}), layer: "token", says: "Bad credentials"},
		{name: "token that ends soon", kind: "github", args: of(fakeGitHub{scopes: "repo", expires: time.Now().AddDate(0, 0, 3).UTC().Format("2006-01-02 15:04:05 MST")}, args{"days": 7}), layer: "expiry", says: "Regenerate token"},
		{name: "classic token without repo", kind: "github", args: of(fakeGitHub{scopes: "gist, read:org", fault: "hidden"}, nil), layer: "scope", says: "without repo it sees no private repository"},
		{name: "declared scope", kind: "github", args: of(fakeGitHub{scopes: "repo"}, args{"scopes": []string{"workflow"}}), layer: "scope", says: "lacks workflow"},
		{name: "single sign-on", kind: "github", args: of(fakeGitHub{scopes: "repo", fault: "sso"}, nil), layer: "scope", says: "Configure SSO"},
		{name: "permission of a fine-grained token", kind: "github", args: of(fakeGitHub{scopes: "-", fault: "unaccessible"}, nil), layer: "scope", says: "not given that permission"},
		{name: "hidden repository", kind: "github", args: of(fakeGitHub{scopes: "repo", fault: "hidden"}, nil), layer: "membership", says: "user chronos is no collaborator of lena/home"},
		{name: "hidden from a fine-grained token", kind: "github", args: of(fakeGitHub{scopes: "-", fault: "hidden"}, nil), layer: "membership", says: "Repository access: add lena/home"},
		{name: "public, everybody reads", kind: "github", args: of(fakeGitHub{scopes: "repo", public: true}, nil), layer: "membership", says: "everybody sees it"},
		{name: "triage where write is needed", kind: "github", args: of(fakeGitHub{scopes: "repo", role: "triage"}, nil), layer: "role", says: "has triage in lena/home, and write is needed"},
		{name: "rate limit", kind: "github", args: of(fakeGitHub{scopes: "repo", fault: "limited"}, nil), layer: "answer", says: "no more requests for a while, until", open: true},
		{name: "secondary rate limit", kind: "github", args: of(fakeGitHub{scopes: "repo", fault: "secondary"}, nil), layer: "answer", says: "no more requests", open: true},
		{name: "scopes of a fine-grained token", kind: "github", args: of(fakeGitHub{scopes: "-"}, args{"scopes": []string{"repo"}}), layer: "scope", says: "fine-grained", open: true},
	}
}

func (e *equipment) otherFaults() []fault {
	of := func(g *fakeRegistry, more args) args {
		return with(args{"url": e.at(g), "repository": "lena/app", "username": "chronos"}, more)
	}
	pull := []string{"pull"}
	pve := e.cluster(0)
	return []fault{
		{name: "wrong secret", kind: "proxmox", args: with(pve, args{"token": "chronos@pve!ci=00000000-canary-0000-0000-000000000000"}), layer: "token", says: "pveum user token list chronos@pve"},
		{name: "token that ends soon", kind: "proxmox", args: with(e.cluster(time.Now().AddDate(0, 0, 4).Unix()), args{"days": 10}), layer: "expiry", says: "--expire 0"},
		{name: "the token's own rights", kind: "proxmox", args: with(pve, args{"privileges": []string{"VM.Audit", "VM.PowerMgmt"}}), layer: "role", says: "pveum acl modify /vms/106 --tokens 'chronos@pve!ci'"},
		{name: "its user's rights too", kind: "proxmox", args: with(pve, args{"privileges": []string{"Sys.Console"}}), layer: "role", says: "and so does its user"},
		{name: "no token of Proxmox", kind: "proxmox", args: with(pve, args{"token": "canary-without-form"}), layer: "token", says: "not of the form", open: true},

		{name: "wrong password", kind: "registry", args: of(&fakeRegistry{actions: pull}, args{"token": "canary-other-password"}), layer: "token", says: "not accepted"},
		{name: "nobody without an account", kind: "registry", args: of(&fakeRegistry{actions: pull}, args{"token": "", "username": ""}), layer: "token", says: "anybody"},
		{name: "private to others", kind: "registry", args: of(&fakeRegistry{}, nil), layer: "membership", says: "user chronos may not pull from lena/app"},
		{name: "may only pull", kind: "registry", args: of(&fakeRegistry{actions: pull}, args{"needs": "push"}), layer: "role", says: "not push to it"},
		{name: "tokens that say nothing", kind: "registry", args: of(&fakeRegistry{actions: pull, opaque: "djE6bGVuYS9hcHA6MTIzNDU2Nzg5MA=="}, args{"needs": "push"}), layer: "role", says: "not to be seen without pushing", open: true},
		{name: "tokens of Gitea", kind: "registry", args: of(&fakeRegistry{actions: pull, opaque: "e30.eyJVc2VySUQiOjEsIlNjb3BlIjoiYWxsIn0.c2ln"}, args{"needs": "push"}), layer: "role", says: "not to be seen without pushing", open: true},
		{name: "no such tag", kind: "registry", args: of(&fakeRegistry{actions: pull, noTag: true}, args{"tag": "v9"}), layer: "answer", says: "no such tag"},
		{name: "tokens made elsewhere", kind: "registry", args: of(&fakeRegistry{realm: "https://127.0.0.1:1/token"}, nil), layer: "token", says: `auth = "https://127.0.0.1:1"`, open: true},

		{name: "command that fails", kind: "command", args: args{"host": "here", "command": []string{"sh", "-c", "echo not today >&2; exit 3"}}, layer: "answer", says: "ends with 3, and 0 is wanted; it says: not today"},
		{name: "program that is not there", kind: "command", args: args{"host": "here", "command": []string{"no-such-program-4711"}}, layer: "answer", says: "install no-such-program-4711"},
		{name: "output without the text", kind: "command", args: args{"host": "here", "command": []string{"echo", "$HOME; `id`"}, "contains": "uid="}, layer: "answer", says: "prints nothing with"},
	}
}

func (e *equipment) plainFaults() []fault {
	now := time.Now()
	year := now.AddDate(1, 0, 0)
	good := e.certified("127.0.0.1", now.Add(-time.Hour), year)
	plain := httptest.NewServer(status(200, "hello"))
	e.t.Cleanup(plain.Close)
	silent := e.listens(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	known := e.names(dnsmessage.RCodeSuccess)
	asks := func(server string, more args) args {
		return with(args{"server": server, "name": "git.example.net", "equals": []string{"192.168.40.23"}}, more)
	}
	challenge := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="write"`)
		w.WriteHeader(403)
	})
	return []fault{
		{name: "nobody listens", kind: "gitlab", args: args{"url": "https://" + e.nobody()}, layer: "reach", says: "nothing listens on port"},
		{name: "a name that is none", kind: "github", args: args{"url": "https://gitlab.invalid"}, layer: "reach", says: "gitlab.invalid"},
		{name: "port without a service", kind: "tcp", args: args{"address": e.nobody()}, layer: "reach", says: "nothing listens"},
		{name: "another service", kind: "tcp", args: args{"address": e.listens(func(c net.Conn) { fmt.Fprint(c, "220 mail ready\r\n"); c.Close() }), "expect": "SSH-2.0"}, layer: "answer", says: `begins with "220 mai"`},
		{name: "a service that waits", kind: "tcp", args: args{"address": silent, "expect": "SSH-2.0", "timeout": "1s"}, layer: "answer", says: "says nothing by itself"},

		{name: "expired certificate", kind: "tls", args: args{"address": e.certified("127.0.0.1", now.AddDate(-1, 0, 0), now.AddDate(0, 0, -2))}, layer: "tls", says: "has expired on"},
		{name: "certificate of tomorrow", kind: "tls", args: args{"address": e.certified("127.0.0.1", now.AddDate(0, 0, 1), year)}, layer: "tls", says: "good from"},
		{name: "certificate that ends soon", kind: "tls", args: args{"address": e.certified("127.0.0.1", now.Add(-time.Hour), now.AddDate(0, 0, 9))}, layer: "tls", says: "in 8 days, and 14 are wanted"},
		{name: "certificate for another name", kind: "tls", args: args{"address": good, "name": "git.example.net"}, layer: "tls", says: "not for git.example.net but for 127.0.0.1"},
		{name: "authority that nobody trusts", kind: "tls", args: args{"address": newServer(e.t)}, layer: "tls", says: "nobody here trusts"},
		{name: "another fingerprint", kind: "tls", args: args{"address": good, "fingerprint": strings.Repeat("AB:", 31) + "AB"}, layer: "tls", says: "another certificate"},
		{name: "no TLS there", kind: "gitlab", args: args{"url": "https://" + plain.Listener.Addr().String()}, layer: "tls", says: "speaks no TLS"},
		{name: "no handshake", kind: "http", args: args{"url": "https://" + silent, "timeout": "1s"}, layer: "tls", says: "does not answer the handshake"},

		{name: "token not accepted", kind: "http", args: args{"url": e.at(status(401, "who are you, "+canary))}, layer: "token", says: "401"},
		{name: "token not made for that", kind: "http", args: args{"url": e.at(challenge)}, layer: "scope", says: "was not made for that"},
		{name: "account that may not", kind: "http", args: args{"url": e.at(status(403, `{"error":"only admins"}`)), "header": "X-Api-Key"}, layer: "role", says: "says: only admins"},
		{name: "another text", kind: "http", args: args{"url": plain.URL, "contains": "goodbye"}, layer: "answer", says: `without "goodbye"`},
		{name: "never an answer", kind: "http", args: args{"url": e.at(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })), "timeout": "1s"}, layer: "answer", says: "does not answer in time"},

		{name: "name that is not there", kind: "dns", args: asks(e.names(dnsmessage.RCodeNameError), nil), layer: "answer", says: "NXDOMAIN"},
		{name: "another address", kind: "dns", args: asks(known, args{"equals": []string{"192.168.40.99"}}), layer: "answer", says: "is 192.168.40.23, and it is to be 192.168.40.99"},
		{name: "no record of the type", kind: "dns", args: asks(known, args{"type": "AAAA"}), layer: "answer", says: "has no AAAA record"},
		{name: "server that refuses", kind: "dns", args: asks(e.names(dnsmessage.RCodeRefused), nil), layer: "answer", says: "REFUSED"},
		{name: "server that finds nothing", kind: "dns", args: asks(e.names(dnsmessage.RCodeServerFailure), nil), layer: "answer", says: "SERVFAIL"},
		{name: "no server", kind: "dns", args: asks(e.nobody(), nil), layer: "reach", says: "nothing listens"},
	}
}

// newServer is a server whose authority is another one.
func newServer(t testing.TB) string {
	return serve(t, newAuthority(t).sign(t, "127.0.0.1", time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)), http.NotFoundHandler()).Listener.Addr().String()
}

func (e *equipment) ask(c *inventory.Check) inventory.Outcome {
	return e.askFor(context.Background(), c)
}

func (e *equipment) askFor(ctx context.Context, c *inventory.Check) inventory.Outcome {
	host := sshhost.New(sshhost.Config{Name: "here", Address: sshhost.Local})
	defer host.Close()
	return Ask(ctx, c, Means{Now: time.Now, Secrets: &secrets{}, CA: e.ca.pem, Host: host})
}

// TestEachFaultAtItsLayer: every access that does not work is found at its layer, with
// evidence of the layers before it and of no other, with what mends it, and without the
// token.
func TestEachFaultAtItsLayer(t *testing.T) {
	e := &equipment{t, newAuthority(t)}
	right, all := 0, e.faults()
	for _, f := range all {
		t.Run(f.kind+": "+f.name, func(t *testing.T) {
			c := checkOf(t, f.kind, f.args)
			o := e.ask(c)
			if o.Layer != f.layer || (o.Standing == inventory.CheckUnknown) != f.open || o.Works() {
				t.Errorf("it is %s at %q: %s", o.Standing, o.Layer, o.Said)
			} else {
				right++
			}
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(o.Said+"\n"+strings.Join(o.Fix, "\n"), f.says) {
				t.Errorf("it does not say %q: %s", f.says, text)
			}
			if strings.Contains(string(text), "canary") {
				t.Errorf("it shows a secret: %s", text)
			}
			if !f.open && len(o.Fix) == 0 {
				t.Errorf("it does not say what mends it: %s", text)
			}
			sound(t, c, &o)
		})
	}
	t.Logf("%d of %d faults at their layer", right, len(all))
}

// sound reports an outcome whose layers are not those of its check, or not in order.
func sound(t *testing.T, c *inventory.Check, o *inventory.Outcome) {
	t.Helper()
	order := inventory.Layers()
	last := -1
	for _, p := range o.Evidence {
		i := slices.Index(order, p.Layer)
		if i <= last || !slices.Contains(c.Kind.Layers, p.Layer) || p.Said == "" {
			t.Errorf("the evidence is out of order: %+v", o.Evidence)
		}
		last = i
	}
	if o.Standing == inventory.CheckFails && (last >= slices.Index(order, o.Layer) || !slices.Contains(c.Kind.Layers, o.Layer)) {
		t.Errorf("a %s check fails at %q after %+v", c.Kind.Name, o.Layer, o.Evidence)
	}
	if o.Works() && (o.Layer != "" || o.Said != "") {
		t.Errorf("it works and says %+v", o)
	}
}

// TestWhatWorks: the same services, with nothing wrong, and what they tell on the way.
func TestWhatWorks(t *testing.T) {
	e := &equipment{t, newAuthority(t)}
	api := []string{"api"}
	git := args{"repository": "lena/home", "needs": "write"}
	hello := e.at(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != canary {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, "hello")
	}))
	for _, w := range []struct {
		kind string
		args args
		says string // in the evidence
	}{
		{"gitlab", args{"url": e.at(&fakeGitLab{scopes: api, level: 40, expires: "2099-01-01"}), "project": "lena/home", "needs": "developer", "scopes": []string{"read_api"}}, "chronos is Maintainer there"},
		{"gitlab", args{"url": e.at(&fakeGitLab{scopes: api, level: 20}) + "/", "project": "lena/home"}, "is a member of lena/home"},
		{"gitlab", args{"url": e.at(&fakeGitLab{scopes: api, admin: true}), "project": "lena/home", "needs": "owner"}, "an administrator"},
		{"gitlab", args{"url": e.at(&fakeGitLab{scopes: []string{"read_user"}})}, `it is chronos's, named "chronos"`},
		{"gitea", with(git, args{"url": e.at(&fakeGitea{scopes: "read:user,write:repository", collaborator: true, push: true}), "scopes": []string{"read:repository"}}), "and may write it"},
		{"gitea", with(git, args{"url": e.at(&fakeGitea{scopes: "write:repository", collaborator: true, push: true})}), "the account of the token sees lena/home"},
		{"github", with(git, args{"url": e.at(&fakeGitHub{scopes: "repo, workflow", role: "write"}), "scopes": []string{"public_repo"}}), "chronos has write there"},
		{"github", args{"url": e.at(&fakeGitHub{scopes: "-", public: true}), "repository": "lena/home", "needs": "read"}, "has read there"},
		{"proxmox", with(e.cluster(0), args{"privileges": []string{"VM.Audit"}}), "it does not expire"},
		{"registry", args{"url": e.at(&fakeRegistry{actions: []string{"pull", "push"}}), "repository": "lena/app", "username": "chronos", "needs": "push"}, "push is allowed"},
		{"registry", args{"url": e.at(&fakeRegistry{actions: []string{"pull"}}), "repository": "lena/app", "username": "chronos", "tag": "latest"}, "may pull from lena/app"},
		{"http", args{"url": hello, "header": "X-Api-Key", "contains": "hell", "status": 200}, "it answers 200"},
		{"tls", args{"address": strings.TrimPrefix(hello, "https://")}, "the certificate for 127.0.0.1 is good until"},
		{"tcp", args{"address": e.listens(func(c net.Conn) { fmt.Fprint(c, "SSH-2.0-OpenSSH_9.9\r\n"); c.Close() }), "expect": "SSH-2.0"}, "it begins with"},
		{"dns", args{"server": e.names(dnsmessage.RCodeSuccess), "name": "git.example.net.", "equals": []string{"192.168.40.23"}}, "git.example.net is 192.168.40.23"},
		{"command", args{"host": "here", "command": []string{"echo", "a b"}, "contains": "a b"}, "echo ends with 0"},
		{"command", args{"host": "here", "command": []string{"false"}, "exit": 1}, "false ends with 1"},
	} {
		c := checkOf(t, w.kind, w.args)
		o := e.ask(c)
		if said := fmt.Sprint(o.Evidence); !o.Works() || !strings.Contains(said, w.says) {
			t.Errorf("%s %v is %s: %s; %s", w.kind, w.args, o.Standing, o.Sentence(), said)
		}
		sound(t, c, &o)
	}
}

// TestCredentialsGoNowhereElse: a registry that has tokens made somewhere else does not get
// the password sent there, unless the check names that place.
func TestCredentialsGoNowhereElse(t *testing.T) {
	e := &equipment{t, newAuthority(t)}
	maker := &fakeRegistry{actions: []string{"pull"}}
	at := e.at(maker)
	registry := e.at(&fakeRegistry{realm: at + "/token", actions: []string{"pull"}})
	a := args{"url": registry, "repository": "lena/app", "username": "chronos"}
	if o := e.ask(checkOf(t, "registry", a)); o.Standing != inventory.CheckUnknown || maker.sentTo != nil {
		t.Errorf("it is %s, and credentials went to %v", o.Standing, maker.sentTo)
	}
	a["auth"] = at
	if o := e.ask(checkOf(t, "registry", a)); !o.Works() || maker.sentTo == nil {
		t.Errorf("with auth it is %s: %s", o.Standing, o.Said)
	}
}

// TestAnInterruptDecidesNothing: who is interrupted knows nothing, and at once.
func TestAnInterruptDecidesNothing(t *testing.T) {
	e := &equipment{t, newAuthority(t)}
	silent := e.listens(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	deaf, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	for kind, a := range map[string]args{
		"http": {"url": "https://" + silent}, "gitlab": {"url": "http://" + silent}, "tls": {"address": silent}, "tcp": {"address": silent, "expect": "SSH"},
		"dns": {"server": deaf.LocalAddr().String(), "name": "x.example.net"}, "command": {"host": "here", "command": []string{"sleep", "60"}},
	} {
		c := checkOf(t, kind, a)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		begun := time.Now()
		o := e.askFor(ctx, c)
		if cancel(); o.Standing != inventory.CheckUnknown || time.Since(begun) > time.Second {
			t.Errorf("%s is %s after %s: %s", kind, o.Standing, time.Since(begun), o.Said)
		}
	}
}

// TestRealNameServer asks dnsmasq. It skips where that is not installed.
func TestRealNameServer(t *testing.T) {
	bin, err := exec.LookPath("dnsmasq")
	if err != nil {
		t.Skip("dnsmasq is not installed: apt-get install dnsmasq-base")
	}
	e := &equipment{t, newAuthority(t)}
	at := e.nobody()
	_, port, _ := net.SplitHostPort(at)
	cmd := exec.Command(bin, "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces", "--port="+port,
		"--host-record=git.example.net,192.168.40.23", "--txt-record=note.example.net,a long text", "--mx-host=example.net,mail.example.net,10", "--local=/example.net/", "--user=", "--pid-file=")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(log); lines.Scan() && !strings.Contains(lines.Text(), "started"); { // then it listens
	}
	for _, w := range []struct {
		args  args
		layer inventory.Layer
		says  string
	}{
		{args{"name": "git.example.net", "equals": []string{"192.168.40.23"}}, "", ""},
		{args{"name": "git.example.net", "type": "AAAA"}, "answer", "has no AAAA record"},
		{args{"name": "note.example.net", "type": "TXT", "equals": []string{"a long text"}}, "", ""},
		{args{"name": "example.net", "type": "MX", "equals": []string{"10 mail.example.net"}}, "", ""},
		{args{"name": "other.example.org"}, "answer", "REFUSED"},
		{args{"name": "git.example.net", "equals": []string{"192.168.40.1"}}, "answer", "is to be 192.168.40.1"},
	} {
		o := e.ask(checkOf(t, "dns", with(args{"server": at}, w.args)))
		if o.Layer != w.layer || !strings.Contains(o.Said, w.says) {
			t.Errorf("%v: %s", w.args, o.Sentence())
		}
	}
}
