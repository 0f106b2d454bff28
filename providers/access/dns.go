package access

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"recon/inventory"
)

var dnsTypes = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME, "MX": dnsmessage.TypeMX,
	"NS": dnsmessage.TypeNS, "PTR": dnsmessage.TypePTR, "TXT": dnsmessage.TypeTXT,
}

// dnsWait is how long one question by UDP waits: a datagram may be lost.
const dnsWait = 2 * time.Second

func (t *trial) dns(ctx context.Context) error {
	server := t.Text("server")
	if _, err := netip.ParseAddr(server); err == nil {
		server = net.JoinHostPort(server, "53")
	}
	kind := inventory.Text(t.Default("type"))
	name := strings.TrimSuffix(t.Text("name"), ".")
	m, err := t.lookUp(ctx, server, name, dnsTypes[kind])
	if err != nil {
		return err
	}
	t.holds(inventory.LayerReach, "%s answers", server)
	fix := fmt.Sprintf("look at the records of %s and whom it asks", server)
	switch m.RCode {
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("%s knows no %s (NXDOMAIN)", server, name), "give it a record on "+server+", or correct the name")
	case dnsmessage.RCodeRefused:
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("%s does not answer this machine (REFUSED)", server), "allow this machine's network in the access list of "+server)
	case dnsmessage.RCodeServerFailure:
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("%s found no answer (SERVFAIL): whom it asks does not answer, or DNSSEC does not hold", server), fix)
	default:
		return fails(inventory.LayerAnswer, fmt.Sprintf("%s answers with %s", server, m.RCode), fix)
	}
	return t.records(server, name, kind, m)
}

// records holds what came against what is wanted.
func (t *trial) records(server, name, kind string, m *dnsmessage.Message) error {
	var got []string
	for _, r := range m.Answers {
		if r.Header.Type == dnsTypes[kind] {
			got = append(got, recordText(r.Body))
		}
	}
	slices.Sort(got)
	var want []string
	for _, w := range inventory.Strings(t.Attrs["equals"]) {
		want = append(want, canonical(w))
	}
	slices.Sort(want)
	switch {
	case len(got) == 0:
		return fails(inventory.LayerAnswer, fmt.Sprintf("%s knows %s and has no %s record of it", server, name, kind), "give it one on "+server)
	case want != nil && !slices.Equal(got, want):
		return fails(inventory.LayerAnswer,
			fmt.Sprintf("%s says that %s is %s, and it is to be %s", server, name, strings.Join(got, ", "), strings.Join(want, ", ")),
			"correct the record on "+server+", or whom it asks")
	}
	t.holds(inventory.LayerAnswer, "%s is %s", name, strings.Join(got, ", "))
	return nil
}

// canonical spells a record as answers are spelled.
func canonical(s string) string {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.String()
	}
	return strings.TrimSuffix(s, ".")
}

func recordText(body dnsmessage.ResourceBody) string {
	switch r := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(r.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(r.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return canonical(r.CNAME.String())
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", r.Pref, canonical(r.MX.String()))
	case *dnsmessage.NSResource:
		return canonical(r.NS.String())
	case *dnsmessage.PTRResource:
		return canonical(r.PTR.String())
	case *dnsmessage.TXTResource:
		return strings.Join(r.TXT, "")
	}
	return "something else"
}

// lookUp asks a name server: by UDP, once more when nothing comes, and by TCP where the
// answer is too long for a datagram.
func (t *trial) lookUp(ctx context.Context, server, name string, kind dnsmessage.Type) (*dnsmessage.Message, error) {
	asked, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return nil, unknown(inventory.LayerAnswer, name+" is too long for a name")
	}
	var id [2]byte
	rand.Read(id[:]) // never fails
	q := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:]), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: asked, Type: kind, Class: dnsmessage.ClassINET}},
	}
	packet, err := q.Pack()
	if err != nil {
		return nil, unknown(inventory.LayerAnswer, err.Error())
	}
	var m *dnsmessage.Message
	for range 2 {
		if m, err = overUDP(ctx, server, packet); !timedOut(err) || ctx.Err() != nil {
			break
		}
	}
	if err == nil && m.Truncated {
		m, err = overTCP(ctx, server, packet)
	}
	if err == nil && (m.ID != q.ID || len(m.Questions) != 1 || !strings.EqualFold(m.Questions[0].Name.String(), asked.String())) {
		return nil, fails(inventory.LayerAnswer, server+" answers another question", "see what stands between this machine and "+server)
	}
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, errNoDNS):
		return nil, fails(inventory.LayerAnswer, server+" answers with something that is no DNS", "see which service listens there")
	}
	return nil, unreached(server, err)
}

// errNoDNS is wrapped by what cannot be read as an answer.
var errNoDNS = errors.New("no answer of a name server")

func overUDP(ctx context.Context, server string, packet []byte) (*dnsmessage.Message, error) {
	answer := make([]byte, 4096)
	n, err := exchange(ctx, "udp", server, packet, func(c net.Conn) (int, error) { return c.Read(answer) })
	if err != nil {
		return nil, err
	}
	return unpack(answer[:n])
}

func overTCP(ctx context.Context, server string, packet []byte) (*dnsmessage.Message, error) {
	var answer []byte
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
	_, err := exchange(ctx, "tcp", server, framed, func(c net.Conn) (int, error) {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return 0, err
		}
		answer = make([]byte, binary.BigEndian.Uint16(size[:]))
		return io.ReadFull(c, answer)
	})
	if err != nil {
		return nil, err
	}
	return unpack(answer)
}

func exchange(ctx context.Context, network, server string, packet []byte, read func(net.Conn) (int, error)) (int, error) {
	conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, network, server)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, dnsWait)
	defer cancel()
	defer endsWith(ctx, conn)()
	if _, err := conn.Write(packet); err != nil {
		return 0, err
	}
	return read(conn)
}

func unpack(packet []byte) (*dnsmessage.Message, error) {
	m := new(dnsmessage.Message)
	if err := m.Unpack(packet); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoDNS, err)
	}
	return m, nil
}
