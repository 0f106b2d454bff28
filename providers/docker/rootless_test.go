package docker_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"recon/inventory"
	"recon/providers/docker"
	"recon/providers/docker/enginetest"
	"recon/providers/sshhost"
	"recon/reconcile"
)

// TestRootless: the daemon of a user who is not root has its settings and its socket in
// that user's folders, and its containers have other users than the host.
func TestRootless(t *testing.T) {
	e := enginetest.StartRootless(t, `{"dns": ["192.0.2.53"]}`)
	e.Load(t)
	b := &bench{Engine: e, t: t, config: docker.Config{Host: sshhost.Config{Name: "box", Address: sshhost.Local}, Socket: e.Socket, Declared: true}}
	b.fresh()

	t.Run("daemon", func(t *testing.T) {
		o := b.daemon()
		if got := inventory.Strings(o.Resource.Attrs["dns"]); o.Volatile.Status != "running" || !slices.Equal(got, []string{"192.0.2.53"}) {
			t.Errorf("the daemon is %s with dns %q", o.Volatile.Status, got)
		}
		p, err := reconcile.New(t.Context(), b.request(wish(dns("192.0.2.54"))))
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Changes) != 1 || len(p.Changes[0].Steps) != 0 || len(p.Changes[0].Blocked) == 0 || p.Changes[0].Blocked[0].Code != "rootless" {
			t.Errorf("got %+v", p.Changes)
		}
	})

	t.Run("writable", func(t *testing.T) { rootlessWritable(t, b) })
}

// rootlessWritable asks recon, and containers, which folders users may write to.
func rootlessWritable(t *testing.T, b *bench) {
	if err := os.Chmod(b.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const user = 1000
	owners := map[string]int{"of-root": 0, "of-1000": user, "of-engine": enginetest.RootlessUser, "of-inner": enginetest.RootlessBase + user - 1}
	var mounts []string
	for name, owner := range owners {
		d := filepath.Join(b.Dir, name)
		if err := errors.Join(os.Mkdir(d, 0o755), os.Chown(d, owner, owner)); err != nil {
			t.Fatal(err)
		}
		mounts = append(mounts, "-v", d+":/"+name)
	}
	may := map[string][]string{"0": {"of-engine", "of-inner"}, "1000": {"of-inner"}}
	for as, folders := range may {
		name := "as-" + as
		b.Docker(t, slices.Concat([]string{"run", "-d", "--name", name, "--user", as, "--network", "none"}, mounts, []string{enginetest.Image})...)
		attrs := b.service(name)
		for folder := range owners {
			want := slices.Contains(folders, folder)
			if out, err := b.Try("exec", name, "/tiny", "write=/"+folder+"/"+as, "exit"); (err == nil) != want {
				t.Errorf("%s: the container itself says %v %s", folder, err, out)
			}
			if got := attrs[inventory.Path("path./"+folder+".writable")]; inventory.IsNull(got) || inventory.True(got) != want {
				t.Errorf("user %s in %s: writable is %#v, want %v", as, folder, got, want)
			}
		}
	}
}

// service returns what is observed of a container.
func (b *bench) service(name string) inventory.Attrs {
	b.t.Helper()
	for _, o := range b.request().Snapshots[0].Observations {
		if o.Resource.Addr == (inventory.Address{Kind: inventory.KindService, Name: name}) {
			return o.Resource.Attrs
		}
	}
	b.t.Fatalf("nothing is observed of %s", name)
	return nil
}

// daemon returns what is observed of the daemon.
func (b *bench) daemon() inventory.Observation {
	b.t.Helper()
	for _, o := range b.request().Snapshots[0].Observations {
		if o.Resource.Addr.Kind == inventory.KindDaemon {
			return o
		}
	}
	b.t.Fatal("nothing is observed of the daemon")
	return inventory.Observation{}
}
