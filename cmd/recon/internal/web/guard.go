package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"

	"golang.org/x/time/rate"
)

const (
	sessionCookie = "recon_session"
	sessionTime   = 12 * time.Hour
	maxSessions   = 1000
	maxBody       = 1 << 20
)

// A guard lets in who may come in, and asks every request for its name, its origin and
// its host before anything else sees it.
type guard struct {
	page   *api.Page
	listen string
	token  [sha256.Size]byte
	tokens bool // somebody may log in with the token
	hosts  []string
	secure bool // cookies go over TLS alone

	provider *provider // nil: nobody logs in with one
	origins  *http.CrossOriginProtection
	now      func() time.Time

	mu       sync.Mutex
	sessions map[string]session       // by the sum of the cookie
	wrong    map[string]*rate.Limiter // what was wrong, by what it was for and where it came from
}

type session struct {
	user user
	ends time.Time
}

// A user is whoever asks.
type user struct {
	name   string
	mayAct bool
	out    bool // may log out
}

type userKey struct{}

func userOf(r *http.Request) user {
	u, _ := r.Context().Value(userKey{}).(user)
	return u
}

func newGuard(o *Options) *guard {
	g := &guard{
		page: o.Page, listen: o.Listen, token: sha256.Sum256([]byte(o.Token)), tokens: o.Token != "", origins: http.NewCrossOriginProtection(),
		now: o.Live.Home.Now, sessions: map[string]session{}, wrong: map[string]*rate.Limiter{},
	}
	host, port, _ := net.SplitHostPort(o.Listen)
	g.hosts = []string{net.JoinHostPort(host, port)}
	if host == "localhost" || net.ParseIP(host).IsLoopback() {
		for _, local := range []string{"localhost", "127.0.0.1", "::1"} {
			g.hosts = append(g.hosts, net.JoinHostPort(local, port))
		}
	}
	if u, err := url.Parse(o.Page.URL); err == nil && u.Host != "" {
		g.hosts = append(g.hosts, u.Host)
		g.secure = u.Scheme == "https"
	}
	g.secure = g.secure || o.Page.Certificate != ""
	if o.Page.Login != nil && o.Page.Login.OIDC != nil {
		g.provider = &provider{conf: o.Page.Login.OIDC, back: RedirectURI(o.Page, o.Listen), now: g.now}
	}
	return g
}

// RedirectURI is where a provider of OpenID Connect sends people back to, "" without one. It
// has to know that.
func RedirectURI(page *api.Page, listen string) string {
	if page.Login == nil || page.Login.OIDC == nil {
		return ""
	}
	scheme := "http"
	if page.Certificate != "" {
		scheme = "https"
	}
	return strings.TrimRight(cmp.Or(page.URL, scheme+"://"+listen), "/") + backPath
}

// protect is what stands before every route.
func (g *guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header(), g.secure)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		switch {
		case !g.knows(r.Host):
			http.Error(w, "This page does not answer to that name. Give it url = \"https://...\" in the page block.", http.StatusMisdirectedRequest)
			return
		case g.origins.Check(r) != nil:
			http.Error(w, "This request was begun by another site.", http.StatusForbidden)
			return
		}
		u, ok := g.who(r)
		if !ok && !open(r) {
			g.refuse(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, u)))
	})
}

// open reports what is answered to everybody: how to log in, what belongs to the program,
// to who watches over it, in one word, that it runs, and what is signed.
func open(r *http.Request) bool {
	path := r.URL.Path
	return slices.Contains([]string{"/login", beginPath, backPath, "/healthz", "/readyz"}, path) || strings.HasPrefix(path, "/static/") ||
		strings.HasPrefix(path, "/decide/") || // whose link is its own credential
		r.Method == http.MethodPost && strings.HasPrefix(path, hooksPath)
}

// knows reports a name of this page: others are names that somebody pointed at it, so
// that a browser takes the page for theirs.
func (g *guard) knows(host string) bool {
	if slices.Contains(g.hosts, strings.ToLower(host)) {
		return true
	}
	// A page on all addresses answers to each of them.
	listen, port, _ := net.SplitHostPort(g.listen)
	name, asked, err := net.SplitHostPort(host)
	ip := net.ParseIP(listen)
	return err == nil && asked == port && (listen == "" || ip != nil && ip.IsUnspecified()) && net.ParseIP(name) != nil
}

// headers forbid a browser everything that the page does not need.
func headers(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// who tells who asks: anybody where nobody needs to log in, else whoever has a session,
// the token, or a proxy that vouches for them.
func (g *guard) who(r *http.Request) (user, bool) {
	if g.page.Login == nil {
		return user{mayAct: true}, true
	}
	if name, groups := g.vouched(r); name != "" {
		return user{name: name, mayAct: g.page.Approve.Has(name, groups)}, true
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && g.tokens {
		return user{name: "token", mayAct: true}, g.is(r, bearer) == nil
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return user{}, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.sessions[sum(c.Value)]
	return s.user, ok && g.now().Before(s.ends)
}

// vouched is whom a trusted proxy names, and their groups, "" when none does.
func (g *guard) vouched(r *http.Request) (name string, groups []string) {
	login := g.page.Login
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if login.Header == "" || err != nil || !slices.ContainsFunc(login.From, func(p netip.Prefix) bool { return p.Contains(from.Addr().Unmap()) }) {
		return "", nil
	}
	if len(r.Header.Values(login.Header)) != 1 {
		return "", nil
	}
	if all := r.Header.Values(login.Groups); len(all) == 1 { // Authelia has commas between them, Authentik bars
		groups = strings.FieldsFunc(all[0], func(c rune) bool { return c == ',' || c == '|' })
		for i := range groups {
			groups[i] = strings.TrimSpace(groups[i])
		}
	}
	return r.Header.Get(login.Header), groups
}

var (
	errWrong   = errors.New("that is not the token of the file that the page block names")
	errTooMany = errors.New("too many have failed to log in from this address; wait a minute")
)

// is compares with the token, in the same time whatever is wrong with it. From where
// many wrong ones came none is looked at for a while.
func (g *guard) is(r *http.Request, token string) error {
	if g.closed(r, "login") {
		return errTooMany
	}
	got := sha256.Sum256([]byte(token))
	if g.tokens && subtle.ConstantTimeCompare(got[:], g.token[:]) == 1 {
		return nil
	}
	g.count(r, "login")
	return errWrong
}

// from is where a request comes from, and for what.
func from(r *http.Request, what string) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return what + " " + host
}

// closed reports an address from which too much that is wrong came.
func (g *guard) closed(r *http.Request, what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.wrong[from(r, what)]
	return limit != nil && limit.TokensAt(g.now()) < 1
}

// count notes that something wrong came from an address.
func (g *guard) count(r *http.Request, what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := from(r, what)
	limit := g.wrong[key]
	if limit == nil {
		if len(g.wrong) >= maxSessions {
			clear(g.wrong)
		}
		limit = rate.NewLimiter(rate.Every(12*time.Second), 5)
		g.wrong[key] = limit
	}
	limit.AllowN(g.now(), 1)
}

// asks reports a page at which people can log in.
func (g *guard) asks() bool { return g.tokens || g.provider != nil }

// refuse sends people to the login, and programs away.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request) {
	if g.asks() && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="recon"`)
	http.Error(w, "Log in first.", http.StatusUnauthorized)
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return string(s[:])
}

// begin begins a session.
func (g *guard) begin(u user) *http.Cookie {
	value := rand.Text() + rand.Text()
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, s := range g.sessions {
		if !g.now().Before(s.ends) || len(g.sessions) >= maxSessions {
			delete(g.sessions, key)
		}
	}
	g.sessions[sum(value)] = session{u, g.now().Add(sessionTime)}
	return g.cookie(value, int(sessionTime.Seconds()))
}

func (g *guard) end(r *http.Request) *http.Cookie {
	if c, err := r.Cookie(sessionCookie); err == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.sessions, sum(c.Value))
	}
	return g.cookie("", -1)
}

func (g *guard) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: g.secure, SameSite: http.SameSiteStrictMode}
}

// login asks for the token, and lets in who has it.
func (s *server) login(w http.ResponseWriter, r *http.Request) {
	if s.guard.page.Login == nil || !s.guard.asks() {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if r.Method != http.MethodPost {
		s.askLogin(w, r, nil)
		return
	}
	if err := s.guard.is(r, strings.TrimSpace(r.PostFormValue("token"))); err != nil {
		s.askLogin(w, r, err)
		return
	}
	http.SetCookie(w, s.guard.begin(user{name: "token", mayAct: true, out: true}))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// askLogin shows the ways to log in, and why the last one did not lead anywhere.
func (s *server) askLogin(w http.ResponseWriter, r *http.Request, why error) {
	body := struct {
		Refused, Provider string
		Token             bool
	}{Token: s.guard.tokens}
	if p := s.guard.provider; p != nil {
		body.Provider = hostOf(p.conf.Issuer)
	}
	a := answer{template: "login", title: "Log in"}
	if why != nil {
		body.Refused, a.code = why.Error(), http.StatusUnauthorized
		if cause := errors.Unwrap(why); cause != nil {
			s.Log.Warn("nobody was logged in", "why", s.Secrets.Text(cause.Error()), "from", r.RemoteAddr)
		}
	}
	a.body = body
	s.render(w, r, api.LiveState{}, a)
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil {
		return words.Clean(u.Host)
	}
	return ""
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, s.guard.end(r))
	http.Redirect(w, r, cmp.Or(map[bool]string{true: "/login"}[s.guard.asks()], "/"), http.StatusSeeOther)
}
