package terraform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-exec/tfexec"

	"recon/inventory"
	"recon/providers"
)

// runMethod is the method of steps that run terraform.
const runMethod = "run"

// Covers reports whether Terraform has a say in a field of the guest: then recon
// must not write it.
func (g *Guest) Covers(p inventory.Path, live inventory.Attrs) bool {
	if slices.Contains(g.veiled, p) {
		return true
	}
	names := g.slots(live)
	kind := inventory.KindOf(g.Kind)
	for mine := range g.Attrs {
		if renamed(kind, mine, names) == p {
			return true
		}
	}
	return false
}

// Steps turns the change of a guest that Terraform owns into a run of terraform:
// terraform plan for that resource alone, saved, and its apply. When the code does
// not say what is wished, the reasons name the lines of code and what to write
// there, and there are no steps.
func (p *Provider) Steps(ctx context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error) {
	g, wrong := p.changeable(c)
	if wrong != nil {
		return nil, wrong, nil
	}
	pl, err := p.plan(ctx, g.Address)
	if err != nil {
		return nil, reason("terraform", "Terraform owns it (%s), and terraform plan failed: %s", g.Address, redact(err.Error(), p.secrets())), nil
	}
	if wrong := p.unmet(c, g, pl); len(wrong) > 0 {
		return nil, wrong, nil
	}
	if len(pl.changes) == 0 {
		return nil, reason("terraform", "Terraform owns it (%s), and terraform plan sees nothing to change", g.Address), nil
	}
	return []inventory.Step{p.step(c, g, pl)}, nil, nil
}

// Outline says that terraform would run, without asking it what it would do.
func (p *Provider) Outline(c inventory.Change) ([]inventory.Step, []inventory.Reason) {
	g, wrong := p.changeable(c)
	if wrong != nil {
		return nil, wrong
	}
	s := p.step(c, g, &plan{})
	s.Notes = []string{"recon plan asks terraform what it would do"}
	return []inventory.Step{s}, nil
}

// changeable finds the guest of a change, or says why a run of terraform is not the
// way to make it.
func (p *Provider) changeable(c inventory.Change) (*Guest, []inventory.Reason) {
	p.mu.Lock()
	g := p.byIdentity[c.Want.Identity]
	p.mu.Unlock()
	switch {
	case g == nil:
		return nil, reason("terraform", "%s does not know %s", p.where(), c.Want.Identity)
	case c.Action == inventory.ActionDelete:
		return nil, reason("terraform_owned", "Terraform owns it; take %s (%s) out of the code and run terraform apply", g.Address, p.spot(g.Address, place{}))
	case p.cfg.Directory == "":
		return nil, p.elsewhere(c, g)
	}
	return g, nil
}

func reason(code, format string, args ...any) []inventory.Reason {
	return []inventory.Reason{{Code: code, Detail: fmt.Sprintf(format, args...)}}
}

// elsewhere says what to change by hand when the source is a file, in whose name
// recon cannot run terraform.
func (p *Provider) elsewhere(c inventory.Change, g *Guest) []inventory.Reason {
	var out []inventory.Reason
	said, _ := g.Agreeing(c.Have.Resource.Attrs)
	for _, f := range c.Writing() {
		if f.Attr.Same(f.Desired, said[f.Path]) {
			continue // its apply puts that right without a change of code
		}
		out = append(out, reason("terraform_owned", "Terraform owns it: %s, then run terraform apply (%s)", p.edit(g, &f, c.Have.Resource.Attrs), g.Address)...)
	}
	if len(out) == 0 {
		out = reason("terraform_owned", "Terraform owns it, and its state agrees with the manifest; run terraform apply -target='%s'", g.Address)
	}
	return out
}

// edit says which line of code to change, and to what.
func (p *Provider) edit(g *Guest, f *inventory.FieldChange, live inventory.Attrs) string {
	pl, ok := g.placeOf(f.Path, live)
	if !ok {
		return fmt.Sprintf("in %s see to it that %s is %s", p.spot(g.Address, place{}), f.Path, f.Attr.Show(f.Desired))
	}
	if f.Attr.Secret {
		return fmt.Sprintf("in %s write another %s", p.spot(g.Address, pl), pl.spelled())
	}
	return fmt.Sprintf("in %s write %s = %s", p.spot(g.Address, pl), pl.spelled(), pl.spell(f.Desired))
}

func (g *Guest) placeOf(path inventory.Path, live inventory.Attrs) (place, bool) {
	names := g.slots(live)
	kind := inventory.KindOf(g.Kind)
	for mine, pl := range g.places() {
		if renamed(kind, mine, names) == path {
			return pl, true
		}
	}
	return place{}, false
}

// unmet names the wishes that the code does not fulfil.
func (p *Provider) unmet(c inventory.Change, g *Guest, pl *plan) []inventory.Reason {
	after := pl.after[g.Address]
	if after == nil && c.Action == inventory.ActionUpdate {
		after = g // the plan leaves the resource as the state has it
	}
	var out []inventory.Reason
	wishes := c.Writing()
	if c.Action == inventory.ActionCreate {
		wishes = c.Fields
	}
	target := maps.Clone(c.Have.Resource.Attrs)
	if target == nil {
		target = inventory.Attrs{}
	}
	for _, f := range wishes {
		target[f.Path] = f.Desired
	}
	var would inventory.Attrs
	if after != nil {
		would, _ = after.Agreeing(target)
	}
	for i := range wishes {
		f := &wishes[i]
		if c.Action == inventory.ActionCreate && !g.Covers(f.Path, target) || f.Attr.WriteOnly || f.Attr.Same(f.Desired, would[f.Path]) {
			continue
		}
		out = append(out, reason("terraform_code", "Terraform owns it, and its code says otherwise; %s", p.edit(g, f, c.Have.Resource.Attrs))...)
	}
	return out
}

// step is the apply of a saved plan.
func (p *Provider) step(c inventory.Change, g *Guest, pl *plan) inventory.Step {
	s := inventory.Step{
		Method: runMethod, Path: "terraform apply", Impact: max(c.Impact, inventory.ImpactReload), Touches: touches(c.Have.Volatile.Raw, g.Kind),
		Params:  map[string]string{"source": p.Name(), "directory": p.cfg.Directory, "target": g.Address, "changes": strings.Join(pl.changes, "\n")},
		Summary: "terraform apply " + g.Address, Done: inventory.Probe{State: inventory.Present.String(), Fields: map[inventory.Path]inventory.Value{}},
	}
	if p.cfg.Workspace != "" {
		s.Params["workspace"] = p.cfg.Workspace
	}
	if pl.actions["delete"] {
		s.Impact = inventory.ImpactDestroy
	}
	for _, f := range c.Writing() {
		if !f.Attr.WriteOnly {
			s.Done.Fields[f.Path] = inventory.Value{Value: f.Desired}
		}
	}
	return s
}

// touches lists the keys that a run of terraform may change: it writes the whole
// guest, not single fields.
func touches(raw map[string]string, kind string) []string {
	out := slices.Collect(maps.Keys(raw))
	k := inventory.KindOf(kind)
	for _, a := range k.Attrs {
		out = append(out, a.Key)
	}
	for _, b := range k.Blocks {
		out = append(out, b.Key)
		for _, a := range b.Attrs {
			if b.Slots == nil {
				out = append(out, a.Key)
			}
		}
		for _, r := range b.Slots {
			for n := r.From; n <= r.To; n++ {
				out = append(out, slot(r.Prefix, n), slot("ipconfig", n))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Do applies the saved plan of a step. One that was saved by another process, or
// before another plan of the source was applied, is made again, and applied only
// when it would do the same.
func (p *Provider) Do(ctx context.Context, s inventory.Step, say providers.Reporter) (providers.Result, error) {
	p.runs.Lock()
	defer p.runs.Unlock()
	target := s.Params["target"]
	p.mu.Lock()
	pl := p.plans[target]
	p.mu.Unlock()
	if pl == nil || pl.used {
		var err error
		if pl, err = p.plan(ctx, target); err != nil {
			return providers.Result{}, fmt.Errorf("terraform plan: %w", err)
		}
	}
	if got := strings.Join(pl.changes, "\n"); got != s.Params["changes"] {
		return providers.Result{}, fmt.Errorf("%w: terraform would now do something else: %s", providers.ErrChangedMeanwhile, got)
	}
	tf, done, err := p.terraform()
	if err != nil {
		return providers.Result{}, err
	}
	defer done()
	if p.cfg.Finishing != nil {
		p.cfg.Finishing.Add(1)
		defer p.cfg.Finishing.Add(-1)
	}
	tf.SetStdout(&lineWriter{say: func(line string) { say(redact(line, p.secrets())) }})
	p.spend()
	if err := tf.Apply(ctx, tfexec.DirOrPlan(pl.file)); err != nil {
		return providers.Result{}, fmt.Errorf("terraform apply: %w", p.outcome(err))
	}
	return providers.Result{}, nil
}

// outcome tells a run that was refused before it began from one that may have
// changed something.
func (p *Provider) outcome(err error) error {
	err = classify(err, p.secrets())
	if errors.Is(err, ErrLocked) || errors.Is(err, ErrUninitialised) {
		return err
	}
	return fmt.Errorf("%w: %w", providers.ErrOutcomeUnknown, err)
}

// spend marks all saved plans of the source as used: an apply changes the state for
// which they were made.
func (p *Provider) spend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pl := range p.plans {
		pl.used = true
	}
}

// A lineWriter hands on whole lines without colours.
type lineWriter struct {
	say  func(string)
	rest []byte
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		if line := strings.TrimSpace(ansi.ReplaceAllString(string(w.rest[:i]), "")); line != "" && w.say != nil {
			w.say(line)
		}
		w.rest = w.rest[i+1:]
	}
}
