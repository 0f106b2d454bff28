package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"recon/inventory"
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
	for i := range services {
		services[i].Place = cmp.Or(services[i].Place, fmt.Sprintf("compose.yml:%d", i+2))
	}
	return &Facts{Files: []File{{Path: "compose.yml", Kind: "compose", Project: ".", Services: services}}}
}

// files are compose files of one service each, a/compose.yml, b/compose.yml, ..., of a
// project with one machine, changed by a function.
func files(change func([]File), services ...ComposeService) *Facts {
	f := &Facts{}
	for i, s := range services {
		name := string(rune('a'+i)) + "/compose.yml"
		s.Place = name + ":2"
		f.Files = append(f.Files, File{Path: name, Kind: "compose", Host: Where{Told: true}, Project: name, Services: []ComposeService{s}})
	}
	if change != nil {
		change(f.Files)
	}
	return f
}

func tcp(port int) []Publish { return []Publish{{Proto: "tcp", First: port, Last: port}} }
func publish(address, proto string, first, last int) []Publish {
	return []Publish{{Address: address, Proto: proto, First: first, Last: last}}
}

// untold takes back that somebody says on which machine files run.
func untold(f []File) {
	for i := range f {
		f[i].Host.Told = false
	}
}

// joining has all files join a network: those of the numbers expect it, the others make it.
func joining(network string, expected ...int) func([]File) {
	return func(f []File) {
		untold(f)
		for i := range f {
			f[i].Joins = []string{network}
			if slices.Contains(expected, i) {
				f[i].External = f[i].Joins
			} else {
				f[i].Networks = f[i].Joins
			}
		}
	}
}

// way is a finding as package graph makes them, where the rules about ways are tested.
func way(rule, summary string) []inventory.Finding {
	return []inventory.Finding{{Rule: rule, Severity: "warning", Address: "route.a", Summary: summary, Evidence: []string{"seen"}, Fix: "mend it"}}
}

// rows show each rule firing and staying silent.
var rows = []struct {
	rule, name string
	facts      *Facts
	want       string // part of the fix or summary; "" when the rule must be silent
}{
	{"backup-not-covered", "in no job", &Facts{Backups: []Backups{{Cluster: "proxmox.home", Jobs: []inventory.BackupJob{{ID: "nightly", Enabled: true, VMIDs: []int{102}}}, Running: []Running{{Address: "vm.a", VMID: 101}}}}}, "vm.a runs"},
	{"backup-not-covered", "in a job", &Facts{Backups: []Backups{{Cluster: "proxmox.home", Jobs: []inventory.BackupJob{{ID: "nightly", Enabled: true, All: true}}, Running: []Running{{Address: "vm.a", VMID: 101}}}}}, ""},
	{"certificate-not-served", "as the graph judges it", &Facts{Ways: way("certificate-not-served", "an older certificate")}, "an older certificate"},
	{"certificate-not-served", "what another rule is of", &Facts{Ways: way("another", "x")}, ""},
	{"dead-route", "as the graph judges it", &Facts{Ways: way("dead-route", "nobody answers")}, "nobody answers"},
	{"dead-route", "what another rule is of", &Facts{Ways: way("another", "x")}, ""},
	{"dns-differs", "as the graph judges it", &Facts{Ways: way("dns-differs", "answer otherwise")}, "answer otherwise"},
	{"dns-differs", "what another rule is of", &Facts{Ways: way("another", "x")}, ""},
	{"orphan-dns-record", "as the graph judges it", &Facts{Ways: way("orphan-dns-record", "no machine has")}, "no machine has"},
	{"orphan-dns-record", "what another rule is of", &Facts{Ways: way("another", "x")}, ""},
	{"single-dns", "as the graph judges it", &Facts{Ways: way("single-dns", "asks itself")}, "asks itself"},
	{"single-dns", "what another rule is of", &Facts{Ways: way("another", "x")}, ""},
	{"container-localhost", "a neighbour listens", on(running("app", locals(Local{Where: "environment API", Host: "localhost", Port: 5054})), running("api", listening(5054))), "write api:5054"},
	{"container-localhost", "the host listens", with(on(running("app", locals(Local{Where: "command", Host: "127.0.0.1", Port: 80}))), func(h *Host) { h.Listening = []Port{{80, "tcp", false}} }), "host.docker.internal:80"},
	{"container-localhost", "it listens itself", on(running("app", listening(5054), locals(Local{Where: "environment API", Host: "localhost", Port: 5054})), running("api", listening(5054))), ""},
	{"container-localhost", "nobody listens", on(running("app", locals(Local{Where: "environment API", Host: "localhost", Port: 5054}))), ""},
	{"container-localhost", "host network", with(on(running("app", mode("host"), locals(Local{Where: "environment API", Host: "localhost", Port: 80}))), func(h *Host) { h.Listening = []Port{{80, "tcp", false}} }), ""},
	{"container-localhost", "network of another container", on(running("app", mode("container:vpn"), locals(Local{Where: "environment API", Host: "localhost", Port: 80})), running("api", listening(80))), ""},
	{"container-localhost", "compose file", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment API", Host: "localhost", Port: 8080}}}, ComposeService{Name: "api", Published: tcp(8080), Ports: []int{80}}), "write api:80"},
	{"container-localhost", "compose file, who issues tokens", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment OIDC_ISSUER", Host: "localhost", Port: 8080}}}, ComposeService{Name: "api", Published: tcp(8080), Ports: []int{80}}), ""},
	{"container-localhost", "compose file, own port", compose(ComposeService{Name: "app", Ports: []int{80}, Locals: []Local{{Where: "environment API", Host: "localhost", Port: 80}}}, ComposeService{Name: "api", Ports: []int{80}}), ""},
	{"container-localhost", "compose file, a sidecar shares its network", compose(ComposeService{Name: "vpn", Locals: []Local{{Where: "environment X", Host: "localhost", Port: 8080}}}, ComposeService{Name: "app", NetworkMode: "service:vpn"}, ComposeService{Name: "o", Ports: []int{8080}}), ""},

	{"container-localhost", "compose file, own published port", compose(ComposeService{Name: "app", Ports: []int{80}, Published: tcp(8080), Locals: []Local{{Where: "environment API", Host: "localhost", Port: 8080}}}, ComposeService{Name: "adminer", Ports: []int{8080}}), ""},
	{"container-localhost", "compose file, a database", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment DATABASE_URL", Host: "localhost", Port: 5432}}}, ComposeService{Name: "db", Ports: []int{5432}}), "write db:5432"},
	{"container-localhost", "compose file, an image with a usual port", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment CACHE", Host: "localhost", Port: 6379}}}, ComposeService{Name: "cache", Image: "docker.io/library/redis:7"}), "write cache:6379"},
	{"container-localhost", "compose file, an image by its digest", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment CACHE", Host: "localhost", Port: 6379}}}, ComposeService{Name: "cache", Image: "redis@sha256:00"}), "write cache:6379"},
	{"container-localhost", "compose file, another port", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment CACHE", Host: "localhost", Port: 6380}}}, ComposeService{Name: "cache", Image: "redis:7"}), ""},
	{"container-localhost", "compose file, for the browser", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment STORAGE_URL", Host: "localhost", Port: 9000}}}, ComposeService{Name: "minio", Ports: []int{9000}}), ""},

	{"container-localhost", "compose file, a neighbour on the network of the host", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment R", Host: "localhost", Port: 6379}}}, ComposeService{Name: "redis", Image: "redis:7", NetworkMode: "host"}), "host.docker.internal:6379"},
	{"container-localhost", "compose file, a neighbour on another network", compose(ComposeService{Name: "app", Networks: []string{"a"}, Locals: []Local{{Where: "environment R", Host: "localhost", Port: 6379}}}, ComposeService{Name: "redis", Image: "redis:7", Networks: []string{"b"}}), "put both on one network"},
	{"container-localhost", "compose file, the host alone", compose(ComposeService{Name: "app", Locals: []Local{{Where: "environment DB_HOST with DB_PORT", Host: "localhost", Port: 5432, Bare: true}}}, ComposeService{Name: "db", Image: "postgres:16"}), "write db in place of localhost, with port 5432"},
	{"container-localhost", "compose file, its own usual port", compose(ComposeService{Name: "prometheus", Image: "prom/prometheus:v3", Locals: []Local{{Where: "the file p.yml", Host: "localhost", Port: 9090}}}, ComposeService{Name: "cockpit", Published: tcp(9090)}), ""},

	{"container-dns", "other servers", with(on(running("app", func(c *Container) { c.Resolvers = []string{"1.1.1.1"} })), func(h *Host) { h.WantDNS = []string{"10.0.0.53"} }), "recon apply"},
	{"container-dns", "written, not taken over", with(on(running("app", func(c *Container) { c.Resolvers = []string{"1.1.1.1"} })), func(h *Host) { h.WantDNS, h.DNSFile = []string{"10.0.0.53"}, []string{"10.0.0.53"} }), "docker restart app"},
	{"container-dns", "the declared servers", with(on(running("app", func(c *Container) { c.Resolvers = []string{"10.0.0.53"} })), func(h *Host) { h.WantDNS = []string{"10.0.0.53"} }), ""},
	{"container-dns", "127.0.0.11 and nobody knows further", with(on(running("app")), func(h *Host) { h.WantDNS = []string{"10.0.0.53"} }), ""},
	{"container-dns", "servers of its own", with(on(running("app", func(c *Container) { c.Resolvers, c.OwnDNS = []string{"1.1.1.1"}, true })), func(h *Host) { h.WantDNS = []string{"10.0.0.53"} }), ""},
	{"container-dns", "nothing is declared", on(running("app", func(c *Container) { c.Resolvers = []string{"1.1.1.1"} })), ""},

	{"daemon-json-overwritten", "a playbook and recon", with(&Facts{Hosts: []Host{{Name: "media"}}, Files: []File{{Path: "site.yml", Writes: []Write{{Target: "/etc/docker/daemon.json", Line: 7, How: "ansible copy", Keys: []string{"log-driver"}}}}}}, func(h *Host) { h.Daemon = "docker_daemon.media" }), "let one of them own"},
	{"daemon-json-overwritten", "one writer", &Facts{Files: []File{{Path: "site.yml", Writes: []Write{{Target: "/etc/docker/daemon.json"}}}}}, ""},

	{"daemon-json-overwritten", "two for one host", &Facts{Files: []File{{Path: "a.yml", Kind: "writer", Writes: []Write{{Target: "/etc/docker/daemon.json", Hosts: []string{"docker"}}}}, {Path: "b.yml", Kind: "writer", Writes: []Write{{Target: "/etc/docker/daemon.json", Hosts: []string{"docker"}}}}}}, "let one of them own"},
	{"daemon-json-overwritten", "two scripts for whatever machine", &Facts{Files: []File{{Path: "a.sh", Kind: "writer", Writes: []Write{{Target: "/etc/docker/daemon.json"}}}, {Path: "b.sh", Kind: "writer", Writes: []Write{{Target: "/etc/docker/daemon.json"}}}}}, ""},
	{"daemon-json-overwritten", "two for two hosts", &Facts{Files: []File{{Path: "a.yml", Kind: "writer", Writes: []Write{{Target: "/etc/docker/daemon.json", Hosts: []string{"docker"}}}}, {Path: "b.yml", Kind: "writer", Writes: []Write{{Target: "/etc/docker/daemon.json", Hosts: []string{"laptops"}}}}}}, ""},

	{"daemon-json-pending", "written, not in use", with(on(), func(h *Host) { h.Pending = []string{"dns"} }), "restart"},
	{"daemon-json-pending", "in use", on(), ""},
	{"daemon-json-pending", "never a restart into a file that fails", with(on(), func(h *Host) { h.Pending, h.Refused = []string{"dns"}, []string{"dns is a text"} }), "restart nothing before"},
	{"daemon-json-refused", "the next start fails", with(on(), func(h *Host) { h.Refused = []string{"dns is a text, and dockerd takes an array of texts"} }), "before anything restarts"},
	{"daemon-json-refused", "nothing against it", on(), ""},

	{"hardlink-split-mounts", "two mounts of an importer", on(running("radarr", binds("/data/torrents:/downloads", "/data/media:/movies"))), "\"- /data:/data\""},
	{"hardlink-split-mounts", "one folder inside the other", on(running("radarr", binds("/data/media/downloads:/downloads", "/data/media:/media"))), "point radarr to /media/downloads"},
	{"hardlink-split-mounts", "declared, nothing in common", &Facts{Hosts: on(running("app", binds("/a:/in", "/b:/out"))).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Links: []Link{{From: "/in", To: "/out"}}}}}, "is not known here"},
	{"hardlink-split-mounts", "two file systems below one bind", &Facts{Hosts: on(running("app", binds("/tank/data:/data"), func(c *Container) {
		c.Mounts = []Mount{{1, "/", "/", "0:1", "overlay"}, {2, "/data", "/", "0:2", "zfs"}, {3, "/data/torrents", "/", "0:3", "zfs"}, {4, "/data/media", "/", "0:4", "zfs"}}
	})).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Links: []Link{{From: "/data/torrents/movies", To: "/data/media/movies"}}}}}, "two file systems"},
	{"hardlink-split-mounts", "one file system below one bind", &Facts{Hosts: on(running("app", binds("/tank/data:/data"), func(c *Container) {
		c.Mounts = []Mount{{1, "/", "/", "0:1", "overlay"}, {2, "/data", "/", "0:2", "zfs"}}
	})).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Links: []Link{{From: "/data/torrents/movies", To: "/data/media/movies"}}}}}, ""},
	{"hardlink-split-mounts", "two file systems that an fstab names", &Facts{
		Files:   compose(ComposeService{Name: "sonarr", Image: "sonarr:4", Binds: []Bind{{Source: "/data", Target: "/data"}}}).Files,
		Planned: []Planned{{"/data/torrents", "tank/torrents", "fstab:1"}, {"/data/media", "tank/media", "fstab:2"}},
	}, "two file systems"},
	{"hardlink-split-mounts", "a folder of the library", compose(ComposeService{Name: "radarr", Image: "radarr:5", Binds: []Bind{{Source: "/srv/dl", Target: "/downloads"}, {Source: "/srv/movies/hun", Target: "/movies/hun"}}}), "cannot link from /downloads to /movies/hun"},
	{"hardlink-split-mounts", "named volumes", compose(ComposeService{Name: "radarr", Image: "radarr:5", Binds: []Bind{{Volume: "dl", Target: "/downloads"}, {Volume: "movies", Target: "/movies"}}}), "the volume dl and the volume movies"},
	{"hardlink-split-mounts", "two machines", compose(ComposeService{Name: "radarr", Image: "radarr:5", Binds: []Bind{{Source: "/media/storage/nas-a/downloads", Target: "/downloads"}, {Source: "/media/storage/nas-b/movies", Target: "/movies"}}}), "is not known here"},
	{"hardlink-split-mounts", "below /mnt", compose(ComposeService{Name: "radarr", Image: "radarr:5", Binds: []Bind{{Source: "/mnt/downloads", Target: "/downloads"}, {Source: "/mnt/movies", Target: "/movies"}}}), "is not known here"},
	{"hardlink-split-mounts", "one folder twice", compose(ComposeService{Name: "radarr", Image: "radarr:5", Binds: []Bind{{Source: "/data", Target: "/downloads"}, {Source: "/data", Target: "/movies"}}}), "both are /data: take \"- /data:/movies\" out"},
	{"hardlink-split-mounts", "one mount", on(running("radarr", binds("/data:/data"))), ""},
	{"hardlink-split-mounts", "a torrent client needs no library", on(running("qbittorrent", binds("/data/torrents:/downloads", "/data/media:/movies"))), ""},
	{"hardlink-split-mounts", "a folder below what arrives", on(running("sonarr", binds("/data/dl/tv:/downloads/complete/tv", "/data/tv:/tv"))), "\"- /data:/data\""},
	{"hardlink-split-mounts", "variables in common", compose(ComposeService{Name: "sonarr", Image: "sonarr:4.0", Binds: []Bind{{Source: "${ROOT}/dl", Target: "/downloads"}, {Source: "${ROOT}/tv", Target: "/tv"}}}), "\"- ${ROOT}:/data\""},
	{"hardlink-split-mounts", "two variables", compose(ComposeService{Name: "sonarr", Image: "sonarr:4.0", Binds: []Bind{{Source: "{{ a }}/dl", Target: "/downloads"}, {Source: "{{ b }}/tv", Target: "/tv"}}}), "is not known here"},
	{"hardlink-split-mounts", "bazarr links nothing", on(running("bazarr", binds("/data/torrents:/downloads", "/data/media:/movies"))), ""},
	{"hardlink-split-mounts", "compose file", compose(ComposeService{Name: "sonarr", Image: "lscr.io/linuxserver/sonarr:4.0", Binds: []Bind{{Source: "/mnt/nas/dl", Target: "/downloads"}, {Source: "/mnt/nas/tv", Target: "/tv"}}}), "/mnt/nas:/nas"},

	{"hardlink-nested-bind", "a mount inside the mount", &Facts{Hosts: on(running("app", binds("/data:/data", "/data/media:/data/media"))).Hosts, Services: []Service{{Address: "service.app", Host: "media", Container: "app", Links: []Link{{From: "/data/torrents", To: "/data/media"}}}}}, "take \"- /data/media:/data/media\" out"},
	{"hardlink-nested-bind", "another disk inside the one for all", compose(ComposeService{Name: "radarr", Image: "radarr:5", Binds: []Bind{{Source: "/srv/data", Target: "/data"}, {Source: "/mnt/usb/movies", Target: "/data/media/movies"}}}), "another folder of the host"},
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

	{"port-conflict", "taken by a container", on(running("a", func(c *Container) { c.Published = tcp(80) }), Container{Name: "b", State: "created", Published: tcp(80)}), "another port"},
	{"port-conflict", "compose file", compose(ComposeService{Name: "a", Published: tcp(80)}, ComposeService{Name: "b", Published: tcp(80)}), "another port"},
	{"port-conflict", "profiles that exclude each other", compose(ComposeService{Name: "a", Profiles: []string{"x"}, Published: tcp(80)}, ComposeService{Name: "b", Profiles: []string{"y"}, Published: tcp(80)}), ""},
	{"port-conflict", "beside one of another profile", compose(ComposeService{Name: "a", Profiles: []string{"x"}, Published: tcp(80)}, ComposeService{Name: "b", Profiles: []string{"y"}, Published: tcp(80)}, ComposeService{Name: "c", Profiles: []string{"y"}, Published: tcp(80)}), "give c another port"},
	{"port-conflict", "the same for development", compose(ComposeService{Name: "app", Published: tcp(80)}, ComposeService{Name: "app-dev", Profiles: []string{"dev"}, Published: tcp(80)}), ""},
	{"port-conflict", "another one in a profile", compose(ComposeService{Name: "app", Published: tcp(80)}, ComposeService{Name: "db-ui", Profiles: []string{"dev"}, Published: tcp(80)}), "another port"},
	{"port-conflict", "stopped on purpose", on(running("a", func(c *Container) { c.Published = tcp(80) }), Container{Name: "b", State: "exited", Published: tcp(80)}), ""},

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

	{"port-conflict", "two files of one host", files(nil, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), "x and y both publish port 8080"},
	{"port-conflict", "one proxy or the other", files(nil, ComposeService{Name: "x", Published: tcp(80)}, ComposeService{Name: "y", Published: tcp(80)}), ""},
	{"port-conflict", "two files of which nothing tells the machine", files(untold, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "a network that both expect", files(joining("proxy", 0, 1), ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), "port 8080"},
	{"port-conflict", "a network that one makes", files(joining("proxy", 1), ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), "port 8080"},
	{"port-conflict", "a network that each makes", files(joining("proxy"), ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "a network that is made twice", files(joining("proxy", 0, 1), ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}, ComposeService{Name: "v"}, ComposeService{Name: "w"}), ""},
	{"port-conflict", "the container of the other file", files(func(f []File) { untold(f); f[1].Leans = []string{"vpn"} }, ComposeService{Name: "x", Container: "vpn", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), "port 8080"},
	{"port-conflict", "a container of its own file", files(func(f []File) { untold(f); f[1].Leans = []string{"vpn"} }, ComposeService{Name: "x", Container: "vpn", Published: tcp(8080)}, ComposeService{Name: "y", Container: "vpn", Published: tcp(8080)}), ""},
	{"port-conflict", "a file in a deeper folder", files(func(f []File) { f[1].Path = "b/deeper/compose.yml" }, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "a collection", files(nil, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}, ComposeService{Name: "z", Published: tcp(8080)}, ComposeService{Name: "v", Published: tcp(8080)}), ""},
	{"port-conflict", "a collection in a folder", files(func(f []File) {
		for i := range f {
			f[i].Host.Name = "standalone"
		}
	}, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}, ComposeService{Name: "z", Published: tcp(8080)}, ComposeService{Name: "v", Published: tcp(8080)}), ""},
	{"port-conflict", "a machine that another manages", files(func(f []File) {
		f[0].Services = append(f[0].Services, ComposeService{Name: "h", Image: "ghcr.io/finsys/hawser:1"})
	}, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "tasks of one program", compose(ComposeService{Name: "a", Image: "t:1", Published: tcp(90)}, ComposeService{Name: "b", Image: "t:1", Published: tcp(90)}, ComposeService{Name: "c", Image: "t:1", Published: tcp(90)}), ""},
	{"port-conflict", "one program twice", files(nil, ComposeService{Name: "x", Image: "caddy:2", Published: tcp(8080)}, ComposeService{Name: "x", Image: "caddy:2-alpine", Published: tcp(8080)}), ""},
	{"port-conflict", "what comes with two name servers", files(func(f []File) {
		for i := range f {
			f[i].Services = append(f[i].Services, ComposeService{Name: string(rune('d' + i)), Published: tcp(53)})
		}
	}, ComposeService{Name: "x", Published: tcp(9617)}, ComposeService{Name: "y", Published: tcp(9617)}), ""},
	{"port-conflict", "what comes with one name server", files(func(f []File) {
		f[0].Services = append(f[0].Services, ComposeService{Name: "d", Published: tcp(53)})
	}, ComposeService{Name: "x", Published: tcp(9617)}, ComposeService{Name: "y", Published: tcp(9617)}), "9617"},
	{"port-conflict", "two files of two hosts", files(func(f []File) { f[0].Host.Name, f[1].Host.Name = "nas", "pi" }, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "two files of two kinds of machine", files(nil, ComposeService{Name: "x", Published: tcp(8080), Binds: []Bind{{Source: "/volume1/docker/x"}}}, ComposeService{Name: "y", Published: tcp(8080), Binds: []Bind{{Source: "/srv/y"}}}), ""},
	{"port-conflict", "two files of one kind of machine", files(nil, ComposeService{Name: "x", Published: tcp(8080), Binds: []Bind{{Source: "/volume1/docker/x"}}}, ComposeService{Name: "y", Published: tcp(8080), Binds: []Bind{{Source: "/volume2/y"}}}), "port 8080"},
	{"port-conflict", "a file whose host is not known", files(func(f []File) { f[1].Host.Unknown = true }, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "versions of one project", files(func(f []File) { f[0].Project = f[1].Project }, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "a file that others extend", files(func(f []File) { f[0].Library = true }, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "each machine has its agent", files(func(f []File) {
		for i := range f {
			f[i].Services = append(f[i].Services, ComposeService{Name: "w", Image: "containrrr/watchtower:1"})
		}
	}, ComposeService{Name: "x", Published: tcp(8080)}, ComposeService{Name: "y", Published: tcp(8080)}), ""},
	{"port-conflict", "udp", compose(ComposeService{Name: "a", Published: publish("", "udp", 53, 53)}, ComposeService{Name: "b", Published: publish("", "udp", 53, 53)}), "53/udp"},
	{"port-conflict", "udp beside tcp", compose(ComposeService{Name: "a", Published: publish("", "udp", 53, 53)}, ComposeService{Name: "b", Published: publish("", "tcp", 53, 53)}), ""},
	{"port-conflict", "one address twice", compose(ComposeService{Name: "a", Published: publish("127.0.0.1", "tcp", 5432, 5432)}, ComposeService{Name: "b", Published: publish("127.0.0.1", "tcp", 5432, 5432)}), "5432"},
	{"port-conflict", "an address beside all", compose(ComposeService{Name: "a", Published: tcp(8080)}, ComposeService{Name: "b", Published: publish("192.168.1.5", "tcp", 8080, 8080)}), "8080"},
	{"port-conflict", "two addresses", compose(ComposeService{Name: "a", Published: publish("127.0.0.1", "tcp", 80, 80)}, ComposeService{Name: "b", Published: publish("192.168.1.5", "tcp", 80, 80)}), ""},
	{"port-conflict", "two families", compose(ComposeService{Name: "a", Published: publish("0.0.0.0", "tcp", 80, 80)}, ComposeService{Name: "b", Published: publish("[::]", "tcp", 80, 80)}), ""},
	{"port-conflict", "a range", compose(ComposeService{Name: "a", Published: publish("", "tcp", 8000, 8010)}, ComposeService{Name: "b", Published: tcp(8005)}), "8005"},
	{"port-conflict", "beside a range", compose(ComposeService{Name: "a", Published: publish("", "tcp", 8000, 8010)}, ComposeService{Name: "b", Published: tcp(8011)}), ""},

	{"container-name-conflict", "two files", files(nil, ComposeService{Name: "x", Container: "db"}, ComposeService{Name: "y", Container: "db"}), "two services are called db"},
	{"container-name-conflict", "a stack in place of another", files(nil, ComposeService{Name: "x", Image: "a:1", Container: "x"}, ComposeService{Name: "x", Image: "b:1", Container: "x"}), ""},
	{"container-name-conflict", "what two stacks have along", files(func(f []File) { f[0].Services = append(f[0].Services, ComposeService{Name: "app"}) }, ComposeService{Name: "db", Image: "a:1", Container: "db"}, ComposeService{Name: "db", Image: "b:1", Container: "db"}), "another container_name"},
	{"container-name-conflict", "two files of which nothing tells the machine", files(untold, ComposeService{Name: "x", Container: "db"}, ComposeService{Name: "y", Container: "db"}), ""},
	{"container-name-conflict", "one file", compose(ComposeService{Name: "x", Container: "db"}, ComposeService{Name: "y", Container: "db"}), "another container_name"},
	{"container-name-conflict", "two hosts", files(func(f []File) { f[0].Host.Name, f[1].Host.Name = "nas", "pi" }, ComposeService{Name: "x", Container: "db"}, ComposeService{Name: "y", Container: "db"}), ""},
	{"container-name-conflict", "a variable", compose(ComposeService{Name: "x", Container: "${N}"}, ComposeService{Name: "y", Container: "${N}"}), ""},
	{"container-name-conflict", "profiles that exclude each other", compose(ComposeService{Name: "x", Container: "db", Profiles: []string{"a"}}, ComposeService{Name: "y", Container: "db", Profiles: []string{"b"}}), ""},

	{"compose-refused", "what the loader says", &Facts{Files: []File{{Path: "compose.yml", Refused: []Refusal{{Line: 3, Words: "no such volume"}}}}}, "no such volume"},
	{"compose-refused", "it runs", compose(ComposeService{Name: "a"}), ""},

	{"secret-in-compose", "a password", compose(ComposeService{Name: "a", Secrets: []Secret{{Name: "DB_PASSWORD", Line: 5, Why: "12 characters"}}}), "${DB_PASSWORD}"},
	{"secret-in-compose", "none", compose(ComposeService{Name: "a"}), ""},

	{"bind-file-missing", "a file that is elsewhere", compose(ComposeService{Name: "a", Binds: []Bind{{Source: "../x/a.yml", Target: "/a.yml", Path: "x/a.yml", Lost: true, Elsewhere: "y/a.yml"}}}), "write ./y/a.yml"},
	{"bind-file-missing", "a file that is nowhere", compose(ComposeService{Name: "a", Binds: []Bind{{Source: "./acme.json", Target: "/acme.json", Path: "acme.json", Lost: true}}}), "touch acme.json"},
	{"bind-file-missing", "a file that is there", compose(ComposeService{Name: "a", Binds: []Bind{{Source: "./acme.json", Target: "/acme.json", Path: "acme.json"}}}), ""},

	{"resolv-conf-bind", "a file over Docker's", compose(ComposeService{Name: "a", Binds: []Bind{{Source: "/r", Target: "/etc/resolv.conf"}}}), "under dns:"},
	{"resolv-conf-bind", "a container", on(running("a", binds("/r:/etc/resolv.conf"))), "under dns:"},
	{"resolv-conf-bind", "the network of the host", compose(ComposeService{Name: "a", NetworkMode: "host", Binds: []Bind{{Source: "/r", Target: "/etc/resolv.conf"}}}), ""},
	{"resolv-conf-bind", "a DNS server", compose(ComposeService{Name: "a", Image: "pihole/pihole:2025", Binds: []Bind{{Source: "/r", Target: "/etc/resolv.conf"}}}), ""},

	{"host-network-with-ports", "both", compose(ComposeService{Name: "plex", NetworkMode: "host", Ignored: []string{"32400:32400"}}), "take ports: out of plex"},
	{"host-network-with-ports", "no ports", compose(ComposeService{Name: "plex", NetworkMode: "host"}), ""},

	{"depends-on-shared-namespace", "an updater", compose(ComposeService{Name: "vpn"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn"}, ComposeService{Name: "w", Updates: UpdatesAll}), "watchtower.enable=false"},
	{"depends-on-shared-namespace", "an updater that takes it along", compose(ComposeService{Name: "vpn"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn"}, ComposeService{Name: "w", Image: "containrrr/watchtower", Updates: UpdatesAll}), ""},
	{"depends-on-shared-namespace", "an updater that may not take it along", compose(ComposeService{Name: "vpn"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn", Update: "false"}, ComposeService{Name: "w", Image: "containrrr/watchtower", Updates: UpdatesAll}), "watchtower.enable=false"},
	{"depends-on-shared-namespace", "an updater of labelled ones, and one without", compose(ComposeService{Name: "vpn", Update: "true"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn"}, ComposeService{Name: "w", Image: "containrrr/watchtower", Updates: UpdatesLabelled}), "watchtower.enable=false"},
	{"depends-on-shared-namespace", "an updater that leaves it alone", compose(ComposeService{Name: "vpn", Update: "false"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn"}, ComposeService{Name: "w", Updates: UpdatesAll}), ""},
	{"depends-on-shared-namespace", "an updater of labelled ones", compose(ComposeService{Name: "vpn"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn"}, ComposeService{Name: "w", Updates: UpdatesLabelled}), ""},
	{"depends-on-shared-namespace", "depends_on without restart", compose(ComposeService{Name: "vpn"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn", Needs: []Need{{Service: "vpn"}}}), "restart: true"},
	{"depends-on-shared-namespace", "depends_on with a condition", compose(ComposeService{Name: "vpn"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn", Needs: []Need{{Service: "vpn", Condition: "service_healthy"}}}), "condition: service_healthy, restart: true"},
	{"depends-on-shared-namespace", "depends_on with restart", compose(ComposeService{Name: "vpn"}, ComposeService{Name: "torrent", NetworkMode: "service:vpn", Needs: []Need{{Service: "vpn", Restart: true}}}), ""},

	{"file-not-running", "another image, port and mount", &Facts{
		Hosts: on(running("web", func(c *Container) {
			c.File, c.Service, c.Image, c.Published, c.Binds = "/opt/web/compose.yml", "web", "nginx:1.25", tcp(81), []Bind{{Source: "/old", Target: "/data"}}
		})).Hosts,
		Files: []File{{Path: "web/compose.yml", Kind: "compose", Services: []ComposeService{{Name: "web", Place: "web/compose.yml:2", Image: "nginx:1.27", Published: tcp(80), Binds: []Bind{{Source: "/new", Target: "/data"}}}}}},
	}, "otherwise than this file says"},
	{"file-not-running", "what the file says", &Facts{
		Hosts: on(running("web", func(c *Container) {
			c.File, c.Service, c.Image, c.Published, c.Binds = "/opt/web/compose.yml", "web", "nginx:1.27", tcp(80), []Bind{{Source: "/opt/web/data", Target: "/data"}}
		})).Hosts,
		Files: []File{{Path: "web/compose.yml", Kind: "compose", Services: []ComposeService{{Name: "web", Image: "docker.io/library/nginx:1.27", Published: tcp(80), Binds: []Bind{{Source: "./data", Target: "/data"}}}}}},
	}, ""},
	{"file-not-running", "another file of that name", &Facts{
		Hosts: on(running("web", func(c *Container) { c.File, c.Service = "/opt/other/compose.yml", "web" })).Hosts,
		Files: []File{{Path: "web/compose.yml", Kind: "compose", Services: []ComposeService{{Name: "web", Image: "nginx:1.27"}}}},
	}, ""},

	{"image-latest", "other tags that move", compose(ComposeService{Name: "a", Image: "mariadb:lts"}), "whose tag lts moves"},
	{"image-latest", "a digit fixes it", compose(ComposeService{Name: "a", Image: "minio/minio:RELEASE.2025-01-20T14-49-07Z"}, ComposeService{Name: "b", Image: "nginx:1-alpine"}), ""},
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

func TestMentionsInAnEnvironment(t *testing.T) {
	rows := []struct {
		env  map[string]string
		port int
	}{
		{map[string]string{"DB_HOST": "localhost", "DB_PORT": "5432"}, 5432},
		{map[string]string{"POSTGRES_SERVER": "127.0.0.1", "POSTGRES_PORT": "5433"}, 5433},
		{map[string]string{"DB_HOST": "localhost"}, 0},
		{map[string]string{"HOST": "localhost", "PORT": "80"}, 0},
		{map[string]string{"LISTEN_ADDRESS": "127.0.0.1", "LISTEN_PORT": "80"}, 0},
		{map[string]string{"DB_HOST": "db", "DB_PORT": "5432"}, 0},
	}
	for _, row := range rows {
		got := MentionsIn(row.env)
		if row.port == 0 != (len(got) == 0) || len(got) > 0 && (got[0].Port != row.port || !got[0].Bare) {
			t.Errorf("%v: got %+v", row.env, got)
		}
	}
}
