package proxmox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"recon/inventory"
)

// clockTolerance is how far clocks may be apart before the times that recon tells of
// changes mislead.
const clockTolerance = 10 * time.Second

// Check reaches every endpoint and says what the token may see and change.
func (p *Provider) Check(ctx context.Context, declared []inventory.Resource) []inventory.Ability {
	k := &checker{Provider: p, ctx: ctx}
	if !k.endpoints() {
		return k.out
	}
	if err := p.client.get(ctx, "/access/permissions", nil, &k.rights); err != nil {
		k.add(inventory.Ability{Name: "token", State: inventory.Fails, Said: err.Error(), Costs: "nothing can be observed", Mend: []string{"make a token: see the README, and put it where the proxmox block takes it from"}})
		return k.out
	}
	k.token()
	k.certificate()
	k.privileges()
	k.hiddenGuests(declared)
	k.cluster()
	k.clocks()
	return k.out
}

type checker struct {
	*Provider
	ctx     context.Context
	rights  permissions
	version string
	out     []inventory.Ability
}

func (k *checker) add(a inventory.Ability) { k.out = append(k.out, a) }

// endpoints asks each endpoint by itself, and reports whether any answered.
func (k *checker) endpoints() bool {
	reached := false
	for _, e := range k.cfg.Endpoints {
		cfg := k.cfg
		cfg.Endpoints = []string{e}
		c, err := newClient(cfg)
		if err != nil {
			k.add(inventory.Ability{Name: "address", State: inventory.Fails, Said: err.Error(), Costs: "nothing can be observed"})
			continue
		}
		var v struct{ Version string }
		start := time.Now()
		err = c.get(k.ctx, "/version", nil, &v)
		c.close()
		if err != nil {
			k.add(k.unreached(e, err))
			continue
		}
		reached, k.version = true, v.Version
		k.add(inventory.Working("address", fmt.Sprintf("%s answers in %s, Proxmox VE %s", e, time.Since(start).Round(time.Millisecond), v.Version)))
	}
	if reached { // another way in is enough to observe everything
		for i := range k.out {
			if k.out[i].State == inventory.Fails {
				k.out[i].State, k.out[i].Costs = inventory.Lacks, "one way in less when the others are down"
			}
		}
	}
	return reached
}

// unreached says which of address, certificate and token it is that does not work.
func (k *checker) unreached(endpoint string, err error) inventory.Ability {
	a := inventory.Ability{Name: "address", State: inventory.Fails, Said: err.Error(), Costs: "nothing can be observed through " + endpoint}
	var refused *APIError
	switch {
	case errors.Is(err, errFingerprint):
		a.Name = "certificate"
		a.Mend = []string{"openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem", "# on the node; what it prints is the fingerprint for the proxmox block"}
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		a.Name = "token"
		user, _, _ := strings.Cut(k.client.token, "!")
		a.Mend = []string{"pveum user token list " + user, "# on a node: which there are, and until when; the README has how to make one"}
	}
	return a
}

// certificate says how the server proves who it is.
func (k *checker) certificate() {
	switch cfg := k.cfg; {
	case cfg.Insecure:
		k.add(inventory.Ability{
			Name: "certificate", State: inventory.Lacks, Said: "not verified (insecure = true)", Costs: "whoever stands in between can read the token",
			Mend: []string{"fingerprint = \"...\" in the proxmox block; on a node: openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem"},
		})
	case cfg.Fingerprint != "":
		k.add(inventory.Working("certificate", "the one with the declared fingerprint"))
	case len(cfg.CA) > 0:
		k.add(inventory.Working("certificate", "signed by the CA of ca_file"))
	default:
		k.add(inventory.Working("certificate", "signed by a CA that this machine trusts"))
	}
}

// token says who recon is here. Whether a token may read its own description depends on
// the release and on its rights.
func (k *checker) token() {
	user, name, _ := strings.Cut(k.client.token, "!")
	var t struct {
		Expire  scalar  `json:"expire"`
		Privsep *scalar `json:"privsep"`
	}
	if err := k.client.get(k.ctx, "/access/users/"+url.PathEscape(user)+"/token/"+url.PathEscape(name), nil, &t); err != nil {
		k.add(inventory.Working("token", k.client.token+"; when it expires and whether its rights are its own is not visible to it"))
		return
	}
	said := k.client.token + ", with the rights of " + user
	if t.Privsep == nil || t.Privsep.bool() {
		said = k.client.token + ", with rights of its own (privilege separation)"
	}
	a := inventory.Working("token", said+", does not expire")
	if at := t.Expire.int(); at > 0 {
		until := time.Unix(int64(at), 0)
		a.Said = said + ", expires on " + until.Format(time.DateOnly)
		if until.Sub(k.now()) < 14*24*time.Hour {
			a.State, a.Costs = inventory.Lacks, "then nothing can be observed"
			a.Mend = []string{fmt.Sprintf("pveum user token modify %s %s --expire 0", user, name)}
		}
	}
	k.add(a)
}

// A capability is what privileges are good for.
type capability struct {
	name, path string
	any        []string // one of them is enough
	all        []string // each is good for something
	costs      string
	role       string                 // what to call a role that grants what PVEAuditor does not
	state      inventory.AbilityState // when it is missing
}

const hiddenCosts = "guests are hidden: nothing is proven absent, totals are lower bounds, commands exit with 3"

// capabilities are what recon does with a token, beside what single changes ask (rights.go).
func capabilities(version string) []capability {
	return []capability{
		{"see guests", "/vms", []string{seeGuests}, nil, hiddenCosts, "ReconSee", inventory.Fails},
		{"see nodes and quorum", "/", []string{"Sys.Audit"}, nil, "absence is not proven, and changes are blocked, since nobody knows whether the cluster has quorum", "", inventory.Lacks},
		{"see who changed what", "/", []string{seeLog}, nil, "\"last changed by: not visible to this token\"", "ReconLook", inventory.Lacks},
		{"see storages", "/storage", []string{"Datastore.Audit"}, nil, "whether a storage that a change names is there is not known before the change", "ReconStorages", inventory.Lacks},
		{"addresses from the agent", "/vms", agentPrivileges(version), nil, "no address of VMs that get theirs by DHCP", "ReconAgent", inventory.Lacks},
		{
			"change guests", "/vms", nil,
			[]string{"VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit", "VM.Config.Disk", "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options", "VM.PowerMgmt", "VM.Snapshot"},
			"recon only looks; plan says of each change what it lacks", "ReconChange", inventory.Lacks,
		},
		{"use storages", "/storage", []string{"Datastore.AllocateSpace"}, nil, "disks are made and grown only on storages on which it has that by itself", "ReconSpace", inventory.Lacks},
		{"use networks", "/sdn", []string{"SDN.Use"}, nil, "cards are changed only on networks on which it has that by itself", "ReconNets", inventory.Lacks},
	}
}

// privileges says what the token may see and change.
func (k *checker) privileges() {
	for _, c := range capabilities(k.version) {
		k.add(k.capability(c))
	}
	if path := k.rights.blind(); path != "" && path != "/vms" {
		k.add(k.missing(capability{name: "see guests", path: path, costs: hiddenCosts, role: "ReconSee", state: inventory.Fails}, []string{seeGuests}))
	}
}

// hiddenGuests looks for declared guests from which the token's rights were taken: Proxmox
// tells neither of them nor of that path, but does not give their ids away either.
func (k *checker) hiddenGuests(declared []inventory.Resource) {
	var rows []resourceRow
	if k.rights.blind() != "" || k.client.get(k.ctx, "/cluster/resources", url.Values{"type": {"vm"}}, &rows) != nil {
		return // told already
	}
	listed := map[int]bool{}
	for _, row := range rows {
		if g, ok := row.guest(); ok {
			listed[g.vmid] = true
		}
	}
	for i := range declared {
		vmid := inventory.VMID(declared[i].Identity)
		if vmid == 0 || listed[vmid] {
			continue
		}
		if err := k.client.get(k.ctx, "/cluster/nextid", url.Values{"vmid": {itoa(vmid)}}, nil); statusOf(err) != http.StatusBadRequest {
			continue
		}
		path := "/vms/" + itoa(vmid)
		k.add(inventory.Ability{
			Name: "see guests", State: inventory.Fails, Said: fmt.Sprintf("the token lacks %s on %s (%s): a role that is given there replaces what is given further up", seeGuests, path, declared[i].Addr), Costs: hiddenCosts,
			Mend: []string{"pveum acl list   # which role that is; NoAccess it may be:", fmt.Sprintf("pveum acl delete %s --tokens '%s' --roles NoAccess", path, k.client.token)},
		})
	}
}

func (k *checker) capability(c capability) inventory.Ability {
	has := func(p string) bool { return k.rights.has(c.path+"/0", p) || c.path == "/" && k.rights.has("/", p) }
	if slices.ContainsFunc(c.any, has) {
		return inventory.Working(c.name, c.any[slices.IndexFunc(c.any, has)]+" on "+c.path)
	}
	var lacking []string
	for _, p := range c.all {
		if !has(p) {
			lacking = append(lacking, p)
		}
	}
	switch {
	case len(c.any) > 0:
		return k.missing(c, c.any[:1])
	case len(lacking) == 0:
		return inventory.Working(c.name, "VM.Config.*, VM.PowerMgmt and VM.Snapshot on "+c.path)
	}
	return k.missing(c, lacking)
}

// missing names the privileges and the commands that grant them.
func (k *checker) missing(c capability, privileges []string) inventory.Ability {
	user, _, _ := strings.Cut(k.client.token, "!")
	granted := append(slices.Clone(privileges), k.inherited(c.path, privileges[0])...)
	own := slices.DeleteFunc(slices.Clone(granted), func(p string) bool { return strings.HasSuffix(p, ".Audit") })
	var roles, mend []string
	if len(own) < len(granted) {
		roles = append(roles, "PVEAuditor")
	}
	if len(own) > 0 {
		roles = append(roles, c.role)
		privs := strings.Join(own, " ")
		if len(own) > 1 {
			privs = `"` + privs + `"`
		}
		mend = append(mend, fmt.Sprintf("pveum role add %s --privs %s", c.role, privs))
	}
	mend = append(mend, fmt.Sprintf("pveum acl modify %s --users %s --tokens '%s' --roles %s", c.path, user, k.client.token, strings.Join(roles, ",")))
	said := strings.Join(privileges, ", ")
	if len(privileges) > 3 {
		said = fmt.Sprintf("%s, and %d more,", strings.Join(privileges[:2], ", "), len(privileges)-2) // the commands have them all
	}
	return inventory.Ability{Name: c.name, State: c.state, Said: "the token lacks " + said + " on " + c.path, Costs: c.costs, Mend: mend}
}

// inherited lists what the token has on a path from further up, of the kind of a privilege.
// A role that is given on the path replaces it, so it has to be given again.
func (k *checker) inherited(path, like string) []string {
	if path == "/" {
		return nil
	}
	area, _, _ := strings.Cut(like, ".")
	var out []string
	for _, p := range slices.Sorted(maps.Keys(k.rights["/"])) {
		if strings.HasPrefix(p, area+".") && p != like && k.rights["/"][p] == 1 && k.rights.has(path+"/0", p) {
			out = append(out, p)
		}
	}
	return out
}

// cluster says how the cluster is.
func (k *checker) cluster() {
	var rows []statusRow
	if k.client.get(k.ctx, "/cluster/status", nil, &rows) != nil {
		return // the missing privilege is told already
	}
	r := &reading{Provider: k.Provider, dead: map[string]error{}}
	r.view.nodes = map[string]bool{}
	r.clusterStatus(rows, nil)
	var offline []string
	for _, name := range slices.SortedFunc(maps.Keys(r.view.nodes), strings.Compare) {
		if !r.view.nodes[name] {
			offline = append(offline, name)
		}
	}
	a := inventory.Working("quorum", "there, or a node that stands alone")
	if !r.view.quorate {
		a = inventory.Ability{Name: "quorum", State: inventory.Lacks, Said: "the cluster has none", Costs: "nothing can be changed, and nothing is proven absent", Mend: []string{"pvecm status, on a node"}}
	}
	k.add(a)
	a = inventory.Working("nodes", fmt.Sprintf("%d online", len(r.view.nodes)))
	if len(offline) > 0 {
		a = inventory.Ability{Name: "nodes", State: inventory.Fails, Said: strings.Join(offline, ", ") + " offline", Costs: "guests there are unknown, and keep their last facts"}
	}
	k.add(a)
}

// clocks holds the clocks of nodes against that of this machine.
func (k *checker) clocks() {
	var nodes []struct{ Node, Status string }
	if k.client.get(k.ctx, "/nodes", nil, &nodes) != nil {
		return
	}
	seen := 0
	for _, n := range nodes {
		var t struct{ Time int64 }
		start := k.now()
		if n.Status == "offline" || k.client.get(k.ctx, "/nodes/"+n.Node+"/time", nil, &t) != nil {
			continue
		}
		seen++
		middle := start.Add(k.now().Sub(start) / 2)
		if off := time.Unix(t.Time, 0).Sub(middle).Round(time.Second); off.Abs() > clockTolerance {
			k.add(inventory.Ability{Name: "clock", State: inventory.Lacks, Said: fmt.Sprintf("%s is %s away from this machine", n.Node, off), Costs: "times of changes mislead", Mend: []string{"timedatectl, on " + n.Node + " and here"}})
			return
		}
	}
	if seen > 0 {
		k.add(inventory.Working("clock", fmt.Sprintf("%d node(s) agree with this machine", seen)))
	}
}
