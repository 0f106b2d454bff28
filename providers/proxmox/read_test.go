package proxmox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
	"go.uber.org/goleak"

	"recon/inventory"
	"recon/providers/proxmox/pvesim"
	"recon/providers/proxmox/pvesim/schemacheck"
)

// schemas holds every request of these tests against the official schema.
var schemas schemacheck.Cache

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newSim starts a simulator and a provider on it.
func newSim(t *testing.T, opts pvesim.Options) (*pvesim.Server, *Provider) {
	t.Helper()
	opts.StatCycle, opts.AuthDelay, opts.OnRequest = -1, -1, schemas.Hook(t, opts.PVE)
	if opts.NodeDelay == 0 {
		opts.NodeDelay = -1
	}
	sim, err := pvesim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Name: "home", Endpoints: []string{sim.Endpoint()}, Token: sim.Token(), Fingerprint: sim.Fingerprint()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		sim.Close()
	})
	return sim, p
}

func wish(kind string, vmid int) inventory.Resource {
	return inventory.Resource{
		Addr: inventory.Address{Kind: kind, Name: "wanted"}, Identity: fmt.Sprintf("home/%d", vmid), Provider: "proxmox.home",
		Attrs: inventory.Attrs{"vmid": cty.NumberIntVal(int64(vmid))},
	}
}

func read(t *testing.T, p *Provider, want ...inventory.Resource) inventory.Snapshot {
	t.Helper()
	snap, err := p.Read(context.Background(), want)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func stateOf(t *testing.T, snap inventory.Snapshot, identity string) *inventory.Observation {
	t.Helper()
	o := snap.ByIdentity()[identity]
	if o == nil {
		t.Fatalf("%s was not observed", identity)
	}
	return o
}

// TestAbsentIsProven: Absent needs quorum, a token that may see the guest, and a
// vmid that is free. Anything less is Unknown.
func TestAbsentIsProven(t *testing.T) {
	t.Run("proven", func(t *testing.T) {
		_, p := newSim(t, pvesim.Options{})
		if o := stateOf(t, read(t, p, wish("vm", 999)), "home/999"); o.State != inventory.Absent {
			t.Errorf("state is %s: %v", o.State, o.Err)
		}
	})
	t.Run("no quorum", func(t *testing.T) {
		_, p := newSim(t, pvesim.Options{Faults: []string{"no-quorum"}})
		if o := stateOf(t, read(t, p, wish("vm", 999)), "home/999"); o.State != inventory.Unknown {
			t.Errorf("state is %s", o.State)
		}
	})
	t.Run("the token sees nothing", func(t *testing.T) {
		sim, _ := newSim(t, pvesim.Options{})
		p := asUser(t, sim, "blind@pve", "", "")
		for _, vmid := range []int{111, 999} {
			if o := stateOf(t, read(t, p, wish("vm", vmid)), fmt.Sprintf("home/%d", vmid)); o.State != inventory.Unknown {
				t.Errorf("state of %d is %s", vmid, o.State)
			}
		}
	})
	t.Run("the vmid is taken by a guest that the token does not see", func(t *testing.T) {
		sim, _ := newSim(t, pvesim.Options{})
		p := asUser(t, sim, "half@pve", "/vms/999", "PVEAuditor")
		if o := stateOf(t, read(t, p, wish("vm", 111)), "home/111"); o.State != inventory.Unknown {
			t.Errorf("state is %s", o.State)
		}
	})
	t.Run("the guest was made after the list", func(t *testing.T) {
		sim, p := newSim(t, pvesim.Options{})
		p.Start(context.Background())
		<-p.begun.looked
		sim.Update(func(w *pvesim.World) {
			g := *w.Guests[0]
			g.VMID = 999
			w.Guests = append(w.Guests, &g)
		})
		if o := stateOf(t, read(t, p, wish("vm", 999)), "home/999"); o.State != inventory.Present {
			t.Errorf("state is %s: %v", o.State, o.Err)
		}
	})
	t.Run("nextid does not answer", func(t *testing.T) {
		_, p := newSim(t, pvesim.Options{Faults: []string{"error:596@GET /cluster/nextid"}})
		if o := stateOf(t, read(t, p, wish("vm", 999)), "home/999"); o.State != inventory.Unknown {
			t.Errorf("state is %s", o.State)
		}
	})
}

// asUser makes a user with one role on one path, and a provider that uses it.
func asUser(t *testing.T, sim *pvesim.Server, user, path, role string) *Provider {
	t.Helper()
	secret := "11111111-2222-3333-4444-555555555555"
	sim.Update(func(w *pvesim.World) {
		w.Users = append(w.Users, &pvesim.User{ID: user, Tokens: []*pvesim.Token{{ID: "tk", Secret: secret}}})
		if path != "" {
			w.ACL = append(w.ACL, &pvesim.ACLEntry{Path: path, Role: role, Type: "user", ID: user, Propagate: true})
		}
	})
	p, err := New(Config{Name: "home", Endpoints: []string{sim.Endpoint()}, Token: user + "!tk=" + secret, Fingerprint: sim.Fingerprint()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// TestErrorsAreUnknown: whatever goes wrong while a guest is read, it is Unknown
// and the others are observed.
func TestErrorsAreUnknown(t *testing.T) {
	for _, status := range []string{"403", "500", "595", "596", "599"} {
		t.Run(status, func(t *testing.T) {
			_, p := newSim(t, pvesim.Options{Faults: []string{"error:" + status + "@GET /nodes/node01/qemu/111/pending"}})
			snap := read(t, p, wish("vm", 111), wish("vm", 106))
			if o := stateOf(t, snap, "home/111"); o.State != inventory.Unknown || o.Err == nil {
				t.Errorf("111 is %s, %v", o.State, o.Err)
			}
			if o := stateOf(t, snap, "home/106"); o.State != inventory.Present {
				t.Errorf("106 is %s, %v", o.State, o.Err)
			}
			if snap.Complete || len(snap.Unknown) == 0 {
				t.Error("the snapshot says that it is complete")
			}
		})
	}
}

// TestAnswersWithoutDataAreErrors: go-proxmox takes {"data":null} for an empty
// list, and a 595 for success.
func TestAnswersWithoutDataAreErrors(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"null":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":null}`) },
		"none":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) },
		"html":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>`) },
		"595":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(595) },
		"empty": func(w http.ResponseWriter, _ *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewTLSServer(answer)
			defer srv.Close()
			p, err := New(Config{Name: "home", Endpoints: []string{srv.URL}, Token: "a@pam!b=c", Insecure: true})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if _, err := p.Read(context.Background(), nil); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestOneDeadNode: its guests are Unknown, at the cost of no more than the requests
// that were in flight there, and the others are observed.
func TestOneDeadNode(t *testing.T) {
	sim, p := newSim(t, pvesim.Options{World: pvesim.Generate(60, 1)})
	// The cluster does not know yet that the node is gone.
	if err := sim.AddFault("error:595:No route to host@/nodes/pve2/*"); err != nil {
		t.Fatal(err)
	}
	snap := read(t, p)
	unknown := 0
	for _, o := range snap.Observations {
		if (o.State == inventory.Unknown) != (o.Volatile.Node == "pve2") {
			t.Errorf("%s on %s is %s", o.Resource.Identity, o.Volatile.Node, o.State)
		}
		if o.State == inventory.Unknown {
			unknown++
		}
	}
	if unknown != 20 {
		t.Errorf("%d guests are unknown, not 20", unknown)
	}
	if max := 40 + 2 + 5; snap.Calls > max {
		t.Errorf("the pass took %d calls, more than %d", snap.Calls, max)
	}
	if len(snap.Unknown) != 1 || snap.Unknown[0].Scope != "pve2" {
		t.Errorf("unknown: %v", snap.Unknown)
	}
}

// TestCallsOfAPass: one list, one call a guest, a handful for the cluster, and at
// most two in flight on a node.
func TestCallsOfAPass(t *testing.T) {
	sim, p := newSim(t, pvesim.Options{World: pvesim.Generate(120, 7), Latency: time.Millisecond})
	snap := read(t, p)
	if snap.Calls > 130 {
		t.Errorf("%d calls for 120 guests", snap.Calls)
	}
	if n := sim.Stats().Total; n != snap.Calls {
		t.Errorf("the provider counts %d calls, the server %d", snap.Calls, n)
	}
	for node, n := range sim.Stats().MaxInFlight {
		// The node that is asked answers for the cluster too.
		if n > 2 && node != "pve1" || n > 4 {
			t.Errorf("%d requests were at %s at the same time", n, node)
		}
	}
}

// TestStartIsTakenOver: a look that began before anybody knew what is declared
// sees what any other sees, and costs no call more.
func TestStartIsTakenOver(t *testing.T) {
	_, p := newSim(t, pvesim.Options{World: pvesim.Generate(40, 1)})
	wants := []inventory.Resource{wish("vm", 999)}
	for _, o := range read(t, p).Observations {
		w := wish(o.Resource.Addr.Kind, inventory.VMID(o.Resource.Identity))
		w.Addr.Name = fmt.Sprint("w", inventory.VMID(o.Resource.Identity))
		w.Attrs["running"] = cty.True // many are stopped, and are asked again
		wants = append(wants, w)
	}
	plain := read(t, p, wants...)
	p.Start(context.Background())
	begun := read(t, p, wants...)
	if begun.Calls != plain.Calls {
		t.Errorf("%d calls, %d without Start", begun.Calls, plain.Calls)
	}
	for i := range plain.Observations {
		plain.Observations[i].At, begun.Observations[i].At = time.Time{}, time.Time{}
		plain.Observations[i].Volatile.Since, begun.Observations[i].Volatile.Since = time.Time{}, time.Time{} // the clock goes on
	}
	if !reflect.DeepEqual(plain.Observations, begun.Observations) {
		t.Error("it saw something else")
	}
	if again := read(t, p, wants...); again.Calls != plain.Calls {
		t.Errorf("the look after it made %d calls, not %d", again.Calls, plain.Calls)
	}
	p.Start(context.Background())
	p.Close() // nobody takes it over; goleak finds what stays
}

// TestGuestThatMoves: a guest that moved between the list and its configuration is
// looked for once more.
func TestGuestThatMoves(t *testing.T) {
	sim, p := newSim(t, pvesim.Options{})
	read(t, p, wish("vm", 111))
	sim.Update(func(w *pvesim.World) {
		for _, g := range w.Guests {
			if g.VMID == 111 {
				g.Node = "node03"
			}
		}
	})
	o := p.Look(context.Background(), wish("vm", 111))
	if o.State != inventory.Present || o.Volatile.Node != "node03" {
		t.Errorf("%s on %s: %v", o.State, o.Volatile.Node, o.Err)
	}
}

// TestEndpoints: the first that answers is used; one that shows another
// certificate is not.
func TestEndpoints(t *testing.T) {
	sim, _ := newSim(t, pvesim.Options{})
	p, err := New(Config{Name: "home", Endpoints: []string{"https://127.0.0.1:1", sim.Endpoint()}, Token: sim.Token(), Fingerprint: sim.Fingerprint()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Read(context.Background(), nil); err != nil {
		t.Errorf("the second endpoint was not used: %v", err)
	}
	other, err := New(Config{Name: "home", Endpoints: []string{sim.Endpoint()}, Token: sim.Token(), Fingerprint: strings.Repeat("AB:", 31) + "AB"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, err = other.Read(context.Background(), nil)
	if !errors.Is(err, errFingerprint) || !strings.Contains(err.Error(), sim.Fingerprint()) {
		t.Errorf("another certificate was accepted, or not named: %v", err)
	}
	untrusted, err := New(Config{Name: "home", Endpoints: []string{sim.Endpoint()}, Token: sim.Token()})
	if err != nil {
		t.Fatal(err)
	}
	defer untrusted.Close()
	if _, err := untrusted.Read(context.Background(), nil); err == nil {
		t.Error("a certificate of an unknown CA was accepted")
	}
}

// TestConnections: a pass keeps its connections and opens no more than may be in
// flight, and on a busy machine one a node that was dialled while another became free.
func TestConnections(t *testing.T) {
	sim, p := newSim(t, pvesim.Options{World: pvesim.Generate(90, 3)})
	read(t, p)
	read(t, p)
	if n := sim.Stats().Connections; n > 3*3 {
		t.Errorf("%d connections for two passes over three nodes", n)
	}
}
