package home

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/manifests"
	"recon/providers/access"
	"recon/providers/sshhost"
	"recon/reconcile"
)

// checksAtOnce is how many checks are asked at the same time.
const checksAtOnce = 8

// AskChecks asks checks now, whatever was answered before, and returns the outcomes in
// their order.
func (h *Home) AskChecks(ctx context.Context, checks []manifests.Check) []inventory.Outcome {
	out := make([]inventory.Outcome, len(checks))
	places := make(chan struct{}, checksAtOnce)
	var wg sync.WaitGroup
	for i := range checks {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			out[i] = h.askCheck(ctx, &checks[i])
		})
	}
	wg.Wait()
	return out
}

// askCheck asks one check.
func (h *Home) askCheck(ctx context.Context, c *manifests.Check) inventory.Outcome {
	means := access.Means{Now: h.Now, Secrets: h.Secrets}
	asked := c.Check
	asked.Attrs = maps.Clone(c.Attrs)
	endpoints, err := h.equip(ctx, c, &asked, &means)
	if err != nil {
		at := h.Now().UTC()
		return inventory.Outcome{
			Check: c.Addr, Kind: c.Kind.Name, Standing: inventory.CheckUnknown, Layer: inventory.LayerToken, Severity: c.Severity,
			Said: h.Secrets.Text(err.Error()), Evidence: []inventory.Proof{}, Fix: []string{}, At: at, Since: at,
		}
	}
	if host, ok := means.Host.(*sshhost.Host); ok {
		defer host.Close()
	}
	out := access.Ask(ctx, &asked, means)
	for _, e := range endpoints {
		if out.Layer != inventory.LayerReach {
			break
		}
		asked.Attrs["url"] = cty.StringVal(e)
		out = access.Ask(ctx, &asked, means)
	}
	return out
}

// equip gives a check what the project knows and the check does not say: the token that a
// command prints, the authority in a file, the host. Of a cluster it also returns the
// addresses that are tried when the first is not reached.
func (h *Home) equip(ctx context.Context, c *manifests.Check, asked *inventory.Check, means *access.Means) (endpoints []string, err error) {
	if c.Credentials.HasErrors() {
		return nil, fmt.Errorf("the token of %s cannot be read: %s", c.Addr, c.Credentials[0].Detail)
	}
	command, ca := c.Command, c.Text("ca_file")
	if cluster := h.Project().Cluster(c.Text("cluster")); cluster != nil && len(cluster.Endpoints) > 0 {
		endpoints = cluster.Endpoints[1:]
		asked.Attrs["url"] = cty.StringVal(cluster.Endpoints[0])
		if ca == "" && c.Text("fingerprint") == "" {
			ca, asked.Attrs["fingerprint"], means.Insecure = cluster.CAFile, cty.StringVal(cluster.Fingerprint), cluster.Insecure
		}
		if c.Text("token") == "" && len(command) == 0 {
			if cluster.Credentials.HasErrors() {
				return nil, fmt.Errorf("the token of proxmox.%s cannot be read: %s", cluster.Name, cluster.Credentials[0].Detail)
			}
			asked.Attrs["token"], command = cty.StringVal(cluster.Token), cluster.Command
		}
	}
	if len(command) > 0 {
		token, err := h.token(ctx, command)
		if err != nil {
			return nil, fmt.Errorf("token_command of %s: %w", c.Addr, err)
		}
		asked.Attrs["token"] = cty.StringVal(token)
	}
	if ca != "" {
		if means.CA, err = readOutside(h.Absolute(ca)); err != nil {
			return nil, fmt.Errorf("read ca_file of %s: %w", c.Addr, err)
		}
	}
	if block := h.Project().Host(c.Text("host")); block != nil {
		means.Host = sshhost.New(h.sshConfig(block))
	}
	return endpoints, nil
}

// askDue asks the checks whose last answer is no longer good. Of the others that answer
// counts on.
func (w *World) askDue(ctx context.Context, wanted func(source string) bool) {
	var due []manifests.Check
	for i := range w.Project.Checks {
		if c := &w.Project.Checks[i]; wanted(c.Addr.String()) && w.due(c) {
			due = append(due, *c)
		}
	}
	w.answered(w.home.AskChecks(ctx, due))
}

// due reports whether a check is to be asked: its answer is too old, it is another check
// now, or it has another token. Looks come a little early or late, which is no reason to
// leave one out.
func (w *World) due(c *manifests.Check) bool {
	last, known := w.Memory.Checks[c.Addr]
	return !known || !w.At.Before(last.At.Add(c.Every-c.Every/20)) || !reconcile.SecretMatches(last.Of, definition(c))
}

// definition spells what a check asks, with its token.
func definition(c *manifests.Check) string {
	body, err := json.Marshal(struct {
		Kind    string
		Attrs   map[inventory.Path]inventory.Value
		Command []string
	}{c.Kind.Name, c.Attrs.Values(), c.Command})
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(body)
	return string(sum[:])
}

// answered takes outcomes up. What stands as it stood does so since then, and where nothing
// decides, what was found last is said too.
func (w *World) answered(outcomes []inventory.Outcome) {
	if w.outcomes == nil {
		w.outcomes = map[inventory.Address]inventory.Outcome{}
	}
	for _, o := range outcomes {
		last, known := w.Memory.Checks[o.Check]
		switch {
		case known && o.Standing == inventory.CheckUnknown:
			o.Said += fmt.Sprintf("; when it was asked last, on %s, it said: %s", last.At.UTC().Format("2006-01-02 15:04 UTC"), last.Sentence())
		case known && o.Same(&last.Outcome):
			o.Since = last.Since
		}
		w.outcomes[o.Check] = o
	}
}

// Asked reports a check that this look has asked.
func (w *World) Asked(a inventory.Address) bool {
	_, asked := w.outcomes[a]
	return asked
}

// Outcome is how a check stands: as it was answered now, or as it was last; without either
// nobody knows.
func (w *World) Outcome(a inventory.Address) inventory.Outcome {
	if o, asked := w.outcomes[a]; asked {
		return o
	}
	last, known := w.Memory.Checks[a]
	c := w.Project.Check(a)
	switch {
	case known && c != nil:
		last.Severity = c.Severity
		return last.Outcome
	case c == nil:
		return inventory.Outcome{Check: a, Standing: inventory.CheckUnknown, Said: "no manifest declares it"}
	}
	return inventory.Outcome{Check: a, Kind: c.Kind.Name, Standing: inventory.CheckUnknown, Severity: c.Severity, Said: "it was never asked", Evidence: []inventory.Proof{}, Fix: []string{}}
}

// Remembers is what a look leaves in the memory of the checks that are declared: answers
// that decide, and without one the last that did.
func (w *World) Remembers() map[inventory.Address]reconcile.Checked {
	out := map[inventory.Address]reconcile.Checked{}
	for i := range w.Project.Checks {
		c := &w.Project.Checks[i]
		o, asked := w.outcomes[c.Addr]
		if last, known := w.Memory.Checks[c.Addr]; known {
			out[c.Addr] = last
		}
		if asked && o.Standing != inventory.CheckUnknown {
			out[c.Addr] = reconcile.Checked{Outcome: o, Of: reconcile.HashSecret(definition(c))}
		}
	}
	return out
}

// gates asks the checks on which planned changes wait, unless this look has asked them or
// nobody means to apply the plan, and blocks what waits for one that does not hold.
func (w *World) gates(ctx context.Context, p *reconcile.Plan, ask bool) {
	var now []manifests.Check
	for i := range p.Changes {
		if len(p.Changes[i].Steps) == 0 {
			continue
		}
		for _, g := range p.Changes[i].Want.Policy.Gates {
			again := slices.ContainsFunc(now, func(c manifests.Check) bool { return c.Addr == g })
			if c := w.Project.Check(g); c != nil && ask && !w.Asked(g) && !again {
				now = append(now, *c)
			}
		}
	}
	w.answered(w.home.AskChecks(ctx, now))
	reconcile.Gate(p, w.Outcome)
}

// tellChecks puts into a plan how the checks stand; with targets those on which they wait.
func (w *World) tellChecks(p *reconcile.Plan, targets []inventory.Address) {
	for i := range w.Project.Checks {
		a := w.Project.Checks[i].Addr
		if targets == nil || w.gateOf(a, targets) {
			p.Checks = append(p.Checks, w.Outcome(a))
		}
	}
	for i := range p.Checks {
		if o := &p.Checks[i]; o.Standing == inventory.CheckFails {
			p.Findings = append(p.Findings, o.Finding())
		}
	}
}

// gateOf reports whether one of the targets waits for a check.
func (w *World) gateOf(check inventory.Address, targets []inventory.Address) bool {
	return slices.ContainsFunc(w.Project.Resources, func(r inventory.Resource) bool {
		return slices.Contains(r.Policy.Gates, check) && slices.ContainsFunc(targets, func(t inventory.Address) bool { return t.Names(r.Addr) })
	})
}
