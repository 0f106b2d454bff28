package docker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"recon/inventory/doctor"
	"recon/providers/sshhost"
)

// made is a certificate that is good from a time on, as a server has it and as a file.
func made(t *testing.T, from time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(from.Unix()), NotBefore: from, NotAfter: from.AddDate(0, 3, 0), DNSNames: []string{"photos.example.net"}}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "full chain.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, file
}

func listen(t *testing.T, config *tls.Config) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if config != nil {
		l = tls.NewListener(l, config)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if s, ok := c.(*tls.Conn); ok {
				s.Handshake() // a port that is only knocked at breaks it off
			}
			c.Close()
		}
	}()
	return port
}

// TestAHostTries has the shell of this machine try: a port where something listens and one
// where nothing does, names, a certificate that is served beside a newer file. It needs
// bash and openssl; what is missing there has no outcome.
func TestAHostTries(t *testing.T) {
	for _, program := range []string{"bash", "openssl", "getent"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed here", program)
		}
	}
	old, _ := made(t, time.Now().AddDate(0, -2, 0))
	_, file := made(t, time.Now().AddDate(0, 0, -1))
	open, shown := listen(t, nil), listen(t, &tls.Config{Certificates: []tls.Certificate{old}})
	closed := listen(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that nobody has when it is closed again
	if err == nil {
		closed = l.Addr().(*net.TCPAddr).Port
		l.Close()
	}
	p := New(Config{Host: sshhost.Config{Name: "here", Address: sshhost.Local}})
	defer p.Close()
	p.last.facts = &doctor.Host{Name: "here"}
	asked := []doctor.Try{
		{Kind: "port", Address: "127.0.0.1", Port: open},
		{Kind: "port", Address: "127.0.0.1", Port: closed},
		{Kind: "name", Name: "localhost"},
		{Kind: "certificate", Address: "127.0.0.1", Port: shown, Name: "photos.example.net", File: file},
		{Kind: "certificate", Address: "127.0.0.1", Port: shown},
		{Kind: "certificate", Address: "127.0.0.1", Port: closed, Name: "photos.example.net"},
	}
	if !p.Try(t.Context(), asked) {
		t.Fatal("nothing was tried")
	}
	got := p.Facts().Tried
	for i, want := range []string{doctor.Open, doctor.Refused, doctor.Present, doctor.Served, doctor.Served, ""} {
		if got[i].Outcome != want || want == "" && got[i].Why == "" {
			t.Errorf("%+v: %q (%s), not %q", asked[i], got[i].Outcome, got[i].Why, want)
		}
	}
	c := got[3]
	if c.Shown == nil || c.Filed == nil || c.Shown.Print == c.Filed.Print || !c.Filed.From.After(c.Shown.From) || c.Shown.Names[0] != "photos.example.net" || got[4].Filed != nil {
		t.Errorf("%+v %+v", c.Shown, c.Filed)
	}
}
