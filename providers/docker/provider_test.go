package docker

import "testing"

// TestRestartedDaemonIsAnotherEngine: a daemon that was restarted may be of another
// version, which its engine asks anew; one that runs on keeps what is known.
func TestRestartedDaemonIsAnotherEngine(t *testing.T) {
	p := New(Config{})
	defer p.Close()
	engineOf := func(pid int, ticks string) *engine {
		e, err := p.engineOf(&daemonProbe{pid: pid, ticks: ticks})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := engineOf(7, "100")
	version := "1.41"
	first.version.Store(&version)
	if same := engineOf(7, "100"); same != first {
		t.Error("a daemon that runs on has another engine")
	}
	for _, again := range []*engine{engineOf(7, "200"), engineOf(8, "200")} {
		if again == first || again.version.Load() != nil {
			t.Error("a restarted daemon is spoken to as the one before it")
		}
	}
	if p.lastEngine() == first {
		t.Error("the last engine is that of the daemon before")
	}
}

// TestOnlyRead: daemons whose file is not to be written, and why.
func TestOnlyRead(t *testing.T) {
	for code, row := range map[string]struct {
		host   hostProbe
		daemon daemonProbe
	}{
		"snap":        {hostProbe{}, daemonProbe{pid: 7, exe: "/snap/docker/2915/bin/dockerd"}},
		"rootless":    {hostProbe{uid: 1000}, daemonProbe{pid: 7, owner: 1000}},
		"not_root":    {hostProbe{uid: 1000}, daemonProbe{pid: 7}},
		"mount_point": {hostProbe{}, daemonProbe{pid: 7, mountpoint: true}},
		"":            {hostProbe{}, daemonProbe{pid: 7, exe: "/usr/bin/dockerd"}},
	} {
		got := refusals(&row.host, &row.daemon, nil)
		if code == "" && len(got) > 0 || code != "" && (len(got) != 1 || got[0].Code != code) {
			t.Errorf("%q: got %+v", code, got)
		}
	}
}
