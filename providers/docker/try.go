package docker

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"recon/inventory/doctor"
	"recon/providers/sshhost"
)

// tryScript tries what lines of its input say, and answers each behind its own words. It opens
// connections and closes them, and sends nothing but a greeting of TLS. Of a file with a
// certificate it prints the certificate, and never a key. Whether an address of the
// host's own network answers says the neighbour table (arp(7)): an entry without flags
// is one that nobody answered for.
const tryScript = `
quick() { if command -v timeout >/dev/null; then timeout 4 "$@"; else "$@"; fi; }
export LC_ALL=C
try_port() {
	command -v bash >/dev/null || { echo "nothing there opens connections: bash is missing"; return; }
	if out=$(quick bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>&1); then echo =open; return; fi
	case $out in *refused*) echo =refused ;; *) echo "no answer" ;; esac
}
try_address() {
	command -v ping >/dev/null || { echo "nothing there asks for addresses: ping is missing"; return; }
	quick ping -c 2 -W 1 "$1" >/dev/null 2>&1 && { echo =present; return; }
	case $(awk -v ip="$1" '$1 == ip { print $3 }' /proc/net/arp) in
	0x0) echo =absent ;; 0x2) echo =present ;; *) echo "it is in no network of the host" ;;
	esac
}
try_name() {
	command -v getent >/dev/null || { echo "nothing there asks for names: getent is missing"; return; }
	quick getent hosts "$1" >/dev/null
	case $? in 0) echo =present ;; 2) echo =absent ;; *) echo "its name servers did not answer" ;; esac
}
try_certificate() {
	command -v openssl >/dev/null || { echo "nothing there reads certificates: openssl is missing"; return; }
	name=-noservername
	[ -n "$3" ] && name="-servername $3"
	shown=$(quick openssl s_client -connect "$1:$2" $name </dev/null 2>/dev/null | openssl x509 2>/dev/null | base64 | tr -d '\n')
	[ -n "$shown" ] || { echo "no certificate was served"; return; }
	filed=
	if [ -n "$4" ]; then
		file=$(printf %s "$4" | base64 -d)
		filed=$(quick openssl x509 -in "$file" 2>/dev/null | base64 | tr -d '\n')
	fi
	echo "=served $shown $filed"
}
answer() {
	case $1 in
	port) said=$(try_port "$2" "$3") ;;
	address) said=$(try_address "$2") ;;
	name) said=$(try_name "$4") ;;
	certificate) said=$(try_certificate "$2" "$3" "${4#-}" "$5") ;;
	esac
	echo "$1 $2 $3 $4 $said"
}
while read -r kind address port name file; do
	if [ "$kind" = certificate ]; then answer "$kind" "$address" "$port" "$name" "$file" </dev/null
	else answer "$kind" "$address" "$port" "$name" </dev/null & fi
done
wait
echo end
`

// maxTries bounds what one host is asked by one look, since each may take some seconds.
const maxTries = 60

// Try has the host try what no table of it says, and reports whether it tried anything
// that it had not tried before. What it could not try has no outcome.
func (p *Provider) Try(ctx context.Context, tries []doctor.Try) bool {
	facts := p.Facts()
	if facts == nil {
		return false
	}
	if tries = tries[:max(0, min(len(tries), maxTries-len(facts.Tried)))]; len(tries) == 0 {
		return false
	}
	var input strings.Builder
	for _, t := range tries {
		fmt.Fprintf(&input, "%s%s\n", asked(t), b64(t.File))
	}
	out, err := p.host.Run(ctx, sshhost.Command{What: "try what no table says", Script: tryScript, Stdin: strings.NewReader(input.String()), Timeout: 2 * time.Minute})
	tried := make([]doctor.Tried, len(tries))
	for i, t := range tries {
		tried[i] = doctor.Tried{Try: t, Why: "the host did not try it"}
		if err != nil {
			tried[i].Why = oneWord(err)
		}
	}
	for l := range strings.SplitSeq(out, "\n") {
		for i := range tried {
			if said, is := strings.CutPrefix(l, asked(tried[i].Try)); is {
				understandTry(&tried[i], said)
			}
		}
	}
	after := *facts
	after.Tried = append(after.Tried[:len(after.Tried):len(after.Tried)], tried...)
	p.mu.Lock()
	p.last.facts = &after
	p.mu.Unlock()
	return true
}

// asked is a try in the words of the script.
func asked(t doctor.Try) string {
	return fmt.Sprintf("%s %s %d %s ", t.Kind, cmp.Or(t.Address, "-"), t.Port, cmp.Or(t.Name, "-"))
}

// understandTry reads what a host said of one try: =OUTCOME, or why there is none.
func understandTry(t *doctor.Tried, said string) {
	outcome, is := strings.CutPrefix(said, "=")
	if !is {
		t.Why = said
		return
	}
	f := strings.Fields(outcome)
	switch {
	case len(f) > 1 && f[0] == doctor.Served:
		t.Shown = certificateOf(f[1])
		if len(f) > 2 {
			t.Filed = certificateOf(f[2])
		}
		if t.Shown == nil {
			t.Why = "what was served is no certificate"
			return
		}
	case len(f) != 1:
		return
	}
	t.Outcome, t.Why = f[0], ""
}

// certificateOf reads the first certificate of a PEM file in base64; nil when it is none.
func certificateOf(encoded string) *doctor.Certificate {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(c.Raw)
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return &doctor.Certificate{Print: hex.EncodeToString(sum[:]), From: c.NotBefore, Until: c.NotAfter, Names: names}
}
