package web

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// hooksPath is where repositories say that something was pushed. It needs no login: what
// comes is signed, and can do no more than have the repository asked.
const hooksPath = "/hooks/"

const (
	hookMemory = time.Hour       // for so long a delivery is known again
	hookAge    = 5 * time.Minute // so old may one be that says when it was sent
	maxHooks   = 10_000
)

// hooks are the deliveries that have come.
type hooks struct {
	mu    sync.Mutex
	seen  map[[sha256.Size]byte]time.Time
	right *rate.Limiter
}

func newHooks() *hooks {
	return &hooks{seen: map[[sha256.Size]byte]time.Time{}, right: rate.NewLimiter(rate.Every(time.Second), 60)}
}

// first reports a delivery that did not come before. What is remembered is all that its
// signature covers, and its number: whoever changes that alone repeats it.
func (h *hooks) first(now time.Time, keys ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, at := range h.seen {
		if now.Sub(at) > hookMemory || len(h.seen) >= maxHooks {
			delete(h.seen, key)
		}
	}
	fresh := true
	for _, k := range keys {
		sum := sha256.Sum256([]byte(k))
		if _, known := h.seen[sum]; known {
			fresh = false
		}
		h.seen[sum] = now
	}
	return fresh
}

// hook answers a delivery.
func (s *server) hook(w http.ResponseWriter, r *http.Request) {
	src := s.Live.Home.Project().Source
	if src == nil || src.Name != r.PathValue("name") || src.Secret == "" {
		http.Error(w, "There is no such webhook.", http.StatusNotFound)
		return
	}
	if s.guard.closed(r, "hook") {
		http.Error(w, "Too many deliveries with a wrong signature came from this address; wait a minute.", http.StatusTooManyRequests)
		return
	}
	body, err := io.ReadAll(r.Body) //nolint:forbidigo // bounded by the guard
	if err != nil {
		http.Error(w, "The delivery is larger than 1 MiB, or broke off.", http.StatusRequestEntityTooLarge)
		return
	}
	if err := signed(r.Header, body, src.Secret, s.now()); err != nil {
		s.guard.count(r, "hook")
		http.Error(w, "The signature is wrong: "+err.Error()+".", http.StatusUnauthorized)
		return
	}
	if !s.hooks.first(s.now(), deliveries(r.Header, body)...) {
		http.Error(w, "This delivery came before.", http.StatusConflict)
		return
	}
	if branch, pushed := pushedTo(r.Header, body); !pushed || branch != src.Branch {
		fmt.Fprintln(w, "ignored: nothing was pushed to the branch of the source")
		return
	}
	if !s.hooks.right.AllowN(s.now(), 1) {
		http.Error(w, "Too many deliveries came; the repository is asked anyway.", http.StatusTooManyRequests)
		return
	}
	s.Live.Pull()
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintln(w, "the repository is asked")
}

var (
	errUnsigned = errors.New("there is none that recon knows: of GitHub, GitLab, Gitea or Forgejo")
	errHook     = errors.New("it was made with another secret, or the delivery was changed")
	errStale    = errors.New("it was made too long ago, or the clocks differ")
)

// signed verifies a delivery.
//
//   - GitHub, and Gitea and Forgejo beside their own: X-Hub-Signature-256, sha256= and the HMAC of the body in hex
//     (docs.github.com, "Validating webhook deliveries")
//   - Gitea, Forgejo, Gogs: X-Gitea-Signature and the like, the same HMAC alone (docs.gitea.com, "Webhooks")
//   - GitLab with a signing token: webhook-signature, v1, and the HMAC of id.timestamp.body in base64, as
//     standardwebhooks.com has it; the key is what stands behind whsec_ in base64
//   - GitLab with a secret token: X-Gitlab-Token, the secret itself (docs.gitlab.com, "Webhooks")
func signed(h http.Header, body []byte, secret string, now time.Time) error {
	if text := h.Get("webhook-signature"); text != "" {
		return standard(h, body, secret, now)
	}
	if text, ok := strings.CutPrefix(h.Get("X-Hub-Signature-256"), "sha256="); ok {
		return sameSum(text, body, secret)
	}
	if text := cmp.Or(h.Get("X-Forgejo-Signature"), h.Get("X-Gitea-Signature"), h.Get("X-Gogs-Signature")); text != "" {
		return sameSum(text, body, secret)
	}
	if token := h.Get("X-Gitlab-Token"); token != "" {
		want, got := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
			return errHook
		}
		return nil
	}
	return errUnsigned
}

func sum256(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

func sameSum(text string, body []byte, secret string) error {
	got, err := hex.DecodeString(text)
	if err != nil || !hmac.Equal(got, sum256([]byte(secret), body)) {
		return errHook
	}
	return nil
}

// standard verifies a signature as standardwebhooks.com describes it. There may be several,
// of an old key and of a new one.
func standard(h http.Header, body []byte, secret string, now time.Time) error {
	key := []byte(secret)
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			return errHook
		}
	}
	want := sum256(key, []byte(h.Get("webhook-id")+"."+h.Get("webhook-timestamp")+"."), body)
	for _, text := range strings.Fields(h.Get("webhook-signature")) {
		text, v1 := strings.CutPrefix(text, "v1,")
		got, err := base64.StdEncoding.DecodeString(text)
		if !v1 || err != nil || !hmac.Equal(got, want) {
			continue
		}
		at, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
		if age := now.Sub(time.Unix(at, 0)); err != nil || age > hookAge || age < -hookAge {
			return errStale
		}
		return nil
	}
	return errHook
}

// deliveries are by what a delivery is known again: its number, and what it says.
func deliveries(h http.Header, body []byte) []string {
	out := []string{"body " + string(body)}
	for _, name := range []string{"X-GitHub-Delivery", "X-Gitea-Delivery", "X-Forgejo-Delivery", "X-Gogs-Delivery", "webhook-id", "Idempotency-Key", "X-Gitlab-Event-UUID"} {
		if id := h.Get(name); id != "" {
			return append(out, "id "+id)
		}
	}
	return out
}

// pushedTo is the branch that a delivery says somebody has pushed to.
func pushedTo(h http.Header, body []byte) (branch string, pushed bool) {
	event := cmp.Or(h.Get("X-GitHub-Event"), h.Get("X-Gitea-Event"), h.Get("X-Forgejo-Event"), h.Get("X-Gogs-Event"), h.Get("X-Gitlab-Event"))
	if event != "push" && event != "Push Hook" {
		return "", false
	}
	if kind, _, _ := mime.ParseMediaType(h.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", false
		}
		body = []byte(form.Get("payload"))
	}
	var push struct{ Ref string }
	if json.Unmarshal(body, &push) != nil {
		return "", false
	}
	return strings.CutPrefix(push.Ref, "refs/heads/")
}
