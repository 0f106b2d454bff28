package web

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
	"recon/inventory"
	"recon/manifests"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// A site is a simulated home with a page.
type site struct {
	testing.TB
	live *api.Live
	sim  *pvesim.Server
	now  func() time.Time
	opts Options
}

// canary is a secret of the manifests, which somebody has also written into a guest's notes.
const canary = `canary-3f1c<&'"+9a77d2`

// newSite makes a home with some drift, and a page over it.
func newSite(t testing.TB, page api.Page) *site {
	t.Helper()
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	sim.Update(func(w *pvesim.World) {
		for _, g := range w.Guests {
			if g.VMID == 111 {
				g.Config["description"] = "the password is " + canary
			}
		}
	})
	dir := t.TempDir()
	t.Setenv("PVE_TOKEN", sim.Token())
	write(t, filepath.Join(dir, "recon.hcl"), fmt.Sprintf(`proxmox "home" {
  endpoints   = [%q]
  token       = env("PVE_TOKEN")
  fingerprint = %q
}
context {
  claude_md = "CLAUDE.md"
}
vm "media" {
  vmid   = 111
  memory = "6GiB"
  cloud_init {
    password = %q
  }
}
lxc "gone" {
  vmid = 4711
}
`, sim.Endpoint(), sim.Fingerprint(), canary))
	s := &site{TB: t, sim: sim, now: time.Now}
	secrets := redact.New()
	h, err := api.Open(api.Options{Dir: dir, Log: slog.New(slog.DiscardHandler), Secrets: secrets, Now: func() time.Time { return s.now() }, Version: "1.0.0", Command: "recon serve"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	s.live = api.NewLive(h)
	s.opts = Options{Live: s.live, Page: &page, Listen: "127.0.0.1:8100", Version: "1.0.0", Secrets: secrets, Log: h.Log}
	return s
}

// run makes a run, as the daemon does.
func (s *site) run() {
	s.Helper()
	c, err := api.Drift(s.Context(), s.live.Home, "drift")
	if err != nil {
		s.Fatal(err)
	}
	p, err := api.PictureOf(s.Context(), c, s.live.State().Picture)
	if err != nil {
		s.Fatal(err)
	}
	s.live.Show(p)
	s.live.End(api.RunRecord{Schedule: "often", Action: "drift", Started: s.now(), Ended: s.now(), Code: c.Code(), Summary: p.Describe()})
}

func (s *site) handler() http.Handler {
	s.Helper()
	h, err := New(s.opts)
	if err != nil {
		s.Fatal(err)
	}
	return h
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ask asks for a page as a browser on this machine would.
func ask(h http.Handler, method, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8100"+target, nil)
	r.Header.Set("Accept", "text/html")
	r.RemoteAddr = "127.0.0.1:40000"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var everyPage = []string{"/", "/changes", "/changes?q=media&verdict=pending_change", "/things", "/things?q=node01", "/things/vm.media", "/things/lxc.gone", "/map", "/runs", "/findings", "/documents", "/history", "/proposals"}

var everyAnswer = []string{"/api/v1/plan", "/api/v1/inventory", "/api/v1/sources", "/api/v1/history", "/api/v1/runs", "/api/v1/proposals", "/api/v1/findings", "/api/v1/resources/vm.media", "/api/openapi.json", "/metrics", "/readyz", "/healthz", "/static/style.css", "/static/live.js"}

// TestPages: each page is there, with the browser forbidden everything that it does not
// need, without a secret, and says what is to be seen.
func TestPages(t *testing.T) {
	s := newSite(t, api.Page{})
	h := s.handler()
	for _, path := range everyPage {
		if w := ask(h, "GET", path); w.Code != 200 || path != "/runs" && path != "/proposals" && !strings.Contains(w.Body.String(), "Not looked yet") {
			t.Errorf("before the first look %s answers %d: %s", path, w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/readyz"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("before the first look it is ready: %d", w.Code)
	}
	s.run()
	for path, says := range map[string]string{
		"/": "1 to update, 1 blocked", "/changes": "2 differences", "/changes?q=nobody": "Nothing that differs matches", "/things": "home/205", "/things/vm.media": "recon.hcl:11",
		"/things/vm.media?": "the password is (secret)", "/map": "<svg", "/documents": "CLAUDE.md", "/runs": "often", "/things/lxc.gone": "missing",
	} {
		if w := ask(h, "GET", path); w.Code != 200 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s answers %d without %q:\n%s", path, w.Code, says, w.Body)
		}
	}
	inline := regexp.MustCompile(`(?i)<script>|<script [^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	for _, path := range append(everyPage, everyAnswer...) {
		w := ask(h, "GET", path)
		if w.Code != 200 {
			t.Errorf("%s answers %d: %s", path, w.Code, w.Body)
		}
		if bare := html.UnescapeString(w.Body.String()); strings.Contains(bare, canary) || strings.Contains(bare, s.sim.Token()) || strings.Contains(bare, "9a77d2") {
			t.Errorf("%s holds a secret", path)
		}
		for _, head := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"} {
			if w.Header().Get(head) == "" {
				t.Errorf("%s has no %s", path, head)
			}
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && inline.MatchString(w.Body.String()) {
			t.Errorf("%s holds what its policy forbids: %s", path, inline.FindString(w.Body.String()))
		}
	}
	for _, path := range []string{"/nothing", "/things/vm.nobody", "/things/", "/static/../web.go", "/api/v1/resources/vm.nobody", "/things/%2e%2e%2fetc", "/api/v2/plan"} {
		if w := ask(h, "GET", path); w.Code == 200 {
			t.Errorf("%s answers 200: %s", path, w.Body)
		}
	}
}

// TestStrangersSeeNothing: away from this machine nothing is answered to who has no
// credentials, and what is wrong with them makes no difference.
func TestStrangersSeeNothing(t *testing.T) {
	s := newSite(t, api.Page{URL: "https://recon.example.net", Approve: manifests.Approvers{Users: []string{"lena"}, Groups: []string{"admins"}}, Login: &manifests.Login{
		TokenFile: "t", Header: "Remote-User", Groups: "Remote-Groups", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")},
	}})
	s.run()
	s.opts.Token = "a-token-that-is-long-enough"
	h := s.handler()
	outside := func(r *http.Request) { r.Host, r.RemoteAddr = "recon.example.net", "192.0.2.7:50000" }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr + ":1" } }
	for _, path := range append(append([]string{"/events"}, everyPage...), everyAnswer...) {
		if open(httptest.NewRequest("GET", path, nil)) {
			continue
		}
		for name, change := range map[string][]func(*http.Request){
			"nothing": {outside}, "a wrong token": {outside, from("192.0.2.8"), header("Authorization", "Bearer wrong")}, "a cookie of nobody": {outside, header("Cookie", "recon_session=AAAA")},
			"a header of its own": {outside, header("Remote-User", "lena")}, "two headers": {outside, from("10.0.0.5"), func(r *http.Request) { r.Header["Remote-User"] = []string{"lena", "eve"} }},
		} {
			w := ask(h, "GET", path, change...)
			if w.Code != http.StatusSeeOther && w.Code != http.StatusUnauthorized {
				t.Errorf("%s answers %d with %s", path, w.Code, name)
			}
			if body := w.Body.String(); strings.Contains(body, "media") || strings.Contains(body, "recon_") || strings.Contains(body, "home/") {
				t.Errorf("%s tells something with %s: %s", path, name, body)
			}
		}
		if path == "/events" {
			continue
		}
		for name, change := range map[string][]func(*http.Request){
			"the token": {outside, header("Authorization", "Bearer "+s.opts.Token)}, "a proxy": {outside, from("10.0.0.5"), header("Remote-User", "eve")},
		} {
			if w := ask(h, "GET", path, change...); w.Code != 200 {
				t.Errorf("%s answers %d with %s", path, w.Code, name)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := ask(h, "GET", path, outside); w.Code != 200 || w.Body.String() != "ok\n" {
			t.Errorf("%s answers %d to a stranger: %s", path, w.Code, w.Body)
		}
	}
	begin := func(change ...func(*http.Request)) int {
		return ask(h, "POST", "/runs?action=drift", append([]func(*http.Request){outside, header("Sec-Fetch-Site", "same-origin"), func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("action=drift")), 12
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}}, change...)...).Code
	}
	if code := begin(from("10.0.0.5"), header("Remote-User", "eve")); code != http.StatusForbidden {
		t.Errorf("who may look begins a run: %d", code)
	}
	if code := begin(from("10.0.0.5"), header("Remote-User", "lena"), header("Sec-Fetch-Site", "cross-site")); code != http.StatusForbidden {
		t.Errorf("another site begins a run: %d", code)
	}
	if code := begin(from("10.0.0.5"), header("Remote-User", "lena"), header("Sec-Fetch-Site", ""), header("Origin", "https://evil.example")); code != http.StatusForbidden {
		t.Errorf("another origin begins a run: %d", code)
	}
	select {
	case <-s.live.Asked():
		t.Error("a run was begun")
	default:
	}
	if code := begin(from("10.0.0.5"), header("Remote-User", "group:admins"), header("Remote-Groups", "users,adminsx")); code != http.StatusForbidden {
		t.Errorf("who is in no group that may begin runs does: %d", code)
	}
	if code := begin(from("10.0.0.5"), header("Remote-User", "eve"), func(r *http.Request) { r.Header["Remote-Groups"] = []string{"users", "admins"} }); code != http.StatusForbidden {
		t.Errorf("who adds groups to those of the proxy begins a run: %d", code)
	}
	for _, change := range [][]func(*http.Request){{header("Remote-User", "lena")}, {header("Remote-User", "eve"), header("Remote-Groups", "users, admins")}, {header("Remote-User", "eve"), header("Remote-Groups", "users|admins")}} {
		if code := begin(append(change, from("10.0.0.5"))...); code != http.StatusSeeOther {
			t.Errorf("who may begin a run does not: %d", code)
		}
		<-s.live.Asked()
	}
	if w := ask(h, "GET", "/", func(r *http.Request) { r.Host = "evil.example:8100" }); w.Code != http.StatusMisdirectedRequest {
		t.Errorf("it answers to any name: %d", w.Code)
	}
}

// TestLogin: a session begins with the token alone, ends by itself and when somebody says
// so, and tokens cannot be tried for long.
func TestLogin(t *testing.T) {
	s := newSite(t, api.Page{Login: &manifests.Login{TokenFile: "t"}})
	clock := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return clock }
	s.run()
	s.opts.Token = "a-token-that-is-long-enough"
	server := httptest.NewServer(nil)
	defer server.Close()
	s.opts.Listen = strings.TrimPrefix(server.URL, "http://")
	server.Config.Handler = s.handler()
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	title := func(r *http.Request) string {
		t.Helper()
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return regexp.MustCompile(`<h1>(.*?)</h1>|no such thing`).FindString(string(b))
	}
	get := func() string {
		r, _ := http.NewRequest("GET", server.URL+"/", nil)
		r.Header.Set("Accept", "text/html")
		return title(r)
	}
	post := func(path string, form url.Values) string {
		r, _ := http.NewRequest("POST", server.URL+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "text/html")
		return title(r)
	}
	login := func(token string) string { return post("/login", url.Values{"token": {token}}) }
	if got := get(); got != "<h1>Log in</h1>" {
		t.Fatalf("without a session it shows %s", got)
	}
	if got := login("nonsense"); got != "<h1>Log in</h1>" {
		t.Errorf("a wrong token shows %s", got)
	}
	if got := login(s.opts.Token); !strings.Contains(got, "to update") {
		t.Fatalf("the token shows %s", got)
	}
	u, _ := url.Parse(server.URL)
	if c := jar.Cookies(u); len(c) != 1 {
		t.Fatalf("cookies: %v", c)
	}
	clock = clock.Add(sessionTime - time.Second)
	if got := get(); !strings.Contains(got, "to update") {
		t.Errorf("before its end the session shows %s", got)
	}
	clock = clock.Add(2 * time.Second)
	if got := get(); got != "<h1>Log in</h1>" {
		t.Errorf("after its end the session shows %s", got)
	}
	login(s.opts.Token)
	post("/logout", nil)
	if got := get(); got != "<h1>Log in</h1>" {
		t.Errorf("who has logged out sees %s", got)
	}
	for range 6 {
		login("nonsense")
	}
	if got := login(s.opts.Token); got != "<h1>Log in</h1>" {
		t.Errorf("after many wrong tokens from one address the next one is looked at: %s", got)
	}
	clock = clock.Add(time.Minute)
	if got := login(s.opts.Token); !strings.Contains(got, "to update") {
		t.Errorf("a minute later it shows %s", got)
	}
}

// TestDescribedAnswers: openapi.json is one, names every route of the API, and each answer
// is as it says.
func TestDescribedAnswers(t *testing.T) {
	s := newSite(t, api.Page{})
	s.run()
	s.propose()
	s.live.Begin(api.RunRecord{Action: "facts", Started: time.Now()})
	s.live.Schedule([]api.Upcoming{{Schedule: "often", Action: "drift", Cron: "@hourly", Next: time.Now()}})
	h := s.handler()
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(ask(h, "GET", "/api/openapi.json").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	doc.Servers = nil
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for _, path := range append([]string{"/api/v1/resources/vm.nobody"}, everyAnswer...) {
		if !strings.HasPrefix(path, "/api/v1/") {
			continue
		}
		r := httptest.NewRequest("GET", path, nil)
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Errorf("%s is not described: %v", path, err)
			continue
		}
		described[route.Path] = true
		w := ask(h, "GET", path)
		in := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
			Status:                 w.Code, Header: w.Header(), Options: &openapi3filter.Options{IncludeResponseStatus: true},
		}
		in.SetBodyBytes(w.Body.Bytes())
		if err := openapi3filter.ValidateResponse(context.Background(), in); err != nil {
			t.Errorf("%s is not as described: %v", path, err)
		}
	}
	for path := range doc.Paths.Map() {
		if !described[path] {
			t.Errorf("%s is described and was not asked for", path)
		}
	}
}

// TestHostileNames: what a cluster calls its guests stays text.
func TestHostileNames(t *testing.T) {
	s := newSite(t, api.Page{})
	s.sim.Update(func(w *pvesim.World) {
		for i, g := range w.Guests {
			switch i % 4 {
			case 0:
				g.Config["name"], g.Config["hostname"] = `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`
			case 1:
				g.Config["description"] = "</svg><script>{{.Secret}}</script>\u202e\x1b[31m"
			case 2:
				g.Config["tags"] = "javascript:alert(1);<b>"
			}
		}
	})
	s.run()
	h := s.handler()
	paths := append([]string{}, everyPage...)
	for _, r := range s.live.State().Picture.Inventory.Resources {
		paths = append(paths, thingPath(r.Address))
	}
	for _, path := range paths {
		body := ask(h, "GET", path).Body.String()
		for _, bad := range []string{"<script>", "<img", "\u202e", "\x1b", "<b>"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %q", path, bad)
			}
		}
	}
}

// TestStream: who looks hears of a run as soon as it has ended, and a reader who goes away
// leaves nothing behind.
func TestStream(t *testing.T) {
	s := newSite(t, api.Page{})
	s.run()
	server := httptest.NewServer(nil)
	s.opts.Listen = strings.TrimPrefix(server.URL, "http://")
	server.Config.Handler = s.handler()
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/events", nil)
	answer, err := http.DefaultClient.Do(r) //nolint:bodyclose // it is closed below
	if err != nil {
		t.Fatal(err)
	}
	body := answer.Body
	defer body.Close()
	heard := make(chan string, 10)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := body.Read(b)
			heard <- string(b[:n])
			if err != nil {
				close(heard)
				return
			}
		}
	}()
	<-heard // the head
	s.live.Trouble("")
	if got := <-heard; !strings.Contains(got, "event: changed") {
		t.Errorf("it heard %q", got)
	}
	leave()
	for range heard {
		continue // until it is closed
	}
}

// TestStreamOfAnOlderPage: who opened a page, or was cut off, before something changed hears of
// it at once; a page of now waits for what comes.
func TestStreamOfAnOlderPage(t *testing.T) {
	s := newSite(t, api.Page{})
	s.run()
	h := s.handler()
	shown := regexp.MustCompile(`data-version="([^"]+)"`)
	page := shown.FindStringSubmatch(ask(h, "GET", "/").Body.String())[1]
	head := func(target, last string) string {
		ctx, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer leave()
		return ask(h, "GET", target, func(r *http.Request) {
			*r = *r.WithContext(ctx)
			if last != "" {
				r.Header.Set("Last-Event-ID", last)
			}
		}).Body.String()
	}
	before := head("/events?of="+page, "")
	s.live.Trouble("a mistake")
	now := shown.FindStringSubmatch(ask(h, "GET", "/").Body.String())[1]
	for _, row := range []struct {
		name, got string
		told      bool
	}{
		{"a page of now", before, false},
		{"a page of before", head("/events?of="+page, ""), true},
		{"a page that has heard of it since", head("/events?of="+page, now), false},
		{"a page of another process", head("/events?of=1-2", ""), true},
		{"one that was cut off", head("/events?of="+now, page), true},
		{"a page of then that is a page of now", head("/events?of="+now, ""), false},
		{"a page that says nothing", head("/events", ""), false},
	} {
		if strings.Contains(row.got, "event: changed") != row.told {
			t.Errorf("%s hears %q", row.name, row.got)
		}
	}
	if !strings.Contains(before, "id: "+page+"\n") {
		t.Errorf("the stream does not say where it begins: %q", before)
	}
}

// TestManyReaders: 200 people who look while runs go on wait for none of them.
func TestManyReaders(t *testing.T) {
	s := newSite(t, api.Page{})
	s.run()
	h := s.handler()
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if w := ask(h, "GET", everyPage[i%len(everyPage)]); w.Code != 200 {
					t.Errorf("%s answers %d", everyPage[i%len(everyPage)], w.Code)
				}
			}
		})
	}
	for range 3 {
		s.run()
	}
	close(done)
	wg.Wait()
}

// TestAnswersAreJSON: every answer of the API has a format_version.
func TestAnswersAreJSON(t *testing.T) {
	s := newSite(t, api.Page{})
	h := s.handler()
	if w := ask(h, "GET", "/api/v1/plan"); w.Code != http.StatusServiceUnavailable || !json.Valid(w.Body.Bytes()) {
		t.Errorf("before the first look it answers %d: %s", w.Code, w.Body)
	}
	s.run()
	for _, path := range everyAnswer {
		if !strings.HasPrefix(path, "/api/v1/") {
			continue
		}
		var v struct {
			FormatVersion string `json:"format_version"`
		}
		if err := json.Unmarshal(ask(h, "GET", path).Body.Bytes(), &v); err != nil || v.FormatVersion != api.FormatVersion {
			t.Errorf("%s: format_version %q, %v", path, v.FormatVersion, err)
		}
	}
}

// manyDifferences adds a thousand resources that differ to the manifests.
func (s *site) manyDifferences() {
	s.Helper()
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "lxc \"gone-%d\" {\n  vmid   = %d\n  cores  = 2\n  memory = \"2GiB\"\n}\n", i, 5000+i)
	}
	write(s.TB, s.live.Home.Path("gone.recon.hcl"), text.String())
	if err := s.live.Home.Load(); err != nil {
		s.Fatal(err)
	}
	s.run()
}

// TestAThousandDifferences are shown a part at a time, none left out, and each part is small.
func TestAThousandDifferences(t *testing.T) {
	s := newSite(t, api.Page{})
	s.manyDifferences()
	h := s.handler()
	next := regexp.MustCompile(`rel="next" href="([^"]*)"`)
	shown := map[string]bool{}
	for path := "/changes"; path != ""; {
		body := ask(h, "GET", path).Body.String()
		if len(body) > 150_000 {
			t.Fatalf("%s has %d bytes", path, len(body))
		}
		for _, m := range regexp.MustCompile(`id="change-([^"]*)"`).FindAllStringSubmatch(body, -1) {
			shown[m[1]] = true
		}
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if len(shown) != 1002 {
		t.Errorf("%d differences are shown", len(shown))
	}
	if size := ask(h, "GET", "/").Body.Len(); size > 50_000 {
		t.Errorf("the overview has %d bytes", size)
	}
}

// BenchmarkPages shows pages of a home with a thousand differences; bytes/page is to stay
// below 150 kB, and of-bound is the part of 300 ms that the slowest of them takes.
func BenchmarkPages(b *testing.B) {
	s := newSite(b, api.Page{})
	s.manyDifferences()
	h := s.handler()
	for _, path := range []string{"/", "/changes", "/things", "/map"} {
		b.Run(path, func(b *testing.B) {
			size := 0
			for b.Loop() {
				size = ask(h, "GET", path).Body.Len()
			}
			b.ReportMetric(float64(size), "bytes/page")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/0.3, "of-bound")
		})
	}
}

// TestFindingsOfPlanAndDoctor: what the doctor found takes nothing away of what a run
// found, and what both found is told once.
func TestFindingsOfPlanAndDoctor(t *testing.T) {
	check, both := inventory.Finding{Rule: "access-check", Severity: "warning", Address: "check.git"}, inventory.Finding{Rule: "single-dns", Severity: "warning", Address: "lxc.pihole"}
	file, small := inventory.Finding{Rule: "compose-refused", Severity: "error", Address: "a.yml"}, inventory.Finding{Rule: "image-latest", Severity: "info"}
	state := api.LiveState{Picture: &api.Picture{Plan: &reconcile.Plan{Findings: []inventory.Finding{check, both}}}, Doctor: []inventory.Finding{both, small, file}}
	var rules []string
	for _, f := range told(state) {
		rules = append(rules, f.Rule)
	}
	if got := strings.Join(rules, " "); got != "access-check single-dns compose-refused" {
		t.Errorf("told are %s", got)
	}
}
