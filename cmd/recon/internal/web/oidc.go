package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	beginPath     = "/login/oidc"
	backPath      = "/login/callback"
	attemptCookie = "recon_login"
	attemptTime   = 10 * time.Minute // to log in at the provider
	providerTime  = 10 * time.Second // for what a provider is asked, all in all
)

// A provider of OpenID Connect says who somebody is. It is asked for what it can when
// somebody first logs in, so that recon serve begins without it.
type provider struct {
	conf *api.OIDC
	back string // where it sends people to
	now  func() time.Time

	mu    sync.Mutex
	found *oidc.Provider
}

// A refusal is why somebody is not let in, in words that anybody may read and that say
// what to do; err is what the log has to say.
type refusal struct {
	text string
	err  error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.err }

func refused(err error, format string, args ...any) *refusal {
	return &refusal{text: words.Clean(fmt.Sprintf(format, args...)), err: err}
}

// asking is a context in which a provider is asked, with a bound on how much it may say.
func asking(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{Transport: bounded{}, Timeout: providerTime})
}

// bounded reads no more of an answer than a provider has to say.
type bounded struct{}

func (bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		body := answer.Body
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(body, maxBody), body}
	}
	return answer, err
}

// discover asks the provider what it can, unless that is known.
func (p *provider) discover() (*oidc.Provider, *oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		found, err := oidc.NewProvider(asking(context.Background()), p.conf.Issuer) // it fetches keys by the same context, later
		switch {
		case err != nil && strings.Contains(err.Error(), "did not match the issuer"):
			return nil, nil, refused(err, "The provider calls itself otherwise than issuer in the page block, %s. They have to be the same, to the last slash; the log of recon has both.", p.conf.Issuer)
		case err != nil:
			return nil, nil, refused(err, "The provider %s does not answer as one. Is issuer in the page block right, and does the machine of recon reach it? The log of recon says why.", p.conf.Issuer)
		}
		p.found = found
	}
	return p.found, &oauth2.Config{
		ClientID: p.conf.ClientID, ClientSecret: p.conf.Secret, Endpoint: p.found.Endpoint(), RedirectURL: p.back, Scopes: append([]string{oidc.ScopeOpenID}, p.conf.Scopes...),
	}, nil
}

// An attempt to log in is what a browser keeps while its user is at the provider: what
// comes back has to belong to it. Nothing is kept here, so nobody can fill it.
type attempt struct{ state, nonce, verifier string }

func (a attempt) String() string { return a.state + "." + a.nonce + "." + a.verifier }

// attemptOf is the attempt that a browser has begun.
func (g *guard) attemptOf(r *http.Request) (a attempt, ok bool) {
	c, err := r.Cookie(g.attemptName())
	if err != nil {
		return a, false
	}
	parts := strings.Split(c.Value, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return a, false
	}
	return attempt{parts[0], parts[1], parts[2]}, true
}

// attemptName keeps, over TLS, pages of neighbouring names from setting the cookie.
func (g *guard) attemptName() string {
	return map[bool]string{true: "__Host-"}[g.secure] + attemptCookie
}

// attemptCookie is sent along when the provider sends somebody back, which a strict one is not.
func (g *guard) attemptCookie(value string, age time.Duration) *http.Cookie {
	return &http.Cookie{Name: g.attemptName(), Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, Secure: g.secure, SameSite: http.SameSiteLaxMode}
}

// toProvider sends a browser to the provider.
func (s *server) toProvider(w http.ResponseWriter, r *http.Request) {
	_, config, err := s.guard.provider.discover()
	if err != nil {
		s.askLogin(w, r, err)
		return
	}
	a := attempt{rand.Text(), rand.Text(), oauth2.GenerateVerifier()}
	http.SetCookie(w, s.guard.attemptCookie(a.String(), attemptTime))
	http.Redirect(w, r, config.AuthCodeURL(a.state, oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)), http.StatusFound)
}

// fromProvider lets in whom the provider sends back. The answer is a page that goes on by
// itself: to a redirect browsers send no strict cookie, since another site began it.
func (s *server) fromProvider(w http.ResponseWriter, r *http.Request) {
	a, begun := s.guard.attemptOf(r)
	http.SetCookie(w, s.guard.attemptCookie("", -time.Second))
	switch {
	case s.guard.closed(r, "login"):
		s.askLogin(w, r, errTooMany)
		return
	case !begun || subtle.ConstantTimeCompare([]byte(a.state), []byte(r.FormValue("state"))) != 1:
		s.guard.count(r, "login")
		s.askLogin(w, r, refused(nil, "This login was not begun in this browser, or more than %d minutes ago. Begin again.", int(attemptTime.Minutes())))
		return
	}
	ctx, cancel := context.WithTimeout(asking(r.Context()), providerTime)
	defer cancel()
	who, err := s.guard.provider.identify(ctx, a, r)
	if err != nil {
		s.guard.count(r, "login")
		s.askLogin(w, r, err)
		return
	}
	s.Log.Info("logged in", "user", who.name, "from", r.RemoteAddr)
	http.SetCookie(w, s.guard.begin(user{name: who.name, mayAct: s.guard.page.Approve.Has(who.name, who.groups), out: true}))
	s.render(w, r, api.LiveState{}, answer{template: "welcome", title: "Logged in", body: struct{}{}})
}

// An identity is what a provider says of somebody.
type identity struct {
	name   string
	groups []string
}

// identify asks the provider who has come back.
func (p *provider) identify(ctx context.Context, a attempt, r *http.Request) (who identity, err error) {
	found, config, err := p.discover()
	if err != nil {
		return who, err
	}
	if code := r.FormValue("error"); code != "" {
		return who, refused(nil, "The provider says %s. %s", code, r.FormValue("error_description"))
	}
	token, err := config.Exchange(ctx, r.FormValue("code"), oauth2.VerifierOption(a.verifier))
	if err != nil {
		return who, p.notExchanged(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := found.VerifierContext(asking(context.Background()), &oidc.Config{ClientID: p.conf.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return who, p.notVerified(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.nonce)) != 1 {
		return who, refused(nil, "What the provider says answers another login than this one. Begin again.")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return who, p.notVerified(err)
		}
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return who, p.notVerified(err)
	}
	if err := p.complete(ctx, found, config, token, id.Subject, claims); err != nil {
		return who, err
	}
	return p.named(claims)
}

// complete asks for what the token does not say: many providers tell names and groups only
// to who asks for them.
func (p *provider) complete(ctx context.Context, found *oidc.Provider, config *oauth2.Config, token *oauth2.Token, subject string, claims map[string]any) error {
	if (claims[p.conf.User] != nil && claims[p.conf.Groups] != nil) || found.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := found.UserInfo(ctx, config.TokenSource(ctx, token))
	if err == nil && info.Subject != subject {
		err = fmt.Errorf("it speaks of %q instead of %q", info.Subject, subject)
	}
	more := map[string]any{}
	if err == nil {
		err = info.Claims(&more)
	}
	if err != nil {
		return refused(err, "The provider does not say who you are when it is asked. The log of recon says why.")
	}
	for name, value := range more {
		if claims[name] == nil {
			claims[name] = value
		}
	}
	return nil
}

// named takes the name and the groups out of what a provider says.
func (p *provider) named(claims map[string]any) (who identity, err error) {
	who.name, _ = claims[p.conf.User].(string)
	if p.conf.User == "email" && claims["email_verified"] != true {
		return who, refused(nil, "The provider has not verified your address.")
	}
	if strings.TrimSpace(who.name) == "" {
		return who, refused(nil, "The provider does not say your %s. Either it is to send that, with a scope that recon asks for, or user in the oidc block names another claim, such as \"sub\".", p.conf.User)
	}
	switch groups := claims[p.conf.Groups].(type) {
	case string:
		who.groups = []string{groups}
	case []any:
		for _, g := range groups {
			if name, ok := g.(string); ok {
				who.groups = append(who.groups, name)
			}
		}
	}
	return who, nil
}

// notExchanged says why a provider gives nothing for what somebody brings.
func (p *provider) notExchanged(err error) error {
	var no *oauth2.RetrieveError
	if !errors.As(err, &no) {
		return refused(err, "The provider %s does not answer. Begin again; the log of recon says why.", p.conf.Issuer)
	}
	switch code := cmp.Or(no.ErrorCode, no.Response.Status); code {
	case "invalid_client", "unauthorized_client", "401 Unauthorized":
		return refused(err, "The provider does not know recon: client_id or client_secret in the page block is another than it has.")
	case "invalid_grant":
		return refused(err, "The provider takes this login no more: it was used, or is too old, or was begun for another redirect URI than %s. Begin again.", p.back)
	default:
		return refused(err, "The provider says %s. The log of recon says more.", code)
	}
}

// notVerified says what is wrong with what a provider says.
func (p *provider) notVerified(err error) error {
	var late *oidc.TokenExpiredError
	switch {
	case errors.As(err, &late):
		return refused(err, "What the provider says was valid until %s, and the clock of recon shows %s. One of the two clocks is wrong.", late.Expiry.UTC().Format(time.RFC3339), p.now().UTC().Format(time.RFC3339))
	case strings.Contains(err.Error(), "before the nbf"):
		return refused(err, "What the provider says is not valid yet. The clock of recon shows %s: is it right?", p.now().UTC().Format(time.RFC3339))
	case strings.Contains(err.Error(), "audience"):
		return refused(err, "What the provider says is meant for another than %q. Is client_id in the page block right?", p.conf.ClientID)
	default:
		return refused(err, "What the provider says cannot be verified. The log of recon says why.")
	}
}
