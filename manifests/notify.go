package manifests

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A Notify is a route to people: what is sent where, and when not.
type Notify struct {
	Name     string
	URL      string             // of shoutrrr; a secret
	Topics   []string           // of events; see NotifyTopics
	Severity inventory.Severity // what weighs less is not sent
	Tags     []string           // only guests with one of these tags, or in one of these pools; none: everything
	Quiet    *Quiet             // nil: at any time
	Remind   time.Duration      // how often of what stays open; 0: never
	Decide   bool               // whoever gets a message about a proposal decides about it
	Range    hcl.Range

	// Credentials holds what went wrong with the URL alone, which holds a token.
	Credentials hcl.Diagnostics

	asked  []string  // the topics that the block names
	decide hcl.Range // where it says so
}

// Quiet are the hours of a day in which nothing is sent, by the clock on the wall.
type Quiet struct {
	From, To int // minutes after midnight; To is not in it, and may be the next day's
	Location *time.Location
}

// Holds reports whether a time lies in the quiet hours.
func (q *Quiet) Holds(at time.Time) bool {
	if q == nil {
		return false
	}
	local := at.In(q.Location)
	minute := local.Hour()*60 + local.Minute()
	if q.From < q.To {
		return q.From <= minute && minute < q.To
	}
	return q.From <= minute || minute < q.To
}

// NotifyTopics are what a route can be about: the topics of events, what recon facts and
// recon doctor find, and the reports of schedules.
func NotifyTopics() []string { return append(inventory.Topics(), "facts", "doctor", "report") }

// Services are the services of shoutrrr to which recon sends, and whether the host of
// such a URL is the name of a server. Where it is not, it is a part of the credentials.
func Services() map[string]bool {
	return map[string]bool{
		"bark": true, "discord": false, "generic": true, "googlechat": true, "gotify": true, "hangouts": true, "ifttt": false, "join": false, "lark": true,
		"matrix": true, "mattermost": true, "notifiarr": false, "ntfy": true, "opsgenie": true, "pagerduty": true, "pushbullet": false, "pushover": false,
		"rocketchat": true, "signal": true, "slack": false, "smtp": true, "teams": false, "telegram": false, "wecom": false, "zulip": true,
	}
}

var notifySpec = spec{what: "a notify block", attrs: []string{"url", "events", "severity", "tags", "quiet", "remind", "decide"}}

// leastRemind is how often somebody is reminded at most.
const leastRemind = time.Hour

// notify decodes a notify block.
func (l *loader) notify(b *hclsyntax.Block) {
	l.report(notifySpec.check(b.Body)...)
	if d := labels(b, "name"); d != nil {
		l.report(d)
		return
	}
	n := Notify{Name: b.Labels[0], Topics: NotifyTopics(), Severity: inventory.SeverityWarning, Range: b.DefRange()}
	if !labelPattern.MatchString(n.Name) {
		l.report(errorAt(b.LabelRanges[0], "Invalid label", "A label starts with a letter and has letters, digits, _ and - only."))
	}
	for _, other := range l.project.Notify {
		if other.Name == n.Name {
			l.report(errorAt(b.DefRange(), "Duplicate definition", "notify %q is defined here and at %s.", n.Name, place(other.Range)))
			return
		}
	}
	if b.Body.Attributes["url"] == nil {
		l.report(errorAt(b.DefRange(), "Missing argument", "A notify block needs url = env(\"NTFY_URL\"): where notices go, such as ntfy://ntfy.sh/TOPIC."))
	}
	for _, arg := range sortedAttrs(b.Body) {
		l.notifyArgument(arg, &n)
	}
	l.project.Notify = append(l.project.Notify, n)
}

func (l *loader) notifyArgument(arg *hclsyntax.Attribute, n *Notify) {
	switch arg.Name {
	case "url":
		l.notifyURL(arg, n)
	case "events":
		if l.argument(arg, &scope{}, &n.Topics) {
			n.asked = n.Topics
			l.report(checkTopics(arg, n.Topics)...)
		}
	case "severity":
		text := ""
		if l.argument(arg, &scope{}, &text) {
			n.Severity = inventory.Severity(text)
			if words := inventory.Severities(); !slices.Contains(words, n.Severity) {
				l.report(errorAt(arg.Expr.Range(), "Unknown severity", "severity takes \"info\", \"warning\" or \"error\": what weighs less is not sent."))
			}
		}
	case "tags":
		l.argument(arg, &scope{}, &n.Tags)
	case "quiet":
		l.quiet(arg, n)
	case "remind":
		l.remind(arg, n)
	case "decide":
		if l.argument(arg, &scope{}, &n.Decide) {
			n.decide = arg.Expr.Range()
		}
	}
}

// unheard warns of topics of which no schedule ever finds out anything.
func (l *loader) unheard() {
	does := map[string]bool{}
	for _, s := range l.project.Schedules {
		does[s.Action] = true
	}
	for _, n := range l.project.Notify {
		if n.Decide && (l.project.Page == nil || l.project.Page.URL == "") {
			l.report(errorAt(n.decide, "No page to decide on", "decide = true puts a link to the page into messages, and no page block says which url people reach it at."))
		}
		for _, topic := range n.asked {
			action := topic
			if topic == "proposal" {
				action = "heal"
			}
			if slices.Contains(Actions(), action) && action != "drift" && !does[action] {
				l.report(warnAt(n.Range, "Nothing to tell", "notify %q is about %q, and no schedule has action = %q: recon serve tells what its schedules find.", n.Name, topic, action))
			}
		}
	}
}

func checkTopics(arg *hclsyntax.Attribute, topics []string) (out hcl.Diagnostics) {
	known := NotifyTopics()
	words := fmt.Sprintf("\"%s\"", strings.Join(known, `", "`))
	if len(topics) == 0 {
		out = append(out, errorAt(arg.Expr.Range(), "Nothing to tell", "events takes some of %s; without it, it is all of them.", words))
	}
	for _, t := range topics {
		if !slices.Contains(known, t) {
			out = append(out, errorAt(arg.Expr.Range(), "Unknown event", "events takes some of %s; %q is none of them.%s", words, t, inventory.DidYouMean(t, known)))
		}
	}
	return out
}

// notifyURL reads where a route leads. What goes wrong is kept aside, as with the token
// of a cluster.
func (l *loader) notifyURL(arg *hclsyntax.Attribute, n *Notify) {
	outer := l.diags
	l.diags = nil
	defer func() { n.Credentials, l.diags = l.diags, append(outer, warnings(l.diags)...) }()
	if !l.argument(arg, &scope{}, &n.URL) {
		return
	}
	n.URL = strings.TrimSpace(n.URL)
	if isLiteral(arg.Expr) && len(n.Private()) > 0 {
		l.project.secrets = append(l.project.secrets, arg.Expr.Range())
		l.report(warnAt(arg.Expr.Range(), "Secret in a manifest", "The address of a service stands in the file itself, with what lets one send to it. Take it from env() or file()."))
	}
	known := slices.Sorted(maps.Keys(Services()))
	if u, err := url.Parse(n.URL); err != nil || u.Scheme == "" {
		l.report(errorAt(arg.Expr.Range(), "Not an address of a service", "url is of the form SERVICE://..., as shoutrrr has it: ntfy://ntfy.sh/TOPIC, discord://TOKEN@ID, smtp://HOST:25/?from=A&to=B."))
	} else if service := serviceOf(u); !slices.Contains(known, service) {
		l.report(errorAt(arg.Expr.Range(), "Unknown service", "The URL begins with none of the services to which recon sends: %s.%s", strings.Join(known, ", "), inventory.DidYouMean(service, known)))
	}
}

// serviceOf is the service that a URL names: generic in generic+https://host/path.
func serviceOf(u *url.URL) string {
	service, _, _ := strings.Cut(strings.ToLower(u.Scheme), "+")
	return service
}

// Service names the service, which is no secret.
func (n *Notify) Service() string {
	u, err := url.Parse(n.URL)
	if err != nil {
		return ""
	}
	return serviceOf(u)
}

// Secrets are what of the URL is a secret without doubt: no output may hold it.
func (n *Notify) Secrets() (out []string) {
	for _, part := range n.Private() {
		if part == n.URL || random(part) {
			out = append(out, part)
		}
	}
	if u, err := url.Parse(n.URL); err == nil && u.User != nil {
		password, _ := u.User.Password()
		out = append(out, password)
	}
	return out
}

// random reports a text that is no word that something in a home may be called by.
func random(s string) bool { return len(s) >= 10 && strings.ContainsAny(s, "0123456789") }

// Private are all parts of the URL that nobody has to see to know where it leads: an
// error of the route holds none of them.
func (n *Notify) Private() (out []string) {
	u, err := url.Parse(n.URL)
	if err != nil {
		return []string{n.URL}
	}
	parts := strings.Split(u.Path, "/")
	service := serviceOf(u)
	if !Services()[service] {
		parts = append(parts, u.Host, u.Hostname())
	}
	if u.User != nil {
		password, _ := u.User.Password()
		parts = append(parts, u.User.Username(), password)
	}
	if service != "smtp" { // there it is who sends to whom
		for _, values := range u.Query() {
			parts = append(parts, values...)
		}
	}
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	if len(out) > 0 {
		out = append(out, n.URL)
	}
	return out
}

// quiet decodes { from = "22:00", to = "07:00", timezone = "Europe/Berlin" }.
func (l *loader) quiet(arg *hclsyntax.Attribute, n *Notify) {
	hours := map[string]string{}
	if !l.argument(arg, &scope{}, &hours) {
		return
	}
	q, err := quietHours(hours)
	if err != nil {
		l.report(errorAt(arg.Expr.Range(), "Not quiet hours", "quiet takes { from = \"22:00\", to = \"07:00\", timezone = \"Europe/Berlin\" }: %s.", err))
		return
	}
	n.Quiet = q
}

func quietHours(hours map[string]string) (*Quiet, error) {
	q := &Quiet{Location: time.Local}
	for _, key := range slices.Sorted(maps.Keys(hours)) {
		if !slices.Contains([]string{"from", "to", "timezone"}, key) {
			return nil, fmt.Errorf("it has no %s", key)
		}
	}
	for _, end := range []struct {
		name string
		into *int
	}{{"from", &q.From}, {"to", &q.To}} {
		at, err := time.Parse("15:04", hours[end.name])
		if err != nil {
			return nil, fmt.Errorf("%s is a time of day, not %q", end.name, hours[end.name])
		}
		*end.into = at.Hour()*60 + at.Minute()
	}
	if q.From == q.To {
		return nil, fmt.Errorf("from and to are the same")
	}
	if zone, ok := hours["timezone"]; ok {
		location, err := time.LoadLocation(zone)
		if err != nil {
			return nil, fmt.Errorf("%q is not a name of the time zone database", zone)
		}
		q.Location = location
	}
	return q, nil
}

func (l *loader) remind(arg *hclsyntax.Attribute, n *Notify) {
	text := ""
	if !l.argument(arg, &scope{}, &text) {
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < leastRemind {
		l.report(errorAt(arg.Expr.Range(), "Not a time between reminders", "remind is how often you want to hear of what stays open, such as \"24h\"; at least \"1h\"."))
		return
	}
	n.Remind = d
}

// reportFile reports a place where no report is written.
func reportFile(p string, rng hcl.Range) *hcl.Diagnostic {
	clean := path.Clean(p)
	switch {
	case path.IsAbs(p) || strings.HasPrefix(clean, "..") || strings.HasPrefix(clean, ".") || strings.Contains(clean, "/.") || strings.ContainsAny(p, "\\\x00"):
		return errorAt(rng, "Not a file of the project", "%q is not a path below the project's root, outside of hidden folders.", p)
	case !slices.Contains([]string{".md", ".html", ".json"}, path.Ext(clean)):
		return errorAt(rng, "Not a report", "A report is written as .md, .html or .json; %q is none of them.", p)
	}
	return nil
}
