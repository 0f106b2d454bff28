package docker_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"recon/inventory"
	"recon/providers/docker"
	"recon/providers/docker/enginetest"
	"recon/providers/sshhost"
	"recon/providers/sshhost/sshdtest"
)

// BenchmarkHosts observes 1 and 20 hosts with 30 containers each: 20 sshd, which
// lead to one engine. It reports how much longer 20 take, and fails when a host
// takes more than one SSH connection.
func BenchmarkHosts(b *testing.B) {
	e := enginetest.Start(b, `{"dns": ["192.0.2.53"]}`)
	e.Load(b)
	for i := range 30 {
		e.Docker(b, "run", "-d", "--name", fmt.Sprintf("app-%d", i), "--network", "none", enginetest.Image, "listen=:8080")
	}
	home := sshdtest.Home(b)
	var servers []*sshdtest.Server
	for range 20 {
		s := sshdtest.Start(b, home)
		s.Trust(b, home)
		servers = append(servers, s)
	}
	took := map[int]time.Duration{}
	for _, n := range []int{1, 20} {
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			for b.Loop() {
				observe(b, e, servers[:n])
			}
			took[n] = b.Elapsed() / time.Duration(b.N)
		})
	}
	if took[1] > 0 {
		b.Logf("20 hosts take %.1f times as long as one (%s, %s)", float64(took[20])/float64(took[1]), took[20], took[1])
	}
}

// observe reads all hosts at the same time.
func observe(b *testing.B, e *enginetest.Engine, servers []*sshdtest.Server) {
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() {
			p := docker.New(docker.Config{Host: sshhost.Config{Name: "box", Address: "127.0.0.1", Port: s.Port, User: "root"}, Socket: e.Socket, ConfigFile: e.Config})
			defer p.Close()
			snap, err := p.Read(b.Context(), []inventory.Resource{wish(dns("192.0.2.53"))})
			if err != nil || len(snap.Observations) != 31 {
				b.Errorf("%d observations, %v", len(snap.Observations), err)
			}
			if p.Connections() != 1 {
				b.Errorf("%d SSH connections", p.Connections())
			}
		})
	}
	wg.Wait()
}
