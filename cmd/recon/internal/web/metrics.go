package web

import (
	"net/http"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/reconcile"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics answers Prometheus. No label is a name that came from outside: kinds, verdicts
// and actions are recon's own words, sources and files those of the manifests.
func (s *server) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{s})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("recon_"+name, help, labels, nil)
}

var (
	driftResources = metric("drift_resources", "Declared resources that differ from their manifest.", "verdict", "kind")
	driftOldest    = metric("drift_oldest_seconds", "Age of the oldest open drift.")
	sourceAge      = metric("source_age_seconds", "Time since a source was observed whole.", "source")
	sourceUp       = metric("source_up", "Whether the last look observed all of a source.", "source")
	managed        = metric("managed_resources", "Resources that manifests declare.")
	unmanaged      = metric("unmanaged_guests", "Guests that no manifest declares.")
	unknownCount   = metric("unknown_resources", "Declared resources that the last look could not observe.")
	runsTotal      = metric("runs_total", "Runs that ended.", "action")
	runsFailed     = metric("runs_failed_total", "Runs that ended with an error.", "action")
	runSeconds     = metric("run_duration_seconds", "Time that runs took.", "action")
	lastRun        = metric("last_run_timestamp_seconds", "When the last run of an action ended.", "action")
	callsTotal     = metric("api_calls_total", "Requests to a source, by method and by the code of the answer.", "source", "method", "code")
	findingsOpen   = metric("findings", "Findings of the doctor, by severity.", "severity")
	statementsOpen = metric("wrong_statements", "Statements in documents that contradict what is known.")
	contextTokens  = metric("context_tokens", "Size of a document that recon writes, in tokens of about four bytes.", "file")
	proposalsOpen  = metric("proposals", "Proposals that have not ended, by state.", "state")
	frozen         = metric("frozen", "Whether recon heals nothing and carries out no proposal.")
	manifestsValid = metric("manifests_valid", "Whether the manifests that are there are in force.")
	followState    = metric("source_state", "Whether the project stands so to the repository that its manifests come from.", "source", "state")
	followCommit   = metric("source_commit_info", "The commit that the manifests in force are of.", "source", "commit")
	buildInfo      = metric("build_info", "The version of recon.", "version")
)

// A collector reads the state of the home when somebody asks.
type collector struct{ *server }

// Describe is empty: which metrics there are depends on the home.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect gives the metrics of one consistent picture.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	state := c.Live.State()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge(buildInfo, 1, c.Version)
	gauge(manifestsValid, truth(state.Problem == ""))
	c.followed(state.Followed, gauge)
	gauge(frozen, truth(state.Waits.Freeze != nil))
	waits := map[string]int{reconcile.ProposalOpen: 0, reconcile.ProposalApproved: 0}
	for i := range state.Waits.Proposals {
		waits[state.Waits.Proposals[i].State]++
	}
	for name, n := range waits {
		gauge(proposalsOpen, float64(n), name)
	}
	for action, t := range state.Totals {
		counter(runsTotal, float64(t.Runs), action)
		counter(runsFailed, float64(t.Failed), action)
		gauge(lastRun, float64(t.Last.Unix()), action)
		out <- prometheus.MustNewConstSummary(runSeconds, uint64(t.Runs), t.Seconds, nil, action)
	}
	for c, n := range state.Calls {
		counter(callsTotal, float64(n), c.Source, c.Method, c.Code)
	}
	if state.Picture != nil {
		c.picture(state.Picture, gauge)
	}
	severities := map[string]int{"warning": 0, "error": 0}
	for _, f := range told(state) {
		severities[f.Severity]++
	}
	for severity, n := range severities {
		gauge(findingsOpen, float64(n), severity)
	}
	if !state.FactsAt.IsZero() {
		gauge(statementsOpen, float64(len(state.Facts)))
	}
}

// followed tells how the project stands to its repository.
func (c *collector) followed(f api.Followed, gauge func(*prometheus.Desc, float64, ...string)) {
	if f.Name == "" {
		return
	}
	name := inventory.RepositoryKind + "." + f.Name
	gauge(sourceUp, truth(f.Condition.Good()), name)
	if !f.Checked.IsZero() {
		gauge(sourceAge, c.now().Sub(f.Checked).Seconds(), name)
	}
	for _, state := range api.FollowConditions() {
		gauge(followState, truth(state == f.Condition), name, string(state))
	}
	if f.Commit != "" {
		gauge(followCommit, 1, name, f.Commit)
	}
}

func (c *collector) picture(p *api.Picture, gauge func(*prometheus.Desc, float64, ...string)) {
	sum := p.Plan.Summary()
	gauge(managed, float64(sum.Managed))
	gauge(unmanaged, float64(sum.Unmanaged))
	gauge(unknownCount, float64(sum.Unknown))
	type key struct{ verdict, kind string }
	differ := map[key]int{}
	for i := range p.Plan.Changes {
		differ[key{string(p.Plan.Changes[i].Verdict), p.Plan.Changes[i].Addr.Kind}]++
	}
	for k, n := range differ {
		gauge(driftResources, float64(n), k.verdict, k.kind)
	}
	oldest := 0.0
	if at := p.OldestDrift(); !at.IsZero() {
		oldest = c.now().Sub(at).Seconds()
	}
	gauge(driftOldest, oldest)
	for _, src := range p.Sources {
		gauge(sourceUp, truth(src.Up && !p.Remembered), src.Name)
		if !src.Seen.IsZero() {
			gauge(sourceAge, c.now().Sub(src.Seen).Round(time.Millisecond).Seconds(), src.Name)
		}
	}
	for _, d := range p.Documents {
		gauge(contextTokens, float64((len(d.Text)+3)/4), d.Path)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
