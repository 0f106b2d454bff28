// Package source keeps the folder of a project at the last good commit of a branch in a
// Git repository.
//
// The folder is a clone, and recon moves it as git pull --ff-only would, with more doubt: a
// commit is fetched, its signature verified where that is wanted, what it would change
// looked at, and its manifests loaded from the object store. Only then are files written,
// and only those that are as they were committed. What somebody has edited and not
// committed is never overwritten, nothing is written outside of the work tree, and no
// history is ever rewritten. Whatever stands in the way is a Trouble: the last good commit
// stays in force, and everybody is told why.
package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/manifests"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// A Condition is how the folder stands to its repository.
type Condition string

// The conditions. Current and Ahead are good; with each other one the last good commit
// stays in force.
const (
	Current      Condition = "current"       // the folder is at the tip of the branch
	Ahead        Condition = "ahead"         // and has commits that are not pushed yet
	Waiting      Condition = "waiting"       // a good commit comes into force when the run under way has ended
	Unreachable  Condition = "unreachable"   // the repository does not answer
	Denied       Condition = "denied"        // it does not let recon in
	HostKey      Condition = "host_key"      // nobody trusts the key that the machine shows
	Missing      Condition = "missing"       // there is no such repository
	Empty        Condition = "empty"         // it has no commit
	NoBranch     Condition = "no_branch"     // it does not have the branch, or not any more
	Rewritten    Condition = "rewritten"     // the branch was pushed by force
	Diverged     Condition = "diverged"      // the folder has commits of its own
	Elsewhere    Condition = "elsewhere"     // the folder is on another branch
	Busy         Condition = "busy"          // somebody is at work in the folder
	Edited       Condition = "edited"        // the commit changes what somebody has edited
	Unsigned     Condition = "unsigned"      // the commit is not signed
	UnknownKey   Condition = "unknown_key"   // it is signed with a key that is not trusted
	BadSignature Condition = "bad_signature" // its signature is wrong
	TooLarge     Condition = "too_large"     // it is larger than recon takes
	Unsafe       Condition = "unsafe"        // it would reach beyond the work tree
	Unusable     Condition = "unusable"      // its manifests do not load
	Broken       Condition = "broken"        // the repository here, or what came, cannot be read
)

// Conditions are all of them.
func Conditions() []Condition {
	return []Condition{
		Current, Ahead, Waiting, Unreachable, Denied, HostKey, Missing, Empty, NoBranch, Rewritten, Diverged, Elsewhere, Busy, Edited,
		Unsigned, UnknownKey, BadSignature, TooLarge, Unsafe, Unusable, Broken,
	}
}

// Good reports that nothing stands in the way.
func (c Condition) Good() bool { return c == Current || c == Ahead || c == Waiting || c == "" }

// A Trouble is why a commit does not come into force.
type Trouble struct {
	Condition Condition
	Detail    string
	Hint      string
}

// Error says what is wrong.
func (t *Trouble) Error() string { return t.Detail }

// NextStep is what its reader can do about it.
func (t *Trouble) NextStep() string { return t.Hint }

func trouble(c Condition, hint, format string, args ...any) *Trouble {
	return &Trouble{c, fmt.Sprintf(format, args...), hint}
}

// A State is how things stand with a source at one moment.
type State struct {
	Name       string    `json:"name"`
	Repository string    `json:"repository"`
	Branch     string    `json:"branch"`
	Commit     string    `json:"commit"` // that is in force; "" without one
	Tip        string    `json:"tip"`    // that the branch had when it was last asked; "" while it was not
	Condition  Condition `json:"condition"`
	Detail     string    `json:"detail"` // what is wrong, "" when nothing is
	Hint       string    `json:"hint"`
	Notes      []string  `json:"notes"`      // what of the commit is left out
	Since      time.Time `json:"since"`      // that the condition holds
	Checked    time.Time `json:"checked_at"` // when the repository answered last; zero while it never did
	Written    string    `json:"written"`    // what keeps documents from being written back, "" when nothing does
}

// Short is a commit as people say it.
func Short(commit string) string { return commit[:min(len(commit), 12)] }

// Describe is the state in a sentence.
func (s *State) Describe() string {
	switch s.Condition {
	case Current:
		return fmt.Sprintf("%s of %s is in force", Short(s.Commit), s.Branch)
	case Waiting:
		return fmt.Sprintf("%s of %s comes into force", Short(s.Tip), s.Branch)
	case Ahead:
		return fmt.Sprintf("%s is in force, and not pushed to %s yet", Short(s.Commit), s.Branch)
	}
	if s.Commit == "" {
		return s.Detail
	}
	return fmt.Sprintf("%s; %s stays in force", s.Detail, Short(s.Commit))
}

// Unanswered reports a repository that did not answer.
func (s *State) Unanswered() bool { return s.Condition == Unreachable || s.Condition == Missing }

// A Puller pulls for a home. Its methods may be called from several goroutines.
type Puller struct {
	Home *home.Home

	turn    sync.Mutex // of whoever looks at the work tree, or moves it
	mu      sync.Mutex
	state   State
	written string // what was written back last, or was there already
	pending *move  // what Advance puts in force; nil: nothing
}

// New returns a puller of a home.
func New(h *home.Home) *Puller { return &Puller{Home: h} }

// State is how things stood when they were looked at last; zero without a source.
func (p *Puller) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Notes = slices.Clone(s.Notes)
	return s
}

// pullTime bounds one pull: everything that is fetched, and everything that is looked at.
const pullTime = 2 * time.Minute

// Pull asks the repository, and looks at what it has. It writes nothing but objects. Ready
// says that there is a commit which Advance puts in force.
func (p *Puller) Pull(ctx context.Context) (s State, ready bool) {
	src := p.Home.Project().Source
	if src == nil {
		return p.note(nil, State{}, nil), false
	}
	ctx, cancel := context.WithTimeout(ctx, pullTime)
	defer cancel()
	s = State{Name: src.Name, Repository: p.Home.Secrets.Text(src.Repository), Branch: src.Branch}
	repo, tip, err := p.ask(ctx, src)
	p.turn.Lock()
	defer p.turn.Unlock()
	var m *move
	if repo != nil {
		m, err = p.look(ctx, src, repo, tip, &s, err)
	}
	if err != nil {
		p.blame(ctx, &s, err)
		m = nil
	}
	return p.note(src, s, m), m != nil
}

// blame says in the state what went wrong.
func (p *Puller) blame(ctx context.Context, s *State, err error) {
	var t *Trouble
	if !errors.As(err, &t) {
		t = &Trouble{Condition: Broken, Detail: err.Error()}
	}
	if ctx.Err() != nil {
		t = trouble(Unreachable, "", "the repository does not answer within %s", pullTime)
	}
	s.Condition, s.Detail, s.Hint = t.Condition, p.Home.Secrets.Text(t.Detail), p.Home.Secrets.Text(t.Hint)
}

// note keeps the state, with what it goes on from.
func (p *Puller) note(src *manifests.Source, s State, m *move) State {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = m
	s.Since = p.Home.Now()
	if src != nil && p.state.Name == s.Name {
		if p.state.Condition == s.Condition {
			s.Since = p.state.Since
		}
		if s.Checked.IsZero() {
			s.Checked = p.state.Checked
		}
		if s.Tip == "" {
			s.Tip = p.state.Tip
		}
		if s.Notes == nil {
			s.Notes = p.state.Notes
		}
		s.Written = p.state.Written
	}
	if s.Notes == nil {
		s.Notes = []string{}
	}
	p.state = s
	p.Home.Follow(s.Scope())
	return s
}

// ask brings the tip of the branch into the repository of the project.
func (p *Puller) ask(ctx context.Context, src *manifests.Source) (*git.Repository, plumbing.Hash, error) {
	repo, err := p.open(src)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	if err := usable(src); err != nil {
		return repo, plumbing.ZeroHash, err
	}
	head, err := headOf(repo)
	if err != nil {
		return repo, plumbing.ZeroHash, err
	}
	tip, err := p.fetch(ctx, src, repo, head, src.Branch)
	return repo, tip, err
}

// usable refuses a source whose secrets could not be read.
func usable(src *manifests.Source) error {
	if errs := src.Credentials.Errs(); len(errs) > 0 {
		return trouble(Denied, "", "the secrets of source %s cannot be read: %s", src.Name, errs[0])
	}
	return nil
}

// Check reaches the repository, and writes nothing.
func (p *Puller) Check(ctx context.Context, src *manifests.Source) []inventory.Ability {
	ctx, cancel := context.WithTimeout(ctx, pullTime)
	defer cancel()
	tip, err := p.reach(ctx, src)
	if err == nil && src.Signed {
		_, err = p.keys(src)
	}
	if err == nil {
		return []inventory.Ability{inventory.Working("repository", fmt.Sprintf("%s is at %s", src.Branch, Short(tip.String())))}
	}
	s := State{}
	p.blame(ctx, &s, err)
	out := inventory.Ability{Name: "repository", State: inventory.Fails, Said: s.Detail, Costs: "recon serve keeps what it has"}
	if s.Hint != "" {
		out.Mend = []string{s.Hint}
	}
	return []inventory.Ability{out}
}

// reach asks where the branch is.
func (p *Puller) reach(ctx context.Context, src *manifests.Source) (plumbing.Hash, error) {
	if err := usable(src); err != nil {
		return plumbing.ZeroHash, err
	}
	s, refs, err := p.advertised(ctx, src)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer s.Close()
	return tipOf(src, src.Branch, refs)
}

// look says how the folder stands to the tip, and returns what is to be done; nil when
// nothing is. Asked is why the tip is not known.
func (p *Puller) look(ctx context.Context, src *manifests.Source, repo *git.Repository, tip plumbing.Hash, s *State, asked error) (*move, error) {
	m := &move{repo: repo, home: p.Home, branch: src.Branch, name: src.Name}
	var err error
	if m.from, err = headOf(repo); err != nil {
		return nil, err
	}
	s.Commit = hashOf(m.from)
	if asked != nil {
		return nil, asked
	}
	s.Tip, s.Checked = tip.String(), p.Home.Now()
	if m.prefix, err = p.Home.Prefix(repo); err != nil {
		return nil, err
	}
	if m.to, err = repo.CommitObject(tip); err != nil {
		return nil, fmt.Errorf("read commit %s: %w", Short(tip.String()), err)
	}
	if src.Signed {
		if err := p.verify(src, repo, m.to); err != nil {
			return nil, err
		}
	}
	if s.Condition, err = m.relation(); err != nil || s.Condition != Waiting {
		return nil, err
	}
	if err := m.examine(ctx); err != nil {
		return nil, err
	}
	s.Notes = m.notes
	if err := m.try(); err != nil {
		return nil, err
	}
	return m, m.compare()
}

// open opens the repository that the project's folder lies in, and makes one where there
// is none: of a folder with a recon.hcl a clone is made that way.
func (p *Puller) open(src *manifests.Source) (*git.Repository, error) {
	repo, err := git.PlainOpenWithOptions(p.Home.Root, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		repo, err = git.PlainInitWithOptions(p.Home.Root, &git.PlainInitOptions{InitOptions: git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName(src.Branch)}})
	}
	if err != nil {
		return nil, fmt.Errorf("open the Git repository of the project: %w", err)
	}
	return repo, nil
}

// headOf is the commit that the folder is at, nil before the first one.
func headOf(repo *git.Repository) (*object.Commit, error) {
	ref, err := repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the commit that the folder is at: %w", err)
	}
	c, err := repo.CommitObject(ref.Hash())
	if err != nil {
		return nil, fmt.Errorf("read the commit that the folder is at: %w", err)
	}
	return c, nil
}

func hashOf(c *object.Commit) string {
	if c == nil {
		return ""
	}
	return c.Hash.String()
}

// try loads the manifests that the commit would bring.
func (m *move) try() error {
	now, err := m.folder(m.from)
	if err != nil {
		return err
	}
	then, err := m.folder(m.to)
	if err != nil {
		return err
	}
	err = m.home.Try(now, then)
	if err == nil {
		return nil
	}
	return &Trouble{Unusable, fmt.Sprintf("the manifests of commit %s do not load: %s", Short(hashOf(m.to)), Mistakes(err)), "recon validate in a clone of it shows them; push a commit that mends them"}
}

// folder is the project's folder in a commit, nil where there is none.
func (m *move) folder(c *object.Commit) (*object.Tree, error) {
	if c == nil {
		return nil, nil
	}
	tree, err := c.Tree()
	if err == nil && m.prefix != "" {
		if tree, err = tree.Tree(m.prefix); errors.Is(err, object.ErrDirectoryNotFound) {
			return nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the files of commit %s: %w", Short(hashOf(c)), err)
	}
	return tree, nil
}

// fewMistakes is how many mistakes a sentence names.
const fewMistakes = 3

// Mistakes is an error of loading in a sentence, with the places of the first mistakes.
func Mistakes(err error) string {
	var d *home.DiagnosticsError
	if !errors.As(err, &d) {
		return err.Error()
	}
	var out []string
	more := 0
	for _, diag := range d.Diags.Errs() {
		if len(out) < fewMistakes {
			out = append(out, diag.Error())
		} else {
			more++
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, "; ")
}

// Scope is what a state tells those who ask what cannot be observed, nil while nothing
// stands in the way.
func (s *State) Scope() *inventory.Scope {
	if s.Condition.Good() {
		return nil
	}
	name := inventory.RepositoryKind + "." + s.Name
	return &inventory.Scope{Provider: name, Scope: name, Err: errors.New(s.Detail), Since: s.Since}
}
