package terraform

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
)

// A plan is a saved plan of terraform and what it would do.
type plan struct {
	file    string
	changes []string          // a line for each resource that would change, followed by one for each of its values
	after   map[string]*Guest // what the state would say afterwards, by address
	actions map[string]bool   // create, update, delete, as far as they occur
	used    bool              // it was applied, or another one was since
}

// plan makes and saves a plan for one resource. It takes no lock and changes
// nothing; the apply of a plan whose state has changed is refused by terraform.
func (p *Provider) plan(ctx context.Context, address string) (*plan, error) {
	tf, done, err := p.terraform()
	if err != nil {
		return nil, err
	}
	defer done()
	dir, err := p.scratch()
	if err != nil {
		return nil, fmt.Errorf("save a plan: %w", err)
	}
	p.mu.Lock()
	p.saved++
	file := filepath.Join(dir, fmt.Sprintf("%d.tfplan", p.saved))
	p.plans[address] = &plan{file: file, used: true}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, planTime)
	defer cancel()
	if err := unattended(ctx, func() error {
		_, err := tf.Plan(ctx, tfexec.Target(address), tfexec.Out(file), tfexec.Lock(false))
		return err
	}); err != nil {
		return nil, classify(err, p.secrets())
	}
	var shown *tfjson.Plan
	if err := unattended(ctx, func() (err error) {
		shown, err = tf.ShowPlanFile(ctx, file)
		return err
	}); err != nil {
		return nil, fmt.Errorf("show the saved plan: %w", classify(err, p.secrets()))
	}
	pl := p.read(shown, file)
	p.mu.Lock()
	p.plans[address] = pl
	p.mu.Unlock()
	return pl, nil
}

// planTime bounds a plan: providers ask their servers for everything in the state.
const planTime = 3 * time.Minute

// unattended runs what may go on after its context has ended: terraform-exec waits for
// whoever holds the output of a terraform that is gone.
func unattended(ctx context.Context, run func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(2 * waitDelay):
		return ctx.Err()
	}
}

// read takes out of a saved plan what it would do.
func (p *Provider) read(shown *tfjson.Plan, file string) *plan {
	pl := &plan{file: file, after: map[string]*Guest{}, actions: map[string]bool{}}
	for _, rc := range shown.ResourceChanges {
		if rc.Change == nil || rc.Change.Actions.NoOp() || rc.Change.Actions.Read() {
			if rc.Change != nil {
				p.foresee(pl, rc)
			}
			continue
		}
		var actions []string
		for _, a := range rc.Change.Actions {
			pl.actions[string(a)] = true
			actions = append(actions, string(a))
		}
		pl.changes = append(pl.changes, strings.Join(actions, " and ")+" "+rc.Address)
		for _, diff := range differences(rc.Change) {
			pl.changes = append(pl.changes, redact(diff, p.secrets()))
		}
		p.foresee(pl, rc)
	}
	return pl
}

// foresee keeps what the state would say of a guest after the plan.
func (p *Provider) foresee(pl *plan, rc *tfjson.ResourceChange) {
	after, ok := normal(rc.Change.After).(map[string]any)
	if !ok || mapperOf(rc.Type) == nil {
		return
	}
	r := &resource{address: rc.Address, typ: rc.Type, values: after, sensitive: shownPaths(normal(rc.Change.AfterSensitive), nil)}
	pl.after[rc.Address] = newGuest(r, p.Name())
}

// normal turns a decoded value into the form that this package decodes itself.
func normal(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var out any
	if decode(raw, &out) != nil {
		return nil
	}
	return out
}

// differences says what a change changes. Sensitive values are named, not shown.
func differences(c *tfjson.Change) []string {
	hidden := append(shownPaths(normal(c.BeforeSensitive), nil), shownPaths(normal(c.AfterSensitive), nil)...)
	before, after, unknown := flat(normal(c.Before)), flat(normal(c.After)), flat(normal(c.AfterUnknown))
	paths := map[string]bool{}
	for _, side := range []map[string]leaf{before, after} {
		for p := range side {
			paths[p] = true
		}
	}
	var out []string
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		b, a := before[p], after[p]
		if b.text == a.text || unknown[p].text == "true" {
			continue
		}
		secret := slices.ContainsFunc(hidden, func(h []string) bool { return covers(h, b.path) && covers(h, a.path) })
		if secret {
			out = append(out, p+" (secret)")
			continue
		}
		out = append(out, fmt.Sprintf("%s %s -> %s", p, orNone(b.text), orNone(a.text)))
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

type leaf struct {
	path []string
	text string
}

// flat lists the scalars of a value by path: memory[0].dedicated.
func flat(v any) map[string]leaf {
	out := map[string]leaf{}
	var walk func(v any, name string, path []string)
	walk = func(v any, name string, path []string) {
		switch v := v.(type) {
		case map[string]any:
			for k, sub := range v {
				walk(sub, strings.TrimPrefix(name+"."+k, "."), append(slices.Clone(path), k))
			}
		case []any:
			for i, sub := range v {
				walk(sub, fmt.Sprintf("%s[%d]", name, i), append(slices.Clone(path), "*"))
			}
		case nil:
		default:
			out[name] = leaf{path, text(v)}
		}
	}
	walk(v, "", nil)
	return out
}
