package reconcile

import (
	"context"
	"errors"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
)

// savedFor makes a saved plan of one change, and what it is bound to.
func savedFor(tb testing.TB) ([]byte, *Plan, Request) {
	tb.Helper()
	h := newFakeHome()
	w, _ := guest(inventory.Attrs{"onboot": cty.True, "cloud_init.password": cty.StringVal("secret")}, nil, nil)
	snap, err := h.Read(context.Background(), []inventory.Resource{w})
	if err != nil {
		tb.Fatal(err)
	}
	req := Request{Input: Input{Desired: []inventory.Resource{w}, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{h}}
	p, err := New(context.Background(), req)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := p.Save()
	if err != nil {
		tb.Fatal(err)
	}
	return body, p, req
}

// TestSavedPlanComesBack: what is loaded is what was saved, as long as everything
// is as it was.
func TestSavedPlanComesBack(t *testing.T) {
	body, fresh, req := savedFor(t)
	p, err := Load(body, fresh, req)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Changes) != 1 || !sameSteps(p.Changes[0].Steps, fresh.Changes[0].Steps) || p.Changes[0].Digest != fresh.Changes[0].Digest {
		t.Errorf("loaded: %+v", p.Changes)
	}
	stale := req
	stale.Desired = nil
	if _, err := Load(body, fresh, stale); !errors.Is(err, ErrStale) {
		t.Errorf("no longer declared: %v", err)
	}
	changed := req
	changed.Snapshots = []inventory.Snapshot{{Observations: []inventory.Observation{req.Snapshots[0].Observations[0]}}}
	changed.Snapshots[0].Observations[0].Digest = "another"
	if _, err := Load(body, fresh, changed); !errors.Is(err, ErrStale) {
		t.Errorf("another digest: %v", err)
	}
	changed.Snapshots[0].Observations[0].State = inventory.Unknown
	if _, err := Load(body, fresh, changed); !errors.Is(err, ErrStale) {
		t.Errorf("not observable: %v", err)
	}
}

func FuzzLoadPlan(f *testing.F) {
	body, fresh, req := savedFor(f)
	f.Add(body)
	f.Add([]byte(`{"what":"recon plan","format_version":"1.0","changes":[{}]}`))
	f.Add([]byte(`{"what":"recon plan","format_version":"1.0","changes":[{"address":"vm.media","identity":"home/111","state":"present","digest":"1","fields":[{"path":"x"}],"steps":[{"impact":"live","done":{"fields":{"memory":{"set":[]}}}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Load(data, fresh, req)
		if err != nil {
			return
		}
		if _, err := p.MarshalJSON(); err != nil {
			t.Error(err)
		}
		for _, c := range p.Changes {
			for _, s := range c.Steps {
				s.Done.Holds(&c.Have)
			}
		}
	})
}
