package access

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"recon/inventory"
)

// TestNoAnswerIsTooStrange: whatever a service says, of any status and in any form, the
// outcome is one of its check's layers, in order, on one line each, and without the token.
func TestNoAnswerIsTooStrange(t *testing.T) {
	e := &equipment{t, newAuthority(t)}
	var next func() (int, string, http.Header)
	at := e.at(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, body, header := next()
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	form := rapid.SampledFrom([]string{
		"", "{}", "[]", "null", "7", `"text"`, "{", `{"message":{"a":["b"]}}`, `{"message":"` + canary + ` says no","error":7}`, `{"errors":[]}`, `{"errors":[{"code":"DENIED"}]}`,
		`{"username":"` + canary + `","id":7,"login":"x\u001b[31m\n"}`, `{"login":"chronos","username":"chronos","id":7,"permissions":{"push":true}}`,
		`{"scopes":["api"],"expires_at":"9999-99-99"}`, `{"scopes":["api"],"expires_at":"0001-01-01","revoked":true}`, `{"data":{"/":{"VM.Audit":1}}}`, `{"data":null}`, `{"data":[]}`,
		`{"token":"a.!!!.c"}`, `{"token":"a.e30.c"}`, `{"access_level":9999}`, "<html>" + canary + "</html>", strings.Repeat("x", maxBody+10),
		`{"error":"insufficient_scope","error_description":"` + canary + `"}`, `{"message":"token does not have at least one of required scope(s), required=[a], token scope=` + canary + `"}`,
	})
	code := rapid.SampledFrom([]int{200, 200, 200, 204, 301, 307, 400, 401, 403, 404, 418, 429, 500, 503})
	headers := rapid.SampledFrom([]http.Header{
		nil,
		{"Www-Authenticate": {"Bearer"}},
		{"Www-Authenticate": {`Bearer realm="` + at + `/token",service="` + canary + `"`}},
		{"Www-Authenticate": {`Bearer realm="::"`}},
		{"Www-Authenticate": {"Basic"}},
		{"Location": {"https://" + canary + "@x/?" + canary}},
		{"Location": {"%"}},
		{"X-Oauth-Scopes": {""}},
		{"X-Oauth-Scopes": {canary + ", repo"}},
		{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"-1"}},
		{"Github-Authentication-Token-Expiration": {"yesterday"}},
	})
	kinds := []string{"gitlab", "gitea", "github", "proxmox", "registry", "http"}
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(rt, "kind")
		next = func() (int, string, http.Header) {
			return code.Draw(rt, "status"), form.Draw(rt, "body"), headers.Draw(rt, "header")
		}
		a := args{"url": at}
		for name, v := range map[string]any{
			"project": "lena/home", "repository": "lena/home", "needs": map[string]string{"gitlab": "developer", "registry": "push"}[kind], "scopes": []string{"api", "repo"},
			"privileges": []string{"VM.Audit", "VM.Config.Disk"}, "username": "chronos",
		} {
			if inventory.CheckKindOf(kind).Attr(name) != nil && rapid.Bool().Draw(rt, name) {
				a[name] = v
			}
		}
		if kind == "proxmox" {
			a["token"] = "chronos@pve!ci=" + canary
		}
		c := checkOf(t, kind, a)
		o := e.ask(c)
		text, err := json.Marshal(o)
		if err != nil {
			rt.Fatal(err)
		}
		if strings.Contains(string(text), canary) || strings.Contains(o.Said, "please report it") || strings.ContainsAny(o.Said+strings.Join(o.Fix, ""), "\x1b\n") {
			rt.Fatalf("%s: %s", kind, text)
		}
		sound(t, c, &o)
	})
}
