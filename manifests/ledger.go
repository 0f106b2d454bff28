package manifests

import (
	"net/url"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var ledgerSpec = spec{what: "a ledger block", attrs: []string{"url"}}

// ledger decodes the ledger block. What goes wrong with reading the URL is kept
// aside, as with a cluster's token: validate and fmt work without it.
func (l *loader) ledger(b *hclsyntax.Block) {
	l.report(ledgerSpec.check(b.Body)...)
	l.report(labels(b))
	led := &Ledger{Range: b.DefRange()}
	l.project.Ledger = led
	arg := b.Body.Attributes["url"]
	if arg == nil {
		l.report(errorAt(b.DefRange(), "Missing argument", "A ledger block needs url = env(\"RECON_LEDGER_URL\"); without the block the ledger is a file in .recon/."))
		return
	}
	outer := l.diags
	l.diags = nil
	defer func() { led.Credentials, l.diags = l.diags, append(outer, warnings(l.diags)...) }()
	if !l.argument(arg, &scope{}, &led.URL) {
		return
	}
	led.URL = strings.TrimSpace(led.URL)
	if isLiteral(arg.Expr) && led.Password() != "" {
		l.project.secrets = append(l.project.secrets, arg.Expr.Range())
		l.report(warnAt(arg.Expr.Range(), "Secret in a manifest", "The password stands in the file itself. Take the URL from env() or file()."))
	}
	if u, err := url.Parse(led.URL); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" {
		l.report(errorAt(arg.Expr.Range(), "Not a PostgreSQL URL", "url is of the form postgres://USER:PASSWORD@HOST:5432/DATABASE."))
	}
}

// Password returns the password in the URL, "" without one.
func (l *Ledger) Password() string {
	u, err := url.Parse(l.URL)
	if err != nil {
		return ""
	}
	if p, ok := u.User.Password(); ok {
		return p
	}
	return u.Query().Get("password")
}
