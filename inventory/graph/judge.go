package graph

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"recon/inventory/doctor"
)

// A judge holds what settings say against what was observed. What it cannot know by that
// it would have hosts try.
type judge struct {
	*builder
	wants Tries
}

// A sight is what was seen where something leads.
type sight struct {
	node      string
	ip        string // of the machine, where one led there
	yard      *yard  // of the machine; nil when it is no declared host
	container *doctor.Container
	inner     int    // port on which it answers, as whoever answers sees it
	does      string // what leads there, where that is not for others to say

	verdict Verdict
	fault   Fault
	saw     string
	fix     string
}

func (s sight) hop(does string) Hop {
	return Hop{Node: s.node, Does: does, Verdict: s.verdict, Fault: s.fault, Saw: s.saw, Fix: s.fix}
}

func (s sight) works(format string, args ...any) sight {
	s.verdict, s.fault, s.saw = Works, "", fmt.Sprintf(format, args...)
	return s
}

func (s sight) unknown(format string, args ...any) sight {
	s.verdict, s.fault, s.saw = NotKnown, "", fmt.Sprintf(format, args...)
	return s
}

func (s sight) broken(f Fault, format string, args ...any) sight {
	s.verdict, s.fault, s.saw = Broken, f, fmt.Sprintf(format, args...)
	return s
}

// tried is what a host found out by a try, or that it could be asked to.
func (j *judge) tried(h *doctor.Host, t doctor.Try) doctor.Tried {
	for i := range h.Tried {
		if h.Tried[i].Try == t {
			return h.Tried[i]
		}
	}
	if !slices.Contains(j.wants[h.Name], t) {
		j.wants[h.Name] = append(j.wants[h.Name], t)
	}
	return doctor.Tried{Try: t, Why: "it was not tried"}
}

// address is the machine, or the container with an address of its own, that an address
// is of, as seen from a host.
func (j *judge) address(ip string, from *yard) sight {
	s := sight{node: j.machines[ip], ip: ip}
	if s.node != "" {
		if h := j.hosts[s.node]; h != nil {
			s.yard = j.yards[h.Name]
		}
		return s.works("%s has the address", s.node)
	}
	for i := range j.Hosts {
		y := j.yards[j.Hosts[i].Name]
		for k := range y.Containers {
			if c := &y.Containers[k]; slices.Contains(c.IPs, ip) && c.State == "running" {
				s.node, s.yard, s.container = y.nodes[c.Name], y, c
				return s.works("the container has the address")
			}
		}
	}
	s.node = "host." + ip
	return j.nobodys(s, from)
}

// nobodys judges an address that no machine has which is known. Whether one answers that
// is not, a host in its network finds out.
func (j *judge) nobodys(s sight, from *yard) sight {
	askers := j.near(s.ip)
	if from != nil {
		askers = []*yard{from}
	}
	if len(askers) == 0 {
		return s.unknown("no machine that is known has the address, and no declared host is in its network")
	}
	var t doctor.Tried
	var by string
	for _, y := range askers {
		t, by = j.tried(y.Host, doctor.Try{Kind: "address", Address: s.ip}), y.Name
		if t.Outcome != "" {
			break
		}
	}
	switch {
	case t.Outcome == doctor.Present:
		return s.unknown("something has the address that is neither a guest nor a declared host")
	case t.Outcome != doctor.Absent:
		return s.unknown("no machine that is known has the address; %s was asked whether one answers: %s", by, t.Why)
	case j.hidden() != "":
		return s.unknown("nobody answers there now, and %s", j.hidden())
	}
	return s.broken(NoMachine, "no guest, node or host has the address, and in the network of %s nobody answers for it", by)
}

// near are the hosts in the network of an address, as networks of homes are cut.
func (j *judge) near(ip string) (out []*yard) {
	for i := range j.Hosts {
		for _, own := range j.Hosts[i].Addresses {
			if y := j.yards[j.Hosts[i].Name]; neighbours(own, ip) && !bridge(own, y.Host) && !slices.Contains(out, y) && len(out) < 3 {
				out = append(out, y)
			}
		}
	}
	return out
}

func neighbours(a, b string) bool {
	x, errA := netip.ParseAddr(a)
	y, errB := netip.ParseAddr(b)
	if errA != nil || errB != nil || !x.Is4() || !y.Is4() {
		return false
	}
	p, _ := x.Prefix(24)
	return p.Contains(y)
}

// hidden says why an address that nobody answers for may be a machine's that is off; ""
// when it is none's.
func (j *judge) hidden() string {
	for i := range j.Clusters {
		if j.Clusters[i].Partial {
			return "not everything of " + j.Clusters[i].Name + " could be seen"
		}
	}
	if len(j.Clusters) == 0 {
		return "no cluster was observed"
	}
	for _, g := range j.Lost {
		if len(g.About) == 0 {
			return "not everything could be observed"
		}
	}
	for i := range j.Things {
		t := &j.Things[i]
		if n := j.nodes[j.ids[t.Resource.Identity]]; n != nil && n.Kind == Guest && n.State != "running" && n.Attrs["template"] == "" && len(j.addresses[n.ID]) == 0 {
			return n.ID + " does not run, and which address it has is not known"
		}
	}
	return ""
}

// port judges whether something answers on a port of a machine. From is who asks, nil when
// it is anybody in the network.
func (j *judge) port(at sight, port int, from *yard) sight {
	at.inner = port
	switch {
	case at.container != nil:
		return j.inside(at, at.container, port)
	case port == 0:
		return at.unknown("which port is meant is not known")
	case at.yard == nil:
		return j.stranger(at, port, from)
	}
	h := at.yard.Host
	if c, inner := publishes(h, port, at.ip); c != nil {
		at.node, at.container = at.yard.nodes[c.Name], c
		return j.inside(at, c, inner)
	}
	if takes(h.Listening, port, false) {
		if c := publisher(h, port); c != nil {
			at.node, at.container = at.yard.nodes[c.Name], c
		}
		return at.works("something listens on port %d of %s", port, h.Name)
	}
	switch {
	case len(h.Listening) == 0:
		return at.unknown("on which ports of %s something listens was not seen", h.Name)
	case j.lost(h):
		return at.unknown("nothing listens on port %d of %s, whose containers could not be seen", port, h.Name)
	case takes(h.Listening, kubelet, true):
		return at.unknown("nothing listens on port %d of %s, and Kubernetes may pass it on", port, h.Name)
	}
	if from != nil && from != at.yard && j.tried(from.Host, doctor.Try{Kind: "port", Address: at.ip, Port: port}).Outcome == doctor.Open {
		return at.works("%s was let in there", from.Name)
	}
	at.fix = fmt.Sprintf("start what should listen on port %d of %s, or correct the port", port, h.Name)
	if takes(h.Listening, port, true) {
		return at.broken(Nobody, "on port %d of %s something listens for the host itself alone", port, h.Name)
	}
	return at.broken(Nobody, "nothing listens on port %d of %s%s", port, h.Name, stoppedPublisher(h, port))
}

// lost reports a host of which a part could not be observed.
func (b *builder) lost(h *doctor.Host) bool {
	return slices.ContainsFunc(b.Lost, func(g Gap) bool { return strings.HasSuffix(g.What, " of "+h.Name) || g.What == "docker."+h.Name })
}

// kubelet is the port of the agent of Kubernetes, which passes ports on without anybody
// who listens.
const kubelet = 10250

// stoppedPublisher says which container had the port when it ran.
func stoppedPublisher(h *doctor.Host, port int) string {
	for i := range h.Containers {
		c := &h.Containers[i]
		if c.State != "running" && slices.ContainsFunc(c.Published, func(p doctor.Publish) bool { return p.Has(port) }) {
			return fmt.Sprintf("; the container %s, which publishes it, is %s", c.Name, c.State)
		}
	}
	return ""
}

// publishes is the running container that a port of a host leads into, under one of its
// addresses or all of them, and the port there.
func publishes(h *doctor.Host, port int, ip string) (*doctor.Container, int) {
	for i := range h.Containers {
		for _, p := range h.Containers[i].Published {
			if h.Containers[i].State == "running" && p.Has(port) && (p.Address == "" || p.Address == ip) {
				return &h.Containers[i], p.Inner
			}
		}
	}
	return nil, 0
}

func takes(list []doctor.Port, port int, local bool) bool {
	return slices.ContainsFunc(list, func(p doctor.Port) bool { return p.Proto == "tcp" && p.Number == port && (local || !p.Local) })
}

// settling is how long a container may take until it listens.
const settling = 5 * time.Minute

// inside judges whether a container answers on a port.
func (j *judge) inside(at sight, c *doctor.Container, port int) sight {
	at.container, at.inner = c, port
	switch c.State {
	case "running":
	case "restarting":
		return at.unknown("the container %s restarts again and again", c.Name)
	default:
		at.fix = "docker start " + c.Name + ", or remove what leads there"
		return at.broken(NotRunning, "the container %s is %s", c.Name, c.State)
	}
	switch {
	case port == 0:
		return at.unknown("the container %s runs; on which port it is asked is not known", c.Name)
	case c.Listening == nil:
		return at.unknown("the container %s runs; on which ports it listens was not seen", c.Name)
	case takes(c.Listening, port, false):
		return at.works("the container %s listens on port %d", c.Name, port)
	case !c.Started.IsZero() && j.At.Sub(c.Started) < settling:
		return at.unknown("the container %s was started a moment ago and does not listen on port %d yet", c.Name, port)
	}
	at.fix = fmt.Sprintf("lead to a port on which %s listens", c.Name)
	return at.broken(Nobody, "the container %s listens on %s, and not on port %d", c.Name, ports(c.Listening), port)
}

// ports lists those of TCP on which others are answered.
func ports(list []doctor.Port) string {
	var out []string
	for _, p := range list {
		if p.Proto == "tcp" && !p.Local {
			out = append(out, fmt.Sprint(p.Number))
		}
	}
	if len(out) == 0 {
		return "no port"
	}
	if len(out) > 6 {
		out = append(out[:6], "others")
	}
	return strings.Join(out, ", ")
}

// stranger judges a machine of which it is not known what runs in it. Who passes requests
// on to it can be asked whether it is let in.
func (j *judge) stranger(at sight, port int, from *yard) sight {
	if n := j.nodes[at.node]; n != nil && n.Kind == Guest && n.State == "stopped" {
		at.fix = "start " + at.node + ", or remove what leads there"
		return at.broken(NotRunning, "%s is stopped", at.node)
	}
	if from == nil {
		return at.unknown("what runs in %s is not known: there is no host block for it", bare(at.node))
	}
	t := j.tried(from.Host, doctor.Try{Kind: "port", Address: at.ip, Port: port})
	switch t.Outcome {
	case doctor.Open:
		return at.works("%s was let in there", from.Name)
	case doctor.Refused:
		at.fix = fmt.Sprintf("start what should listen on port %d of %s, or correct the port", port, at.ip)
		return at.broken(Nobody, "%s was refused on port %d", from.Name, port)
	}
	return at.unknown("what runs in %s is not known, and %s could not find out: %s", at.node, from.Name, t.Why)
}
