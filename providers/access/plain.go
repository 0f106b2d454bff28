package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"recon/inventory"
)

func (t *trial) http(ctx context.Context) error {
	header := http.Header{}
	name := t.Text("header")
	switch {
	case t.token() == "" && (t.Attrs.Has("token") || name != ""):
		return noToken()
	case name != "":
		header.Set(name, t.token())
	case t.token() != "":
		header.Set("Authorization", "Bearer "+t.token())
	}
	a, err := t.get(ctx, t.Text("url"), header)
	if err != nil {
		return err
	}
	if wanted, said := inventory.Int(t.Attrs["status"]); said && int64(a.status) != wanted || !said && (a.status < 200 || a.status > 299) {
		return t.httpRefused(a)
	}
	if want := t.Text("contains"); want != "" && !bytes.Contains(a.body, []byte(want)) {
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("it answers %d, without %q in it", a.status, want), "see what it shows there: "+shown(t.Text("url")))
	}
	t.holds(inventory.LayerAnswer, "it answers %d", a.status)
	return nil
}

// httpRefused says what a status means that is not the one that is wanted.
func (t *trial) httpRefused(a *answer) error {
	challenge := strings.ToLower(a.header.Get("Www-Authenticate"))
	said := fmt.Sprintf("it answers %d %s", a.status, http.StatusText(a.status))
	if words := a.words(); words != http.StatusText(a.status) {
		said += ", and says: " + words
	}
	switch {
	case rateLimit("it", a) != nil:
		return rateLimit("it", a)
	case a.status >= 300 && a.status < 400:
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("it redirects to %s", shown(a.header.Get("Location"))),
			fmt.Sprintf("write that URL, or status = %d when it is meant; a page to sign in at is one of a proxy before it", a.status))
	case strings.Contains(challenge, "insufficient_scope"):
		return fails(inventory.LayerScope, said+": the token was not made for that", "make a token with the scope that it names")
	case a.status == http.StatusUnauthorized && t.token() == "":
		return fails(inventory.LayerToken, said+": it wants to know who asks", "write token into the check")
	case a.status == http.StatusUnauthorized:
		return fails(inventory.LayerToken, said+": the token is not accepted", "make a new token; see which header it is taken from")
	case a.status == http.StatusForbidden && t.token() != "":
		return fails(inventory.LayerRole,
			said+": it knows who asks, and does not allow that", "give the account of the token the right to do that")
	}
	return refused("it", nil, a)
}

func (t *trial) tls(ctx context.Context) error {
	conn, err := t.connect(ctx, t.Text("address"))
	if err != nil {
		return err
	}
	defer conn.Close()
	name := t.Text("name")
	if name == "" {
		name, _, _ = net.SplitHostPort(t.Text("address"))
	}
	secured, err := t.secure(ctx, conn, name)
	if err != nil {
		return err
	}
	return t.daysLeft(inventory.LayerTLS, "the certificate for "+name, secured.ConnectionState().PeerCertificates[0].NotAfter, "renew it; what renews it by itself has stopped to")
}

func (t *trial) tcp(ctx context.Context) error {
	conn, err := t.connect(ctx, t.Text("address"))
	if err != nil {
		return err
	}
	defer conn.Close()
	want := t.Text("expect")
	if want == "" {
		return nil
	}
	ctx, cancel := t.sooner(ctx)
	defer cancel()
	defer endsWith(ctx, conn)()
	got := make([]byte, len(want))
	n, err := io.ReadFull(conn, got)
	switch {
	case n == 0 && timedOut(err):
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("it says nothing by itself, and %q was expected", want), "see which service listens there")
	case string(got[:n]) != want:
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("it begins with %q, and %q was expected", got[:n], want), "see which service listens there")
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return fails(inventory.LayerAnswer, "it breaks off: "+lastCause(err), "see which service listens there")
	}
	t.holds(inventory.LayerAnswer, "it begins with %q", want)
	return nil
}
