package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/notify/notifytest"
	"recon/inventory"
	"recon/manifests"
	"recon/reconcile"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
)

// A house is a project with routes, whose clock and history the test makes.
type house struct {
	t    *testing.T
	home *api.Home
	now  time.Time
}

func newHouse(t *testing.T, blocks string) *house {
	t.Helper()
	h := &house{t: t, now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "recon.hcl"), []byte(blocks), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.home, err = api.Open(api.Options{Dir: dir, Now: func() time.Time { return h.now }}); err != nil {
		t.Fatal(err)
	}
	return h
}

// learn writes down what a run has learnt.
func (h *house) learn(kind string, l reconcile.Learned) {
	h.t.Helper()
	ctx := context.Background()
	s, err := h.home.WritableLedger(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	defer s.Close()
	run, _, err := s.Write(ctx, kind, reconcile.Holder{Since: h.now})
	if err == nil {
		l.At = h.now
		for i := range l.Events {
			l.Events[i].At = h.now
		}
		err = errors.Join(run.Learn(ctx, &l), run.Close(ctx, 0))
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

var drifted = inventory.Event{
	Kind: inventory.DriftOpened, Identity: "home/111", Address: inventory.Address{Kind: "vm", Name: "media"}, By: "lena@pam",
	Fields: []inventory.EventField{{Name: "memory", FromText: "8 GiB", ToText: "4 GiB"}},
}

const told = "vm.media drifted: memory 8 GiB -> 4 GiB (by lena at pam)"

// each tells the routes, and returns what went wrong.
func (h *house) each(t *Teller) (out []string) {
	t.Home = h.home
	t.Each(context.Background(), func(route string, err error) {
		if err != nil {
			out = append(out, route+": "+err.Error())
		}
	})
	return out
}

// A post is a request that a web server got.
type post struct{ path, title, auth, body string }

// newPosts is a web server that answers as it is told to.
func newPosts(t *testing.T, answer func(http.ResponseWriter, post)) (*httptest.Server, func() []post) {
	var mu sync.Mutex
	var posts []post
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p := post{r.URL.Path, r.Header.Get("Title"), r.Header.Get("Authorization"), string(body)}
		mu.Lock()
		posts = append(posts, p)
		mu.Unlock()
		answer(w, p)
	}))
	t.Cleanup(s.Close)
	return s, func() []post { mu.Lock(); defer mu.Unlock(); return slices.Clone(posts) }
}

// TestRealReceivers: a mail server, an ntfy server and a webhook get what happened, each
// in its own form, once.
func TestRealReceivers(t *testing.T) {
	mails := notifytest.NewMailbox(t)
	server, posts := newPosts(t, func(w http.ResponseWriter, _ post) { io.WriteString(w, "{}") })
	host := strings.TrimPrefix(server.URL, "http://")
	t.Setenv("MAIL", fmt.Sprintf("smtp://recon:canary-mail-secret-1@%s/?from=recon@home.example&to=lena@home.example&auth=Plain&usestarttls=no", mails.Addr()))
	t.Setenv("NTFY", fmt.Sprintf("ntfy://recon:canary-ntfy-secret-1@%s/canary-topic-1?scheme=http", host))
	t.Setenv("HOOK", fmt.Sprintf("generic+http://%s/hooks/canary-hook-1?template=json&@authorization=canary-header-1", host))
	h := newHouse(t, `notify "mail" { url = env("MAIL") }
notify "phone" { url = env("NTFY") }
notify "hook" { url = env("HOOK") }
`)
	teller := &Teller{}
	if errs := h.each(teller); errs != nil {
		t.Fatal(errs)
	}
	h.learn("drift", reconcile.Learned{Events: []inventory.Event{drifted}})
	for range 2 {
		if errs := h.each(teller); errs != nil {
			t.Fatal(errs)
		}
	}
	if got := mails.Mails(); len(got) != 1 || !strings.Contains(got[0], "Subject: recon: vm.media drifted") || !strings.Contains(got[0], "\n"+told+"\n(recon notice ") {
		t.Errorf("mails: %q", got)
	}
	got := posts()
	if len(got) != 2 {
		t.Fatalf("posts: %q", got)
	}
	if p := got[0]; p.path != "/canary-topic-1" || p.title != "recon: "+told || !strings.HasPrefix(p.body, told+"\n") || p.auth == "" {
		t.Errorf("ntfy got %q", p)
	}
	var hook struct{ ID, Title, Message string }
	if err := json.Unmarshal([]byte(got[1].body), &hook); err != nil {
		t.Fatal(err)
	}
	if got[1].auth != "canary-header-1" || hook.Title != "recon: "+told || hook.Message != told+"\n(recon notice "+hook.ID+")" || len(hook.ID) != 12 {
		t.Errorf("the webhook got %+v", hook)
	}
	canaries(t, h, nil)
}

// canaries looks for secrets in what was said, and in everything that is kept.
func canaries(t *testing.T, h *house, said []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(h.home.Root, ".recon"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			body, _ := os.ReadFile(path)
			said = append(said, string(body))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range said {
		if strings.Contains(text, "canary") || strings.Contains(text, "cnry") {
			t.Errorf("a secret stands in %.500q", text)
		}
	}
}

// TestErrorsHoldNoSecret: services put their URL into errors, and servers answer with what
// they were sent.
func TestErrorsHoldNoSecret(t *testing.T) {
	server, _ := newPosts(t, func(w http.ResponseWriter, p post) {
		http.Error(w, `{"error":"`+p.path+p.auth+`","code":401}`, http.StatusUnauthorized)
	})
	host := strings.TrimPrefix(server.URL, "http://")
	closed := httptest.NewServer(nil)
	closed.Close()
	gone := strings.TrimPrefix(closed.URL, "http://")
	var blocks strings.Builder
	for i, u := range []string{
		"generic+http://" + host + "/canary-path-77?@authorization=canary-header-77", "generic+http://" + gone + "/cnry?key=canary-key-77",
		"ntfy://canary-user-77:canary-password-77@" + host + "/canary-topic-77?scheme=http", "ntfy://u:canary-pw@" + gone + "/canary-t?scheme=http",
		"smtp://recon:canary-mail-77@" + gone + "/?from=a@b.c&to=d@e.f", "gotify://" + gone + "/canary-AzyoeNS.D4iJLVa?disabletls=yes",
		"discord://canary-token-77@canary-id-77", "telegram://canary-77:AAAA@telegram?chats=@canary", "slack://canary-a-77/canary-b-77/canary-c-77", "mattermost://canary-user@" + gone + "/canary-token-77?disabletls=yes",
		"generic+http://%zz/canary-bad-url-1", "canary-no-url-at-all", "canaryservice://canary-token-77@x",
	} {
		t.Setenv(fmt.Sprintf("URL_%d", i), u)
		if strings.HasPrefix(u, "discord") || strings.HasPrefix(u, "telegram") || strings.HasPrefix(u, "slack") {
			continue // they would be asked over the network; their forms are looked at below
		}
		fmt.Fprintf(&blocks, "notify \"r%d\" { url = env(\"URL_%d\") }\n", i, i)
	}
	h := newHouse(t, blocks.String())
	h.each(&Teller{})
	h.learn("drift", reconcile.Learned{Events: []inventory.Event{drifted}})
	errs := h.each(&Teller{})
	if len(errs) != 10 {
		t.Errorf("%d routes said what went wrong: %q", len(errs), errs)
	}
	if !slices.ContainsFunc(errs, func(e string) bool { return strings.Contains(e, "401") }) {
		t.Errorf("nobody says what the server said: %q", errs)
	}
	canaries(t, h, errs)
	for _, u := range []string{os.Getenv("URL_6"), os.Getenv("URL_7"), os.Getenv("URL_8")} {
		r := &api.Route{URL: u}
		text := (&Teller{Home: h.home}).hidden(r, errors.New("Post "+u+": "+strings.NewReplacer("/", " ", "@", " ", ":", " ").Replace(u)))
		if strings.Contains(text, "canary-token") || strings.Contains(text, "canary-id") || strings.Contains(text, "canary-a-") || strings.Contains(text, "canary-c-") {
			t.Errorf("%s is shown as %s", u, text)
		}
	}
}

// TestKilledWhileSending: the same message comes again, under the same ID, and not before
// the pause is over; after that nothing more.
func TestKilledWhileSending(t *testing.T) {
	h := newHouse(t, `notify "hook" { url = "generic://localhost/" }`)
	h.each(&Teller{})
	h.learn("drift", reconcile.Learned{Events: []inventory.Event{drifted}})
	var sent []Message
	func() {
		defer func() { _ = recover() }()
		h.each(&Teller{Send: func(_ context.Context, _ *api.Route, m *Message) error {
			sent = append(sent, *m)
			panic("killed")
		}})
	}()
	teller := func() *Teller {
		return &Teller{Send: func(_ context.Context, _ *api.Route, m *Message) error {
			sent = append(sent, *m)
			return nil
		}}
	}
	h.each(teller())
	if len(sent) != 1 {
		t.Fatalf("sent %d times at once", len(sent))
	}
	for range 3 {
		h.now = h.now.Add(firstPause)
		h.each(teller())
	}
	if len(sent) != 2 || sent[0].ID != sent[1].ID || sent[0].Text != sent[1].Text || sent[0].Text != told {
		t.Errorf("sent %+v", sent)
	}
}

// TestTwoTellers of one ledger do not tell the same: who notes an attempt first makes it.
func TestTwoTellers(t *testing.T) {
	h := newHouse(t, `notify "hook" { url = "generic://localhost/" }`)
	h.each(&Teller{})
	h.learn("drift", reconcile.Learned{Events: []inventory.Event{drifted}})
	sent := 0
	other := &Teller{Send: func(context.Context, *api.Route, *Message) error { sent++; return nil }}
	errs := h.each(&Teller{Send: func(context.Context, *api.Route, *Message) error {
		sent++
		h.each(other)
		return nil
	}})
	if sent != 1 || errs != nil {
		t.Errorf("sent %d times, %v", sent, errs)
	}
}

// TestSlowService: what was not answered in time is still under way. The next attempt waits
// for it, and does not send again.
func TestSlowService(t *testing.T) {
	release := make(chan struct{})
	server, posts := newPosts(t, func(w http.ResponseWriter, _ post) { <-release })
	r := &api.Route{Name: "hook", URL: "generic+http://" + strings.TrimPrefix(server.URL, "http://") + "/x"}
	m := &Message{ID: "a", Title: "t", Text: "x"}
	w := &wire{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // it waits a moment all the same
	if err := w.send(ctx, r, m); !errors.Is(err, context.Canceled) {
		t.Fatalf("it ended with %v", err)
	}
	time.AfterFunc(10*time.Millisecond, func() { close(release) })
	if err := w.send(context.Background(), r, m); err != nil {
		t.Fatal(err)
	}
	if n := len(posts()); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// TestServices: the services of which manifests know are those that there are, but for the
// one that sends nothing.
func TestServices(t *testing.T) {
	known := manifests.Services()
	for _, s := range new(router.ServiceRouter).ListServices() {
		if _, ok := known[s]; !ok && s != "logger" {
			t.Errorf("%s is not known", s)
		}
		delete(known, s)
	}
	if len(known) > 0 {
		t.Errorf("there is no %v", known)
	}
}

// TestRouteBegins: a new route hears of what happens from then on, and not of all that
// ever happened.
func TestRouteBegins(t *testing.T) {
	h := newHouse(t, `notify "hook" { url = "generic://localhost/" }`)
	h.learn("report", reconcile.Learned{Events: []inventory.Event{drifted}, Summary: "old"})
	var sent []Message
	teller := &Teller{Send: func(_ context.Context, _ *api.Route, m *Message) error { sent = append(sent, *m); return nil }}
	h.each(teller)
	h.each(teller)
	if len(sent) > 0 {
		t.Fatalf("sent %+v", sent)
	}
	h.learn("report", reconcile.Learned{Summary: "1 managed, 1 in sync"})
	h.each(teller)
	if len(sent) != 1 || !strings.HasSuffix(sent[0].Text, "1 managed, 1 in sync") {
		t.Errorf("sent %+v", sent)
	}
}

// TestAddressesOfTheDocument: the forms that docs/notices.md shows are those that the
// services take. Matrix is left out: it is asked over the network at once.
func TestAddressesOfTheDocument(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "notices.md"))
	if err != nil {
		t.Fatal(err)
	}
	real := strings.NewReplacer(
		"TOKEN@telegram", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx@telegram", "CHAT", "12345678",
		"TOKEN@WEBHOOK_ID", "6rSCiXz3nLhrDh0K@693853386302554172", "TOKEN-A-B", "WNA3PBYV6-F20DUQND3RQ-Webc4MAvoacrpPakR8phF0zi",
	)
	found := 0
	for _, m := range regexp.MustCompile("`([a-z+]+://[^`]+)`").FindAllStringSubmatch(string(page), -1) {
		if found++; strings.HasPrefix(m[1], "matrix") {
			continue
		}
		if _, err := new(router.ServiceRouter).Locate(real.Replace(m[1])); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	if found < 8 {
		t.Errorf("%d addresses were found", found)
	}
}

// TestLinksThatDecide: a message about a proposal holds a link where its block says so, and
// nowhere else; the link is signed when it is sent, and stands in no note.
func TestLinksThatDecide(t *testing.T) {
	h := newHouse(t, `
page {
  url = "https://recon.example.net/"
  login {
    token_file = "token"
  }
}
schedule "mend" {
  cron   = "@hourly"
  action = "heal"
}
notify "family" {
  url    = "generic://example.net"
  events = ["proposal"]
  decide = true
}
notify "crowd" {
  url    = "generic://example.net"
  events = ["proposal"]
}
`)
	texts := map[string][]string{}
	teller := &Teller{Send: func(_ context.Context, r *api.Route, m *Message) error {
		texts[r.Name] = append(texts[r.Name], m.Text)
		return nil
	}}
	h.each(teller) // the routes begin
	id := strings.Repeat("ab", 32)
	e := inventory.Event{Kind: inventory.Proposed, Identity: "home/111", Address: inventory.Address{Kind: "vm", Name: "media"}, Fields: []inventory.EventField{{Name: inventory.ProposalField, To: id, ToText: id[:10]}}}
	h.learn("heal", reconcile.Learned{Managed: 1, Events: []inventory.Event{e}})
	if errs := h.each(teller); len(errs) > 0 {
		t.Fatal(errs)
	}
	if len(texts["family"]) != 1 || len(texts["crowd"]) != 1 {
		t.Fatalf("sent: %v", texts)
	}
	link := regexp.MustCompile(`(?m)^vm\.media: https://recon\.example\.net/decide/` + id + `\?for=notify\.family&until=(\d+)&sig=([0-9a-f]{64})$`).FindStringSubmatch(texts["family"][0])
	if link == nil || strings.Contains(texts["crowd"][0], "decide") {
		t.Fatalf("sent: %v", texts)
	}
	signer, err := api.NewSigner(t.Context(), h.home)
	if err != nil {
		t.Fatal(err)
	}
	if !signer.Check(id, "notify.family", link[1], link[2], h.now) || signer.Check(id, "notify.crowd", link[1], link[2], h.now) || signer.Check(id, "notify.family", link[1], link[2], h.now.Add(api.LinkLife)) {
		t.Error("the link is not one of that route, for a day")
	}
	ledger, err := os.ReadFile(filepath.Join(h.home.StatePath(), "ledger.db"))
	if err == nil && strings.Contains(string(ledger), link[2]) {
		t.Error("the link stands in the ledger")
	}
}

// TestProposalsStayOpen: who is reminded is reminded of a proposal as long as it waits.
func TestProposalsStayOpen(t *testing.T) {
	h := newHouse(t, `
schedule "mend" {
  cron   = "@hourly"
  action = "heal"
}
notify "family" {
  url    = "generic://example.net"
  remind = "24h"
}
`)
	var texts []string
	teller := &Teller{Send: func(_ context.Context, _ *api.Route, m *Message) error { texts = append(texts, m.Text); return nil }}
	h.each(teller)
	media := inventory.Address{Kind: "vm", Name: "media"}
	c := inventory.Change{Addr: media, Want: inventory.Resource{Addr: media, Identity: "home/111"}, Steps: []inventory.Step{{Method: "PUT", Path: "/config"}}}
	p, err := reconcile.Propose(&c, "the manifest has moved", reconcile.Origin{}, h.now)
	if err != nil {
		t.Fatal(err)
	}
	proposed := inventory.Event{Kind: inventory.Proposed, Identity: "home/111", Address: media, Fields: []inventory.EventField{{Name: inventory.ProposalField, To: p.ID, ToText: p.ID[:10]}}}
	h.learn("heal", reconcile.Learned{Managed: 1, Proposed: []reconcile.Proposal{p}, Events: []inventory.Event{proposed}})
	for range 4 { // days; the reminder comes on each but the first
		h.each(teller)
		h.now = h.now.Add(24*time.Hour + time.Minute)
	}
	const waits = "vm.media has a proposal that waits for a decision"
	if len(texts) != 4 || texts[0] != waits || !strings.HasPrefix(texts[3], "still open since 2026-06-01") || !strings.HasSuffix(texts[3], waits) {
		t.Fatalf("sent: %q", texts)
	}
	ended := inventory.Event{Kind: inventory.ProposalEnded, Identity: "home/111", Address: media, Fields: []inventory.EventField{{Name: inventory.OutcomeField, To: inventory.ProposalDone, ToText: inventory.ProposalDone}}}
	h.learn("approved", reconcile.Learned{Managed: 1, Ended: []reconcile.Ending{{ID: p.ID, Outcome: inventory.ProposalDone}}, Events: []inventory.Event{ended}})
	for range 3 {
		h.each(teller)
		h.now = h.now.Add(25 * time.Hour)
	}
	if len(texts) != 5 || texts[4] != "vm.media had a proposal, which was carried out" {
		t.Errorf("after its end: %q", texts[4:])
	}
}
