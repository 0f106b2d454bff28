package pvesim

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// The server speaks HTTP/1.1 itself: net/http cannot send the reason phrases
// in which PVE puts its messages.

// bodyLimit is pveproxy's for everything but uploads.
const bodyLimit = 512 << 10

// drain is how much of a body that is too large is read before the refusal.
const drain = 8 << 20

// conn is one client connection.
type conn struct {
	net.Conn
	closed atomic.Bool
}

// shut ends an idle connection now and a busy one after its answer.
func (c *conn) shut() {
	c.closed.Store(true)
	_ = c.SetReadDeadline(time.Now())                       // wakes a reader; an answer under way needs no more input
	_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second)) // a client that does not read must not hold Close
}

// reply is one answer.
type reply struct {
	status int
	reason string
	ctype  string
	body   []byte
	header http.Header
	close  bool
	// drop closes the connection without an answer.
	drop bool
}

func (s *Server) accept(conf *tls.Config) {
	for {
		raw, err := s.ln.Accept()
		if err != nil {
			return
		}
		c := &conn{Conn: tls.Server(raw, conf)}
		s.mu.Lock()
		if s.closing {
			s.mu.Unlock()
			_ = raw.Close()
			return
		}
		s.conns[c] = true
		s.stats.Connections++
		s.wg.Go(func() { s.serve(c) })
		s.mu.Unlock()
	}
}

// serve answers the requests of a connection one after the other.
func (s *Server) serve(c *conn) {
	defer func() {
		_ = c.Close() // nothing is left to say
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	br := bufio.NewReader(c)
	for !c.closed.Load() {
		if _, err := br.Peek(1); err != nil {
			return
		}
		req, err := http.ReadRequest(br)
		if err != nil {
			_ = write(c, &reply{status: 400, reason: "bad request", close: true}, "GET")
			return
		}
		rep := s.receive(c, req)
		if rep.drop {
			return
		}
		rep.close = rep.close || req.Close || c.closed.Load()
		if err := write(c, rep, req.Method); err != nil || rep.close {
			return
		}
	}
}

// receive reads the body and finds the answer.
func (s *Server) receive(c *conn, req *http.Request) *reply {
	limit := int64(bodyLimit)
	if strings.HasSuffix(req.URL.Path, "/upload") {
		limit = 1 << 30
	}
	if req.ContentLength > limit {
		// Read on for a while: a reset would hide the answer.
		_, _ = io.CopyN(io.Discard, req.Body, drain)
		return &reply{status: 501, reason: "for data too large", ctype: "text/plain", body: []byte("for data too large"), close: true}
	}
	if strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
		if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return &reply{drop: true}
		}
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, limit+1))
	if err != nil && !errors.Is(err, io.EOF) {
		return &reply{drop: true}
	}
	if int64(len(body)) > limit {
		return &reply{status: 501, reason: "for data too large", close: true}
	}
	began := time.Now()
	rep := s.answer(req, body)
	if s.opts.Log != nil {
		s.opts.Log.Info("request", "method", req.Method, "path", req.URL.RequestURI(), "status", rep.status, "reason", rep.reason,
			"took", time.Since(began).Round(time.Microsecond), "dropped", rep.drop)
	}
	return rep
}

// write sends an answer. The head and a small body go out in one packet.
func write(w io.Writer, r *reply, method string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.status, oneLine(r.reason))
	fmt.Fprintf(&b, "Cache-Control: max-age=0\r\nDate: %s\r\nPragma: no-cache\r\nServer: pve-api-daemon/3.0\r\n", time.Now().UTC().Format(http.TimeFormat))
	if r.close {
		b.WriteString("Connection: close\r\n")
	} else {
		b.WriteString("Connection: Keep-Alive\r\n")
	}
	if r.ctype != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", r.ctype)
	}
	for k, vs := range r.header {
		for _, v := range vs {
			fmt.Fprintf(&b, "%s: %s\r\n", k, v)
		}
	}
	if r.status != http.StatusNoContent {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	b.WriteString("\r\n")
	if method != http.MethodHead {
		b.Write(r.body)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// oneLine is the reason phrase of a message: its first line.
func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimRight(s, "\r")
}
