package manifests

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A Watch is a cluster that the daemon asks all the time whether something happened.
type Watch struct {
	Name    string
	Cluster string
	Every   time.Duration
	Range   hcl.Range
}

var watchSpec = spec{what: "a watch block", attrs: []string{"cluster", "every"}}

// watchEvery is how often a cluster is asked when nobody says.
const watchEvery = 5 * time.Second

// watches decodes the watch blocks.
func (l *loader) watches() {
	for _, b := range l.blocks {
		if b.Type == "watch" {
			l.watch(b)
		}
	}
}

func (l *loader) watch(b *hclsyntax.Block) {
	l.report(watchSpec.check(b.Body)...)
	if d := labels(b, "name"); d != nil {
		l.report(d)
		return
	}
	w := Watch{Name: b.Labels[0], Every: watchEvery, Range: b.DefRange()}
	for _, other := range l.project.Watches {
		if other.Name == w.Name {
			l.report(errorAt(b.DefRange(), "Duplicate definition", "watch %q is defined here and at %s.", w.Name, place(other.Range)))
			return
		}
	}
	if arg := b.Body.Attributes["every"]; arg != nil {
		text := ""
		if !l.argument(arg, &scope{}, &text) {
			return
		}
		every, err := time.ParseDuration(text)
		if err != nil || every < 2*time.Second || every > time.Hour {
			l.report(errorAt(arg.Expr.Range(), "Not a span of time", "every is how often the cluster is asked, from \"2s\" to \"1h\"; left out \"5s\"."))
			return
		}
		w.Every = every
	}
	if w.Cluster = l.oneCluster(b, "watch."+w.Name); w.Cluster != "" {
		l.project.Watches = append(l.project.Watches, w)
	}
}
