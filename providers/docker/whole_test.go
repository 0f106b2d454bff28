package docker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/reconcile"
)

// What becomes of a daemon.json that somebody wrote by hand, when recon is to change
// one key of it.
const (
	starts  = "starts"  // nothing against it: recon writes its key and restarts
	blocked = "blocked" // dockerd refuses it, and the plan says so
	fails   = "fails"   // only the machine knows: blocked without a way back, else tried and undone
	unsure  = "unsure"  // the daemon starts, and recon cannot know: blocked without a way back, else done
)

// handWritten are daemon.json files for an engine 20.10 with -H and --iptables=false
// on its command line.
var handWritten = []struct{ json, is string }{
	{`{}`, starts},
	{`{"debug":true}`, starts},
	{`{"log-opts":{"max-size":"10m","max-file":"3"}}`, unsure},
	{`{"dns":["192.0.2.1","2001:db8::1"]}`, starts},
	{`{"dns":"192.0.2.1"}`, blocked},
	{`{"log-opts":{"max-size":"10m","max-file":3}}`, blocked},
	{`{"ipv6":"true"}`, blocked},
	{`{"mtu":"1450"}`, blocked},
	{`{"live-restore":"true","registry-mirrors":["https://m.lan"]}`, blocked},
	{`{"max-concurrent-downloads":"3"}`, blocked},
	{`{"shutdown-timeout":"15"}`, blocked},
	{`{"features":{"buildkit":"true"}}`, blocked},
	{`{"labels":"a=b"}`, blocked},
	{`{"registry-mirrors":"https://m.lan"}`, blocked},
	{`{"insecure-registries":"r.lan:5000"}`, blocked},
	{`{"hosts":["unix:///tmp/x.sock","tcp://127.0.0.1:2375"],"log-opts":{"max-size":"10m"}}`, blocked},
	{`{"iptables":true}`, blocked},
	{`{"iptables":false}`, blocked},
	{`{"data-root":"/tmp/elsewhere"}`, blocked},
	{`{"some-new-key":true}`, blocked},
	{`{"proxies":{"http-proxy":"http://p.lan:3128"}}`, blocked},
	{`{"default-network-opts":{"bridge":{"a":"b"}}}`, starts},
	{`{"default-network-opts":{"macvlan":{"a":"b"}}}`, blocked},
	{`{"log-format":"json"}`, blocked},
	{`{"cdi-spec-dirs":["/etc/cdi"]}`, blocked},
	{`{"unknown":{"deep":1}}`, blocked},
	{`{"unknown":{}}`, starts},
	{`{"nothing":{"icc":true}}`, starts},
	{`{"dns":["one.one"]}`, blocked},
	{`{"dns":[1]}`, blocked},
	{`{"dns":null}`, starts},
	{`{"labels":["nolabel"]}`, blocked},
	{`{"labels":["a=b","a=b"]}`, starts},
	{`{"labels":["a=1","a=2"]}`, blocked},
	{`{"log-level":"loud"}`, blocked},
	{`{"log-level":"warn"}`, starts},
	{`{"max-concurrent-downloads":-1}`, blocked},
	{`{"max-download-attempts":0}`, blocked},
	{`{"mtu":1450.5}`, blocked},
	{`{"mtu":1e3}`, blocked},
	{`{"default-shm-size":"64M"}`, starts},
	{`{"default-shm-size":64}`, blocked},
	{`{"default-shm-size":"big"}`, blocked},
	{`{"default-runtime":"nvidia"}`, blocked},
	{`{"runtimes":{"other":{"path":"/usr/sbin/runc"}},"default-runtime":"other"}`, unsure},
	{`{"runtimes":{"runc":{"path":"/usr/sbin/runc"}}}`, blocked},
	{`{"runtimes":["runc"]}`, blocked},
	{`{"default-ulimits":{"nofile":{"Name":"nofile","Hard":64000,"Soft":64000}}}`, starts},
	{`{"default-ulimits":{"nofile":64000}}`, blocked},
	{`{"default-address-pools":[{"base":"10.201.0.0/16","size":24}]}`, unsure},
	{`{"default-address-pools":[{"base":"10.201.0.0/16","size":"24"}]}`, blocked},
	{`{"default-address-pools":{"base":"10.201.0.0/16","size":24}}`, blocked},
	{`{"builder":{"gc":{"enabled":true,"defaultKeepStorage":"1GB"}}}`, starts},
	{`{"builder":true}`, blocked},
	{`{"registry-mirrors":["m.lan"]}`, blocked},
	{`{"exec-opts":["native.cgroupdriver=none"]}`, blocked},
	{`{"log-opts":{"there-is":"none"}}`, fails},
	{`{"default-ipc-mode":"host"}`, blocked},
	{`{"default-cgroupns-mode":"public"}`, blocked},
	{`{"bip":"10.213.7.1/24","bridge":"br9"}`, blocked},
	{`{"ipv6":true}`, blocked},
	{`{"icc":false}`, blocked},
	{`{"bip":"10.213.0.0/24"}`, fails},
	{`{"bridge":"there-is-none"}`, fails},
	{`{"seccomp-profile":"/there/is/none.json"}`, fails},
	{`{"storage-driver":"there-is-none"}`, fails},
	{`{"authorization-plugins":["there-is-none"]}`, fails},
	{`{"userns-remap":"there-is-none"}`, fails},
	{`{"tlsverify":true}`, fails},
	{"{\n  \"registry-mirrors\": [\"https://mirror.lan\"],\n  \"max-concurrent-downloads\": 5\n}\n", starts},
	{` `, starts},
	{`{"a":1}{`, blocked},
	{`[]`, blocked},
	{"\xef\xbb\xbf{}", starts},
}

// TestWholeFile writes each of the files by hand, has recon add a key, and holds what
// it does against what the daemon does: no restart into a dead daemon, no file of
// others lost, nothing blocked with which the daemon starts. Without
// RECON_DAEMONJSON=full only every sixth is tried, since each takes a restart or two.
func TestWholeFile(t *testing.T) {
	b := newBench(t, `{}`)
	if v := b.Docker(t, "version", "--format", "{{.Server.Version}}"); !strings.HasPrefix(v, "20.10.") {
		t.Skipf("skipped: the files are told for Docker 20.10, and this is %s; TestJudgeAgainstValidate has those of 29", v)
	}
	step := 6
	if os.Getenv("RECON_DAEMONJSON") == "full" {
		step = 1
	}
	tried := map[string]int{}
	for i := 0; i < len(handWritten); i += step {
		f := handWritten[i]
		tried[f.is]++
		t.Run(fmt.Sprintf("%d", i), func(t *testing.T) {
			b.t = t
			defer b.reset()
			b.Write(t, f.json)
			b.fresh()
			p, req := b.plan(wish(mtu(1400)))
			c := p.Changes[0]
			stays := f.is != starts
			if stays != (len(c.Blocked) > 0) || stays && len(c.Steps) > 0 {
				t.Fatalf("%s %s, and the plan is blocked by %v", f.json, f.is, c.Blocked)
			}
			switch f.is {
			case starts:
				b.applied(p, req, f.json, f.is)
			case blocked:
				b.mustNotStart(f.json)
			default: // there is a way back once recon has restarted the daemon
				b.Write(t, `{}`)
				b.mustApply(wish(mtu(1390)))
				b.Write(t, f.json)
				b.fresh()
				p, req := b.plan(wish(mtu(1400)))
				b.applied(p, req, f.json, f.is)
			}
		})
	}
	t.Logf("tried %v", tried)
}

// mtu is a wish that takes a restart and hurts nobody.
func mtu(n int64) inventory.Attrs {
	return inventory.Attrs{"network_control_plane_mtu": cty.NumberIntVal(n)}
}

// mustNotStart holds a block against the daemon: it is right when that does not start.
func (b *bench) mustNotStart(json string) {
	b.t.Helper()
	if got := b.Read(b.t); got != json {
		b.t.Errorf("a blocked plan changed %q to %q", json, got)
	}
	if !b.alive() {
		b.t.Fatal("a blocked plan took the daemon down")
	}
	if out, err := exec.Command(b.Restart).CombinedOutput(); err == nil {
		b.t.Errorf("the plan is blocked, and the daemon starts with %s: %s", json, out)
	}
}

// applied applies, and looks whether the daemon runs and nothing of the file is lost.
func (b *bench) applied(p *reconcile.Plan, req reconcile.Request, json, is string) {
	b.t.Helper()
	r := reconcile.Apply(b.t.Context(), p, req, reconcile.Options{Ceiling: inventory.ImpactRestart, Journal: memoryJournal{}})[0]
	if !b.alive() {
		b.t.Fatalf("the daemon is dead after %s: %v", json, r.Err)
	}
	if (is != fails) != (r.Status == reconcile.StatusDone) {
		b.t.Errorf("%s %s: %s, %v", json, is, r.Status, r.Err)
	}
	if is != fails {
		return
	}
	kept, _ := filepath.Glob(b.Config + ".recon-refused-*")
	if len(kept) != 1 || !strings.Contains(r.Err.Error(), kept[0]) {
		b.t.Fatalf("%s was refused, kept as %v, and the error is %v", json, kept, r.Err)
	}
	text, err := os.ReadFile(kept[0])
	if inside := strings.Trim(json, "{}\n "); err != nil || !strings.Contains(string(text), inside) {
		b.t.Errorf("what was kept is %s, %v", text, err)
	}
}

// alive reports whether the daemon answers.
func (b *bench) alive() bool {
	return exec.Command("docker", "-H", "unix://"+b.Socket, "version").Run() == nil
}

// reset brings the daemon back to an empty file, without any copy.
func (b *bench) reset() {
	copies, _ := filepath.Glob(b.Config + ".*")
	for _, c := range copies {
		os.Remove(c)
	}
	b.Write(b.t, `{}`)
	if out, err := exec.Command(b.Restart).CombinedOutput(); err != nil {
		b.t.Fatalf("the daemon does not start with {}: %s", out)
	}
}

// TestEditedBetweenPlanAndApply: a person writes the file after the plan was made,
// with and without a write of recon's in it. Nothing is done, and nothing lost.
func TestEditedBetweenPlanAndApply(t *testing.T) {
	b := newBench(t, `{}`)
	for name, before := range map[string]string{"write": `{}`, "restart alone": `{"network-control-plane-mtu":1400}`} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.Write(t, before)
			b.fresh()
			p, req := b.plan(wish(mtu(1400)))
			edited := `{"network-control-plane-mtu":1300,"registry-mirrors":["https://m.lan"],"ipv6":"true"}`
			b.Write(t, edited)
			r := reconcile.Apply(t.Context(), p, req, reconcile.Options{Ceiling: inventory.ImpactRestart, Journal: memoryJournal{}})[0]
			if r.Status == reconcile.StatusDone || b.Read(t) != edited || !b.alive() {
				t.Errorf("%s, %v; the file is %s", r.Status, r.Err, b.Read(t))
			}
		})
	}
}

// TestGoesBackToTheFileInUse: recon wrote a file and restarted, a person wrote the
// whole file anew, and a restart with that fails. Back comes the file with which the
// daemon ran, not an older one, and the person's is kept and named.
func TestGoesBackToTheFileInUse(t *testing.T) {
	b := newBench(t, `{"labels":["a=old"]}`)
	b.mustApply(wish(mtu(1400)))
	inUse := b.Read(t)
	persons := `{"registry-mirrors":["https://mirror.lan"],"insecure-registries":["reg.lan:5000"],"bip":"10.213.0.0/24"}`
	b.Write(t, persons)
	b.fresh()
	r := b.apply(wish(badBIP))
	if r.Status != reconcile.StatusFailed || !b.alive() || b.Read(t) != inUse {
		t.Fatalf("%s, %v; the file is %s", r.Status, r.Err, b.Read(t))
	}
	kept, _ := filepath.Glob(b.Config + ".recon-refused-*")
	if len(kept) != 1 || !strings.Contains(r.Err.Error(), kept[0]) {
		t.Fatalf("kept as %v: %v", kept, r.Err)
	}
	if text, _ := os.ReadFile(kept[0]); string(text) != persons {
		t.Errorf("what was kept is %s", text)
	}
}

// TestTriesTheFileWithoutItsKeys: nobody kept the file with which the daemon runs. The
// key that recon wrote is taken out again, and the person's file stays.
func TestTriesTheFileWithoutItsKeys(t *testing.T) {
	b := newBench(t, `{}`)
	b.Write(t, `{"labels":["a=b"],"bip":"10.213.0.0/24"}`)
	b.fresh()
	r := b.apply(wish(badBIP))
	if r.Status != reconcile.StatusFailed || !strings.Contains(r.Err.Error(), "without the keys bip") || !b.alive() {
		t.Fatalf("%s, %v", r.Status, r.Err)
	}
	if got := b.Read(t); got != `{"labels":["a=b"]}` {
		t.Errorf("the file is %s", got)
	}
	if notes := strings.Join(slices.Concat(r.Change.Steps[0].Notes), " "); !strings.Contains(notes, "no copy of the file") {
		t.Errorf("the plan does not say that there is no way back: %q", notes)
	}
}
