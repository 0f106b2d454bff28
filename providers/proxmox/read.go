package proxmox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"recon/inventory"
	"recon/providers"

	"github.com/zclconf/go-cty/cty"
)

// Start begins a look at the cluster before it is known what is declared there,
// which is all but what depends on it. The next Read takes it over; Close abandons
// it.
func (p *Provider) Start(ctx context.Context) { p.begun = p.begin(ctx) }

// Read observes every guest of the cluster: one list of what exists, one request
// a guest, and a handful for the cluster itself. A guest whose node does not
// answer is Unknown and keeps the others waiting for nothing.
func (p *Provider) Read(ctx context.Context, want []inventory.Resource) (inventory.Snapshot, error) {
	r := p.begun
	if r == nil {
		r = p.begin(ctx)
	}
	p.begun = nil
	defer r.cancel()
	for i := range want {
		if vmid, ok := inventory.Int(want[i].Attrs["vmid"]); ok {
			r.want[int(vmid)] = &want[i]
		}
	}
	if <-r.looked; r.err != nil {
		return inventory.Snapshot{}, r.err // its scope says of what
	}
	r.power()
	r.missing()
	snap := r.snapshot()
	p.remember(r, &snap)
	return snap, nil
}

// begin starts the part of a reading that does not depend on what is declared.
func (p *Provider) begin(ctx context.Context) *reading {
	ctx, cancel := context.WithTimeout(providers.WithBudget(ctx, providers.NewBudget(providers.MaxBytes, providers.MaxValues)), p.cfg.patience())
	r := &reading{Provider: p, ctx: ctx, cancel: cancel, want: map[int]*inventory.Resource{}, dead: map[string]error{}, hung: map[string]int{}, before: p.client.calls.Load(), looked: make(chan struct{})}
	go func() {
		defer close(r.looked)
		r.err = providers.Caught(func() error {
			if err := r.cluster(); err != nil {
				return err
			}
			r.guests()
			return nil
		})
	}()
	return r
}

// remember keeps what Steps and Look need.
func (p *Provider) remember(r *reading, snap *inventory.Snapshot) {
	v := r.view
	v.around = newAround(p.client)
	v.observed = make(map[string]*inventory.Observation, len(snap.Observations))
	for i := range snap.Observations {
		v.observed[snap.Observations[i].Resource.Identity] = &snap.Observations[i]
	}
	p.mu.Lock()
	p.last = v
	p.mu.Unlock()
}

// A reading is one pass of Read.
type reading struct {
	*Provider
	ctx    context.Context
	cancel context.CancelFunc
	want   map[int]*inventory.Resource
	before int64         // calls made before
	looked chan struct{} // closed when the part has ended that does not depend on want
	err    error         // and how, when it failed
	view   view
	nodes  []inventory.Node
	stores []inventory.Storage
	rows   []guestRow              // what exists, by vmid
	out    []inventory.Observation // of each row, then of what is missing

	mu   sync.Mutex
	dead map[string]error // nodes that do not answer
	hung map[string]int   // guests of a node that did not answer in time
	done int              // guests that were looked at
}

// cluster asks what concerns the cluster as a whole. Only the list of resources
// is indispensable; a token that may not see the rest can still compare guests.
func (r *reading) cluster() error {
	var rows []resourceRow
	var status []statusRow
	var version struct{ Version string }
	// Alone and first: a token that is refused costs three seconds a request.
	if err := r.client.get(r.ctx, "/cluster/resources", nil, &rows); err != nil {
		return err
	}
	if at := r.client.wire.time.Load(); at > 0 {
		r.view.time = time.Unix(at, 0).UTC()
	}
	var wg sync.WaitGroup
	var errStatus, errPermissions error
	wg.Go(func() { errStatus = r.client.get(r.ctx, "/cluster/status", nil, &status) })
	wg.Go(func() { errPermissions = r.client.get(r.ctx, "/access/permissions", nil, &r.view.permissions) })
	wg.Go(func() { _ = r.client.get(r.ctx, "/version", nil, &version) })
	wg.Wait()
	r.view.version, r.view.hidden = version.Version, r.hidden(errPermissions)
	r.view.guests, r.view.nodes = map[int]guestRow{}, map[string]bool{}
	for _, row := range rows {
		if g, ok := row.guest(); ok {
			r.view.guests[g.vmid], r.view.nodes[g.node] = g, true
		}
		if row.Type == "node" {
			r.view.nodes[row.Node] = row.Status != "offline"
		}
	}
	r.clusterStatus(status, errStatus)
	if len(r.view.guests) > maxGuests || len(r.view.nodes) > maxNodes {
		return fmt.Errorf("%w: %d guests on %d nodes", providers.ErrFlood, len(r.view.guests), len(r.view.nodes))
	}
	r.capacities(rows)
	return nil
}

// What a cluster can have; corosync carries some 30 nodes.
const (
	maxGuests = 20_000
	maxNodes  = 200
)

// clusterStatus reads quorum and nodes. A node that is no member of a cluster has
// no row for the cluster and is its own quorum. Without the right to look, quorum
// is not known, and then nothing is proven absent.
func (r *reading) clusterStatus(rows []statusRow, err error) {
	r.view.noStatus = err
	address := map[string]string{}
	clustered := false
	for _, row := range rows {
		switch row.Type {
		case "cluster":
			clustered = true
			r.view.quorate = row.Quorate.bool()
		case "node":
			r.view.nodes[row.Name] = row.Online.bool()
			address[row.Name] = row.IP
		}
	}
	if err == nil && !clustered && len(rows) > 0 {
		r.view.quorate = true
	}
	for name, online := range r.view.nodes {
		n := inventory.Node{Name: name, Online: online, Address: address[name]}
		if !online {
			r.dead[name] = errNodeOffline
		}
		r.nodes = append(r.nodes, n)
	}
}

var errNodeOffline = errors.New("the cluster says that the node is offline")

// guests reads the configuration of every guest.
func (r *reading) guests() {
	r.rows = slices.SortedFunc(maps.Values(r.view.guests), func(a, b guestRow) int { return a.vmid - b.vmid })
	r.out = make([]inventory.Observation, len(r.rows))
	all := make([]int, len(r.rows))
	for i := range all {
		all[i] = i
	}
	r.each(all, func(i int) {
		r.out[i] = r.guest(&r.rows[i])
		r.tell()
	})
}

// each does something for rows. Each node has its own queue and as many workers as
// requests may be in flight there, so that a slow node delays only its own guests.
func (r *reading) each(rows []int, do func(i int)) {
	queues := map[string][]int{}
	for _, i := range rows {
		queues[r.rows[i].node] = append(queues[r.rows[i].node], i)
	}
	var wg sync.WaitGroup
	for _, queue := range queues {
		work := make(chan int, len(queue))
		for _, i := range queue {
			work <- i
		}
		close(work)
		for range min(len(queue), r.client.inFlight) {
			wg.Go(func() {
				for i := range work {
					if err := providers.Caught(func() error { do(i); return nil }); err != nil {
						r.out[i] = r.unknown(r.rows[i], err)
					}
				}
			})
		}
	}
	wg.Wait()
}

// tell counts a guest that was looked at.
func (r *reading) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done++; r.progress != nil {
		r.progress(r.done, len(r.rows))
	}
}

// guest reads one guest. One that has just moved is looked for once more.
func (r *reading) guest(g *guestRow) inventory.Observation {
	if err := r.deadNode(g.node); err != nil {
		return r.unknown(*g, err)
	}
	c, err := r.config(r.ctx, *g)
	if guestMissing(err) {
		if moved, ok := r.relocate(r.ctx, g.vmid); ok && moved.node != g.node {
			*g = moved
			c, err = r.config(r.ctx, *g)
		}
	}
	if err != nil {
		r.count(g.node, err)
		return r.unknown(*g, err)
	}
	return r.observation(*g, c, r.view)
}

// count gives a node up that is down, or where a second guest does not answer in time:
// each that hangs costs as long as a request may take.
func (r *reading) count(node string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if hangs(err) {
		r.hung[node]++
	}
	if nodeDown(err) || r.hung[node] >= 2 {
		r.dead[node] = err
	}
}

func (r *reading) deadNode(node string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead[node]
}

// power asks for the status of guests whose status in the list, which lags, is in
// doubt. One that the list had wrong is looked at again.
func (r *reading) power() {
	var unsure []int
	for i := range r.rows {
		if r.out[i].State == inventory.Present && r.unsureOfPower(r.rows[i]) {
			unsure = append(unsure, i)
		}
	}
	r.each(unsure, func(i int) {
		g := &r.rows[i]
		status, err := r.status(r.ctx, *g)
		switch {
		case err != nil:
			r.out[i] = r.unknown(*g, err)
		case status != g.status:
			g.status = status
			r.out[i] = r.guest(g)
		}
	})
}

// unsureOfPower reports whether the status of the list has to be checked: it
// differs from a declared one, or the list does not know it.
func (r *reading) unsureOfPower(g guestRow) bool {
	if g.status != "running" && g.status != "stopped" {
		return true
	}
	want := r.want[g.vmid]
	if want == nil || inventory.IsNull(want.Attrs["running"]) {
		return false
	}
	return inventory.True(want.Attrs["running"]) != (g.status == "running")
}

func (p *Provider) config(ctx context.Context, g guestRow) (config, error) {
	var rows []pendingRow
	if err := p.client.get(ctx, g.path()+"/pending", nil, &rows); err != nil {
		return config{}, err
	}
	return newConfig(rows), nil
}

func (p *Provider) status(ctx context.Context, g guestRow) (string, error) {
	var s struct {
		Status string `json:"status"`
	}
	err := p.client.get(ctx, g.path()+"/status/current", nil, &s)
	return s.Status, err
}

// relocate asks the cluster where a guest is now.
func (p *Provider) relocate(ctx context.Context, vmid int) (guestRow, bool) {
	var rows []resourceRow
	if err := p.client.get(ctx, "/cluster/resources", url.Values{"type": {"vm"}}, &rows); err != nil {
		return guestRow{}, false
	}
	for _, row := range rows {
		if g, ok := row.guest(); ok && g.vmid == vmid {
			return g, true
		}
	}
	return guestRow{}, false
}

// unknown is the observation of a guest that exists, or may exist, and could not
// be looked at.
func (r *reading) unknown(g guestRow, err error) inventory.Observation {
	return inventory.Observation{
		State: inventory.Unknown, At: r.now(), Err: err, Resource: r.resource(g, nil),
		Volatile: inventory.Volatile{Status: g.status, Node: g.node, Template: g.template, HA: g.ha},
	}
}

func (p *Provider) resource(g guestRow, attrs inventory.Attrs) inventory.Resource {
	return inventory.Resource{Addr: inventory.Address{Kind: g.kind, Name: inventory.Label(g.name, g.vmid)}, Identity: p.identity(g.vmid), Provider: p.Name(), Attrs: attrs}
}

// since is when a guest began to run, the zero time when it does not.
func (v view) since(g guestRow) time.Time {
	if g.uptime <= 0 || v.time.IsZero() {
		return time.Time{}
	}
	return v.time.Add(-time.Duration(g.uptime) * time.Second)
}

// observation turns a guest's row and configuration into what was seen.
func (p *Provider) observation(g guestRow, c config, v view) inventory.Observation {
	kind := inventory.KindOf(g.kind)
	attrs := decode(kind, c.configured)
	inUse := maps.Clone(attrs)
	attrs["vmid"] = cty.NumberIntVal(int64(g.vmid))
	attrs["node"] = cty.StringVal(g.node)
	attrs["pool"] = cty.StringVal(g.pool)
	attrs["running"] = cty.BoolVal(g.status == "running" || g.status == "paused")
	g.name = inventory.Text(attrs["name"])
	attrs["name"] = cty.StringVal(g.name) // "" is a name too: that of a guest without one
	o := inventory.Observation{
		State: inventory.Present, Resource: p.resource(g, attrs), Digest: c.digest, Lock: c.configured["lock"], At: p.now(),
		Volatile: inventory.Volatile{
			Status: g.status, Node: g.node, HA: g.ha, Template: inventory.True(attrs["template"]) || g.template,
			Pending: c.pending, Raw: withoutSecrets(c.configured), Volumes: volumesOf(g.kind, c.configured),
			Since: v.since(g),
		},
	}
	if o.Lock == "" {
		o.Lock = g.lock
	}
	if inventory.True(attrs["running"]) {
		if o.Running = inUse; len(c.pending) > 0 {
			o.Running = decode(kind, c.running)
		}
	}
	if _, set := c.configured["cipassword"]; set {
		o.Volatile.MaskedSet = []inventory.Path{ciPassword}
		delete(o.Resource.Attrs, ciPassword)
		delete(o.Running, ciPassword)
	}
	if !v.quorate {
		o.Block = append(o.Block, v.noQuorum())
	}
	return o
}

// noQuorum says why nothing is written: there is no quorum, or nobody knows whether there is.
func (v view) noQuorum() inventory.Reason {
	switch {
	case v.noStatus == nil:
		return inventory.Reason{Code: "no_quorum", Detail: "the cluster has no quorum; writes would fail"}
	case statusOf(v.noStatus) == http.StatusForbidden:
		return inventory.Reason{Code: "quorum_unknown", Detail: "the token lacks Sys.Audit on /, without which it does not see whether the cluster has quorum; recon writes only where it has"}
	}
	return inventory.Reason{Code: "quorum_unknown", Detail: "whether the cluster has quorum is not known, and recon writes only where it has: " + v.noStatus.Error()}
}

func withoutSecrets(raw map[string]string) map[string]string {
	out := maps.Clone(raw)
	delete(out, "cipassword")
	return out
}

// missing looks for declared guests that the list does not show. One that was made
// after the list is listed by now.
func (r *reading) missing() {
	for _, vmid := range slices.Sorted(maps.Keys(r.want)) {
		if _, listed := r.view.guests[vmid]; listed {
			continue
		}
		o := r.absence(r.ctx, *r.want[vmid], vmid, r.view)
		if errors.Is(o.Err, errTaken) {
			if g, ok := r.relocate(r.ctx, vmid); ok {
				o = r.newcomer(g)
				r.view.guests[vmid] = g
			} else {
				r.view.hidden = r.lacks("/vms/" + itoa(vmid))
				o.Err = r.view.hidden
			}
		}
		r.out = append(r.out, o)
	}
}

// newcomer reads a guest that the list did not show, with its status asked.
func (r *reading) newcomer(g guestRow) inventory.Observation {
	status, err := r.status(r.ctx, g)
	if err != nil {
		return r.unknown(g, err)
	}
	g.status = status
	return r.guest(&g)
}

// errTaken says that somebody has the vmid of a guest that was not listed.
var errTaken = errors.New("it is not listed, but its vmid is taken; the token may not be allowed to see it")

// absence decides whether a guest that is not listed does not exist. The list is
// silently filtered by what the token may see, so Absent needs all of: the
// cluster is quorate, the token may see the guest's path, and the cluster says
// that the vmid is free.
func (p *Provider) absence(ctx context.Context, want inventory.Resource, vmid int, v view) inventory.Observation {
	o := inventory.Observation{At: p.now(), Resource: inventory.Resource{Addr: want.Addr, Identity: p.identity(vmid), Provider: p.Name(), Attrs: inventory.Attrs{}}}
	path := "/vms/" + itoa(vmid)
	switch {
	case v.hidden != nil:
		o.Err = v.hidden
	case !v.quorate:
		o.Err = errors.New("it is not listed, and the cluster is not known to be quorate")
	case !v.permissions.has(path, "VM.Audit"):
		o.Err = fmt.Errorf("it is not listed, and the token has no VM.Audit on %s", path)
	default:
		var next scalar
		err := p.client.get(ctx, "/cluster/nextid", url.Values{"vmid": {itoa(vmid)}}, &next)
		switch {
		case err == nil && next.int() == vmid:
			o.State = inventory.Absent
		case statusOf(err) == 400:
			o.Err = errTaken
		case err == nil:
			o.Err = fmt.Errorf("asked for vmid %d, the cluster answered %s", vmid, next)
		default:
			o.Err = err
		}
	}
	return o
}

// snapshot assembles what was seen.
func (r *reading) snapshot() inventory.Snapshot {
	s := inventory.Snapshot{
		Provider: r.Name(), Observations: r.out, Nodes: r.nodes, Storages: r.stores, AllStorages: r.view.permissions.all("/storage", "Datastore.Audit"), Quorate: r.view.quorate, Version: r.view.version, Sight: r.view.permissions.sight(),
		Calls: int(r.client.calls.Load() - r.before), Complete: r.view.hidden == nil, Partial: r.view.hidden != nil,
	}
	r.rename(s.Observations)
	scopes := map[string]*inventory.Scope{}
	if s.Partial {
		scopes[inventory.SomeGuests] = &inventory.Scope{Provider: s.Provider, Scope: inventory.SomeGuests, Err: r.view.hidden}
	}
	for i := range s.Observations {
		o := &s.Observations[i]
		if o.State != inventory.Unknown {
			continue
		}
		s.Complete = false
		if hidden := new(inventory.PartialError); errors.As(o.Err, &hidden) && strings.HasPrefix(hidden.Lack.Path, "/vms/") {
			s.Sight[hidden.Lack.Path] = inventory.Nowhere // which Proxmox lists nowhere
		}
		name := r.scopeOf(o)
		if scopes[name] == nil {
			scopes[name] = &inventory.Scope{Provider: s.Provider, Scope: name, Err: o.Err}
		}
		if r.want[inventory.VMID(o.Resource.Identity)] != nil {
			scopes[name].Addresses = append(scopes[name].Addresses, o.Resource.Addr)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(scopes), inventory.NaturalCompare) {
		s.Unknown = append(s.Unknown, *scopes[name])
	}
	s.Sort()
	return s
}

// scopeOf names what an unknown guest is unknown with: the guests that the token does
// not see, its node, or nothing but itself.
func (r *reading) scopeOf(o *inventory.Observation) string {
	switch node := o.Volatile.Node; {
	case r.view.hidden != nil && errors.Is(o.Err, r.view.hidden):
		return inventory.SomeGuests
	case node != "" && r.dead[node] != nil:
		return node
	}
	return o.Resource.Identity
}

// rename gives observed guests the address under which they are declared, and
// makes the addresses of the others unique.
func (r *reading) rename(obs []inventory.Observation) {
	taken := map[inventory.Address]bool{}
	for _, want := range r.want {
		taken[want.Addr] = true
	}
	slices.SortFunc(obs, func(a, b inventory.Observation) int {
		return inventory.NaturalCompare(a.Resource.Identity, b.Resource.Identity)
	})
	for i := range obs {
		res := &obs[i].Resource
		vmid := inventory.VMID(res.Identity)
		if want := r.want[vmid]; want != nil {
			if want.Addr.Kind == res.Addr.Kind {
				res.Addr = want.Addr
			}
			continue
		}
		if taken[res.Addr] {
			res.Addr.Name += "-" + itoa(vmid)
		}
		taken[res.Addr] = true
	}
}
