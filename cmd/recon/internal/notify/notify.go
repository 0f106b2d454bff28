// Package notify tells people what happened: it reads what was written down in the
// ledger, decides what of it a route is told, and sends that through shoutrrr.
//
// What a run learns is written down before anybody is told, with a number each. A route
// remembers the number up to which it has dealt with everything, and what of it is still
// to be told; what it has decided to send is written down before it is sent, and forgotten
// only when it has arrived. So a kill at any moment loses nothing. One between sending and
// noting sends the same message again, under the same ID.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"

	"github.com/hashicorp/hcl/v2"
)

// A Teller tells people, by the routes of a home. Its calls may come from several
// goroutines; they wait for each other.
type Teller struct {
	Home *api.Home
	Send func(context.Context, *api.Route, *Message) error // nil: through shoutrrr
	Tell func(route string, err error)                     // hears of what did not arrive, once as long as it is the same

	mu   sync.Mutex
	wire wire
	said map[string]string // what Tell has heard of a route last

	finding sync.Mutex // of found: a check does not wait for a message that is being sent
	found   map[string]Found
}

// Found takes what a check of a topic has found.
func (t *Teller) Found(topic string, f Found) {
	t.finding.Lock()
	defer t.finding.Unlock()
	if t.found == nil {
		t.found = map[string]Found{}
	}
	t.found[topic] = f
}

func (t *Teller) lastFound() map[string]Found {
	t.finding.Lock()
	defer t.finding.Unlock()
	return maps.Clone(t.found)
}

// After tells every route what it was not told yet. It is for a daemon, after each run
// and every now and then.
func (t *Teller) After(ctx context.Context) { t.Each(ctx, t.say) }

// Each tells every route what it was not told yet, and says of each how that went.
func (t *Teller) Each(ctx context.Context, say func(route string, err error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	routes := t.Home.Project().Notify
	if len(routes) == 0 {
		return
	}
	desk, err := api.OpenDesk(ctx, t.Home)
	if err != nil {
		say("", err)
		return
	}
	defer desk.Close()
	for i := range routes {
		err := t.route(ctx, desk, &routes[i])
		if errors.Is(err, api.ErrNoteChanged) {
			err = nil // somebody else tells it
		}
		if ctx.Err() != nil {
			return
		}
		say(routes[i].Name, err)
	}
}

// Test sends a message that says that it is a test.
func (t *Teller) Test(ctx context.Context, r *api.Route) error {
	if err := usable(r); err != nil {
		return err
	}
	m := Message{ID: digestOf(r.Name, t.Home.Now().String()), Title: "recon: a test", Text: "A test of the route " + r.Name + ". Nothing has happened.", At: t.Home.Now()}
	return t.transmit(ctx, r, m)
}

// say passes on what went wrong with a route, unless that is known.
func (t *Teller) say(route string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if t.said == nil {
		t.said = map[string]string{}
	}
	if t.said[route] != text && err != nil {
		t.Tell(route, err)
	}
	t.said[route] = text
}

// A pad is the note of one route.
type pad struct {
	desk  *api.Desk
	name  string
	was   string
	state State
}

func openPad(ctx context.Context, desk *api.Desk, route string) (*pad, error) {
	p := &pad{desk: desk, name: "notify/" + route}
	var err error
	if p.was, err = desk.Note(ctx, p.name); err != nil || p.was == "" {
		return p, err
	}
	if err := json.Unmarshal([]byte(p.was), &p.state); err != nil {
		return nil, fmt.Errorf("read what the route was told: %w", err)
	}
	return p, nil
}

// save writes the state, whatever became of the daemon meanwhile: what was sent must not
// be sent again because somebody has told the daemon to stop.
func (p *pad) save(ctx context.Context, s State) error {
	body, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain values
	}
	if string(body) == p.was {
		return nil
	}
	if err := p.desk.SetNote(context.WithoutCancel(ctx), p.name, p.was, string(body)); err != nil {
		return err
	}
	// The ledger takes secrets out of what it writes: what it has is what counts.
	if p.was, err = p.desk.Note(context.WithoutCancel(ctx), p.name); err != nil {
		return err
	}
	p.state = s
	return nil
}

// route tells one route everything that is to be told now.
func (t *Teller) route(ctx context.Context, desk *api.Desk, r *api.Route) error {
	if err := usable(r); err != nil {
		return err
	}
	p, err := openPad(ctx, desk, r.Name)
	if err != nil {
		return err
	}
	for {
		news, err := desk.News(ctx, p.state.from(), p.state.Run)
		if err != nil {
			return err
		}
		known, err := desk.Known(ctx, t.Home.Now()) // after the news: it is not older
		if err != nil {
			return err
		}
		next := Decide(r, p.state, Input{News: news, Known: known, Found: t.lastFound(), Now: t.Home.Now()})
		if err := p.save(ctx, next); err != nil || next.Outbox == nil || !next.due(r, t.Home.Now()) {
			return err
		}
		if err := t.deliver(ctx, p, r); err != nil {
			return err
		}
	}
}

// deliver sends the message that the route has to send. The attempt is noted before it is
// made, so that nobody else makes it too, and a crash is no endless one.
func (t *Teller) deliver(ctx context.Context, p *pad, r *api.Route) error {
	if err := p.save(ctx, p.state.attempt(t.Home.Now())); err != nil {
		return err
	}
	if err := t.transmit(ctx, r, *p.state.Outbox); err != nil {
		return &api.Failure{
			Code: api.ExitError, Err: err,
			Hint: fmt.Sprintf("it is sent again at %s; recon notify test %s tries the route", p.state.Next.Local().Format("15:04:05"), r.Name),
		}
	}
	return p.save(ctx, p.state.arrived(t.Home.Now()))
}

// transmit sends a message, without anything that is a secret, in it or in the error.
func (t *Teller) transmit(ctx context.Context, r *api.Route, m Message) error {
	m.Title, m.Text = t.Home.Secrets.Text(m.Title), t.Home.Secrets.Text(m.Text)
	if page := t.Home.Project().Page; page != nil && page.URL != "" {
		m.Text += "\n" + page.URL
		links, err := t.links(ctx, r, m.Proposals)
		if err != nil {
			return err
		}
		m.Text += links
	}
	send := t.Send
	if send == nil {
		send = t.wire.send
	}
	if err := send(ctx, r, &m); err != nil {
		return fmt.Errorf("send notice %s to %s: %s", m.ID, r.Name, t.hidden(r, err))
	}
	return nil
}

// fewLinks is how many proposals of a message have a link of their own.
const fewLinks = 5

// links are addresses at which whoever gets the message decides about what it proposes.
// They are signed when they are sent, and written down nowhere.
func (t *Teller) links(ctx context.Context, r *api.Route, of []Proposed) (text string, err error) {
	if !r.Decide || len(of) == 0 {
		return "", nil
	}
	signer, err := api.NewSigner(ctx, t.Home)
	if err != nil {
		return "", err
	}
	base := strings.TrimSuffix(t.Home.Project().Page.URL, "/")
	for _, p := range of[:min(len(of), fewLinks)] {
		text += "\n" + p.Of + ": " + base + signer.Link(p.ID, "notify."+r.Name, t.Home.Now())
	}
	return text, nil
}

// hidden is an error without anything that the URL of the route holds but the host of a
// server: services put the URL into their errors, and the token with it.
func (t *Teller) hidden(r *api.Route, err error) string {
	text := redact.New(append(r.Private(), r.Secrets()...)...).Text(err.Error())
	return t.Home.Secrets.Text(beyondHost.ReplaceAllString(text, "$1"))
}

// beyondHost is what a URL has after its host.
var beyondHost = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s/?#"']+)[/?#][^\s"']*`)

// usable refuses a route whose URL could not be read.
func usable(r *api.Route) error {
	if !r.Credentials.HasErrors() {
		return nil
	}
	i := slices.IndexFunc(r.Credentials, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError })
	return &api.Failure{Code: api.ExitError, Err: fmt.Errorf("notify %q cannot be used: %s", r.Name, r.Credentials[i].Detail), Hint: "it is the url of the notify block"}
}
