package pvesim

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ticketLife is how long a ticket of POST /access/ticket holds.
const ticketLife = 2 * time.Hour

// identity is who sends a request.
type identity struct {
	user    string // name@realm
	token   string // token id, "" with a ticket
	privsep bool
}

// isRoot is PVE's test for the options that only root@pam may set: a token of
// root@pam is not root@pam.
func (i *identity) isRoot() bool { return i.user == "root@pam" && i.token == "" }

// full is the name in UPIDs and logs.
func (i *identity) full() string {
	if i.token != "" {
		return i.user + "!" + i.token
	}
	return i.user
}

// authenticate finds the identity, or refuses the request. A route that needs
// none gives nil.
func (s *Server) authenticate(req *http.Request, rt *route) (*identity, error) {
	who, err := s.identify(req)
	if err != nil && rt != nil && rt.world {
		return nil, nil
	}
	return who, err
}

func (s *Server) identify(req *http.Request) (*identity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const cookie = "PVEAuthCookie"
	header := req.Header.Get("Authorization")
	ticket := authValue(req.Header.Get("Cookie"), cookie)
	if ticket == "" {
		ticket = authValue(header, cookie)
	}
	if token := authValue(header, "PVEAPIToken"); ticket == "" && token != "" {
		if who := s.tokenUser(token); who != nil {
			return who, nil
		}
		return nil, &apiError{status: 401, msg: "Authentication failed!", bare: true, delay: authDelay}
	}
	if ticket == "" {
		return nil, &apiError{status: 401, msg: "No ticket", bare: true}
	}
	user, ok := s.verify("PVE", ticket, ticketLife)
	if !ok || !s.enabled(user) {
		return nil, &apiError{status: 401, msg: "permission denied - invalid PVE ticket", bare: true}
	}
	if req.Method != http.MethodGet && !s.csrfValid(req.Header.Get("CSRFPreventionToken"), user) {
		return nil, &apiError{status: 401, msg: "Permission denied - invalid csrf token", bare: true}
	}
	return &identity{user: user}, nil
}

// authValue reads a ticket or token of a header, whose colons and slashes clients may or
// may not have encoded.
func authValue(header, key string) string {
	at := strings.Index(" "+header, " "+key)
	if at < 0 {
		return ""
	}
	v := header[at+len(key):]
	if v == "" || v[0] != '=' && v[0] != ' ' {
		return ""
	}
	v, _, _ = strings.Cut(v[1:], ";")
	v = strings.Trim(v, `"`)
	if out, err := url.PathUnescape(v); err == nil {
		return out
	}
	return v
}

// tokenUser checks user@realm!id=secret.
func (s *Server) tokenUser(text string) *identity {
	name, secret, _ := strings.Cut(text, "=")
	if secret == "" { // Ansible and others write a colon
		i := strings.LastIndex(text, ":")
		if i < 0 {
			return nil
		}
		name, secret = text[:i], text[i+1:]
	}
	user, id, ok := strings.Cut(name, "!")
	u := s.world.user(user)
	if !ok || u == nil || !s.enabled(user) {
		return nil
	}
	t := u.token(id)
	if t == nil || subtle.ConstantTimeCompare([]byte(t.Secret), []byte(secret)) != 1 || past(t.Expire) {
		return nil
	}
	return &identity{user: user, token: id, privsep: t.Privsep}
}

func past(expire int64) bool { return expire > 0 && expire < time.Now().Unix() }

func (s *Server) enabled(user string) bool {
	u := s.world.user(user)
	return u != nil && !u.Disabled && !past(u.Expire)
}

// sign makes a ticket: PREFIX:data:TIME::signature.
func (s *Server) sign(prefix, data string) string {
	plain := fmt.Sprintf("%s:%s:%08X", prefix, data, time.Now().Unix())
	return plain + "::" + s.mac(plain)
}

func (s *Server) mac(plain string) string {
	h := hmac.New(sha256.New, s.ca.secret())
	h.Write([]byte(plain))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// verify returns the data of a ticket.
func (s *Server) verify(prefix, ticket string, life time.Duration) (string, bool) {
	plain, sig, ok := strings.Cut(ticket, "::")
	if !ok || subtle.ConstantTimeCompare([]byte(s.mac(plain)), []byte(sig)) != 1 {
		return "", false
	}
	rest, ok := strings.CutPrefix(plain, prefix+":")
	i := strings.LastIndex(rest, ":")
	if !ok || i < 0 {
		return "", false
	}
	at, err := strconv.ParseInt(rest[i+1:], 16, 64)
	if err != nil || time.Since(time.Unix(at, 0)) > life {
		return "", false
	}
	return rest[:i], true
}

func (s *Server) csrf(user string) string {
	at := fmt.Sprintf("%08X", time.Now().Unix())
	return at + ":" + s.mac(at+":"+user)
}

func (s *Server) csrfValid(token, user string) bool {
	at, sig, ok := strings.Cut(token, ":")
	return ok && subtle.ConstantTimeCompare([]byte(s.mac(at+":"+user)), []byte(sig)) == 1
}

// createTicket is POST /access/ticket.
func createTicket(c *call) (any, error) {
	user := c.p["username"]
	if !strings.Contains(user, "@") {
		user += "@" + orElse(c.p["realm"], "pam")
	}
	u := c.s.world.user(user)
	given := c.p["password"]
	from, isTicket := c.s.verify("PVE", given, ticketLife)
	ok := u != nil && c.s.enabled(user) && (isTicket && from == user || u.Password != "" && u.Password == given)
	if !ok {
		return nil, &apiError{status: 401, msg: "authentication failure", delay: authDelay}
	}
	who := &identity{user: user}
	if c.has("path") {
		if !(&call{s: c.s, who: who}).may(c.p["path"], splitList(c.p["privs"])...) {
			return nil, denied(c.p["path"] + ", " + strings.Join(splitList(c.p["privs"]), "|"))
		}
		return obj{"username": user}, nil
	}
	out := obj{"username": user, "ticket": c.s.sign("PVE", user), "CSRFPreventionToken": c.s.csrf(user), "cap": c.s.capabilities(who)}
	if c.s.world.Cluster != "" {
		out["clustername"] = c.s.world.Cluster
	}
	return out, nil
}

// capabilities is what the web interface may offer, by area.
func (s *Server) capabilities(who *identity) obj {
	out := obj{}
	for area, path := range map[string]string{"vms": "/vms", "storage": "/storage", "access": "/access", "nodes": "/nodes", "dc": "/", "sdn": "/sdn", "mapping": "/mapping"} {
		caps := obj{}
		for p, propagate := range s.privs(who, path) {
			caps[p] = propagate
		}
		out[area] = caps
	}
	return out
}

// newVNCTicket makes the short ticket of a console.
func (c *call) newVNCTicket(path string) string {
	return c.s.sign("PVEVNC", c.who.full()+"@"+strings.ReplaceAll(path, ":", "_"))
}
