package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"recon/cmd/recon/internal/api"
)

// runs makes one run after the other.
func (d *daemon) runs() {
	for j := range d.due {
		j.again, j.next = d.run(j)
		select {
		case d.ended <- j:
		case <-d.work.Done():
		}
	}
}

// run makes one run. A fault in it is that run's alone. One that fails while somebody
// writes manifests, as recon import does, has compared those of before with what is
// remembered of the new ones: it is made anew.
func (d *daemon) run(j job) (again bool, next time.Time) {
	r := api.RunRecord{Schedule: j.schedule, Action: j.action, Started: d.home.Now(), Commit: d.commit()}
	d.Live.Begin(r)
	var n Notice
	err := api.Caught(func() (err error) {
		n, err = d.act(j)
		return err
	})
	n.Schedule, n.Action, n.Err = j.name(), j.action, err
	again = err != nil && j.manifests != 0 && d.home.Fingerprint() != j.manifests
	r.Ended, r.Code = d.home.Now(), api.ExitOK
	if again {
		err, n = nil, Notice{Schedule: j.name(), Text: "the manifests have changed while it ran; it is made anew"}
	}
	if err != nil {
		r.Code, r.Error = api.CodeOf(err), d.home.Secrets.Text(err.Error())
	}
	switch {
	case again:
		r.Summary = n.Text
	case err == nil:
		d.summarise(j, &n, &r)
		if n.Summary, n.Code = r.Summary, r.Code; n.Cycle != nil {
			next = n.Cycle.Again
		}
	}
	d.waits()
	d.Live.End(r)
	if (j.action == look || j.action == advance) && err == nil {
		return again, next // nothing was written, and nobody has asked for it; or it is told already
	}
	d.Tell(n)
	select {
	case d.told <- struct{}{}:
	default: // After has not been called for the run before; it is for both
	}
	return again, next
}

// summarise says in a line how a run came out.
func (d *daemon) summarise(j job, n *Notice, r *api.RunRecord) {
	if n.Cycle != nil {
		r.Code, r.Summary, r.Events = n.Cycle.Code(), api.DescribeCycle(n.Cycle), len(n.Cycle.Events)
	}
	switch {
	case j.action == carryOut:
		r.Summary = api.DescribeApplied(n.Applied)
		if n.Applied != nil {
			r.Code = n.Applied.Code()
		}
	case n.Cycle != nil:
	case j.action == advance:
		state := d.Live.State().Followed
		r.Summary, r.Commit = state.Describe(), state.Commit
	case j.action == look:
		r.Summary = d.Live.State().Picture.Describe()
	case n.Facts != nil:
		r.Summary, r.Events = fmt.Sprintf("%d statement(s) contradict what is known", len(n.Facts.Findings)), len(n.New)
	default:
		r.Summary, r.Events = fmt.Sprintf("%d finding(s)", len(n.Found.Told)), len(n.Doctor)
	}
}

// name is how a run is called.
func (j job) name() string {
	if j.schedule == "" && j.action != look {
		return j.action + " (asked for)"
	}
	return cmp.Or(j.schedule, j.action)
}

// act does what a schedule says.
func (d *daemon) act(j job) (n Notice, err error) {
	switch j.action {
	case "facts":
		return d.facts()
	case "doctor":
		return d.examine()
	case advance:
		return n, d.advance()
	case look:
		p, err := api.ObservedPicture(d.work, d.home)
		if err == nil {
			d.Live.Show(p)
		}
		return n, err
	}
	if j.action == "heal" || j.action == carryOut {
		if n.Applied, err = api.CarryOutApproved(d.work, d.home); n.Applied != nil {
			n.Cycle = n.Applied.After
		}
		if err != nil || j.action == carryOut {
			return n, errors.Join(err, d.picture(n.Cycle))
		}
	}
	var c *api.Cycle
	if j.action == "heal" {
		c, err = api.Heal(d.work, d.home)
	} else {
		c, err = api.Drift(d.work, d.home, j.action)
	}
	if err != nil {
		return n, err // what it has seen was not written down, and is not shown
	}
	n.Cycle = c
	return n, d.picture(c)
}

// picture shows what a run has found.
func (d *daemon) picture(c *api.Cycle) error {
	if c == nil {
		return nil
	}
	p, err := api.PictureOf(d.work, c, d.Live.State().Picture)
	if err == nil {
		d.Live.Show(p)
	}
	return err
}

// own are the options of a look of its own at this project.
func (d *daemon) own() api.Options {
	opts := d.home.Options
	opts.Dir = d.home.Root
	return opts
}

// facts checks what people wrote, and tells what is new since the check before.
func (d *daemon) facts() (n Notice, err error) {
	if n.Facts, err = api.CheckFacts(d.work, d.own(), api.FactsOptions{}); err != nil {
		return n, err
	}
	known := d.known
	d.known = map[string]bool{}
	for _, f := range n.Facts.Findings {
		key := f.Key()
		d.known[key] = true
		if !known[key] {
			n.New = append(n.New, f)
		}
	}
	d.Live.ShowFacts(n.Facts.Findings, d.home.Now())
	return n, nil
}

// examine applies the doctor's rules, and tells what is new since he came last.
func (d *daemon) examine() (n Notice, err error) {
	found, err := api.Doctor(d.work, d.own(), api.Checkup{})
	if err != nil {
		return n, err
	}
	known := d.doctor
	d.doctor = map[string]bool{}
	for _, f := range found.Told {
		key := f.Rule + "\x00" + f.Address + "\x00" + f.Summary
		d.doctor[key] = true
		if !known[key] && f.Severity != "info" {
			n.Doctor = append(n.Doctor, f)
		}
	}
	n.Found = found
	d.Live.ShowDoctor(found.Told, d.home.Now())
	return n, nil
}
