package access

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// canary is the token that no outcome may show.
const canary = "glpat-canary-4711-abcdef"

// say answers with JSON.
func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

type obj = map[string]any

// A fakeGitLab answers as GitLab's documentation and its lib/api/api_guard.rb have it.
type fakeGitLab struct {
	fault      string // revoked, expired, blocked, old
	scopes     []string
	expires    string
	bot, admin bool
	level      int    // of user 7 in the project; 0: no member
	visibility string // private when empty
}

func (g *fakeGitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scope := func(any ...string) bool {
		for _, s := range g.scopes {
			for _, a := range any {
				if s == a {
					return true
				}
			}
		}
		say(w, 403, obj{"error": "insufficient_scope", "error_description": "The request requires higher privileges than provided by the access token.", "scope": strings.Join(any, " ")})
		return false
	}
	switch {
	case r.Header.Get("Private-Token") != canary:
		say(w, 401, obj{"message": "401 Unauthorized"})
	case g.fault == "revoked":
		say(w, 401, obj{"error": "invalid_token", "error_description": "Token was revoked. You have to re-authorize from the user."})
	case g.fault == "expired":
		say(w, 401, obj{"error": "invalid_token", "error_description": "Token is expired. You can either do re-authorization or token refresh."})
	case g.fault == "blocked":
		say(w, 403, obj{"message": "403 Forbidden - Your account has been blocked."})
	case g.fault == "old" && strings.HasSuffix(r.URL.Path, "/self"):
		say(w, 404, obj{"error": "404 Not Found"})
	case r.URL.Path == "/api/v4/personal_access_tokens/self":
		say(w, 200, obj{"id": 4, "name": "chronos", "revoked": false, "active": true, "scopes": g.scopes, "user_id": 7, "expires_at": g.expires})
	case r.URL.Path == "/api/v4/user":
		if scope("api", "read_api", "read_user") {
			say(w, 200, obj{"id": 7, "username": map[bool]string{false: "chronos", true: "project_9_bot_1f"}[g.bot], "bot": g.bot, "is_admin": g.admin})
		}
	case !scope("api", "read_api"):
	case g.visibility == "" && g.level == 0 && !g.admin:
		say(w, 404, obj{"message": "404 Project Not Found"})
	case r.URL.EscapedPath() == "/api/v4/projects/lena%2Fhome":
		say(w, 200, obj{"id": 2, "path_with_namespace": "lena/home", "visibility": g.visibility, "permissions": obj{"project_access": nil, "group_access": nil}})
	case r.URL.EscapedPath() == "/api/v4/projects/lena%2Fhome/members/all/7" && g.level > 0:
		say(w, 200, obj{"id": 7, "username": "chronos", "access_level": g.level, "state": "active"})
	default:
		say(w, 404, obj{"message": "404 Not found"})
	}
}

// A fakeGitea answers as Gitea 1.24 does, by its routers/api/v1.
type fakeGitea struct {
	scopes       string
	prohibited   bool
	public       bool
	collaborator bool
	push         bool
}

func (g *fakeGitea) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	needs := func(scope string) bool {
		area, _ := strings.CutPrefix(scope, "read:")
		for _, s := range strings.Split(g.scopes, ",") {
			if s == "all" || s == scope || s == "write:"+area {
				return true
			}
		}
		say(w, 403, obj{"message": fmt.Sprintf("token does not have at least one of required scope(s), required=[%s], token scope=%s", scope, g.scopes), "url": "https://git.example.net/api/swagger"})
		return false
	}
	switch {
	case r.Header.Get("Authorization") != "token "+canary:
		say(w, 401, obj{"message": "token is required", "url": ""})
	case g.prohibited:
		say(w, 403, obj{"message": "This account is prohibited from signing in, please contact your site administrator."})
	case r.URL.Path == "/api/v1/user":
		if needs("read:user") {
			say(w, 200, obj{"id": 3, "login": "chronos", "is_admin": false})
		}
	case strings.HasPrefix(r.URL.Path, "/api/v1/admin/"):
		if needs("read:admin") {
			say(w, 403, obj{"message": "user should be the site admin"})
		}
	case !needs("read:repository"):
	case !g.public && !g.collaborator:
		say(w, 404, obj{"message": "The target couldn't be found."})
	case r.URL.Path == "/api/v1/repos/lena/home":
		say(w, 200, obj{"full_name": "lena/home", "private": !g.public, "permissions": obj{"admin": false, "push": g.push, "pull": true}})
	case r.URL.Path == "/api/v1/repos/lena/home/collaborators/chronos" && g.collaborator:
		w.WriteHeader(204)
	default:
		say(w, 404, obj{"message": "The target couldn't be found."})
	}
}

// A fakeGitHub answers as GitHub's documentation has it.
type fakeGitHub struct {
	scopes  string // of a classic token; "-": the token is fine-grained
	expires string
	fault   string // hidden, sso, limited, secondary, unaccessible
	public  bool
	role    string
}

func (g *fakeGitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.scopes != "-" {
		w.Header().Set("X-OAuth-Scopes", g.scopes)
	}
	if g.expires != "" {
		w.Header().Set("github-authentication-token-expiration", g.expires)
	}
	repo := strings.HasPrefix(r.URL.Path, "/api/v3/repos/")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+canary:
		say(w, 401, obj{"message": "Bad credentials", "status": "401"})
	case g.fault == "limited":
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
		say(w, 403, obj{"message": "API rate limit exceeded for user ID 7."})
	case g.fault == "secondary":
		say(w, 403, obj{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."})
	case r.URL.Path == "/api/v3/user":
		say(w, 200, obj{"login": "chronos", "id": 7})
	case !repo || g.fault == "hidden":
		say(w, 404, obj{"message": "Not Found", "status": "404"})
	case g.fault == "sso":
		w.Header().Set("X-GitHub-SSO", "required; url=https://github.com/orgs/lena/sso?authorization_request=x")
		say(w, 403, obj{"message": "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization."})
	case g.fault == "unaccessible":
		say(w, 403, obj{"message": "Resource not accessible by personal access token"})
	default:
		p := obj{"admin": false, "maintain": false, "push": g.role == "write", "triage": g.role != "read" && g.role != "", "pull": true}
		say(w, 200, obj{"full_name": "lena/home", "private": !g.public, "permissions": p})
	}
}

// A fakeRegistry does the dance of tokens that the distribution's documentation has.
type fakeRegistry struct {
	realm   string // where tokens are made; "": here
	actions []string
	opaque  string // a token that does not say what it is for
	noTag   bool
	sentTo  []string // hosts that were sent credentials
}

func (g *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	here := "https://" + r.Host
	if r.Header.Get("Authorization") != "" {
		g.sentTo = append(g.sentTo, r.Host)
	}
	switch {
	case r.URL.Path == "/token":
		user, password, _ := r.BasicAuth()
		if user != "chronos" || password != canary {
			say(w, 401, obj{"details": "incorrect username or password"})
			return
		}
		claims, _ := json.Marshal(obj{"access": []obj{{"type": "repository", "name": "lena/app", "actions": g.actions}}})
		token := "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
		if g.opaque != "" {
			token = g.opaque
		}
		say(w, 200, obj{"token": token, "expires_in": 300})
	case !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
		realm := g.realm
		if realm == "" {
			realm = here + "/token"
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s",service="registry"`, realm))
		say(w, 401, obj{"errors": []obj{{"code": "UNAUTHORIZED", "message": "authentication required"}}})
	case len(g.actions) == 0:
		say(w, 401, obj{"errors": []obj{{"code": "DENIED", "message": "requested access to the resource is denied"}}})
	case g.noTag:
		say(w, 404, obj{"errors": []obj{{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}}})
	default:
		say(w, 200, obj{"name": "lena/app", "tags": []string{"latest"}})
	}
}
