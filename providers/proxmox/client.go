package proxmox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"recon/inventory/neterror"
	"recon/providers"

	goproxmox "github.com/luthermonson/go-proxmox"
)

// Config says how a cluster is reached.
type Config struct {
	Name        string   // the label of the proxmox block
	Endpoints   []string // https://HOST:8006, tried in order
	Token       string   // user@realm!name=uuid
	Fingerprint string   // SHA-256 of the certificate, colon-separated hex
	CA          []byte   // PEM; the system's roots when empty
	Insecure    bool     // TLS is not verified
	NoAgent     bool     // guests are never asked for their addresses

	Log            *slog.Logger // hears of every request; nil: nobody
	Tally          *providers.Tally
	InFlight       int           // requests at the same time on one node; 0 means 2
	ConnectTimeout time.Duration // 0 means 5 s
	Timeout        time.Duration // of one request; 0 means 40 s, above the 30 s of Proxmox's own proxy
	Patience       time.Duration // with one look at everything; 0 means 30 s
}

// patience is how long one look at everything may take.
func (c Config) patience() time.Duration { return orDefault(c.Patience, 30*time.Second) }

// What one answer may hold: that to /cluster/resources of a thousand guests has some
// 500 KiB and 25,000 values.
const (
	maxAnswer = 16 << 20
	maxValues = 400_000
)

// A client is the wire to one cluster. It sits below go-proxmox, whose calls it
// gives a transport that keeps what that library drops: the texts of errors, the
// status codes above 501, the limits.
type client struct {
	api      *goproxmox.Client
	calls    atomic.Int64
	inFlight int
	wire     *transport
	token    string // its name, without the secret
}

func (c *client) close() { c.wire.close() }

func newClient(cfg Config) (*client, error) {
	id, secret, ok := strings.Cut(cfg.Token, "=")
	if !ok || !strings.Contains(id, "!") {
		return nil, fmt.Errorf("the token of proxmox.%s is not of the form user@realm!name=uuid; pveum user token add prints both, as full-tokenid and value", cfg.Name)
	}
	if len(cfg.Endpoints) == 0 {
		return nil, fmt.Errorf("proxmox.%s has no endpoint", cfg.Name)
	}
	tlsConfig, err := tlsConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("proxmox.%s: %w", cfg.Name, err)
	}
	c := &client{token: id}
	t := &transport{
		base: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: orDefault(cfg.ConnectTimeout, 5*time.Second), KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:     tlsConfig,
			TLSHandshakeTimeout: orDefault(cfg.ConnectTimeout, 5*time.Second),
			IdleConnTimeout:     90 * time.Second,
		},
		inFlight: cfg.InFlight,
		timeout:  orDefault(cfg.Timeout, 40*time.Second),
		// A look that hangs leaves time for the others.
		patience: min(orDefault(cfg.Timeout, 40*time.Second), cfg.patience()/3),
		nodes:    map[string]*lane{},
		calls:    &c.calls,
		log:      cfg.Log,
		tally:    cfg.Tally,
		source:   "proxmox." + cfg.Name,
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.inFlight <= 0 {
		t.inFlight = 2
	}
	t.base.MaxConnsPerHost, t.base.MaxIdleConnsPerHost = t.inFlight, t.inFlight
	c.inFlight, c.wire = t.inFlight, t
	for _, e := range cfg.Endpoints {
		u, err := url.Parse(e)
		if err != nil {
			return nil, fmt.Errorf("endpoint %q: %w", e, err)
		}
		t.endpoints = append(t.endpoints, u)
	}
	c.api = goproxmox.NewClient(strings.TrimSuffix(cfg.Endpoints[0], "/")+"/api2/json",
		goproxmox.WithHTTPClient(&http.Client{Transport: t}), goproxmox.WithAPIToken(id, secret), goproxmox.WithUserAgent("recon"))
	return c, nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

// tlsConfig verifies the server by fingerprint, by the given CA, or by the
// system's roots.
func tlsConfig(cfg Config) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(16)}
	switch {
	case cfg.Insecure:
		c.InsecureSkipVerify = true
	case cfg.Fingerprint != "":
		want, err := hex.DecodeString(strings.ReplaceAll(cfg.Fingerprint, ":", ""))
		if err != nil || len(want) != sha256.Size {
			return nil, errors.New("fingerprint is not a SHA-256 in hex: 32 bytes, such as 12:34:...; the web interface shows it under Certificates")
		}
		c.InsecureSkipVerify = true // replaced by the comparison below
		c.VerifyConnection = func(s tls.ConnectionState) error { return checkFingerprint(s, want) }
	case len(cfg.CA) > 0:
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(cfg.CA) {
			return nil, errors.New("ca_file holds no certificate in PEM form")
		}
	}
	return c, nil
}

// errFingerprint is wrapped when a server is not the one that was declared.
var errFingerprint = errors.New("not the declared certificate")

func checkFingerprint(s tls.ConnectionState, want []byte) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	if got := sha256.Sum256(s.PeerCertificates[0].Raw); !bytes.Equal(got[:], want) {
		return fmt.Errorf("%w: the server's has the fingerprint %s", errFingerprint, colonHex(got[:]))
	}
	return nil
}

func colonHex(b []byte) string {
	parts := make([]string, len(b))
	for i, x := range b {
		parts[i] = fmt.Sprintf("%02X", x)
	}
	return strings.Join(parts, ":")
}

// A transport sends requests to the first endpoint that can be reached, bounds
// how many are in flight a node, and turns answers that are no success into
// errors that keep the server's words.
type transport struct {
	base      *http.Transport // of the cluster's own requests and of the first node's
	endpoints []*url.URL
	inFlight  int
	timeout   time.Duration // of a call that changes something
	patience  time.Duration // of one that looks
	calls     *atomic.Int64
	log       *slog.Logger // hears of every request
	tally     *providers.Tally
	source    string // how it is called there

	mu      sync.Mutex
	current int // index of the endpoint in use
	nodes   map[string]*lane
	time    atomic.Int64 // of the last answer, by the cluster's clock; 0 before the first one
}

// A lane is the way to one node: so many requests at the same time, and as many
// connections, which stay open. A new TLS connection a request is the most
// expensive habit that a client can have.
type lane struct {
	places chan struct{}
	base   *http.Transport
}

// RoundTrip sends one request. It replaces a broken endpoint only when nothing
// was sent yet, so that no request is ever made twice.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(req.URL.Path, "/api2/json")
	way := t.lane(nodeOf(path))
	select {
	case way.places <- struct{}{}:
		defer func() { <-way.places }()
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	timeout := t.timeout
	if req.Method == http.MethodGet {
		timeout = t.patience
	}
	ctx, cancel := context.WithTimeout(req.Context(), timeout)
	defer cancel()
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	first := t.current
	t.mu.Unlock()
	var failures []error
	for i := range t.endpoints {
		n := (first + i) % len(t.endpoints)
		t.calls.Add(1)
		start := time.Now()
		resp, err := way.base.RoundTrip(onEndpoint(req.WithContext(ctx), t.endpoints[n], body))
		t.tell(req.Method, path, t.endpoints[n].Host, resp, err, time.Since(start))
		if err == nil {
			t.use(n)
			t.tellTime(resp)
			return answer(ctx, resp, req.Method, path)
		}
		failures = append(failures, fmt.Errorf("%s: %w", t.endpoints[n].Host, explain(err)))
		if !unsent(err) {
			return nil, wireError(req.Method, err, t.endpoints[n].Host, timeout)
		}
	}
	return nil, errors.Join(failures...)
}

// tell logs and counts a request. Parameters may hold secrets, and stand in no log.
func (t *transport) tell(method, path, host string, resp *http.Response, err error, took time.Duration) {
	if err != nil {
		t.tally.Add(t.source, method, providers.Unanswered)
		t.log.Debug("request", "method", method, "path", path, "host", host, "took", took.Round(time.Millisecond), "error", explain(err))
		return
	}
	t.tally.Add(t.source, method, resp.StatusCode)
	t.log.Debug("request", "method", method, "path", path, "host", host, "took", took.Round(time.Millisecond), "status", resp.StatusCode)
}

// tellTime keeps what time it is by the cluster's clock: uptimes are reckoned from it,
// whatever this machine's clock says.
func (t *transport) tellTime(resp *http.Response) {
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		t.time.Store(at.Unix())
	}
}

func (t *transport) use(n int) {
	t.mu.Lock()
	t.current = n
	t.mu.Unlock()
}

// lane returns the way to a node, "" for the cluster's own requests.
func (t *transport) lane(node string) *lane {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.nodes[node]; l != nil {
		return l
	}
	l := &lane{places: make(chan struct{}, t.inFlight), base: t.base}
	if node != "" && !t.free() {
		l.base = t.base.Clone()
	}
	t.nodes[node] = l
	return l
}

// free reports whether no node uses the cluster's own connections yet.
func (t *transport) free() bool {
	for node := range t.nodes {
		if node != "" {
			return false
		}
	}
	return true
}

func (t *transport) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.base.CloseIdleConnections()
	for _, l := range t.nodes {
		l.base.CloseIdleConnections()
	}
}

// nodeOf names the node whose workers answer a path, "" for the one asked.
func nodeOf(path string) string {
	rest, ok := strings.CutPrefix(path, "/nodes/")
	if !ok {
		return ""
	}
	node, _, _ := strings.Cut(rest, "/")
	return node
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body) //nolint:forbidigo // what recon itself sends
}

func onEndpoint(req *http.Request, endpoint *url.URL, body []byte) *http.Request {
	r := req.Clone(req.Context())
	r.URL.Scheme, r.URL.Host, r.Host = endpoint.Scheme, endpoint.Host, endpoint.Host
	r.Body = nil
	if body != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		r.GetBody = nil // without it net/http never sends a request a second time
	}
	return r
}

// unsent reports an error that came before the request left: no connection, or a
// certificate that was not accepted.
func unsent(err error) bool {
	var op *net.OpError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &verify) || errors.As(err, &record) ||
		errors.Is(err, errFingerprint) || strings.HasSuffix(err.Error(), "TLS handshake timeout")
}

// explain says why there was no connection: to a certificate that was not accepted it
// adds what to do about it.
func explain(err error) error {
	var verify *tls.CertificateVerificationError
	if !errors.As(err, &verify) || len(verify.UnverifiedCertificates) == 0 {
		return neterror.Short(err)
	}
	sum := sha256.Sum256(verify.UnverifiedCertificates[0].Raw)
	return fmt.Errorf("%w; if the web interface shows this fingerprint under Certificates too, write fingerprint = %q into the proxmox block, or name the cluster's CA with ca_file", verify.Err, colonHex(sum[:]))
}

// errSilent is wrapped when a request was not answered in time.
var errSilent = errors.New("no answer")

// hangs reports that somebody let recon wait, rather than refused.
func hangs(err error) bool {
	return errors.Is(err, errSilent) || errors.Is(err, context.DeadlineExceeded)
}

// wireError describes a connection that broke under a request.
func wireError(method string, err error, host string, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w within %s", errSilent, timeout)
	}
	err = fmt.Errorf("%s: %w", host, neterror.Short(err))
	if method != http.MethodGet {
		return fmt.Errorf("%w: %w", providers.ErrOutcomeUnknown, err)
	}
	return err
}

// answer passes a success on and turns anything else into an APIError.
func answer(ctx context.Context, resp *http.Response, method, path string) (*http.Response, error) {
	body, err := io.ReadAll(providers.JSON(resp.Body, providers.NewBudget(maxAnswer, maxValues), providers.BudgetOf(ctx))) //nolint:forbidigo // JSON bounds it
	resp.Body.Close()
	if err != nil {
		err = fmt.Errorf("read the answer to %s %s: %w", method, path, err)
		if method != http.MethodGet {
			err = fmt.Errorf("%w: %w", providers.ErrOutcomeUnknown, err)
		}
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, apiError(resp, method, path, body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func apiError(resp *http.Response, method, path string, body []byte) *APIError {
	e := &APIError{Method: method, Path: path, Status: resp.StatusCode}
	_, e.Message, _ = strings.Cut(resp.Status, " ")
	var parsed struct {
		Message string            `json:"message"`
		Errors  map[string]string `json:"errors"`
	}
	if json.Unmarshal(body, &parsed) == nil {
		e.Fields = parsed.Errors
		if parsed.Message != "" {
			e.Message = parsed.Message
		}
	}
	if e.Status == http.StatusUnauthorized {
		e.Message += " (is the token right, and not expired?)"
	}
	return e
}

// get fetches a path into v. An answer without data is an error: it must not be
// taken for an empty list.
func (c *client) get(ctx context.Context, path string, query url.Values, v any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var raw json.RawMessage
	if err := c.api.Get(ctx, path, &raw); err != nil {
		return unwrapURL(err)
	}
	if len(raw) == 0 || string(raw) == "null" {
		return fmt.Errorf("GET %s: the answer holds no data", path)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("GET %s: understand the answer: %w", path, err)
	}
	return nil
}

// send makes a call that changes something and returns what it answers: a UPID,
// or "" for a call that is done at once. Parameters travel as JSON, which needs
// none of the escaping in which form bodies lose values.
func (c *client) send(ctx context.Context, method, path string, params map[string]string) (string, error) {
	var raw json.RawMessage
	var err error
	switch method {
	case http.MethodPost:
		err = c.api.Post(ctx, path, params, &raw)
	case http.MethodPut:
		err = c.api.Put(ctx, path, params, &raw)
	case http.MethodDelete:
		q := url.Values{}
		for k, v := range params {
			q.Set(k, v)
		}
		if len(q) > 0 {
			path += "?" + q.Encode() // a body on DELETE is refused
		}
		err = c.api.Delete(ctx, path, &raw)
	default:
		return "", fmt.Errorf("%s is no method that changes something", method)
	}
	if err != nil {
		return "", unwrapURL(err)
	}
	var upid string
	if json.Unmarshal(raw, &upid) == nil && strings.HasPrefix(upid, "UPID:") {
		return upid, nil
	}
	return "", nil
}

// unwrapURL drops net/http's "Get "https://...": " prefix: our errors name the
// call already.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
