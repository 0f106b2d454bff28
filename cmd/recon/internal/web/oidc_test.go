package web

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/manifests"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"
)

// A visitor is a browser without scripts, in which somebody logs in.
type visitor struct {
	t    testing.TB
	jar  http.CookieJar
	page string
}

// do asks for an address, as a browser does, and returns where it ended and what is there.
func (v *visitor) do(method, address string, form url.Values) (at *url.URL, status int, body string) {
	v.t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := (&http.Client{Jar: v.jar}).Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer.Request.URL, answer.StatusCode, string(b)
}

// sees is the headline of a page, or why nobody is let in.
func (v *visitor) sees(path string) string {
	v.t.Helper()
	_, _, body := v.do("GET", v.page+path, nil)
	if m := regexp.MustCompile(`Not let in\.</strong> ([^<]*)`).FindStringSubmatch(body); m != nil {
		return m[1]
	}
	return regexp.MustCompile(`<h1>(.*?)</h1>|no headline`).FindString(body)
}

// oidcSite is a page at which people log in with a provider.
func oidcSite(t *testing.T, login manifests.OIDC, change func(*site)) *visitor {
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	if login.User == "" {
		login.User = "preferred_username"
	}
	login.Groups = "groups"
	s := newSite(t, api.Page{Login: &manifests.Login{OIDC: &login}, Approve: manifests.Approvers{Groups: []string{"design"}}})
	if change != nil {
		change(s)
	}
	s.run()
	s.opts.Listen = strings.TrimPrefix(server.URL, "http://")
	server.Config.Handler = s.handler()
	jar, _ := cookiejar.New(nil)
	return &visitor{t, jar, server.URL}
}

func (v *visitor) mayAct() bool {
	_, status, _ := v.do("POST", v.page+"/runs", url.Values{"action": {"drift"}})
	return status != http.StatusForbidden
}

// A changed user has a provider sign something else than it should.
type changed struct {
	mockoidc.User
	change func(*mockoidc.IDTokenClaims)
}

func (c changed) Claims(scope []string, claims *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	c.change(claims)
	return c.User.Claims(scope, claims)
}

// TestOIDC: a provider lets in whom it names, groups say who may begin runs, and what is
// wrong with a login is said with what to do.
func TestOIDC(t *testing.T) {
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown() })
	conf := manifests.OIDC{Issuer: m.Issuer(), ClientID: m.ClientID, Secret: m.ClientSecret, Scopes: []string{"profile", "groups", "email"}}
	user := func(name string, groups ...string) *mockoidc.MockUser {
		return &mockoidc.MockUser{Subject: "1", PreferredUsername: name, Groups: groups, Email: "eve@example.net"}
	}
	with := func(change func(*manifests.OIDC)) manifests.OIDC {
		c := conf
		change(&c)
		return c
	}
	for _, c := range []struct {
		name string
		conf manifests.OIDC
		user mockoidc.User
		now  time.Duration
		sees string
		acts bool
	}{
		{"who may begin runs", conf, user("jane.doe", "engineering", "design"), 0, "<h1>Logged in</h1>", true},
		{"who may look", conf, user("design", "engineering"), 0, "<h1>Logged in</h1>", false},
		{"who calls themselves like a group", conf, user("group:design"), 0, "<h1>Logged in</h1>", false},
		{"nobody", conf, user(""), 0, "does not say your preferred_username", false},
		{"an address that nobody has verified", with(func(o *manifests.OIDC) { o.User = "email" }), user("eve"), 0, "has not verified", false},
		{"another claim", with(func(o *manifests.OIDC) { o.User = "sub" }), user("", "design"), 0, "<h1>Logged in</h1>", true},
		{"a wrong secret", with(func(o *manifests.OIDC) { o.Secret = "wrong" }), user("eve"), 0, "client_secret", false},
		{"a wrong issuer", with(func(o *manifests.OIDC) { o.Issuer += "/" }), user("eve"), 0, "to the last slash", false},
		{"no provider", with(func(o *manifests.OIDC) { o.Issuer = "http://127.0.0.1:1" }), user("eve"), 0, "does not answer as one", false},
		{"a clock that is wrong", conf, user("eve"), time.Hour, "One of the two clocks is wrong", false},
		{"another audience", conf, changed{user("eve"), func(c *mockoidc.IDTokenClaims) { c.Audience = jwt.ClaimStrings{"other"} }}, 0, "meant for another", false},
		{"another login's nonce", conf, changed{user("eve"), func(c *mockoidc.IDTokenClaims) { c.Nonce = "other" }}, 0, "answers another login", false},
		{"another issuer's token", conf, changed{user("eve"), func(c *mockoidc.IDTokenClaims) { c.Issuer = "https://evil.example" }}, 0, "cannot be verified", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m.UserQueue.Queue = nil
			m.QueueUser(c.user)
			v := oidcSite(t, c.conf, func(s *site) { s.now = func() time.Time { return time.Now().Add(c.now) } })
			if got := v.sees("/"); got != "<h1>Log in</h1>" {
				t.Fatalf("at first they see %s", got)
			}
			if got := v.sees(beginPath); !strings.Contains(got, c.sees) {
				t.Fatalf("they see %q, not %q", got, c.sees)
			}
			in := c.sees == "<h1>Logged in</h1>"
			if got := v.sees("/"); in != strings.Contains(got, "to update") {
				t.Errorf("after that they see %s", got)
			}
			if got := v.mayAct(); in && got != c.acts {
				t.Errorf("they may begin runs: %v", got)
			}
			v.do("POST", v.page+"/logout", nil)
			if got := v.sees("/"); got != "<h1>Log in</h1>" {
				t.Errorf("after they have logged out they see %s", got)
			}
		})
	}
}

// TestOIDCOfOthers: what comes back counts only in the browser in which a login was begun,
// and once; cookies are out of the reach of scripts and of other sites; who tries many is
// no longer looked at.
func TestOIDCOfOthers(t *testing.T) {
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown() })
	conf := manifests.OIDC{Issuer: m.Issuer(), ClientID: m.ClientID, Secret: m.ClientSecret, Scopes: []string{"profile", "groups"}}
	v := oidcSite(t, conf, nil)
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	begun, err := stay.Get(v.page + beginPath)
	if err != nil {
		t.Fatal(err)
	}
	begun.Body.Close()
	c := begun.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Value == "" {
		t.Errorf("the cookie of an attempt: %s", c)
	}
	to, _ := url.Parse(begun.Header.Get("Location"))
	if q := to.Query(); q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("state") == "" || strings.Contains(to.String(), strings.Split(c.Value, ".")[2]) {
		t.Errorf("the provider is asked: %s", to)
	}
	back, err := stay.Get(to.String())
	if err != nil {
		t.Fatal(err)
	}
	back.Body.Close()
	returns := func(address string, with *http.Cookie) (string, []*http.Cookie) {
		r, _ := http.NewRequest("GET", address, nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if with != nil {
			r.AddCookie(with)
		}
		answer, err := stay.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return string(b), answer.Cookies()
	}
	home := back.Header.Get("Location")
	if said, _ := returns(home, nil); !strings.Contains(said, "not begun in this browser") {
		t.Errorf("another browser is let in: %s", said)
	}
	if said, _ := returns(home, &http.Cookie{Name: c.Name, Value: "other.other.other"}); !strings.Contains(said, "not begun in this browser") {
		t.Errorf("another login is let in: %s", said)
	}
	said, got := returns(home, c)
	if !strings.Contains(said, "Logged in") || len(got) != 2 || got[1].Name != sessionCookie || !got[1].HttpOnly || got[1].SameSite != http.SameSiteStrictMode || got[0].MaxAge >= 0 {
		t.Errorf("who has begun is not let in: %s %v", said, got)
	}
	if said, _ := returns(home, c); !strings.Contains(said, "takes this login no more") {
		t.Errorf("it is let in twice: %s", said)
	}
	for range 4 {
		said, _ = returns(v.page+backPath+"?error=x&error_description=%3Cscript%3E", c)
	}
	if strings.Contains(said, "<script>&") || !strings.Contains(said, "too many have failed") {
		t.Errorf("many who fail are still looked at: %s", said)
	}
	secure := newGuard(&Options{Live: api.NewLive(&api.Home{}), Page: &api.Page{URL: "https://recon.example.net", Login: &manifests.Login{OIDC: &conf}}})
	if c := secure.attemptCookie("x", time.Minute); !c.Secure || !strings.HasPrefix(c.Name, "__Host-") {
		t.Errorf("over TLS the cookie is %s", c)
	}
}

// TestOIDCProvider logs in at the example server of zitadel/oidc, which is certified and
// tells names to who asks for them alone.
func TestOIDCProvider(t *testing.T) {
	program, err := exec.LookPath("zitadel-oidc")
	if err != nil {
		t.Skip("skips a login at a provider that others wrote: zitadel-oidc is not built (make deps)")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	issuer := "http://localhost:" + port + "/"
	v := oidcSite(t, manifests.OIDC{Issuer: issuer, ClientID: "web", Secret: "secret", Scopes: []string{"profile"}}, nil)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "PORT="+port, "REDIRECT_URI="+v.page+backPath)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var at *url.URL
	body := ""
	for begin := time.Now(); !strings.Contains(body, `name="password"`); {
		if at, _, body = v.do("GET", v.page+beginPath, nil); time.Since(begin) > time.Minute {
			t.Fatalf("the provider shows no login at %s: %s", at, body)
		}
	}
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(body)
	if id == nil {
		t.Fatalf("the provider's login: %s", body)
	}
	at, _, body = v.do("POST", issuer+"login/username", url.Values{"id": {id[1]}, "username": {"test-user2"}, "password": {"verysecure"}})
	if !strings.Contains(body, "Logged in") || at.Path != backPath {
		t.Fatalf("from the provider one comes to %s: %s", at, body)
	}
	if _, _, body := v.do("GET", v.page+"/", nil); !strings.Contains(body, "test-user2") || !strings.Contains(body, "Log out") {
		t.Errorf("who has logged in sees %s", body)
	}
}
