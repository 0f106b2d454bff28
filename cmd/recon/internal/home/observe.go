package home

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"recon/inventory"
	"recon/manifests"
	"recon/providers"
	"recon/providers/proxmox"
	"recon/reconcile"
)

// Observe looks at every source. One that fails is Unknown and spoils nothing
// else. The ledger is read when there is one, and never made.
func (h *Home) Observe(ctx context.Context) (*World, error) {
	return h.observe(ctx, func(string) bool { return true })
}

// ObserveFor looks at the sources of the targets and of what those need. Of the others
// it tells what was seen last.
func (h *Home) ObserveFor(ctx context.Context, targets []inventory.Address) (*World, error) {
	project := h.Project()
	needed := map[inventory.Address]bool{}
	needs := project.Graph.Index()
	var need func(a inventory.Address)
	need = func(a inventory.Address) {
		if needed[a] {
			return
		}
		needed[a] = true
		for _, other := range needs[a] {
			need(other)
		}
	}
	for i := range project.Resources {
		if a := project.Resources[i].Addr; slices.ContainsFunc(targets, func(t inventory.Address) bool { return t.Names(a) }) {
			need(a)
		}
	}
	sources := map[string]bool{}
	for i := range project.Resources {
		if r := &project.Resources[i]; needed[r.Addr] {
			sources[r.Provider] = true
			for _, g := range r.Policy.Gates {
				sources[g.String()] = true
			}
		}
	}
	return h.observe(ctx, func(source string) bool { return sources[source] })
}

// observe asks the sources that are wanted, and the witnesses about them.
func (h *Home) observe(ctx context.Context, wanted func(source string) bool) (*World, error) {
	start := time.Now()
	since, early := h.begunSince()
	if early {
		start = since
	}
	w, err := h.world(ctx)
	if err != nil {
		return nil, err
	}
	l, err := h.Ledger(ctx)
	if err == nil && l != nil {
		defer l.Close()
		if w.began, err = l.LastRun(ctx); early && w.began.Ended.After(since) {
			w.began.Going = true // it ended after the first question was sent; of the same second nobody knows
		}
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	w.Snapshots = make([]inventory.Snapshot, len(w.Readers))
	var wg sync.WaitGroup
	var left []int
	for i, r := range w.Readers {
		about := r.Name()
		if witness, ok := r.(providers.Witness); ok {
			about = witness.About()
		}
		if !wanted(about) {
			left = append(left, i)
			continue
		}
		wg.Go(func() { w.Snapshots[i] = w.read(ctx, r) })
	}
	if l != nil {
		err = w.Reread(ctx, l)
	}
	if err == nil {
		wg.Go(func() { w.askDue(ctx, wanted) })
	}
	wg.Wait()
	if err == nil && len(left) > 0 {
		err = w.readSeen(ctx)
	}
	for _, i := range left {
		w.Snapshots[i] = w.leave(w.Readers[i])
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	w.dateUnknown()
	w.steady()
	w.hear()
	w.Elapsed = time.Since(start)
	return w, ctx.Err()
}

// Fresh reports whether nobody has written since this look began, if that was the last run:
// of what another one has changed it may know nothing, however late the memory is read.
func (w *World) Fresh(last int64) bool {
	return w.began.ID == last && !w.began.Going && w.Memory.Whole(last)
}

// Remembered is a look at the ledger alone: what was seen last time.
func (h *Home) Remembered(ctx context.Context) (*World, error) {
	w, err := h.world(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.RereadLedger(ctx); err != nil {
		return nil, err
	}
	if err := w.readSeen(ctx); err != nil {
		return nil, err
	}
	for _, r := range w.Readers {
		w.Snapshots = append(w.Snapshots, w.leave(r))
	}
	return w, nil
}

// world is a world with its readers, before any look.
func (h *Home) world(ctx context.Context) (w *World, err error) {
	w = &World{At: h.Now().UTC(), Project: h.Project(), home: h}
	w.Readers, err = h.readers(ctx, w.Project)
	return w, err
}

// begin starts to look at clusters. A token_command may ask for a passphrase, and
// waits until the manifests are known to be right.
func (h *Home) begin(ctx context.Context, clusters []manifests.Cluster) {
	h.early.Lock()
	defer h.early.Unlock()
	h.early.begun, h.early.since = map[string]*proxmox.Provider{}, time.Now()
	for i := range clusters {
		c := &clusters[i]
		if len(c.Command) > 0 {
			continue
		}
		p, err := h.Provider(ctx, c)
		if err != nil {
			continue // Observe meets it again
		}
		h.listen(p)
		p.Start(ctx)
		h.early.begun[c.Name] = p
	}
}

// begunSince tells since when clusters are being looked at already.
func (h *Home) begunSince() (time.Time, bool) {
	h.early.Lock()
	defer h.early.Unlock()
	return h.early.since, len(h.early.begun) > 0
}

// takeBegun hands over the look at a cluster that was begun, nil when none was.
func (h *Home) takeBegun(name string) *proxmox.Provider {
	h.early.Lock()
	defer h.early.Unlock()
	p := h.early.begun[name]
	delete(h.early.begun, name)
	return p
}

// listen has a reader tell how far it has come.
func (h *Home) listen(r providers.Reader) {
	if p, ok := r.(interface{ OnProgress(func(done, total int)) }); ok && h.Progress != nil {
		p.OnProgress(func(done, total int) { h.Progress("observing "+r.Name(), done, total) })
	}
}

// read makes one pass of a reader.
func (w *World) read(ctx context.Context, r providers.Reader) inventory.Snapshot {
	var want []inventory.Resource
	for _, res := range w.Project.Resources {
		if res.Provider == r.Name() {
			want = append(want, res)
		}
	}
	snap, err := within(ctx, w.Project.Patience(r.Name()), func(ctx context.Context) (inventory.Snapshot, error) { return r.Read(ctx, want) })
	if err != nil {
		w.home.Log.Warn("source cannot be observed", "provider", r.Name(), "error", err)
		scope := inventory.Scope{Provider: r.Name(), Scope: r.Name(), Err: err}
		for _, res := range want {
			scope.Addresses = append(scope.Addresses, res.Addr)
		}
		snap = inventory.Snapshot{Provider: r.Name(), Unknown: []inventory.Scope{scope}, Calls: snap.Calls}
	}
	return snap
}

// within reads a source for as long as it may take, and a moment longer for one that
// notices itself that its time is over and then tells what it knows. One that does
// neither is left to itself.
func within(ctx context.Context, limit time.Duration, read func(context.Context) (inventory.Snapshot, error)) (inventory.Snapshot, error) {
	bound, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type answer struct {
		snap inventory.Snapshot
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		a.err = providers.Caught(func() (err error) {
			a.snap, err = read(bound)
			return err
		})
		answers <- a
	}()
	silent := fmt.Errorf("it did not answer within %s (timeout in its block says how long it may take)", limit)
	select {
	case a := <-answers:
		if a.err != nil && ctx.Err() == nil && bound.Err() != nil {
			a.err = silent
		}
		return a.snap, a.err
	case <-bound.Done():
	}
	select {
	case a := <-answers:
		if a.err == nil {
			return a.snap, nil
		}
	case <-time.After(time.Second):
	}
	if ctx.Err() != nil {
		return inventory.Snapshot{}, ctx.Err()
	}
	return inventory.Snapshot{}, silent
}

// leave is the snapshot of a source that is not asked: what was seen last.
func (w *World) leave(r providers.Reader) inventory.Snapshot {
	if w.unasked == nil {
		w.unasked = map[string]bool{}
	}
	w.unasked[r.Name()] = true
	return w.fromMemory(r.Name())
}

// dateUnknown notes since when each source could not be observed.
func (w *World) dateUnknown() {
	for i := range w.Snapshots {
		for j := range w.Snapshots[i].Unknown {
			u := &w.Snapshots[i].Unknown[j]
			u.Since = sinceOf(w.Memory.Sources, *u, w.At)
		}
	}
}

func sinceOf(known []reconcile.Source, u inventory.Scope, now time.Time) time.Time {
	for _, k := range known {
		if k.Provider == u.Provider && k.Scope == u.Scope {
			return k.Since
		}
	}
	return now
}

// Readers makes a provider for each source, for whoever asks them something else than
// what there is.
func (h *Home) Readers(ctx context.Context) ([]providers.Reader, error) {
	return h.readers(ctx, h.Project())
}

// readers makes a provider for each source. A cluster whose token is missing is a
// mistake of the project, not an unknown source.
func (h *Home) readers(ctx context.Context, project *manifests.Project) ([]providers.Reader, error) {
	var out []providers.Reader
	for i := range project.Clusters {
		if c := &project.Clusters[i]; c.Credentials.HasErrors() {
			return nil, &DiagnosticsError{c.Credentials, project.Sources()}
		}
	}
	for i := range project.Clusters {
		c := &project.Clusters[i]
		p := h.takeBegun(c.Name)
		if p == nil {
			var err error
			if p, err = h.Provider(ctx, c); err != nil {
				return nil, err
			}
			h.listen(p)
		}
		out = append(out, p)
	}
	for i := range project.Hosts {
		p := h.dockerProvider(project, &project.Hosts[i])
		h.listen(p)
		out = append(out, p)
	}
	return append(out, h.terraforms(project)...), nil
}

// Provider makes the provider of a cluster.
func (h *Home) Provider(ctx context.Context, c *manifests.Cluster) (*proxmox.Provider, error) {
	token := c.Token
	if len(c.Command) > 0 {
		var err error
		if token, err = h.token(ctx, c.Command); err != nil {
			return nil, fmt.Errorf("token_command of proxmox.%s: %w", c.Name, err)
		}
	}
	cfg := proxmox.Config{Name: c.Name, Endpoints: c.Endpoints, Token: token, Fingerprint: c.Fingerprint, Insecure: c.Insecure, NoAgent: c.Addresses == "configured", Patience: c.Timeout, Log: h.Log, Tally: h.Tally}
	if c.CAFile != "" {
		ca, err := readOutside(h.Absolute(c.CAFile))
		if err != nil {
			return nil, fmt.Errorf("read ca_file of proxmox.%s: %w", c.Name, err)
		}
		cfg.CA = ca
	}
	return proxmox.New(cfg)
}
