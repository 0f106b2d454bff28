package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"recon/providers/docker"
	"recon/providers/proxmox/pvesim"
	"recon/providers/sshhost"
)

const demoManifest = `proxmox "home" {
  endpoints = [%q]
  token     = file(".sim/token")
  ca_file   = ".sim/ca.pem"
}

context {
  claude_md   = "CLAUDE.md"
  session_log = ".claude/session-log.md"
}

schedule "drift" {
  cron   = "*/15 * * * *"
  action = "drift"
}
`

const demoPage = `page {
  listen = %q
}

schedule "page" {
  cron   = "@every 10s"
  action = "heal"
}

schedule "documents" {
  cron   = "*/5 * * * *"
  action = "facts"
}
`

const demoRecorded = `
host "docker-media" {
  guest     = lxc.docker-media
  recording = ".sim/docker-media.json"
}
`

const demoHere = `
host "here" {
  address = "local"
}
`

// demoDockerHost was recorded from an engine whose containers bear the names and
// settings of a home's, and run a program that does nothing but listen.
//
//go:embed demohost.json
var demoDockerHost string

// engineHere reports whether a Docker engine answers on this machine.
func engineHere(ctx context.Context) bool {
	p := docker.New(docker.Config{Host: sshhost.Config{Name: "here", Address: sshhost.Local}})
	defer p.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	snap, err := p.Read(ctx, nil)
	return err == nil && snap.Complete && snap.Version != ""
}

const demoClaude = `# Home

Three Proxmox nodes in the cupboard under the stairs. Ask before you restart
anything that family members watch films on.

<!-- recon:begin id=home v=1 -->
<!-- recon:end id=home -->

## House rules

- Secrets are in the password manager, never in this repository.
`

const demoSessionLog = `# Session log

<!-- recon:begin id=recon v=1 -->
<!-- recon:end id=recon -->

## 2026-11-02

Moved the photo library to Immich.
`

// demoEdits are what the home's owner adds to the imported manifests.
func demoEdits() []demoEdit {
	return []demoEdit{
		{"manifests/media.hcl", `(?m)^(  vmid +)= 111$`, "$0\n  purpose = \"films and music for the family\""},
		{"manifests/devops.hcl", `(?m)^(  vmid +)= 106$`, "$0\n  purpose = \"GitLab\""},
		{"manifests/infra.hcl", `(?m)^(  vmid +)= 150$`, "$0\n  purpose = \"backups of everything\"\n\n  protect = true"},
	}
}

// A simUser changes the simulated home the way a person does: with another
// account than recon's.
type simUser struct {
	base   string
	header string
	client *http.Client
}

// newSimUser gives the simulated home a user with a token and full rights.
func newSimUser(sim *pvesim.Server, name string) (*simUser, error) {
	ca, err := os.ReadFile(sim.CAFile())
	if err != nil {
		return nil, fmt.Errorf("read the simulator's CA: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	u := &simUser{base: sim.Endpoint() + "/api2/json", client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}}
	secret := "5d9f6c3e-8f0b-4b8e-9f57-3c1f0f4f6a21"
	sim.Update(func(w *pvesim.World) {
		w.Users = append(w.Users, &pvesim.User{ID: name, Tokens: []*pvesim.Token{{ID: "web", Secret: secret}}})
		w.ACL = append(w.ACL, &pvesim.ACLEntry{Path: "/", Role: "Administrator", Type: "user", ID: name, Propagate: true})
	})
	u.header = "PVEAPIToken=" + name + "!web=" + secret
	return u, nil
}

// call makes a call and waits for the task that it starts.
func (u *simUser) call(ctx context.Context, method, path string, params ...string) error {
	form := url.Values{}
	for _, p := range params {
		k, v, _ := strings.Cut(p, "=")
		form.Set(k, v)
	}
	data, err := u.do(ctx, method, path, form)
	if err != nil {
		return err
	}
	var upid string
	if json.Unmarshal(data, &upid) != nil || !strings.HasPrefix(upid, "UPID:") {
		return nil
	}
	for {
		data, err := u.do(ctx, http.MethodGet, "/nodes/"+strings.Split(upid, ":")[1]+"/tasks/"+url.PathEscape(upid)+"/status", nil)
		if err != nil {
			return err
		}
		var st struct{ Status, ExitStatus string }
		if err := json.Unmarshal(data, &st); err != nil {
			return err
		}
		if st.Status == "stopped" {
			if st.ExitStatus != "OK" {
				return fmt.Errorf("%s %s: %s", method, path, st.ExitStatus)
			}
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (u *simUser) do(ctx context.Context, method, path string, form url.Values) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.base+path, bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", u.header)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := u.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	var out struct{ Data json.RawMessage }
	return out.Data, json.Unmarshal(body, &out)
}
