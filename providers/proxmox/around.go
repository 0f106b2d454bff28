package proxmox

import (
	"context"
	"net/url"
	"slices"
	"strings"
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

// ask returns the answer to a question, and whether there is one. A question has one
// type of answer.
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
	rows, _ := ask[[]bridge](ctx, a, "/cluster/sdn/vnets", nil)
	for _, r := range rows {
		if r.VNet == name {
			return r.Zone
		}
	}
	return ""
}

// A bridge is a network of a node, or a virtual network of SDN.
type bridge struct {
	Name  string `json:"iface"`
	Type  string `json:"type"`
	Aware scalar `json:"bridge_vlan_aware"`
	VNet  string `json:"vnet"`
	Zone  string `json:"zone"`
}

// carries reports whether tags pass the bridge. One that knows nothing of VLANs gets a
// bridge of its own for each tag, and takes no trunks (PVE/Network.pm, tap_plug).
func (n bridge) carries(trunks bool) bool { return n.Type != "bridge" || n.Aware.bool() || !trunks }

// bridges are the networks of a node that the token may see.
func (a *around) bridges(ctx context.Context, node string) (map[string]bridge, bool) {
	own, ok := ask[[]bridge](ctx, a, "/nodes/"+node+"/network", nil)
	vnets, okNets := ask[[]bridge](ctx, a, "/cluster/sdn/vnets", nil)
	out := map[string]bridge{}
	for _, n := range own {
		if n.Type == "bridge" || n.Type == "OVSBridge" || n.Type == "vnet" {
			out[n.Name] = n
		}
	}
	for _, n := range vnets {
		n.Type = "vnet"
		out[n.VNet] = n
	}
	return out, ok && okNets
}

// A store is a storage as a node sees it.
type store struct {
	Name    string `json:"storage"`
	Type    string `json:"type"`
	Content string `json:"content"`
	Avail   scalar `json:"avail"`
	Enabled scalar `json:"enabled"`
	Active  scalar `json:"active"`
	Shared  scalar `json:"shared"`
}

func (s store) holds(content string) bool {
	return slices.Contains(strings.Split(s.Content, ","), content)
}

// rawOnly reports a storage that keeps no files and so no formats. Of an LVM it is not
// known: newer ones may keep qcow2 in volumes.
func (s store) rawOnly() bool {
	return slices.Contains([]string{"lvmthin", "zfspool", "rbd", "iscsi", "iscsidirect", "zfs"}, s.Type)
}

func (a *around) stores(ctx context.Context, node string) (map[string]store, bool) {
	rows, ok := ask[[]store](ctx, a, "/nodes/"+node+"/storage", nil)
	out := map[string]store{}
	for _, s := range rows {
		out[s.Name] = s
	}
	return out, ok
}

// volumes are the names of what a storage holds of one sort.
func (a *around) volumes(ctx context.Context, node, storage, content string) ([]string, bool) {
	rows, ok := ask[[]struct {
		ID string `json:"volid"`
	}](ctx, a, "/nodes/"+node+"/storage/"+storage+"/content", url.Values{"content": {content}})
	var out []string
	for _, v := range rows {
		out = append(out, v.ID)
	}
	return out, ok
}

func (a *around) pools(ctx context.Context) ([]string, bool) {
	rows, ok := ask[[]struct {
		ID string `json:"poolid"`
	}](ctx, a, "/pools", nil)
	var out []string
	for _, p := range rows {
		out = append(out, p.ID)
	}
	return out, ok
}

func (a *around) mappings(ctx context.Context, sort string) ([]string, bool) {
	rows, ok := ask[[]struct {
		ID string `json:"id"`
	}](ctx, a, "/cluster/mapping/"+sort, nil)
	var out []string
	for _, m := range rows {
		out = append(out, m.ID)
	}
	return out, ok
}
