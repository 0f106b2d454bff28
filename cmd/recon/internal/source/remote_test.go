package source

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/redact"
	"recon/providers/sshhost"
	"recon/providers/sshhost/sshdtest"
)

// TestOverSSH: a repository behind a real sshd. Its key must be known, ours must be let in,
// and what was a repository may be none.
func TestOverSSH(t *testing.T) {
	user := sshdtest.Home(t)
	sshdtest.Need(t, "git")
	server := sshdtest.Start(t, user)
	w := begin(t, "")
	w.url = fmt.Sprintf("ssh://root@%s%s", server.Addr(), w.bare)
	w.first()
	w.want(HostKey, "recon hosts trust source.home")
	cfg, err := w.Home.HostConfig("source.home")
	if err != nil {
		t.Fatal(err)
	}
	in, err := sshhost.Introduce(t.Context(), cfg)
	if err != nil || in == nil {
		t.Fatalf("the key is not shown: %v", err)
	}
	if err := in.Trust(); err != nil {
		t.Fatal(err)
	}
	w.want(Current, "")
	w.write(w.author, "a", "one")
	tip := w.push()
	if s := w.want(Current, ""); s.Commit != tip {
		t.Errorf("it is at %s", s.Commit)
	}
	os.Rename(w.bare, w.bare+"-away")
	w.want(Missing, "")
	os.Rename(w.bare+"-away", w.bare)

	key := user + "/.ssh/id_ed25519"
	os.Rename(key, key+"-away")
	w.want(Denied, "does not let root in")
	os.Rename(key+"-away", key)
	w.want(Current, "")
	known := user + "/.ssh/known_hosts"
	sshdtest.WriteKey(t, user+"/other")
	other, _ := os.ReadFile(user + "/other.pub")
	w.write(user, ".ssh/known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s", server.Port, other))
	w.want(HostKey, "has changed")
	os.Remove(known)
	server.Stop()
	w.want(Unreachable, "refused")
}

// overHTTP is a repository behind git http-backend, with TLS and a token.
func overHTTP(t *testing.T, token string) (*world, *httptest.Server) {
	t.Helper()
	w := begin(t, "")
	path := w.git(t.TempDir(), "--exec-path") + "/git-http-backend"
	if _, err := os.Stat(path); err != nil {
		t.Skip("skipped: git http-backend is not installed")
	}
	backend := &cgi.Handler{Path: path, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(w.bare), "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=lena"}}
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, got, _ := r.BasicAuth(); got != token {
			rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(rw, "the token is "+got, http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL + "/bare.git"
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	w.source = "  ca_file = \"" + ca + "\"\n  token = env(\"GIT_TOKEN\")\n"
	return w, server
}

// TestOverHTTPS: a repository behind git http-backend. A wrong token is a state, and the
// token stands in none.
func TestOverHTTPS(t *testing.T) {
	const token = "canary-token-5c1e77"
	w, server := overHTTP(t, token)
	t.Setenv("GIT_TOKEN", token)
	w.first()
	w.want(Current, "")
	w.write(w.author, "a", "one")
	tip := w.push()
	if s := w.want(Current, ""); s.Commit != tip {
		t.Errorf("it is at %s", s.Commit)
	}
	for name, c := range map[string]struct {
		change func()
		want   Condition
	}{
		"a wrong token":  {func() { t.Setenv("GIT_TOKEN", token+"-wrong") }, Denied},
		"no certificate": {func() { w.write(w.project, "recon.hcl", strings.Replace(w.manifest(), "ca_file", "# ca_file", 1)) }, Unreachable},
		"no repository":  {func() { w.write(w.project, "recon.hcl", strings.Replace(w.manifest(), "bare.git", "bear.git", 1)) }, Missing},
		"nobody there": {func() {
			w.write(w.project, "recon.hcl", strings.Replace(w.manifest(), server.URL, "https://127.0.0.1:1", 1))
		}, Unreachable},
	} {
		c.change()
		w.open()
		s := w.want(c.want, "")
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, token) {
			t.Errorf("%s: the state holds the token: %s", name, text)
		}
		t.Setenv("GIT_TOKEN", token)
		w.git(w.project, "checkout", "-q", "recon.hcl")
	}
}

// TestSilence: a machine that takes the connection and says nothing, or never comes to an
// end. It is given up in time, whatever the protocol, and leaves nothing behind.
func TestSilence(t *testing.T) {
	sshdtest.Home(t)
	for name, says := range map[string]string{"nothing": "", "half a greeting": "SSH-2.0-", "half an answer": "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n001e"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				fmt.Fprint(c, says)
			}
		}()
		before := runtime.NumGoroutine()
		for _, url := range []string{"ssh://git@" + l.Addr().String() + "/x.git", "http://" + l.Addr().String() + "/x.git"} {
			w := begin(t, "")
			w.url = url
			w.write(w.project, "recon.hcl", w.manifest())
			w.open()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			start := time.Now()
			s, _ := w.Pull(ctx)
			cancel()
			if s.Condition != Unreachable || time.Since(start) > 3*time.Second {
				t.Errorf("%s, %s: after %s it is %s, %q", name, url, time.Since(start), s.Condition, s.Detail)
			}
		}
		l.Close()
		for range 100 {
			if runtime.NumGoroutine() <= before {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%s: %d goroutines are left behind", name, n-before)
		}
	}
}

// pack is a pack of objects, each a type, a size that it says, and bytes.
func pack(objects ...[]byte) []byte {
	var b bytes.Buffer
	b.WriteString("PACK")
	_ = binary.Write(&b, binary.BigEndian, []uint32{2, uint32(len(objects))})
	for _, o := range objects {
		b.Write(o)
	}
	sum := sha1.Sum(b.Bytes())
	b.Write(sum[:])
	return b.Bytes()
}

// packed is an object of a pack: a blob, or with a base a delta against it.
func packed(kind byte, says uint64, base, content []byte) []byte {
	var b bytes.Buffer
	first := kind<<4 | byte(says&15)
	says >>= 4
	for says > 0 {
		b.WriteByte(first | 0x80)
		first, says = byte(says&0x7f), says>>7
	}
	b.WriteByte(first)
	b.Write(base)
	z, _ := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	_, _ = z.Write(content)
	z.Close()
	return b.Bytes()
}

// TestHeavyPacks: what a few bytes would unpack to is seen before they are.
func TestHeavyPacks(t *testing.T) {
	base := make([]byte, 20)
	delta := func(size uint64) []byte {
		return append(binary.AppendUvarint(binary.AppendUvarint(nil, 10), size), 1)
	}
	zeros := make([]byte, maxBlob)
	full := packed(3, maxBlob, nil, zeros)
	for name, c := range map[string]struct {
		pack []byte
		says string
	}{
		"small":                     {pack(packed(3, 5, nil, []byte("hello"))), ""},
		"one that is too large":     {pack(packed(3, maxBlob+1, nil, make([]byte, maxBlob+1))), "MiB"},
		"one that says so":          {pack(packed(3, 1<<40, nil, []byte("x"))), "MiB"},
		"one that lies":             {pack(packed(3, 5, nil, zeros)), "read what was fetched"},
		"a delta of a size":         {pack(packed(7, uint64(len(delta(maxBlob+1))), base, delta(maxBlob+1))), "MiB"},
		"a delta that says nothing": {pack(packed(7, 1, base, []byte{0x80})), "MiB"},
		"too much in all":           {pack(full, full, full), "MiB"},
		"too many":                  {append([]byte("PACK\x00\x00\x00\x02\xff\xff\xff\xff"), make([]byte, 20)...), "objects"},
		"nothing":                   {nil, ""},
		"no pack":                   {[]byte("hello, I am no pack"), "read what was fetched"},
		"cut off":                   {pack(packed(3, 5, nil, []byte("hello")))[:20], "read what was fetched"},
	} {
		err := weigh(bytes.NewReader(c.pack), 2*maxBlob)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// FuzzWeigh: whatever comes for a pack is answered, and quickly.
func FuzzWeigh(f *testing.F) {
	f.Add(pack(packed(3, 5, nil, []byte("hello"))))
	f.Add(pack(packed(7, 3, make([]byte, 20), []byte{10, 20, 1})))
	f.Fuzz(func(t *testing.T, b []byte) { _ = weigh(bytes.NewReader(b), maxBlob) })
}

// TestWithoutGit: no program of Git is needed on the machine, but for a repository that is a
// folder of it.
func TestWithoutGit(t *testing.T) {
	w, _ := overHTTP(t, "")
	w.source = strings.Replace(w.source, "  token = env(\"GIT_TOKEN\")\n", "", 1)
	w.write(w.author, "recon.hcl", w.manifest())
	w.write(w.author, "a", "one")
	w.push()
	w.write(w.project, "recon.hcl", w.manifest())
	h, err := home.Open(home.Options{Dir: w.project, Secrets: redact.New(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.Puller = New(h)
	t.Setenv("PATH", t.TempDir())
	s := w.pull()
	if s.Condition != Current || w.read("a") != "one" {
		t.Errorf("%+v", s)
	}
}
