package pvesim

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// SDN is the software-defined network. What is written takes effect when it is applied.
type SDN struct {
	Zones   []Record `json:"zones,omitempty"`
	Vnets   []Record `json:"vnets,omitempty"`
	Subnets []Record `json:"subnets,omitempty"`
}

// sdnKind are the zones, the vnets or the subnets of a vnet.
type sdnKind struct {
	what, id       string // zone, and the property that names one
	path           string // of the list
	create, change string // parameters
	of             func(*SDN) *[]Record
	where          func(c *call, r Record) string // the path on which rights are asked
	parent         func(c *call, r Record) string // and the one to make it
	hook           func(c *call, r Record) error  // checks what is to be written
	used           func(c *call, r Record) error  // refuses to remove what others need
}

func sdnRoutes(t *routeTable) {
	audit, allocate := perm("/sdn", "SDN.Audit"), perm("/sdn", "SDN.Allocate")
	lock := ""
	if t.server.release >= "9" {
		lock = " lock-token"
	}
	t.add("GET", "/cluster/sdn", "", audit, index("vnets", "zones", "controllers", "ipams", "dns"))
	apply := ""
	if lock != "" {
		apply = "lock-token release-lock:b"
	}
	t.add("PUT", "/cluster/sdn", apply, allocate, applySDN)
	zone := "mtu:i dns reversedns dnszone ipam nodes@nodelist dhcp(dnsmasq) bridge tag:i>=0 vlan-protocol(802.1q|802.1ad) peers vxlan-port:i>=1 controller vrf-vxlan:i>=1" +
		" exitnodes@nodelist exitnodes-local-routing:b exitnodes-primary@node advertise-subnets:b disable-arp-nd-suppression:b rt-import mac@mac bridge-disable-mac-learning:b" + lock
	sdnKind{
		what: "zone", id: "zone", path: "/cluster/sdn/zones", create: "zone!~8 type!(evpn|faucet|qinq|simple|vlan|vxlan) " + zone, change: zone,
		of:     func(s *SDN) *[]Record { return &s.Zones },
		where:  func(_ *call, r Record) string { return "/sdn/zones/" + r["id"] },
		parent: func(*call, Record) string { return "/sdn/zones" },
		hook:   func(*call, Record) error { return nil }, used: zoneUsed,
	}.add(t)
	vnet := "alias~256 tag:i>=1 vlanaware:b isolate-ports:b" + lock
	sdnKind{
		what: "vnet", id: "vnet", path: "/cluster/sdn/vnets", create: "vnet!~8 zone! type(vnet) " + vnet, change: "zone " + vnet,
		of:     func(s *SDN) *[]Record { return &s.Vnets },
		where:  func(_ *call, r Record) string { return "/sdn/zones/" + r["zone"] + "/" + r["id"] },
		parent: func(_ *call, r Record) string { return "/sdn/zones/" + r["zone"] },
		hook:   checkVnet, used: vnetUsed,
	}.add(t)
	subnet := "gateway snat:b dnszoneprefix dhcp-range:a dhcp-dns-server" + lock
	sdnKind{
		what: "subnet", id: "subnet", path: "/cluster/sdn/vnets/{vnet}/subnets", create: "subnet! type!(subnet) " + subnet, change: subnet,
		of:    func(s *SDN) *[]Record { return &s.Subnets },
		where: subnetPath, parent: subnetPath,
		hook: checkSubnet, used: func(*call, Record) error { return nil },
	}.add(t)
}

// subnetPath is the path of the vnet of a subnet.
func subnetPath(c *call, r Record) string {
	return "/sdn/zones/" + record(c.s.world.sdn().Vnets, r["vnet"])["zone"] + "/" + r["vnet"]
}

func (w *World) sdn() *SDN {
	if w.SDN == nil {
		w.SDN = &SDN{}
	}
	return w.SDN
}

func (w *World) appliedSDN() *SDN {
	if w.SDNApplied == nil {
		return &SDN{}
	}
	return w.SDNApplied
}

func record(list []Record, id string) Record {
	if i := slices.IndexFunc(list, func(r Record) bool { return r["id"] == id }); i >= 0 {
		return list[i]
	}
	return nil
}

func (k sdnKind) add(t *routeTable) {
	one := k.path + "/{" + k.id + "}"
	view := "pending:b running:b"
	if k.what == "zone" {
		t.add("GET", k.path, view+" type(evpn|faucet|qinq|simple|vlan|vxlan)", nil, k.list)
	} else {
		t.add("GET", k.path, view, nil, k.list)
	}
	t.add("POST", k.path, k.create, nil, k.insert)
	var g guard // of others it depends on the zone that they are in
	if k.what == "zone" {
		g = perm("/sdn/zones/{zone}", "SDN.Allocate")
	}
	t.add("GET", one, view, g, k.get)
	t.add("PUT", one, k.change+" delete@idlist digest~64", g, k.update)
	drop := ""
	if strings.Contains(k.change, "lock-token") {
		drop = "lock-token"
	}
	t.add("DELETE", one, drop, g, k.remove)
}

// mine reports whether a record belongs to the list of the path: subnets are those of
// a vnet.
func (k sdnKind) mine(c *call, r Record) bool {
	return k.what != "subnet" || r["vnet"] == c.uri["vnet"]
}

// seen are the records as the request wants to see them.
func (k sdnKind) seen(c *call) (rows []obj) {
	written, applied := *k.of(c.s.world.sdn()), *k.of(c.s.world.appliedSDN())
	add := func(r Record, o obj) {
		if k.mine(c, r) && c.may(k.where(c, r), "SDN.Audit", "SDN.Allocate") {
			rows = append(rows, o)
		}
	}
	switch {
	case c.flag("pending"):
		for _, r := range written {
			add(r, k.pending(r, record(applied, r["id"])))
		}
		for _, r := range applied {
			if record(written, r["id"]) == nil {
				o := k.show(r)
				o["state"], o["pending"] = "deleted", obj{}
				add(r, o)
			}
		}
	case c.flag("running"):
		for _, r := range applied {
			add(r, k.show(r))
		}
	default:
		for _, r := range written {
			o := k.show(r)
			o["digest"] = digestOf(r)
			add(r, o)
		}
	}
	return rows
}

// sdnNumbers are the properties that are numbers.
var sdnNumbers = strings.Fields("mtu tag vxlan-port vrf-vxlan vlanaware isolate-ports snat exitnodes-local-routing advertise-subnets disable-arp-nd-suppression bridge-disable-mac-learning")

func (k sdnKind) value(key, v string) any {
	switch {
	case slices.Contains(sdnNumbers, key):
		return number(v)
	case key == "dhcp-range":
		ranges := []obj{}
		for _, text := range splitNUL(v) {
			o := obj{}
			for part := range strings.SplitSeq(text, ",") {
				name, value, _ := strings.Cut(part, "=")
				o[name] = value
			}
			ranges = append(ranges, o)
		}
		return ranges
	}
	return v
}

func (k sdnKind) show(r Record) obj {
	o := obj{k.id: r["id"]}
	for key, v := range r {
		if key != "id" {
			o[key] = k.value(key, v)
		}
	}
	if k.what == "subnet" && r["id"] != "" {
		zone, rest, _ := strings.Cut(r["id"], "-")
		network, mask, _ := strings.Cut(rest, "-")
		o["id"], o["zone"], o["network"], o["mask"], o["cidr"] = r["id"], zone, network, mask, network+"/"+mask
		o["dhcp-range"] = k.value("dhcp-range", r["dhcp-range"])
	}
	return o
}

// pending shows a record beside what is applied: its own values, and below "pending"
// those that an application would bring.
func (k sdnKind) pending(r, applied Record) obj {
	if maps.Equal(r, applied) {
		return k.show(r)
	}
	o, news := k.show(applied), obj{}
	if applied == nil {
		o = k.show(Record{"id": r["id"]})
	}
	o["pending"], o["state"] = news, "changed"
	if applied == nil {
		o["state"] = "new"
	}
	for key, v := range r {
		switch {
		case key == "type" || key == "vnet":
			o[key] = v
		case key != "id" && applied[key] != v:
			news[key] = k.value(key, v)
		}
	}
	for key := range applied {
		if _, kept := r[key]; !kept {
			news[key] = "deleted"
		}
	}
	return o
}

func (k sdnKind) list(c *call) (any, error) {
	rows := []obj{}
	if err := c.vnetThere(); err != nil {
		return nil, err
	}
	for _, o := range k.seen(c) {
		if want := c.p["type"]; want == "" || o["type"] == want {
			rows = append(rows, o)
		}
	}
	return rows, nil
}

// vnetThere checks the vnet of the path, of which subnets are.
func (c *call) vnetThere() error {
	if v, ok := c.uri["vnet"]; ok && record(c.s.world.sdn().Vnets, v) == nil && record(c.s.world.appliedSDN().Vnets, v) == nil {
		return die("sdn vnet '%s' does not exist", v)
	}
	return nil
}

func (k sdnKind) get(c *call) (any, error) {
	if err := c.vnetThere(); err != nil {
		return nil, err
	}
	for _, list := range []*[]Record{k.of(c.s.world.sdn()), k.of(c.s.world.appliedSDN())} {
		if r := record(*list, c.uri[k.id]); r != nil && k.mine(c, r) {
			if err := c.check(k.where(c, r), "SDN.Audit", "SDN.Allocate"); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range k.seen(c) {
		if o[k.id] == c.uri[k.id] {
			return o, nil
		}
	}
	return nil, k.missing(c.uri[k.id])
}

func (k sdnKind) missing(id string) error {
	if k.what == "zone" {
		return die("sdn '%s' does not exist", id)
	}
	return die("sdn %s '%s' does not exist", k.what, id)
}

// failed is an error under the lock of the configuration, which makes one text of it
// whatever it was.
func (k sdnKind) failed(verb string, err error) error {
	var e *apiError
	if !errors.As(err, &e) {
		return err
	}
	text := e.msg
	if e.errors != nil {
		text = fmt.Sprint(e.status, " ", e.msg)
		for _, name := range slices.Sorted(maps.Keys(e.errors)) {
			text += "\n" + name + ": " + e.errors[name]
		}
	}
	return die("%s sdn %s object failed: %s", verb, k.what, text)
}

func (k sdnKind) insert(c *call) (any, error) {
	r := Record(maps.Clone(c.p))
	delete(r, "lock-token")
	id := r[k.id]
	delete(r, k.id)
	switch k.what {
	case "vnet":
		r["type"] = "vnet"
	case "subnet":
		if err := c.vnetThere(); err != nil {
			return nil, err
		}
		r["vnet"] = c.uri["vnet"]
		id = record(c.s.world.sdn().Vnets, r["vnet"])["zone"] + "-" + strings.ReplaceAll(id, "/", "-")
	}
	r["id"] = id
	if err := c.check(k.parent(c, r), "SDN.Allocate"); err != nil {
		return nil, err
	}
	if record(*k.of(c.s.world.sdn()), id) != nil {
		return nil, k.failed("create", die("sdn %s object ID '%s' already defined", k.what, id))
	}
	return nil, k.write(c, "create", r)
}

// there finds the record of the path for a change.
func (k sdnKind) there(c *call, verb string) (Record, error) {
	if err := c.vnetThere(); err != nil {
		return nil, err
	}
	r := record(*k.of(c.s.world.sdn()), c.uri[k.id])
	if r == nil || !k.mine(c, r) {
		return nil, k.failed(verb, k.missing(c.uri[k.id]))
	}
	return r, c.check(k.where(c, r), "SDN.Allocate")
}

func (k sdnKind) update(c *call) (any, error) {
	old, err := k.there(c, "update")
	if err != nil {
		return nil, err
	}
	if d := c.p["digest"]; d != "" && d != digestOf(old) {
		return nil, k.failed("update", die("detected modified configuration - file changed by other user? Try again."))
	}
	r := maps.Clone(old)
	for _, key := range splitList(c.p["delete"]) {
		delete(r, key)
	}
	for key, v := range c.p {
		if key != "delete" && key != "digest" && key != "lock-token" {
			r[key] = v
		}
	}
	return nil, k.write(c, "update", r)
}

// write puts a record in the place of the one of its name.
func (k sdnKind) write(c *call, verb string, r Record) error {
	if err := c.cfsLock(verb+" sdn "+k.what+" object failed:", "sdn"); err != nil {
		return err
	}
	if err := k.hook(c, r); err != nil {
		return k.failed(verb, err)
	}
	list := k.of(c.s.world.sdn())
	*list = append(slices.DeleteFunc(*list, func(o Record) bool { return o["id"] == r["id"] }), r)
	slices.SortFunc(*list, func(a, b Record) int { return strings.Compare(a["id"], b["id"]) })
	c.s.dirty()
	return nil
}

func (k sdnKind) remove(c *call) (any, error) {
	r, err := k.there(c, "delete")
	if err != nil {
		return nil, err
	}
	if err := c.cfsLock("delete sdn "+k.what+" object failed:", "sdn"); err != nil {
		return nil, err
	}
	if err := k.used(c, r); err != nil {
		return nil, k.failed("delete", err)
	}
	list := k.of(c.s.world.sdn())
	*list = slices.DeleteFunc(*list, func(o Record) bool { return o["id"] == r["id"] })
	c.s.dirty()
	return nil, nil
}

func zoneUsed(c *call, r Record) error {
	for _, v := range c.s.world.sdn().Vnets {
		if v["zone"] == r["id"] {
			return die("zone %s is used by vnet %s", r["id"], v["id"])
		}
	}
	return nil
}

func (w *World) hasSubnets(vnet string) bool {
	return slices.ContainsFunc(w.sdn().Subnets, func(s Record) bool { return s["vnet"] == vnet })
}

func vnetUsed(c *call, r Record) error {
	if c.s.world.hasSubnets(r["id"]) {
		return badParam("vnet", "Can't delete vnet if subnets exists")
	}
	return nil
}

// checkVnet has the rules of the zone's type: a simple one has no tags; those of VLANs
// are of one zone, those of VXLANs of all.
func checkVnet(c *call, r Record) error {
	sdn := c.s.world.sdn()
	zone := record(sdn.Zones, r["zone"])
	vxlan := func(zone Record) bool { return zone["type"] == "vxlan" || zone["type"] == "evpn" }
	switch {
	case zone == nil:
		return die("sdn '%s' does not exist", r["zone"])
	case zone["type"] == "simple" && r["tag"] != "":
		return badParam("tag", "vlan tag is not allowed on simple zone")
	case zone["type"] == "vlan" && r["tag"] == "":
		return badParam("tag", "missing vlan tag")
	case vxlan(zone) && r["tag"] == "":
		return badParam("tag", "missing vxlan tag")
	case r["vlanaware"] == "1" && c.s.world.hasSubnets(r["id"]):
		return badParam("vlanaware", "vlanaware vnet is not compatible with subnets")
	}
	for _, o := range sdn.Vnets {
		near := o["zone"] == r["zone"] || vxlan(zone) && vxlan(record(sdn.Zones, o["zone"]))
		if o["id"] != r["id"] && near && r["tag"] != "" && o["tag"] == r["tag"] {
			return badParam("tag", "tag "+r["tag"]+" already exist in vnet "+o["id"])
		}
	}
	return nil
}

func checkSubnet(c *call, r Record) error {
	vnet := record(c.s.world.sdn().Vnets, r["vnet"])
	zone, rest, _ := strings.Cut(r["id"], "-")
	text := strings.ReplaceAll(rest, "-", "/")
	cidr, err := netip.ParsePrefix(text)
	inside := func(addr string) bool {
		a, err := netip.ParseAddr(addr)
		return err == nil && cidr.Contains(a)
	}
	switch {
	case vnet == nil || zone != vnet["zone"]:
		return badParam("vnet", r["vnet"]+" don't exist")
	case vnet["vlanaware"] == "1":
		return badParam("vnet", "you can't add a subnet on a vlanaware vnet")
	case err != nil:
		return die("value does not look like a valid CIDR network")
	case r["gateway"] != "" && !cidr.IsSingleIP() && !inside(r["gateway"]):
		return badParam("gateway", r["gateway"]+" is not in subnet "+text)
	}
	for _, text := range splitNUL(r["dhcp-range"]) {
		for part := range strings.SplitSeq(text, ",") {
			if name, addr, _ := strings.Cut(part, "="); !inside(addr) {
				return badParam("dhcp-range", name+" "+addr+" is not in subnet "+cidr.String())
			}
		}
	}
	return nil
}

// applySDN makes what is written what holds; the task has the nodes read it.
func applySDN(c *call) (any, error) {
	if err := c.quorum(); err != nil {
		return nil, err
	}
	w := c.s.world
	applied := *w.sdn()
	for _, list := range []*[]Record{&applied.Zones, &applied.Vnets, &applied.Subnets} {
		*list = slices.Clone(*list)
		for i, r := range *list {
			(*list)[i] = maps.Clone(r)
		}
	}
	w.SDNApplied = &applied
	c.s.dirty()
	return c.start(c.node(), "reloadnetworkall", "", func(*task) error { return nil }), nil
}
