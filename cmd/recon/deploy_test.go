package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
)

// deploy is a file of docs/deploy.
func deploy(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(scripts))), "docs", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestAlertRules: promtool finds no fault with the rules and the scrape job, and each
// alert keeps silent and is heard when it should.
func TestAlertRules(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("skips the check of alert rules: promtool is not installed")
	}
	dir := t.TempDir()
	for _, name := range []string{"alerts.yml", "alerts_test.yml", "prometheus.yml"} {
		text := strings.ReplaceAll(deploy(t, name), "/etc/prometheus/recon-token", os.DevNull)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{"check rules alerts.yml", "test rules alerts_test.yml", "check config prometheus.yml"} {
		cmd := exec.Command("promtool", strings.Fields(line)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", line, err, out)
		}
	}
	tests := deploy(t, "alerts_test.yml")
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(deploy(t, "alerts.yml"), -1) {
		if !strings.Contains(tests, `{alertname="`+m[1]+`"}`) {
			t.Errorf("%s is never heard in alerts_test.yml", m[1])
		}
		if !strings.Contains(deploy(t, "../deploy.md"), m[1]) {
			t.Errorf("docs/deploy.md does not name %s", m[1])
		}
	}
}

// TestContainerFiles: the doctor, who reads compose files as Docker does, has nothing to
// say of the one that is shipped, and the Dockerfile builds what is here. It skips
// building the image: its base comes from the network.
func TestContainerFiles(t *testing.T) {
	h := &home{t: t, dir: t.TempDir()}
	h.write("docs/deploy/compose.yaml", deploy(t, "compose.yaml"))
	h.write("docs/deploy/Dockerfile", deploy(t, "Dockerfile"))
	h.want(api.ExitOK, "doctor", "-o", "json", filepath.Join(h.dir, "docs", "deploy"))
	if !strings.Contains(h.out.String(), `"findings": []`) {
		t.Errorf("the doctor says: %s", &h.out)
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(scripts)))
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if !strings.Contains(deploy(t, "Dockerfile"), "FROM golang:"+string(version[1])+"-") {
		t.Errorf("the Dockerfile does not build with Go %s", version[1])
	}
}

// A prometheus is a real one, which scrapes a home.
type prometheus struct {
	t       *testing.T
	address string
}

// scrape starts Prometheus with the scrape job and the alerts that are shipped, but every
// half second, and without waiting: that alerts wait is what promtool tests.
func scrape(t *testing.T, s *shownHome, token string) *prometheus {
	dir := t.TempDir()
	config := strings.NewReplacer("30s", "500ms", "scheme: https", "scheme: http", "/etc/prometheus/recon-token", "token",
		"recon.example.net:443", strings.TrimPrefix(s.address, "http://")).Replace(deploy(t, "prometheus.yml"))
	rules := regexp.MustCompile(`for: \w+`).ReplaceAllString(deploy(t, "alerts.yml"), "for: 0s")
	for name, text := range map[string]string{"prometheus.yml": config, "alerts.yml": rules, "token": token + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &prometheus{t: t, address: free.Addr().String()}
	free.Close()
	cmd := exec.Command("prometheus", "--config.file="+dir+"/prometheus.yml", "--storage.tsdb.path="+dir+"/data",
		"--web.listen-address="+p.address)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus said: %s", &said)
		}
	})
	return p
}

// ask is what a query gives: of each series its labels.
func (p *prometheus) ask(query string) (out []map[string]string) {
	answer, err := http.PostForm("http://"+p.address+"/api/v1/query", url.Values{"query": {query}})
	if err != nil {
		return nil // it is not up yet
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	var got struct {
		Error string
		Data  struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err == nil && answer.StatusCode != http.StatusServiceUnavailable {
		err = json.Unmarshal(b, &got)
	}
	if err != nil || got.Error != "" {
		p.t.Fatalf("%s: %v %s", query, err, got.Error)
	}
	for _, r := range got.Data.Result {
		out = append(out, r.Metric)
	}
	return out
}

// fires waits until an alert is heard, or is no more.
func (p *prometheus) fires(alert string, is bool) {
	p.t.Helper()
	what := alert + map[bool]string{true: " is heard", false: " is not heard"}[is]
	eventually(p.t, what, func() bool {
		return len(p.ask("up == 1")) > 0 && len(p.ask(`ALERTS{alertstate="firing",alertname="`+alert+`"}`)) > 0 == is
	})
}

// TestPrometheus: a real one scrapes the daemon with the token of its page, every panel of
// the dashboard and every alert asks for what is there, and alerts are heard and end.
func TestPrometheus(t *testing.T) {
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("skips the scraping of metrics, and whether the dashboard and the alerts name such as there are: prometheus is not installed")
	}
	token := strings.Repeat("t0ken", 6)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serveHome(t, `page {
  listen = "127.0.0.1:0"
  login {
    token_file = "`+file+`"
  }
}
schedule "drift" {
  cron   = "@every 1s"
  action = "drift"
}
schedule "facts" {
  cron   = "@every 10s"
  action = "facts"
}
`)
	p := scrape(t, s, token)
	s.sim.Update(setConfig(205, "memory", "4096"))
	p.namesWhatIs(t)

	page := s.read("page.recon.hcl")
	s.write("page.recon.hcl", page+"mistake {\n")
	p.fires("ReconManifestsInvalid", true)
	s.write("page.recon.hcl", page)
	p.fires("ReconManifestsInvalid", false)

	p.fires("ReconSourceDown", false)
	if err := s.sim.AddFault("node-down:node03"); err != nil {
		t.Fatal(err)
	}
	p.fires("ReconSourceDown", true)
	s.sim.ClearFaults()
	p.fires("ReconSourceDown", false)
}

// namesWhatIs holds the dashboard and the alerts against the metrics that there are.
func (p *prometheus) namesWhatIs(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(deploy(t, "grafana.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			query := strings.NewReplacer("$instance", ".*", "$__rate_interval", "1m").Replace(target.Expr)
			eventually(t, panel.Title+" shows something", func() bool { return len(p.ask(query)) > 0 })
		}
	}
	for _, m := range regexp.MustCompile(`expr: .*?(recon_\w+)`).FindAllStringSubmatch(deploy(t, "alerts.yml"), -1) {
		eventually(t, m[1]+" is a metric", func() bool { return len(p.ask(m[1])) > 0 })
	}
}
