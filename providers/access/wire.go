package access

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"recon/inventory"
)

// Bounds of one connection and one answer.
const (
	dialTime = 5 * time.Second
	maxBody  = 256 << 10
)

// sooner bounds one part of a check, so that it ends before the whole does and is known as
// the part that took too long. HTTP's connections do not know the deadline of the whole.
func (t *trial) sooner(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, min(dialTime, time.Until(t.until)*9/10))
}

// endsWith has reading from and writing to a connection end when its context does.
func endsWith(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // of a closed one it fails, and nobody waits
}

// connect opens a connection.
func (t *trial) connect(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := t.sooner(ctx)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, unreached(address, err)
	}
	said := address + " answers"
	if at := conn.RemoteAddr().String(); at != address {
		said = address + " answers, at " + at
	}
	t.holds(inventory.LayerReach, "%s", said)
	return conn, nil
}

// unreached says why nobody was reached.
func unreached(address string, err error) error {
	host, port, _ := net.SplitHostPort(address)
	lost := new(net.DNSError)
	said, fix := fmt.Sprintf("%s: %s", address, lastCause(err)), "see whether the machine is there and the network leads to it"
	switch {
	case errors.As(err, &lost) && lost.IsNotFound:
		said, fix = fmt.Sprintf("no name server knows %s", host), fmt.Sprintf("give %s an address in your DNS, or correct the name", host)
	case errors.As(err, &lost):
		said, fix = fmt.Sprintf("the address of %s is not to be had: %s",
			host, lost.Err), "see whether this machine's name server (/etc/resolv.conf) answers"
	case errors.Is(err, syscall.ECONNREFUSED):
		said, fix = fmt.Sprintf("nothing listens on port %s of %s", port, host), "start the service, or correct the port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		said, fix = fmt.Sprintf("there is no way to %s from here", host), "look at routes, VLAN and firewall between this machine and "+host
	case timedOut(err):
		said, fix = fmt.Sprintf("%s does not answer: it is off, or something drops what is sent to port %s",
			host, port), "see whether "+host+" runs, and which firewall is in between"
	}
	return fails(inventory.LayerReach, said, fix)
}

func timedOut(err error) bool {
	var slow net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &slow) && slow.Timeout()
}

// lastCause is the innermost error, without what was attempted.
func lastCause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// secure shakes hands over a connection, and judges the certificate.
func (t *trial) secure(ctx context.Context, conn net.Conn, name string) (*tls.Conn, error) {
	cfg, err := t.tlsConfig(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := t.sooner(ctx)
	defer cancel()
	client := tls.Client(conn, cfg)
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, untrusted(name, err)
	}
	leaf := client.ConnectionState().PeerCertificates[0]
	t.holds(inventory.LayerTLS, "the certificate for %s is good until %s", name, leaf.NotAfter.UTC().Format(time.DateOnly))
	return client, nil
}

// errFingerprint is wrapped when a server is not the one that was declared.
var errFingerprint = errors.New("another certificate")

func (t *trial) tlsConfig(name string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name, Time: t.Now, InsecureSkipVerify: t.Insecure}
	if len(t.CA) > 0 {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, unknown(inventory.LayerTLS, "ca_file holds no certificate in PEM form", "write the authority's certificate into it")
		}
	}
	if want := strings.ToLower(strings.ReplaceAll(t.Text("fingerprint"), ":", "")); want != "" {
		cfg.InsecureSkipVerify = true // replaced by the comparison below
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			if got := sha256.Sum256(s.PeerCertificates[0].Raw); hex.EncodeToString(got[:]) != want {
				return fmt.Errorf("%w: the server's has the fingerprint %X", errFingerprint, got)
			}
			return nil
		}
	}
	return cfg, nil
}

// untrusted says what is wrong with how a server proves who it is.
func untrusted(name string, err error) error {
	var (
		record  tls.RecordHeaderError
		host    x509.HostnameError
		unsure  x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	said, fix := fmt.Sprintf("%s and recon do not agree on TLS: %s", name, lastCause(err)), "look at the log of the server"
	switch {
	case errors.As(err, &record):
		said, fix = fmt.Sprintf("what listens there speaks no TLS, and %s was to",
			name), "write http:// when that is meant, or the port on which it speaks TLS"
	case errors.As(err, &host):
		said, fix = fmt.Sprintf("the certificate is not for %s but for %s",
			name, namesOf(host.Certificate)), "use one of these names, or have a certificate made for "+name
	case errors.As(err, &unsure):
		said = fmt.Sprintf("the certificate of %s is signed by %s, which nobody here trusts", name, issuerOf(unsure.Cert))
		fix = "write ca_file with that authority's certificate, or fingerprint with the server's"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		said, fix = validity(name, invalid.Cert, invalid.Detail), "renew it; what renews it by itself has stopped to"
	case errors.Is(err, errFingerprint):
		said, fix = err.Error(), "when the certificate was renewed, write that fingerprint; when not, somebody stands in between"
	case timedOut(err):
		said, fix = fmt.Sprintf("%s takes the connection and does not answer the handshake", name), "see whether that port speaks TLS"
	}
	return fails(inventory.LayerTLS, said, fix)
}

func namesOf(c *x509.Certificate) string {
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name at all"
	}
	return strings.Join(names[:min(len(names), 5)], ", ")
}

func issuerOf(c *x509.Certificate) string {
	switch {
	case c == nil:
		return "somebody"
	case bytes.Equal(c.RawIssuer, c.RawSubject):
		return "itself"
	}
	return c.Issuer.String()
}

func validity(name string, c *x509.Certificate, detail string) string {
	if strings.Contains(detail, "before") {
		return fmt.Sprintf("the certificate of %s is good from %s on only, or this machine's clock is wrong",
			name, c.NotBefore.UTC().Format(time.DateOnly))
	}
	return fmt.Sprintf("the certificate of %s has expired on %s", name, c.NotAfter.UTC().Format(time.DateOnly))
}

// client makes requests as a check wants them: nothing is followed, and how the machine
// is reached and proves who it is are layers of their own.
func (t *trial) client() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, address string) (net.Conn, error) { return t.connect(ctx, address) },
			DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				conn, err := t.connect(ctx, address)
				if err != nil {
					return nil, err
				}
				name, _, _ := net.SplitHostPort(address)
				secured, err := t.secure(ctx, conn, name)
				if err != nil {
					conn.Close()
					return nil, err
				}
				return secured, nil
			},
		},
	}
}

// An answer is what a service said.
type answer struct {
	status int
	reason string // what stands behind the number, where Proxmox has its words
	header http.Header
	body   []byte
}

// get fetches a URL with some headers.
func (t *trial) get(ctx context.Context, address string, header http.Header) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, unknown("", "the URL cannot be asked: "+lastCause(err))
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("User-Agent", "recon")
	resp, err := t.client().Do(req)
	if err != nil {
		return nil, unanswered(req.URL, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody)) //nolint:forbidigo // it is limited
	if err != nil {
		return nil, unanswered(req.URL, err)
	}
	_, reason, _ := strings.Cut(resp.Status, " ")
	return &answer{status: resp.StatusCode, reason: reason, header: resp.Header, body: body}, nil
}

// unanswered says what became of a request.
func unanswered(u *url.URL, err error) error {
	f := new(failure)
	switch {
	case errors.As(err, &f):
		return f
	case timedOut(err):
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("%s takes the request for %s and does not answer in time", u.Host, cmp.Or(u.Path, "/")),
			"look at the log and the load of the service; timeout in the check's block says how long it may take")
	}
	return fails(inventory.LayerAnswer,
		fmt.Sprintf("%s breaks off: %s", u.Host, lastCause(err)), "look at the log of the service, and at that of the proxy before it")
}

// into reads the answer as JSON.
func (a *answer) into(v any) bool { return json.Unmarshal(a.body, v) == nil }

// words are what the service says itself, from the places where services say it.
func (a *answer) words() string {
	var said struct {
		Message     any    `json:"message"`
		Error       any    `json:"error"`
		Description string `json:"error_description"`
		Errors      []struct{ Code, Message string }
	}
	_ = json.Unmarshal(a.body, &said) // what can be read of it
	for _, v := range []any{said.Description, said.Message, said.Error} {
		if s, ok := v.(string); ok && s != "" {
			return s
		}
	}
	if len(said.Errors) > 0 {
		return strings.TrimSpace(said.Errors[0].Code + " " + said.Errors[0].Message)
	}
	if a.reason == "" {
		return http.StatusText(a.status)
	}
	return a.reason
}

// shown is a URL as an outcome shows it: without a query, which may hold anything.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "elsewhere"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
