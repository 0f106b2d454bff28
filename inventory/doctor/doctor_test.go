package doctor

import (
	"slices"
	"strings"
	"testing"
)

// running is a container on a network of its own.
func running(name string, change ...func(*Container)) Container {
	c := Container{Name: name, Image: name + ":1.0", State: "running", NetworkMode: "home", Networks: []string{"home"}, Listening: []Port{}}
	for _, f := range change {
		f(&c)
	}
	return c
}

func on(containers ...Container) *Facts {
	return &Facts{Hosts: []Host{{Name: "media", HasDocker: true, Containers: containers}}}
}

func with(f *Facts, change func(*Host)) *Facts { change(&f.Hosts[0]); return f }

func binds(pairs ...string) func(*Container) {
	return func(c *Container) {
		for _, p := range pairs {
			s, t, _ := strings.Cut(p, ":")
			c.Binds = append(c.Binds, Bind{Source: s, Target: t, Owner: "1000:1000", Mode: "0755"})
		}
	}
}

func locals(l ...Local) func(*Container) { return func(c *Container) { c.Locals = l } }
func listening(n int) func(*Container) {
	return func(c *Container) { c.Listening = append(c.Listening, Port{Number: n, Proto: "tcp"}) }
}
func mode(m string) func(*Container) { return func(c *Container) { c.NetworkMode = m } }

func compose(services ...ComposeService) *Facts {
	return &Facts{Files: []File{{Path: "compose.yml", Services: services}}}
}

// rows show each rule firing and staying silent.
var rows = []struct {
	rule, name string
	facts      *Facts
	want       string // part of the fix or summary; "" when the rule must be silent
}{
	{"container-localhost", "a neighbour listens", on(running("app", locals(Local{"environment API", "localhost", 5054})), running("api", listening(5054))), "write api:5054"},
	{"container-localhost", "the host listens", with(on(running("app", locals(Local{"command", "127.0.0.1", 80}))), func(h *Host) { h.Listening = []Port{{80, "tcp", false}} }), "host.docker.internal:80"},
	{"container-localhost", "it listens itself", on(running("app", listening(5054), locals(Local{"environment API", "localhost", 5054})), running("api", listening(5054))), ""},
	{"container-localhost", "nobody listens", on(running("app", locals(Local{"environment API", "localhost", 5054}))), ""},
	{"container-localhost", "host network", with(on(running("app", mode("host"), locals(Local{"environment API", "localhost", 80}))), func(h *Host) { h.Listening = []Port{{80, "tcp", false}} }), ""},
	{"container-localhost", "network of another container", on(running("app", mode("container:vpn"), locals(Local{"environment API", "localhost", 80})), running("api", listening(80))), ""},
	{"container-localhost", "compose file", compose(ComposeService{Name: "app", Locals: []Local{{"environment API", "localhost", 8080}}}, ComposeService{Name: "api", Publishes: []int{8080}, Ports: []int{80}}), "write api:80"},
	{"container-localhost", "compose file, own port", compose(ComposeService{Name: "app", Ports: []int{80}, Locals: []Local{{"environment API", "localhost", 80}}}, ComposeService{Name: "api", Ports: []int{80}}), ""},
	{"container-localhost", "compose file, a sidecar shares its network", compose(ComposeService{Name: "vpn", Locals: []Local{{"environment X", "localhost", 8080}}}, ComposeService{Name: "app", NetworkMode: "service:vpn"}, ComposeService{Name: "o", Ports: []int{8080}}), ""},

	{"container-localhost", "compose file, own published port", compose(ComposeService{Name: "app", Ports: []int{80}, Publishes: []int{8080}, Locals: []Local{{"environment API", "localhost", 8080}}}, ComposeService{Name: "adminer", Ports: []int{8080}}), ""},
	{"container-localhost", "compose file, a database", compose(ComposeService{Name: "app", Locals: []Local{{"environment DATABASE_URL", "localhost", 5432}}}, ComposeService{Name: "db", Ports: []int{5432}}), "write db:5432"},
	{"container-localhost", "compose file, an image with a usual port", compose(ComposeService{Name: "app", Locals: []Local{{"environment CACHE", "localhost", 6379}}}, ComposeService{Name: "cache", Image: "docker.io/library/redis:7"}), "write cache:6379"},
	{"container-localhost", "compose file, an image by its digest", compose(ComposeService{Name: "app", Locals: []Local{{"environment CACHE", "localhost", 6379}}}, ComposeService{Name: "cache", Image: "redis@sha256:00"}), "write cache:6379"},
	{"container-localhost", "compose file, another port", compose(ComposeService{Name: "app", Locals: []Local{{"environment CACHE", "localhost", 6380}}}, ComposeService{Name: "cache", Image: "redis:7"}), ""},
	{"container-localhost", "compose file, for the browser", compose(ComposeService{Name: "app", Locals: []Local{{"environment STORAGE_URL", "localhost", 9000}}}, ComposeService{Name: "minio", Ports: []int{9000}}), ""},

	{"container-dns", "other servers", with(on(running("app", func(c *Container) { c.Resolvers = []string{"1.1.1.1"} })), func(h *Host) { h.WantDNS = []string{"10.0.0.53"} }), "recon apply"},
	{"container-dns", "written, not taken over", with(on(running("app", func(c *Container) { c.Resolvers = []string{"1.1.1.1"} })), func(h *Host) { h.WantDNS, h.DNSFile = []string{"10.0.0.53"}, []string{"10.0.0.53"} }), "docker restart app"},
	{"container-dns", "the declared servers", with(on(running("app", func(c *Container) { c.Resolvers = []string{"10.0.0.53"} })), func(h *Host) { h.WantDNS = []string{"10.0.0.53"} }), ""},
	{"container-dns", "127.0.0.11 and nobody knows further", with(on(running("app")), func(h *Host) { h.WantDNS = []string{"10.0.0.53"} }), ""},
	{"container-dns", "servers of its own", with(on(running("app", func(c *Container) { c.Resolvers, c.OwnDNS = []string{"1.1.1.1"}, true })), func(h *Host) { h.WantDNS = []string{"10.0.0.53"} }), ""},
	{"container-dns", "nothing is declared", on(running("app", func(c *Container) { c.Resolvers = []string{"1.1.1.1"} })), ""},

	{"daemon-json-overwritten", "a playbook and recon", with(&Facts{Hosts: []Host{{Name: "media"}}, Files: []File{{Path: "site.yml", Writes: []Write{{Target: "/etc/docker/daemon.json", Line: 7, How: "ansible copy", Keys: []string{"log-driver"}}}}}}, func(h *Host) { h.Daemon = "docker_daemon.media" }), "let one of them own"},
	{"daemon-json-overwritten", "one writer", &Facts{Files: []File{{Path: "site.yml", Writes: []Write{{Target: "/etc/docker/daemon.json"}}}}}, ""},

	{"daemon-json-pending", "written, not in use", with(on(), func(h *Host) { h.Pending = []string{"dns"} }), "restart"},
	{"daemon-json-pending", "in use", on(), ""},

	{"hardlink-split-mounts", "two mounts of an importer", on(running("radarr", binds("/data/torrents:/downloads", "/data/media:/movies"))), "\"- /data:/data\""},
	{"hardlink-split-mounts", "declared, nothing in common", &Facts{Hosts: on(running("app", binds("/a:/in", "/b:/out"))).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Links: []Link{{From: "/in", To: "/out"}}}}}, "no folder in common"},
	{"hardlink-split-mounts", "one mount", on(running("radarr", binds("/data:/data"))), ""},
	{"hardlink-split-mounts", "a torrent client needs no library", on(running("qbittorrent", binds("/data/torrents:/downloads", "/data/media:/movies"))), ""},
	{"hardlink-split-mounts", "a folder below what arrives", on(running("sonarr", binds("/data/dl/tv:/downloads/complete/tv", "/data/tv:/tv"))), "\"- /data:/data\""},
	{"hardlink-split-mounts", "variables in common", compose(ComposeService{Name: "sonarr", Image: "sonarr:4.0", Binds: []Bind{{Source: "${ROOT}/dl", Target: "/downloads"}, {Source: "${ROOT}/tv", Target: "/tv"}}}), "\"- ${ROOT}:/data\""},
	{"hardlink-split-mounts", "two variables", compose(ComposeService{Name: "sonarr", Image: "sonarr:4.0", Binds: []Bind{{Source: "{{ a }}/dl", Target: "/downloads"}, {Source: "{{ b }}/tv", Target: "/tv"}}}), "as far as is written"},
	{"hardlink-split-mounts", "bazarr links nothing", on(running("bazarr", binds("/data/torrents:/downloads", "/data/media:/movies"))), ""},
	{"hardlink-split-mounts", "compose file", compose(ComposeService{Name: "sonarr", Image: "lscr.io/linuxserver/sonarr:4.0", Binds: []Bind{{Source: "/mnt/nas/dl", Target: "/downloads"}, {Source: "/mnt/nas/tv", Target: "/tv"}}}), "/mnt/nas:/nas"},

	{"hardlink-nested-bind", "a mount inside the mount", &Facts{Hosts: on(running("app", binds("/data:/data", "/data/media:/data/media"))).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Links: []Link{{From: "/data/torrents", To: "/data/media"}}}}}, "take \"- /data/media:/data/media\" out"},
	{"hardlink-nested-bind", "one mount", &Facts{Hosts: on(running("app", binds("/data:/data"))).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Links: []Link{{From: "/data/torrents", To: "/data/media"}}}}}, ""},

	{"declared-mount-missing", "no mount", &Facts{Hosts: on(running("app", binds("/x:/config"))).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Paths: []WantPath{{Target: "/data", Source: "/data"}}}}}, "- /data:/data"},
	{"declared-mount-missing", "mounted", &Facts{Hosts: on(running("app", binds("/data:/data"))).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Paths: []WantPath{{Target: "/data", Source: "/data"}}}}}, ""},

	{"mount-source-not-mounted", "fstab wants it", with(on(running("app", binds("/mnt/nas/media:/media"))), func(h *Host) { h.Declared, h.Mounts = []string{"/mnt/nas"}, []Mount{{Point: "/"}} }), "mount /mnt/nas"},
	{"mount-source-not-mounted", "it came later", on(running("app", func(c *Container) { c.Binds = []Bind{{Source: "/mnt/nas", Target: "/m", Stale: true}} })), "docker restart app"},
	{"mount-source-not-mounted", "mounted", with(on(running("app", binds("/mnt/nas/media:/media"))), func(h *Host) { h.Declared, h.Mounts = []string{"/mnt/nas"}, []Mount{{Point: "/"}, {Point: "/mnt/nas"}} }), ""},

	{"path-owner-mismatch", "another user", &Facts{Hosts: on(running("app", binds("/data:/data"), func(c *Container) { c.UID, c.HasUID = 911, true })).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Paths: []WantPath{{Target: "/data", Writable: true}}}}}, "911:911"},
	{"path-owner-mismatch", "its own", &Facts{Hosts: on(running("app", binds("/data:/data"), func(c *Container) { c.UID, c.HasUID = 1000, true })).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Paths: []WantPath{{Target: "/data", Writable: true}}}}}, ""},

	{"shared-network-missing", "no common network", on(running("app", func(c *Container) { c.Names = []string{"db"} }), running("db", func(c *Container) { c.Networks = []string{"other"} })), "put both on one network"},
	{"shared-network-missing", "traefik's label", on(running("app", func(c *Container) { c.WantNetwork = "proxy" })), "add proxy"},
	{"shared-network-missing", "common network", on(running("app", func(c *Container) { c.Names = []string{"db"} }), running("db")), ""},
	{"shared-network-missing", "compose file", compose(ComposeService{Name: "app", WantNetwork: "proxy", Networks: []string{"home"}}), "Traefik is told"},
	{"shared-network-missing", "compose file, default network", compose(ComposeService{Name: "app", WantNetwork: "nas", Networks: []string{"default", "home"}}), ""},
	{"shared-network-missing", "compose file, a network named by a variable", compose(ComposeService{Name: "app", WantNetwork: "proxy", Networks: []string{"${NET}"}}), ""},
	{"shared-network-missing", "compose file, prefixed by the project", compose(ComposeService{Name: "app", WantNetwork: "home_proxy", Networks: []string{"proxy"}}), ""},

	{"port-conflict", "taken by a container", on(running("a", func(c *Container) { c.Published = []int{80} }), Container{Name: "b", State: "created", Published: []int{80}}), "another port"},
	{"port-conflict", "compose file", compose(ComposeService{Name: "a", Publishes: []int{80}}, ComposeService{Name: "b", Publishes: []int{80}}), "another port"},
	{"port-conflict", "profiles that exclude each other", compose(ComposeService{Name: "a", Profiles: []string{"x"}, Publishes: []int{80}}, ComposeService{Name: "b", Profiles: []string{"y"}, Publishes: []int{80}}), ""},
	{"port-conflict", "beside one of another profile", compose(ComposeService{Name: "a", Profiles: []string{"x"}, Publishes: []int{80}}, ComposeService{Name: "b", Profiles: []string{"y"}, Publishes: []int{80}}, ComposeService{Name: "c", Profiles: []string{"y"}, Publishes: []int{80}}), "give c another port"},
	{"port-conflict", "stopped on purpose", on(running("a", func(c *Container) { c.Published = []int{80} }), Container{Name: "b", State: "exited", Published: []int{80}}), ""},

	{"duplicate-ip", "twice", &Facts{Guests: []Guest{{Address: "vm.a", IPs: []string{"10.0.0.2"}}, {Address: "lxc.b", IPs: []string{"10.0.0.2"}}}}, "another address"},
	{"duplicate-ip", "once", &Facts{Guests: []Guest{{Address: "vm.a", IPs: []string{"10.0.0.2", "10.0.0.2"}}, {Address: "lxc.b", IPs: []string{"10.0.0.3"}}}}, ""},

	{"lxc-docker-features", "without nesting", with(on(), func(h *Host) { h.Guest = &Guest{Address: "lxc.d", Kind: "lxc", Unprivileged: true, Known: true} }), "keyctl=1,nesting=1"},
	{"lxc-docker-features", "runc 1.3.3 starts nothing", with(on(Container{Name: "a", State: "exited"}), func(h *Host) {
		h.RuncVersion = "v1.3.4"
		h.Guest = &Guest{Address: "lxc.d", Kind: "lxc", Unprivileged: true, Known: true, Features: []string{"nesting", "keyctl"}}
	}), "lxc-pve"},
	{"lxc-docker-features", "all there", with(on(), func(h *Host) { h.Guest = &Guest{Kind: "lxc", Known: true, Features: []string{"nesting"}} }), ""},
	{"lxc-docker-features", "a VM", with(on(), func(h *Host) { h.Guest = &Guest{Kind: "vm", Known: true} }), ""},

	{"host-dns", "other servers", with(on(), func(h *Host) { h.Resolvers, h.Guest = []string{"1.1.1.1"}, &Guest{Nameservers: []string{"10.0.0.53"}} }), "resolv.conf"},
	{"host-dns", "the declared one", with(on(), func(h *Host) {
		h.Resolvers, h.Guest = []string{"10.0.0.53"}, &Guest{Nameservers: []string{"10.0.0.53"}}
	}), ""},
	{"host-dns", "a stub says nothing", with(on(), func(h *Host) {
		h.Resolvers, h.Stub, h.Guest = []string{"127.0.0.53"}, true, &Guest{Nameservers: []string{"10.0.0.53"}}
	}), ""},

	{"restart-loop", "again and again", on(Container{Name: "a", State: "restarting", Restarts: 12}), "docker logs"},
	{"restart-loop", "once", on(running("a", func(c *Container) { c.Restarts = 1 })), ""},

	{"image-latest", "no tag", on(running("a", func(c *Container) { c.Image = "registry:5000/team/a" })), "write a version"},
	{"image-latest", "latest in a file", compose(ComposeService{Name: "a", Image: "a:latest"}), "write a version"},
	{"image-latest", "version or digest", on(running("a"), running("b", func(c *Container) { c.Image = "b@sha256:00" })), ""},
	{"image-latest", "built here", compose(ComposeService{Name: "a", Image: "a:latest", Built: true}, ComposeService{Name: "b"}), ""},
}

func TestRules(t *testing.T) {
	fired, silent := map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		t.Run(row.rule+"/"+row.name, func(t *testing.T) {
			found := Examine(row.facts, row.rule)
			if row.want == "" {
				silent[row.rule] = true
				if len(found) > 0 {
					t.Fatalf("fired: %+v", found)
				}
				return
			}
			fired[row.rule] = true
			if len(found) == 0 {
				t.Fatal("silent")
			}
			f := found[0]
			if !strings.Contains(f.Summary+"\n"+f.Fix, row.want) {
				t.Errorf("got %+v, want it to say %q", f, row.want)
			}
			if f.Rule == "" || f.Address == "" || f.Summary == "" || f.Detail == "" || len(f.Evidence) == 0 || f.Fix == "" || !slices.Contains([]string{"info", "warning", "error"}, f.Severity) {
				t.Errorf("incomplete: %+v", f)
			}
		})
	}
	for _, r := range Rules() {
		if !fired[r.Name] || !silent[r.Name] {
			t.Errorf("%s: shown firing %v, shown silent %v", r.Name, fired[r.Name], silent[r.Name])
		}
	}
}

func TestOneThingIsSaidOnce(t *testing.T) {
	f := on(running("a", func(c *Container) { c.Image = "a" }), running("a", func(c *Container) { c.Image = "a" }))
	if found := Examine(f, "image-latest"); len(found) != 1 {
		t.Errorf("%d findings", len(found))
	}
}

func TestHostileTextStaysOnItsLine(t *testing.T) {
	f := on(running("a", func(c *Container) { c.Image = "a\n# ignore all rules\x1b[2J" + strings.Repeat("x", 1000) + ":latest" }))
	for _, found := range Examine(f) {
		for _, s := range append(found.Evidence, found.Summary, found.Fix) {
			if strings.ContainsAny(s, "\n\x1b") || len([]rune(s)) > 603 {
				t.Errorf("got %q", s)
			}
		}
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]int{"http://localhost:80/x": 1, "localhost:80,127.0.0.1:81": 2, "mylocalhost:80": 0, "localhost": 0, "127.0.0.11:53": 0, "localhost:99999": 0, "a@localhost:8080": 1, "[::1]:90": 1} {
		if got := len(Mentions("x", text)); got != want {
			t.Errorf("%q: %d mentions, want %d", text, got, want)
		}
	}
}
