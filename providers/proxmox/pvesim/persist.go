package pvesim

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Names of the files in Options.Dir.
const (
	worldFile  = "world.json"
	caFile     = "ca.pem"
	caKeyFile  = "ca.key"
	certFile   = "server.pem"
	certKey    = "server.key"
	tokenFile  = "token"
	portFile   = "port"
	saveWithin = 50 * time.Millisecond
)

// loadState reads Dir, or starts with the world of the options.
func (s *Server) loadState() (*World, error) {
	if s.opts.Dir == "" {
		return s.freshState()
	}
	if err := os.MkdirAll(s.opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of the world: %w", err)
	}
	s.token = s.readLine(tokenFile)
	s.port = s.readLine(portFile)
	var err error
	if s.ca, err = s.loadCA(); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(s.opts.Dir, worldFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s.firstWorld()
	}
	if err != nil {
		return nil, fmt.Errorf("read world: %w", err)
	}
	return parseWorld(filepath.Join(s.opts.Dir, worldFile), data)
}

func (s *Server) freshState() (*World, error) {
	var err error
	if s.ca, err = newAuthority(); err != nil {
		return nil, err
	}
	return s.firstWorld()
}

func (s *Server) firstWorld() (*World, error) {
	w := s.opts.World
	if w == nil {
		w = Home()
	}
	if err := w.validate(); err != nil {
		return nil, fmt.Errorf("world: %w", err)
	}
	return w.clone()
}

func (s *Server) readLine(name string) string {
	data, err := os.ReadFile(filepath.Join(s.opts.Dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// loadCA reads the CA and the served certificate, or makes a CA.
func (s *Server) loadCA() (*authority, error) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(s.opts.Dir, name))
		if err != nil {
			return nil
		}
		return data
	}
	certBlock, _ := pem.Decode(read(caFile))
	keyBlock, _ := pem.Decode(read(caKeyFile))
	if certBlock == nil || keyBlock == nil {
		return newAuthority()
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse CA: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse CA key: %w", err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("parse CA key: is a %T", key)
	}
	return &authority{key: ec, cert: cert, served: read(certFile), servedKey: read(certKey)}, nil
}

// writeFiles puts the CA and, with Dir, everything else where it belongs.
func (s *Server) writeFiles() error {
	if s.opts.Dir == "" {
		dir, err := os.MkdirTemp("", "pvesim-")
		if err != nil {
			return fmt.Errorf("write CA: %w", err)
		}
		s.caFile, s.caTemp = filepath.Join(dir, caFile), true
		return os.WriteFile(s.caFile, s.ca.pem(), 0o600)
	}
	s.caFile = filepath.Join(s.opts.Dir, caFile)
	keyDER, err := x509.MarshalPKCS8PrivateKey(s.ca.key)
	if err != nil {
		return fmt.Errorf("write CA key: %w", err)
	}
	files := map[string][]byte{
		caFile: s.ca.pem(), caKeyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		certFile: s.ca.served, certKey: s.ca.servedKey, tokenFile: []byte(s.token + "\n"), portFile: []byte(s.port + "\n"),
	}
	for name, data := range files {
		if err := s.writeFile(name, data); err != nil {
			return err
		}
	}
	return s.save()
}

// writeFile replaces a file of Dir in one step.
func (s *Server) writeFile(name string, data []byte) error {
	path := filepath.Join(s.opts.Dir, name)
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// dirty asks for a save soon. The lock is held.
func (s *Server) dirty() {
	select {
	case s.unsaved <- struct{}{}:
	default:
	}
}

// saver saves the world some time after a change, many changes at once.
func (s *Server) saver() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.unsaved:
		}
		if s.opts.Dir == "" {
			continue
		}
		if !s.sleep(saveWithin) {
			return
		}
		if err := s.save(); err != nil && s.opts.Log != nil {
			s.opts.Log.Error("save world", "error", err)
		}
	}
}

func (s *Server) save() error {
	if s.opts.Dir == "" {
		return nil
	}
	s.mu.Lock()
	data, err := json.MarshalIndent(s.world, "", " ")
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("save world: %w", err)
	}
	return s.writeFile(worldFile, data)
}

// ensureToken gives root@pam the server's token.
func (s *Server) ensureToken() {
	root := s.world.user("root@pam")
	tok := root.token("recon")
	if tok == nil {
		tok = &Token{ID: "recon"}
		root.Tokens = append(root.Tokens, tok)
	}
	if _, secret, ok := strings.Cut(s.token, "="); ok {
		tok.Secret = secret
	}
	if tok.Secret == "" {
		tok.Secret = newUUID()
	}
	s.token = "root@pam!recon=" + tok.Secret
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
