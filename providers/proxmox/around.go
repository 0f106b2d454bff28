package proxmox

import (
	"context"
	"net/url"
	"sync"
)

// around is what a cluster has beside its guests: storages, bridges, pools. It is asked
// only when a change names such a thing, and each question once a look. An answer that
// does not come is no answer: what is not known blocks nothing.
type around struct {
	client *client
	mu     sync.Mutex
	known  map[string]any
}

func newAround(c *client) *around { return &around{client: c, known: map[string]any{}} }

// ask returns the answer to a question, and whether there is one.
func ask[T any](ctx context.Context, a *around, path string, query url.Values) (T, bool) {
	var zero T
	if a == nil {
		return zero, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	key := path + "?" + query.Encode()
	if v, ok := a.known[key]; ok {
		answer, came := v.(T)
		return answer, came
	}
	var answer T
	if err := a.client.get(ctx, path, query, &answer); err != nil {
		a.known[key] = nil
		return zero, false
	}
	a.known[key] = answer
	return answer, true
}

// version is the Proxmox VE of a node, "" when it does not say.
func (a *around) version(ctx context.Context, node string) string {
	if node == "" {
		return ""
	}
	v, _ := ask[struct {
		Version string `json:"version"`
	}](ctx, a, "/nodes/"+node+"/version", nil)
	return v.Version
}

// zone is the SDN zone of a virtual network, "" when the name is none.
func (a *around) zone(ctx context.Context, name string) string {
	rows, _ := ask[[]struct {
		Vnet string `json:"vnet"`
		Zone string `json:"zone"`
	}](ctx, a, "/cluster/sdn/vnets", nil)
	for _, r := range rows {
		if r.Vnet == name {
			return r.Zone
		}
	}
	return ""
}
