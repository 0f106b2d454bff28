package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"recon/inventory/localfile"
	"recon/inventory/neterror"
	"recon/manifests"
	"recon/providers/sshhost"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// A session is one connection to a repository, to fetch from it or to push to it.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	ReceivePack(context.Context, *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error)
	Close() error
}

// Bounds of what a repository may send.
const (
	maxRefs = 16 << 20  // bytes of the list of its branches
	maxPack = 256 << 20 // bytes of what is fetched at once
)

// dial opens a session for a service, git-upload-pack or git-receive-pack. Over SSH the
// connection is one of package sshhost: go-git's own has no time limit between connecting
// and the login.
func (p *Puller) dial(ctx context.Context, src *manifests.Source, service string) (session, error) {
	ep, err := transport.NewEndpoint(src.Repository)
	if err != nil {
		return nil, err
	}
	switch ep.Protocol {
	case "ssh":
		return p.dialSSH(ctx, src, service)
	case "file":
		return sessionOf(file.DefaultClient, ep, nil, service)
	}
	client, err := p.client(src)
	if err != nil {
		return nil, err
	}
	var auth transport.AuthMethod
	if src.Token != "" {
		auth = &githttp.BasicAuth{Username: src.Username, Password: src.Token}
	}
	return sessionOf(githttp.NewClient(client), ep, auth, service)
}

// half is a session that does one of the two.
type half struct {
	transport.UploadPackSession
	push transport.ReceivePackSession
}

func sessionOf(t transport.Transport, ep *transport.Endpoint, auth transport.AuthMethod, service string) (session, error) {
	if service == transport.UploadPackServiceName {
		s, err := t.NewUploadPackSession(ep, auth)
		return half{UploadPackSession: s}, err
	}
	s, err := t.NewReceivePackSession(ep, auth)
	return half{push: s}, err
}

func (h half) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	if h.push != nil {
		return h.push.AdvertisedReferencesContext(ctx)
	}
	return h.UploadPackSession.AdvertisedReferencesContext(ctx)
}

func (h half) ReceivePack(ctx context.Context, r *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	return h.push.ReceivePack(ctx, r)
}

func (h half) Close() error {
	if h.push != nil {
		return h.push.Close()
	}
	return h.UploadPackSession.Close()
}

// client is what speaks HTTP with a repository. Nothing that it reads is endless.
func (p *Puller) client(src *manifests.Source) (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if src.CAFile != "" {
		pem, err := localfile.Read(p.Home.Absolute(src.CAFile), localfile.Small)
		if err != nil {
			return nil, fmt.Errorf("read the certificate of ca_file: %w", err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", src.CAFile)
		}
	}
	return &http.Client{Transport: bounded{&http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute,
	}}}, nil
}

// bounded ends answers that are larger than any honest one.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	limit := int64(maxPack)
	if r.Method == http.MethodGet {
		limit = maxRefs
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{&capped{res.Body, limit}, res.Body}
	return res, nil
}

var errTooLarge = errors.New("it sends more than recon takes")

// capped reads so much, and then fails: the end of a limit is no end of file.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLarge
	}
	n, err := c.r.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// A stream is a session over a program on another machine.
type stream struct {
	conn io.ReadWriteCloser
	in   *capped
	end  func()
	refs *packp.AdvRefs
}

func (p *Puller) dialSSH(ctx context.Context, src *manifests.Source, service string) (session, error) {
	cfg, path, err := p.Home.SourceConfig(src)
	if err != nil {
		return nil, err
	}
	host := sshhost.New(cfg)
	conn, err := host.Stream(ctx, service, service+" "+sshhost.Quote(path))
	if err != nil {
		host.Close()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return &stream{conn: conn, in: &capped{conn, maxRefs}, end: func() {
		stop()
		conn.Close()
		host.Close()
	}}, nil
}

// AdvertisedReferencesContext reads which branches there are.
func (s *stream) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	if s.refs != nil {
		return s.refs, nil
	}
	refs := packp.NewAdvRefs()
	if err := refs.Decode(s.in); err != nil && !errors.Is(err, packp.ErrEmptyAdvRefs) {
		if errors.Is(err, packp.ErrEmptyInput) { // what it said is in the error of reading
			_, more := s.in.Read(make([]byte, 1))
			err = errors.Join(more, transport.ErrRepositoryNotFound)
		}
		return nil, err
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	s.refs, s.in.left = refs, maxPack
	return refs, nil
}

// UploadPack asks for what is wanted.
func (s *stream) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	err := req.UploadRequest.Encode(s.conn)
	if err == nil {
		err = req.UploadHaves.Encode(s.conn, true)
	}
	if err == nil {
		err = pktline.NewEncoder(s.conn).EncodeString("done\n")
	}
	if err != nil {
		return nil, err
	}
	res := packp.NewUploadPackResponse(req)
	return res, res.Decode(io.NopCloser(s.in))
}

// ReceivePack sends what is to be pushed, and returns what became of it.
func (s *stream) ReceivePack(_ context.Context, req *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	if err := req.Encode(s.conn); err != nil {
		return nil, err
	}
	report := packp.NewReportStatus()
	if err := report.Decode(demuxed(s.in, req.Capabilities)); err != nil {
		return nil, err
	}
	return report, report.Error()
}

// Close ends the connection.
func (s *stream) Close() error {
	s.end()
	return nil
}

// demuxed is an answer without what the other side tells beside it.
func demuxed(r io.Reader, c *capability.List) io.Reader {
	switch {
	case c.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, r)
	case c.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, r)
	}
	return r
}

// refusal says in a condition why a repository could not be reached.
func refusal(src *manifests.Source, err error) error {
	var known *Trouble
	var unknown *sshhost.UnknownKeyError
	var changed *sshhost.ChangedKeyError
	var denied *sshhost.DeniedError
	where := "the repository of source " + src.Name
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &unknown), errors.As(err, &changed):
		return trouble(HostKey, "", "%s", err)
	case errors.As(err, &denied):
		return trouble(Denied, "ssh-keygen -t ed25519 makes a key; let the repository know its public half, and name the other in key_file", "%s: %s", where, err)
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), errors.Is(err, transport.ErrInvalidAuthMethod):
		return trouble(Denied, "token = env(\"GIT_TOKEN\") in the source block, of somebody who may read it", "%s does not let recon in", where)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return trouble(Empty, "push the first commit", "%s is empty", where)
	case errors.Is(err, transport.ErrRepositoryNotFound), strings.Contains(err.Error(), "not appear to be a git repository"):
		return trouble(Missing, "git ls-remote "+sshhost.Quote(src.Repository), "%s is not there, or recon may not see it", where)
	case errors.Is(err, errTooLarge):
		return trouble(TooLarge, "", "%s sends more than %d MiB", where, maxPack>>20)
	}
	return trouble(Unreachable, "git ls-remote "+sshhost.Quote(src.Repository), "%s does not answer as one: %s", where, neterror.Short(err))
}

// branchesOf are the branches that a repository has.
func branchesOf(refs *packp.AdvRefs) (out []string) {
	for name := range refs.References {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			out = append(out, branch)
		}
	}
	slices.Sort(out)
	return out
}
