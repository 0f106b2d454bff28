package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// TestServeLogs: each line of a daemon that logs is JSON, with what happened, and without a
// secret, however JSON spells it; requests are counted by how they were answered; and who
// probes the page finds it.
func TestServeLogs(t *testing.T) {
	const password = `canary-<&'"\7f-9a77d2`
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	h := &home{t: t, dir: filepath.Join(t.TempDir(), "project"), sim: sim}
	t.Setenv("PVE_TOKEN", sim.Token())
	t.Setenv("GUEST_PASSWORD", password)
	sim.Update(setConfig(111, "description", "it is "+password))
	h.write("recon.hcl", "proxmox \"home\" {\n  endpoints = [\""+sim.Endpoint()+"\"]\n  token = env(\"PVE_TOKEN\")\n  fingerprint = \""+sim.Fingerprint()+"\"\n}\nschedule \"often\" {\n  cron = \"@every 1s\"\n  action = \"drift\"\n}\npage {\n  listen = \""+address+"\"\n}\n")
	h.write("media.recon.hcl", "vm \"media\" {\n  vmid = 111\n  memory = \"6GiB\"\n  cloud_init {\n    password = env(\"GUEST_PASSWORD\")\n  }\n}\n")
	if h.run("serve", "--probe"); !strings.Contains(h.err.String(), "ask the page at "+address) {
		t.Errorf("where no daemon is a probe says: %s", &h.err)
	}
	var out, errs syncBuffer
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"-C", h.dir, "serve", "-v", "--log-format", "json"}, bytes.NewReader(nil), &out, &errs)
	}()
	eventually(t, "a run has ended", func() bool { return strings.Contains(errs.String(), `"msg":"run ended"`) })
	sim.Update(setConfig(111, "cores", "3"))
	eventually(t, "an event is logged", func() bool { return strings.Contains(errs.String(), `"msg":"event"`) })
	h.want(api.ExitOK, "serve", "--probe")
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if !strings.Contains(string(metrics), `recon_api_calls_total{code="200",method="GET",source="proxmox.home"} `) {
		t.Errorf("requests are not counted: %s", metrics)
	}
	stop()
	if code := <-ended; code != api.ExitOK || out.String() != "" {
		t.Errorf("it ended with %d and said %s", code, out.String())
	}
	for line := range strings.Lines(errs.String()) {
		var said struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(line), &said); err != nil || said.Time == "" || said.Level == "" || said.Msg == "" {
			t.Fatalf("not a line of a log: %s", line)
		}
	}
	_, uuid, _ := strings.Cut(sim.Token(), "=")
	for _, text := range []string{errs.String(), string(metrics)} {
		if strings.Contains(text, uuid) || strings.Contains(text, "9a77d2") {
			t.Errorf("there is a secret in it: %s", text)
		}
	}
}
