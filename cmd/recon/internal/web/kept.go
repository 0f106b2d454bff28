package web

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"recon/cmd/recon/internal/api"
)

// Pages that show nothing but the state are kept for a moment, a bounded number of them: when
// something changes, all who look ask at once for the same.
const (
	keptTime  = time.Second
	keptPages = 200
)

type kept struct {
	mu    sync.Mutex
	pages map[string]keptPage
}

type keptPage struct {
	page
	of   string // the version of the state it shows
	made time.Time
}

// page is what was made of the same state for the same user a moment ago, or is made now, once
// for all who wait for it.
func (k *kept) page(r *http.Request, state api.LiveState, now time.Time, make func() page) page {
	if !slices.Contains([]string{"/", "/changes", "/things", "/map", "/findings", "/documents"}, r.URL.Path) {
		return make()
	}
	key := fmt.Sprintf("%s %+v", r.URL.RequestURI(), userOf(r))
	k.mu.Lock()
	defer k.mu.Unlock()
	if p, ok := k.pages[key]; ok && p.of == state.Version && now.Sub(p.made).Abs() < keptTime {
		return p.page
	}
	if k.pages == nil || len(k.pages) >= keptPages {
		k.pages = map[string]keptPage{}
	}
	p := make()
	k.pages[key] = keptPage{p, state.Version, now}
	return p
}
