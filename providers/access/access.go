package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"recon/inventory"
	"recon/providers"
)

// Means are what asking takes beside the check.
type Means struct {
	Now     func() time.Time
	Secrets Secrets
	CA      []byte // PEM of the authority that the check trusts; nil: the system's

	Insecure bool // TLS is not verified

	Host Host // on which a command runs
}

// Secrets know what no outcome may show.
type Secrets interface {
	Learn(...string)
	Text(string) string
}

// Ask asks a check.
func Ask(ctx context.Context, c *inventory.Check, m Means) inventory.Outcome {
	t := &trial{Check: c, Means: m}
	t.Secrets.Learn(t.token())
	limit, err := time.ParseDuration(inventory.Text(c.Default("timeout")))
	if err != nil {
		limit = 10 * time.Second // a value that validate has refused
	}
	t.until = time.Now().Add(limit)
	bound, cancel := context.WithDeadline(ctx, t.until)
	defer cancel()
	err = providers.Caught(func() error { return t.ask(bound) })
	if ctx.Err() != nil {
		err = unknown("", "it was interrupted before it was answered")
	}
	return t.outcome(err)
}

// ask asks by the kind of the check.
func (t *trial) ask(ctx context.Context) error {
	ways := map[string]func(context.Context) error{
		"gitlab": t.gitlab, "gitea": t.gitea, "github": t.github, "proxmox": t.proxmox, "registry": t.registry,
		"http": t.http, "tls": t.tls, "tcp": t.tcp, "dns": t.dns, "command": t.command,
	}
	return ways[t.Kind.Name](ctx)
}

// A trial is one asking of a check.
type trial struct {
	*inventory.Check
	Means
	until time.Time // when the whole check has to end

	mu     sync.Mutex // a connection may still come about when nobody waits for it any more
	proofs []inventory.Proof
}

// token is the secret that the check sends, "" when it sends none.
func (t *trial) token() string { return t.Text("token") }

// holds notes what was found at a layer that holds. The first thing that was found counts.
func (t *trial) holds(layer inventory.Layer, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.ContainsFunc(t.proofs, func(p inventory.Proof) bool { return p.Layer == layer }) {
		t.proofs = append(t.proofs, inventory.Proof{Layer: layer, Said: t.clean(fmt.Sprintf(format, args...))})
	}
}

// A failure is where a check ends.
type failure struct {
	layer   inventory.Layer
	unknown bool
	said    string
	fix     []string
}

// Error says where and what.
func (f *failure) Error() string { return string(f.layer) + ": " + f.said }

// fails ends a check at a layer.
func fails(layer inventory.Layer, said string, fix ...string) error {
	return &failure{layer: layer, said: said, fix: fix}
}

// unknown ends a check without an answer that decides.
func unknown(layer inventory.Layer, said string, fix ...string) error {
	return &failure{layer: layer, unknown: true, said: said, fix: fix}
}

// outcome puts together what was found.
func (t *trial) outcome(err error) inventory.Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := inventory.Outcome{Check: t.Addr, Kind: t.Kind.Name, Standing: inventory.CheckWorks, Severity: t.Severity, Evidence: []inventory.Proof{}, Fix: []string{}, At: t.Now().UTC()}
	o.Since = o.At
	f := new(failure)
	switch {
	case err == nil:
	case errors.As(err, &f):
		o.Standing, o.Layer, o.Said = inventory.CheckFails, f.layer, t.clean(f.said)
		if f.unknown {
			o.Standing = inventory.CheckUnknown
		}
		for _, line := range f.fix {
			o.Fix = append(o.Fix, t.clean(line))
		}
	default:
		o.Standing, o.Said = inventory.CheckUnknown, t.clean(err.Error())
	}
	order := inventory.Layers()
	for _, layer := range order {
		before := o.Standing != inventory.CheckFails || slices.Index(order, layer) < slices.Index(order, o.Layer)
		for _, p := range t.proofs {
			if p.Layer == layer && before {
				o.Evidence = append(o.Evidence, p)
			}
		}
	}
	return o
}

// most is how long a sentence of an outcome gets.
const most = 400

// clean makes a sentence fit to be shown: one line, not long, and without secrets.
func (t *trial) clean(s string) string {
	s = t.Secrets.Text(s)
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return s
}

// daysLeft ends a check when less is left than it wants, and says how much there is.
func (t *trial) daysLeft(layer inventory.Layer, what string, until time.Time, fix ...string) error {
	now := t.Now()
	days := int(until.Sub(now) / (24 * time.Hour))
	day := until.UTC().Format(time.DateOnly)
	wanted, _ := inventory.Int(t.Default("days"))
	switch {
	case until.Before(now):
		return fails(layer, fmt.Sprintf("%s has expired on %s", what, day), fix...)
	case days < int(wanted):
		return fails(layer, fmt.Sprintf("%s expires on %s, in %s, and %d are wanted", what, day, counted(days, "day"), wanted), fix...)
	}
	t.holds(layer, "%s is good until %s", what, day)
	return nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
