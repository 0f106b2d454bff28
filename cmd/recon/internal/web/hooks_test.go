package web

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
	"recon/manifests"
)

// TestPublishedSignatures: deliveries that the documentation of those who send them has,
// with the signature that it says.
func TestPublishedSignatures(t *testing.T) {
	for _, c := range []struct {
		name, secret, body string
		header             map[string]string
		at                 int64
		want               error
	}{
		{
			"GitHub, Validating webhook deliveries", "It's a Secret to Everybody", "Hello, World!",
			map[string]string{"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
			0, nil,
		},
		{
			"the same with another body", "It's a Secret to Everybody", "Hello, World?",
			map[string]string{"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
			0, errHook,
		},
		{
			"Gitea, the same sum without a word before it", "It's a Secret to Everybody", "Hello, World!",
			map[string]string{"X-Gitea-Signature": "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
			0, nil,
		},
		{
			"Standard Webhooks, as GitLab signs", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`,
			map[string]string{"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			1614265330, nil,
		},
		{
			"of two keys", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`,
			map[string]string{"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			1614265330, nil,
		},
		{
			"an hour later", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`,
			map[string]string{"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			1614268930, errStale,
		},
		{
			"with another number", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`,
			map[string]string{"webhook-id": "msg_x", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
			1614265330, errHook,
		},
		{"GitLab, secret token", "a secret token of them", "{}", map[string]string{"X-Gitlab-Token": "a secret token of them"}, 0, nil},
		{"GitLab, wrong token", "a secret token of them", "{}", map[string]string{"X-Gitlab-Token": "a secret token"}, 0, errHook},
		{"nobody", "a secret token of them", "{}", nil, 0, errUnsigned},
		{"a right token beside a wrong signature", "a secret token of them", "{}", map[string]string{"X-Gitlab-Token": "a secret token of them", "X-Hub-Signature-256": "sha256=00"}, 0, errHook},
		{"an older sum", "It's a Secret to Everybody", "Hello, World!", map[string]string{"X-Hub-Signature": "sha1=00"}, 0, errUnsigned},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if err := signed(h, []byte(c.body), c.secret, time.Unix(c.at, 0)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// The push events of the documentations of GitHub, GitLab and Gitea, cut to what they all
// have.
const (
	githubPush = `{"ref":"refs/heads/main","before":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","after":"0000000000000000000000000000000000000000","created":false}`
	gitlabPush = `{"object_kind":"push","event_name":"push","before":"95790bf891e76fee5e1747ab589903a6a1f80f22","after":"da1560886d4f094c3e6c9ef40349f7d38b5d27d7","ref":"refs/heads/main"}`
	giteaPush  = `{"ref":"refs/heads/develop","before":"28e1879d029cb852e4844d9c718537df08844e03","after":"bffeb74224043ba2feb48d137756c8a9331c449a","compare_url":"http://localhost:3000/gitea/webhooks/compare/x"}`
)

const hookSecret = "0123456789abcdef-hook"

// hooked is a page of a home that follows a repository, behind a login.
func hooked(t *testing.T) (http.Handler, *api.Live, *time.Time) {
	dir := t.TempDir()
	t.Setenv("HOOK_SECRET", hookSecret)
	write(t, filepath.Join(dir, "recon.hcl"), "page {\n  listen = \"127.0.0.1:0\"\n}\nschedule \"d\" {\n  cron = \"@daily\"\n  action = \"drift\"\n}\nsource \"home\" {\n  repository = \"/srv/x.git\"\n  webhook = { secret = env(\"HOOK_SECRET\") }\n}\n")
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	h, err := api.Open(api.Options{Dir: dir, Secrets: redact.New(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	live := api.NewLive(h)
	page := api.Page{Listen: "127.0.0.1:8100", Login: &manifests.Login{TokenFile: "t"}}
	handler, err := New(Options{Live: live, Page: &page, Listen: "127.0.0.1:8100", Token: "a token that is long enough", Secrets: h.Secrets, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return handler, live, &now
}

// TestHooks: what a delivery does, and what it does not.
func TestHooks(t *testing.T) {
	handler, live, now := hooked(t)
	hex256 := func(body string) string { return hex.EncodeToString(sum256([]byte(hookSecret), []byte(body))) }
	github := func(body, id string) http.Header {
		return http.Header{"X-Github-Event": {"push"}, "X-Github-Delivery": {id}, "X-Hub-Signature-256": {"sha256=" + hex256(body)}}
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	form := "payload=" + `%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%2C%22form%22%3A1%7D`
	for _, c := range []struct {
		name, path, body string
		header           http.Header
		code             int
		asks             bool
	}{
		{"a push", "/hooks/home", githubPush, github(githubPush, "1"), 202, true},
		{"the same again", "/hooks/home", githubPush, github(githubPush, "1"), 409, false},
		{"the same under another number", "/hooks/home", githubPush, github(githubPush, "2"), 409, false},
		{"another under the same number", "/hooks/home", githubPush + " ", github(githubPush+" ", "1"), 409, false},
		{"another", "/hooks/home", githubPush + "\n", github(githubPush+"\n", "3"), 202, true},
		{"of GitLab, by its token", "/hooks/home", gitlabPush, http.Header{"X-Gitlab-Event": {"Push Hook"}, "X-Gitlab-Token": {hookSecret}, "Idempotency-Key": {"a"}}, 202, true},
		{"of GitLab, signed", "/hooks/home", gitlabPush + " ", http.Header{
			"X-Gitlab-Event": {"Push Hook"}, "Webhook-Id": {"b"}, "Webhook-Timestamp": {stamp},
			"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(sum256([]byte(hookSecret), []byte("b."+stamp+"."+gitlabPush+" ")))},
		}, 202, true},
		{"of Gitea, to another branch", "/hooks/home", giteaPush, http.Header{"X-Gitea-Event": {"push"}, "X-Gitea-Delivery": {"g"}, "X-Gitea-Signature": {hex256(giteaPush)}}, 200, false},
		{"of Forgejo", "/hooks/home", `{"ref":"refs/heads/main"}`, http.Header{"X-Forgejo-Event": {"push"}, "X-Forgejo-Delivery": {"f"}, "X-Forgejo-Signature": {hex256(`{"ref":"refs/heads/main"}`)}}, 202, true},
		{"as a form", "/hooks/home", form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "X-Github-Event": {"push"}, "X-Github-Delivery": {"4"}, "X-Hub-Signature-256": {"sha256=" + hex256(form)}}, 202, true},
		{"a ping", "/hooks/home", `{"zen":"x"}`, http.Header{"X-Github-Event": {"ping"}, "X-Github-Delivery": {"5"}, "X-Hub-Signature-256": {"sha256=" + hex256(`{"zen":"x"}`)}}, 200, false},
		{"a tag", "/hooks/home", `{"ref":"refs/tags/main"}`, github(`{"ref":"refs/tags/main"}`, "6"), 200, false},
		{"no JSON", "/hooks/home", `ref`, github(`ref`, "7"), 200, false},
		{"a wrong signature", "/hooks/home", `{}`, http.Header{"X-Github-Event": {"push"}, "X-Hub-Signature-256": {"sha256=" + hex256("x")}}, 401, false},
		{"unsigned", "/hooks/home", githubPush, http.Header{"X-Github-Event": {"push"}}, 401, false},
		{"to nobody", "/hooks/other", githubPush, github(githubPush, "8"), 404, false},
		{"too large", "/hooks/home", strings.Repeat("x", maxBody+1), http.Header{}, 413, false},
		{"begun by another site", "/hooks/home", githubPush, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, 403, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := ask(handler, "POST", c.path, func(r *http.Request) {
				r.Body = io.NopCloser(strings.NewReader(c.body))
				r.Header = c.header
			})
			asked := false
			select {
			case <-live.Pulls():
				asked = true
			default:
			}
			if answer.Code != c.code || asked != c.asks {
				t.Errorf("%d %s, asks %v; want %d, %v", answer.Code, answer.Body, asked, c.code, c.asks)
			}
			if strings.Contains(answer.Body.String(), hookSecret) {
				t.Error("the answer holds the secret")
			}
		})
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if answer := ask(handler, method, "/hooks/home"); answer.Code != 401 && answer.Code != 303 {
			t.Errorf("%s is answered with %d", method, answer.Code)
		}
	}
}

// TestHookGuesses: from where many wrong signatures came none is looked at for a while, and
// the login is not closed by that.
func TestHookGuesses(t *testing.T) {
	handler, _, now := hooked(t)
	guess := func(body string, header http.Header) int {
		return ask(handler, "POST", "/hooks/home", func(r *http.Request) {
			r.Body, r.Header = io.NopCloser(strings.NewReader(body)), header
		}).Code
	}
	codes := map[int]int{}
	for range 20 {
		codes[guess("{}", http.Header{"X-Gitlab-Token": {"a guess"}})]++
	}
	if codes[401] != 5 || codes[429] != 15 {
		t.Errorf("20 guesses were answered with %v", codes)
	}
	*now = now.Add(time.Minute)
	if code := guess(gitlabPush, http.Header{"X-Gitlab-Token": {hookSecret}, "X-Gitlab-Event": {"Push Hook"}}); code != 202 {
		t.Errorf("a minute later the right one is answered with %d", code)
	}
	*now = now.Add(2 * hookMemory)
	if code := guess(gitlabPush, http.Header{"X-Gitlab-Token": {hookSecret}, "X-Gitlab-Event": {"Push Hook"}}); code != 202 {
		t.Errorf("hours later the same is answered with %d", code)
	}
}
