package access

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"recon/inventory"
)

// A refusal is how a service says no, and what that means. In what is said {words} are
// the service's own and {status} is the number.
type refusal struct {
	status  []int  // one of these; nil: any
	words   string // part of what it says, in lower case; "" for any
	layer   inventory.Layer
	unknown bool
	said    string
	fix     []string
}

// judge finds what a refusal means; nil when the table does not know it.
func judge(table []refusal, a *answer) error {
	said := strings.ToLower(a.words() + " " + string(a.body[:min(len(a.body), 4096)]))
	for _, r := range table {
		if r.status != nil && !slices.Contains(r.status, a.status) || !strings.Contains(said, r.words) {
			continue
		}
		text := strings.NewReplacer("{words}", a.words(), "{status}", strconv.Itoa(a.status)).Replace(r.said)
		return &failure{layer: r.layer, unknown: r.unknown, said: text, fix: r.fix}
	}
	return nil
}

// refused says what an answer means that is no success: by the service's own table, else
// by what HTTP says of it.
func refused(service string, own []refusal, a *answer) error {
	if limited := rateLimit(service, a); limited != nil {
		return limited
	}
	if err := judge(own, a); err != nil {
		return err
	}
	switch {
	case a.status >= 300 && a.status < 400:
		to := shown(a.header.Get("Location"))
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("it redirects to %s, and a token is not sent after it", to),
			"write the URL to which it redirects, or take away what stands before "+service)
	case a.status >= 500:
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("it answers %d %s", a.status, a.words()),
			"see whether "+service+" runs: 502 and 504 are a proxy's that does not reach it")
	case a.status == http.StatusUnauthorized:
		return fails(inventory.LayerToken, fmt.Sprintf("the token is not accepted (%d %s)", a.status, a.words()), "make a new token")
	case a.status < 300:
		return fails(inventory.LayerAnswer,
			"what answers there is no "+service, "correct the url, or take away the page that stands before "+service)
	}
	return fails(inventory.LayerAnswer,
		fmt.Sprintf("it answers %d %s", a.status, a.words()), "see whether "+service+" is what answers at that url")
}

// rateLimit finds a service that does not want to be asked so often: that says nothing of
// what the token may do.
func rateLimit(service string, a *answer) error {
	if a.status != http.StatusTooManyRequests && !(a.status == http.StatusForbidden && (a.header.Get("X-RateLimit-Remaining") == "0" || a.header.Get("Retry-After") != "")) {
		return nil
	}
	said := service + " answers no more requests for a while"
	if reset, err := strconv.ParseInt(a.header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		said += ", until " + time.Unix(reset, 0).UTC().Format("15:04 UTC")
	}
	return unknown(inventory.LayerAnswer, said, "ask less often: every = \"1h\"")
}
