package docker

import (
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"

	"recon/inventory"
	"recon/inventory/doctor"
)

func TestSecretsOfTheFileAreKeptAndNeverShown(t *testing.T) {
	file := []byte(`{"log-driver": "splunk", "log-opts": {"splunk-token": "CANARY", "max-size": "5m"}, "proxies": {"https-proxy": "http://me:CANARY@proxy:3128"}, "some-password": "CANARY"}`)
	attrs, err := attrsOf(file)
	if err != nil {
		t.Fatal(err)
	}
	kind := inventory.KindOf(inventory.KindDaemon)
	for p, v := range attrs {
		if text := kind.Attr(string(p)).Show(v) + string(marshal(inventory.JSONValue(v))); strings.Contains(text, "CANARY") {
			t.Errorf("%s shows %s", p, text)
		}
	}
	if strings.Contains(strings.Join(mapValues(rawOf(file)), " "), "CANARY") {
		t.Error("the raw values hold the secret")
	}
	out, err := newContent(file, map[string]string{"log-opts": `{"max-size":"10m"}`})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(out); !strings.Contains(s, `"splunk-token": "CANARY"`) || !strings.Contains(s, `"max-size": "10m"`) {
		t.Errorf("got %s", s)
	}
}

func mapValues(m map[string]string) []string {
	var out []string
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func TestEnvironmentOfContainersGoesNoFurther(t *testing.T) {
	var f doctor.Container
	configFacts(&f, &container.Config{Image: "a", Env: []string{"DB=postgres://u:CANARY@db/x", "API=http://u:CANARY@localhost:80/?t=CANARY", "PUID=1000"}, Cmd: []string{"--token=CANARY", "--api=localhost:81"}}, []string{"db"})
	if text := string(marshal(f)); strings.Contains(text, "CANARY") {
		t.Errorf("facts hold the secret: %s", text)
	}
	if len(f.Locals) != 2 || len(f.Names) != 1 || f.UID != 1000 {
		t.Errorf("got %+v", f)
	}
}

func TestProbeIsNotTrusted(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "broken off": "uid 0\ndaemon 1\n", "a value before its daemon": "cmdline abc\nend yes", "no daemon": "uid 0\nend yes",
	} {
		if _, err := parseProbe(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := parseProbe("daemon 1\ncmdline !!!\nstat ???\nmtime x\nend yes"); err != nil {
		t.Error(err)
	}
}

func FuzzProbe(f *testing.F) {
	f.Add("daemon 7\nexe L3g=\ncmdline ZG9ja2VyZAAtSAB1bml4Oi8vL3gA\nstat NyAoeCkgUyAx\nfile L2E=\nbackup L2I=\nbackuptime 1\nend yes", "W container 1\nW file /proc/1/mountinfo\n1 2 8:1 / / rw - ext4 x rw\nW path L2E=\nW stat 1:1 755\nW end yes")
	f.Fuzz(func(t *testing.T, probe, inside string) {
		if h, err := parseProbe(probe); err == nil {
			if d, err := h.choose(""); err == nil {
				d.loaded()
				d.socket()
				_, _ = attrsOf(d.content)
			}
		}
		if p, err := parseInside(inside, "W"); err == nil {
			for _, c := range p.containers {
				parseMounts(c.mounts)
				parsePorts(c.nets, c.sockets)
				parseResolv(c.resolv)
			}
		}
	})
}

func TestResolvConfTrailer(t *testing.T) {
	r := parseResolv("nameserver 127.0.0.11\noptions ndots:0\n\n# Based on host file: '/etc/resolv.conf'\n# ExtServers: [192.168.90.53 host(127.0.0.53)]\n# Overrides: [nameservers]\n")
	if strings.Join(r.external, " ") != "192.168.90.53 127.0.0.53" || !r.embedded || !r.own {
		t.Errorf("got %+v", r)
	}
}
