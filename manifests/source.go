package manifests

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/crypto/ssh"
)

// A Source is the Git repository from which the project's folder is kept up to date.
type Source struct {
	Name       string
	Repository string
	Branch     string
	Interval   time.Duration
	Secret     string   // of its webhook; "" without one
	Signed     bool     // only commits that a trusted key has signed come into force
	Trusted    []string // public keys of SSH, or files of such keys and of OpenPGP ones
	WriteBack  string   // the branch for the documents that recon writes; "": they stay in the work tree
	KeyFile    string   // of SSH; "": what ssh_config and the agent have
	Username   string   // for HTTPS
	Token      string   // for HTTPS
	CAFile     string   // that vouches for the server; "": the machine's
	Range      hcl.Range

	// Credentials holds what went wrong with the secrets alone: validate works without them.
	Credentials hcl.Diagnostics
}

// Provider is how the source is called among those of facts.
func (s *Source) Provider() string { return inventory.RepositoryKind + "." + s.Name }

var sourceSpec = spec{what: "a source block", attrs: []string{
	"repository", "branch", "interval", "webhook", "require_signed", "trusted_keys", "write_back", "key_file", "username", "token", "ca_file",
}}

// How often a repository is asked.
const (
	sourceInterval = time.Minute
	leastInterval  = 5 * time.Second
)

// leastSecret is how long the secret of a webhook is at least.
const leastSecret = 16

// source decodes the source block.
func (l *loader) source(b *hclsyntax.Block) {
	l.report(sourceSpec.check(b.Body)...)
	if d := labels(b, "name"); d != nil {
		l.report(d)
		return
	}
	s := &Source{Name: b.Labels[0], Branch: "main", Interval: sourceInterval, Username: "git", Range: b.DefRange()}
	l.project.Source = s
	if !labelPattern.MatchString(s.Name) {
		l.report(errorAt(b.LabelRanges[0], "Invalid label", "A label starts with a letter and has letters, digits, _ and - only."))
	}
	if b.Body.Attributes["repository"] == nil {
		l.report(errorAt(b.DefRange(), "Missing argument", "A source block needs repository = \"ssh://git@gitlab.example.net/home/infra.git\"."))
	}
	targets := map[string]any{
		"repository": &s.Repository, "branch": &s.Branch, "require_signed": &s.Signed, "trusted_keys": &s.Trusted,
		"write_back": &s.WriteBack, "key_file": &s.KeyFile, "username": &s.Username, "ca_file": &s.CAFile,
	}
	for _, arg := range sortedAttrs(b.Body) {
		if target := targets[arg.Name]; target != nil && l.argument(arg, &scope{}, target) {
			l.report(s.take(arg))
		}
	}
	if s.WriteBack == s.Branch {
		l.report(errorAt(b.DefRange(), "A loop", "What recon writes goes to a branch of its own: it would be its own source otherwise."))
	}
	l.sourceInterval(b.Body.Attributes["interval"], s)
	l.sourceSecrets(b, s)
	if s.Signed && len(s.Trusted) == 0 {
		l.report(errorAt(b.Body.Attributes["require_signed"].SrcRange, "Nobody is trusted", "require_signed needs trusted_keys: public keys of SSH (\"ssh-ed25519 AAAA...\"), or files that hold such keys or those of OpenPGP."))
	}
}

// take checks an argument.
func (s *Source) take(arg *hclsyntax.Attribute) *hcl.Diagnostic {
	at := arg.Expr.Range()
	switch arg.Name {
	case "repository":
		if err := checkRepository(s.Repository); err != nil {
			return errorAt(at, "Unsuitable repository", "%s.", err)
		}
	case "branch", "write_back":
		name := map[string]string{"branch": s.Branch, "write_back": s.WriteBack}[arg.Name]
		if !branchPattern.MatchString(name) || strings.Contains(name, "..") || strings.Contains(name, "//") || strings.HasSuffix(name, ".lock") {
			return errorAt(at, "Not a branch", "%q is not the name of a branch, such as \"main\".", name)
		}
	case "trusted_keys":
		for _, key := range s.Trusted {
			if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(key)); IsKey(key) && err != nil {
				return errorAt(at, "Not a public key", "%q is no public key of SSH as ssh-keygen writes it.", key)
			}
		}
	}
	return nil
}

// IsKey tells a public key of SSH from the name of a file.
func IsKey(text string) bool {
	kind, _, more := strings.Cut(text, " ")
	return more && (strings.HasPrefix(kind, "ssh-") || strings.HasPrefix(kind, "ecdsa-") || strings.HasPrefix(kind, "sk-"))
}

var (
	branchPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/+@-]*[A-Za-z0-9_+@-]$|^[A-Za-z0-9_]$`)
	scpPattern    = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:[^:]`)
)

// checkRepository refuses an address that recon would not fetch from: by a protocol in
// which anybody may answer, or one that holds a password.
func checkRepository(address string) error {
	if scpPattern.MatchString(address) || strings.HasPrefix(address, "/") {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("it is no address of a repository")
	}
	if _, has := u.User.Password(); has {
		return fmt.Errorf("a password stands in the address; give token = env(\"GIT_TOKEN\")")
	}
	local := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	switch {
	case u.Scheme == "file" && u.Host == "" && u.Path != "":
	case slices.Contains([]string{"ssh", "https"}, u.Scheme) && u.Host != "" && len(u.Path) > 1:
	case u.Scheme == "http" && local && len(u.Path) > 1:
	case u.Scheme == "http" || u.Scheme == "git":
		return fmt.Errorf("over %s anybody on the way may read and change what comes; take https or ssh", u.Scheme)
	default:
		return fmt.Errorf("%q is not of the form ssh://git@HOST/PATH, git@HOST:PATH, https://HOST/PATH or /FOLDER", address)
	}
	return nil
}

func (l *loader) sourceInterval(arg *hclsyntax.Attribute, s *Source) {
	text := ""
	if arg == nil || !l.argument(arg, &scope{}, &text) {
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < leastInterval || d > 24*time.Hour {
		l.report(errorAt(arg.Expr.Range(), "Not a span of time", "interval is how often the repository is asked, from \"5s\" to \"24h\"; left out \"1m\"."))
		return
	}
	s.Interval = d
}

// sourceSecrets reads the token and the secret of the webhook. What goes wrong is kept
// aside, as with the token of a cluster.
func (l *loader) sourceSecrets(b *hclsyntax.Block, s *Source) {
	outer := l.diags
	l.diags = nil
	defer func() { s.Credentials, l.diags = l.diags, append(outer, warnings(l.diags)...) }()
	if arg := b.Body.Attributes["token"]; arg != nil && l.argument(arg, &scope{}, &s.Token) {
		s.Token = strings.TrimSpace(s.Token)
		l.literalSecret(arg.Expr)
	}
	arg := b.Body.Attributes["webhook"]
	if arg == nil {
		return
	}
	hook := map[string]string{}
	if !l.argument(arg, &scope{}, &hook) {
		return
	}
	s.Secret = strings.TrimSpace(hook["secret"])
	if o, ok := arg.Expr.(*hclsyntax.ObjectConsExpr); ok {
		for _, item := range o.Items {
			l.literalSecret(item.ValueExpr)
		}
	}
	if len(hook) != 1 || len(s.Secret) < leastSecret {
		l.report(errorAt(arg.Expr.Range(), "Unsuitable webhook", "webhook takes { secret = env(\"RECON_WEBHOOK_SECRET\") }, of at least %d characters: openssl rand -hex 32.", leastSecret))
	}
}

// literalSecret warns of a secret that stands in the file itself, and keeps it from being
// shown.
func (l *loader) literalSecret(expr hclsyntax.Expression) {
	if isLiteral(expr) {
		l.project.secrets = append(l.project.secrets, expr.Range())
		l.report(warnAt(expr.Range(), "Secret in a manifest", "It stands in the file itself. Take it from env() or file()."))
	}
}

// sourceAround holds the source against the other blocks.
func (l *loader) sourceAround() {
	s := l.project.Source
	switch {
	case s == nil:
	case s.Secret != "" && l.project.Page == nil:
		l.report(errorAt(s.Range, "Nobody hears the webhook", "It comes to the page, at /hooks/%s, and there is no page block.", s.Name))
	case l.project.Context != nil && l.project.Context.Commit:
		l.report(errorAt(s.Range, "Two histories", "With commit in the context block recon would commit to the branch that it follows. Take commit out, and give the source write_back = \"recon/context\"."))
	}
}
