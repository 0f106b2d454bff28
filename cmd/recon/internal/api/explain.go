package api

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/graph"
	"recon/providers/docker"
	"recon/providers/proxmox"
	"recon/providers/terraform"
	"recon/reconcile"

	"github.com/mattn/go-shellwords"
)

// An Explained says in words what something is. One of its parts is filled in.
type Explained struct {
	FormatVersion string                 `json:"format_version"`
	Complete      bool                   `json:"complete"`
	Command       *inventory.Explanation `json:"command"`
	Rule          *ExplainedRule         `json:"rule"`
	Resource      *ExplainedResource     `json:"resource"`
}

// An ExplainedRule is a rule of the doctor, and what it finds now.
type ExplainedRule struct {
	Name     string              `json:"name"`
	Why      string              `json:"why"`
	Address  string              `json:"address"`  // "" is everywhere
	Findings []inventory.Finding `json:"findings"` // null where there is no project to look at
	Unknown  []string            `json:"unknown"`  // what could not be looked at
}

// An ExplainedResource is a resource, what needs it, and how it comes to agree again.
type ExplainedResource struct {
	*Shown
	NeededBy []string           `json:"needed_by"` // what goes down, or loses something, while it restarts
	NotKnown []string           `json:"not_known"` // what may change that
	Action   string             `json:"action"`
	Blocked  []inventory.Reason `json:"blocked"`
	Steps    []ExplainedStep    `json:"steps"` // what apply would do
	Adopt    string             `json:"adopt"` // the command by which the manifest comes to agree instead; "" where nothing differs
}

// An ExplainedStep is a call, and what it does.
type ExplainedStep struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Does   string `json:"does"`
}

// Code is the exit code of recon explain.
func (e *Explained) Code() int {
	if !e.Complete {
		return ExitIncomplete
	}
	return ExitOK
}

var paramForm = regexp.MustCompile(`^[a-z][a-z0-9_-]*=`)

// CallOf reads a call as plans and the history show it. A value may have blanks in it.
func CallOf(text string) (inventory.Step, bool) {
	method, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	s := inventory.Step{Method: method, Params: map[string]string{}}
	if proxmoxMethod(method) || docker.TakesParams(method) {
		s.Path, rest, _ = strings.Cut(strings.TrimSpace(rest), " ")
	} else {
		s.Path, rest = rest, ""
	}
	last := ""
	for _, word := range strings.Split(rest, " ") {
		switch key, value, _ := strings.Cut(word, "="); {
		case paramForm.MatchString(word):
			last, s.Params[key] = key, value
		case last != "":
			s.Params[last] += " " + word
		case word != "":
			return s, false
		}
	}
	return s, s.Path != "" && (proxmoxMethod(method) || docker.IsMethod(method))
}

func proxmoxMethod(word string) bool {
	return slices.Contains([]string{"GET", "PUT", "POST", "DELETE"}, word)
}

// Lines are the command lines that recon prints, but for its own.
func Lines() []inventory.Line {
	return slices.Concat(proxmox.Lines(), docker.Lines(), terraform.Lines())
}

// Words takes a command line apart as a shell would, without what only a shell can know.
// What comes behind the first command is not looked at, and says so.
func Words(text string) (words []string, whole bool) {
	text, _, _ = strings.Cut(text, " #")
	p := shellwords.NewParser()
	words, err := p.Parse(text)
	return words, err == nil && p.Position < 0
}

// ExplainCommand explains a call or a command line. It looks at nothing.
func ExplainCommand(text string) (*Explained, error) {
	var e *inventory.Explanation
	if s, ok := CallOf(text); ok {
		for _, explain := range []func(*inventory.Step) *inventory.Explanation{proxmox.Explain, docker.Explain} {
			if e == nil {
				e = explain(&s)
			}
		}
	} else if words, whole := Words(text); len(words) > 0 {
		if e = inventory.ExplainLine(Lines(), words); e != nil && !whole {
			e.Unknown("what follows the first command")
		}
	}
	if e == nil {
		return nil, &Failure{Code: ExitError, Err: errors.New("recon does not know this command, so it says nothing of it"), Hint: "recon explains the calls and commands that it prints itself"}
	}
	return ExplainedCommand(e), nil
}

// ExplainedCommand is the answer about a command.
func ExplainedCommand(e *inventory.Explanation) *Explained {
	return &Explained{FormatVersion: FormatVersion, Complete: e.Complete(), Command: e}
}

// IsCommand reports whether somebody means a call or a command line, and no address: it
// has several words, of which the first is no rule.
func IsCommand(words []string) bool {
	fields := strings.Fields(strings.Join(words, " "))
	return len(fields) > 1 && ruleOf(fields[0]) == nil
}

func ruleOf(name string) *doctor.Rule {
	rules := doctor.Rules()
	i := slices.IndexFunc(rules, func(r doctor.Rule) bool { return r.Name == strings.TrimSuffix(name, ":") })
	if i < 0 {
		return nil
	}
	return &rules[i]
}

// Explain explains a rule, a finding (a rule and the address that it is about) or a
// resource.
func Explain(ctx context.Context, opts Options, words []string) (*Explained, error) {
	fields := strings.Fields(strings.Join(words, " "))
	if rule, address, ok := strings.Cut(fields[0], ":"); ok && ruleOf(rule) != nil && address != "" {
		fields = append([]string{rule, address}, fields[1:]...)
	}
	if r := ruleOf(fields[0]); r != nil {
		return explainRule(ctx, opts, r, strings.Join(fields[1:], " "))
	}
	return explainResource(ctx, opts, fields[0])
}

func explainRule(ctx context.Context, opts Options, r *doctor.Rule, address string) (*Explained, error) {
	x := &ExplainedRule{Name: r.Name, Why: r.Why, Address: address, Unknown: []string{}}
	e := &Explained{FormatVersion: FormatVersion, Complete: true, Rule: x}
	if !home.HasProject(opts.Dir) {
		return e, nil
	}
	d, err := Doctor(ctx, opts, Checkup{Rules: []string{r.Name}})
	if err != nil {
		return nil, err
	}
	e.Complete, x.Findings = d.Complete(), []inventory.Finding{}
	for _, f := range d.Told {
		if address == "" || f.Address == address || strings.HasPrefix(f.Address, address+"/") || strings.HasPrefix(f.Address, address+":") {
			x.Findings = append(x.Findings, f)
		}
	}
	for _, u := range d.Unknown {
		x.Unknown = append(x.Unknown, u.Scope)
	}
	x.Unknown = append(x.Unknown, d.Unread...)
	return e, nil
}

func explainResource(ctx context.Context, opts Options, name string) (*Explained, error) {
	h, err := OpenToObserve(ctx, opts)
	if h != nil {
		defer h.Close()
	}
	if err != nil {
		return nil, err
	}
	r := NewReading(h)
	defer r.Close()
	w, g, err := r.lookAround(ctx)
	if err != nil {
		return nil, err
	}
	p, err := w.Compare(ctx)
	if err != nil {
		return nil, err
	}
	found, err := showingBy(ctx, w, p, name)
	if err != nil {
		return nil, err
	}
	x := &ExplainedResource{Shown: found.Resources[0], NeededBy: []string{}, NotKnown: []string{}, Action: string(inventory.ActionNone), Blocked: []inventory.Reason{}, Steps: []ExplainedStep{}}
	x.remedy(p)
	x.matters(g, inventory.Timestamp(w.At))
	return &Explained{FormatVersion: FormatVersion, Complete: found.Code() == ExitOK && len(x.NotKnown) == 0, Resource: x}, nil
}

// remedy fills in what apply would do, and the way by the manifest.
func (x *ExplainedResource) remedy(p *reconcile.Plan) {
	i := slices.IndexFunc(p.Changes, func(c inventory.Change) bool { return c.Addr.String() == x.Address })
	if i < 0 {
		return
	}
	c := &p.Changes[i]
	x.Action, x.Blocked = string(c.Action), append(x.Blocked, c.Blocked...)
	for j := range c.Steps {
		s := &c.Steps[j]
		x.Steps = append(x.Steps, ExplainedStep{Method: s.Method, Path: s.Path, Does: s.Summary})
	}
	if c.Action == inventory.ActionUpdate && len(c.Writing()) > 0 {
		x.Adopt = "recon adopt " + x.Address
	}
}

// matters fills in what needs the resource.
func (x *ExplainedResource) matters(g *graph.Graph, at string) {
	n := g.Node(x.Address)
	if n == nil {
		x.NotKnown = append(x.NotKnown, fmt.Sprintf("what needs %s", x.Address))
		return
	}
	a, err := answerOf(g, at, Question{Verb: "impact", Of: n.ID, Action: graph.Restart})
	if err != nil {
		x.NotKnown = append(x.NotKnown, err.Error())
		return
	}
	for i := range a.Impact.Affected {
		x.NeededBy = append(x.NeededBy, a.Impact.Affected[i].ID)
	}
	for i := range a.NotKnown {
		if a.NotKnown[i].MayChange {
			x.NotKnown = append(x.NotKnown, a.NotKnown[i].Text())
		}
	}
}
