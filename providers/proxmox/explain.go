package proxmox

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

// A form is one of the calls that steps are made of, in words.
type form struct {
	method, path string // {word} stands for one part of the path
	does         string
	params       map[string]string
	config       bool // its other parameters are keys of the guest's configuration
	risks        []string
	undo         string
}

const (
	pathNode  = "/nodes/{node}/{type}"
	pathGuest = pathNode + "/{vmid}"
	undoMove  = "the same call with the former place; in the manifest write the former value, and run recon apply"
	down      = "what the guest serves is down meanwhile: recon graph impact says for whom"
	guestWord = "the guest has a system that listens to it: one that does not (no ACPI, no agent) runs on, and the call fails after its time"
)

// forms are all calls that Steps and Discard make.
func forms() []form {
	return []form{
		{
			method: "PUT", path: pathGuest + "/config", config: true, does: "writes keys of the configuration of {guest} on {node}; keys that it does not name stay as they are",
			params: map[string]string{"delete": "the keys that are taken out", "digest": "Proxmox refuses the call when somebody has changed the configuration since it was read"},
			risks:  []string{"a running guest takes some values at once; the others wait as pending, and count from its next restart"},
			undo:   "write the former values into the manifest (Git has them), and run recon apply; a volume that was made by it stays",
		},
		{
			method: "PUT", path: pathGuest + "/resize", does: "makes a volume of {guest} on {node} larger",
			params: map[string]string{"disk": "the volume", "size": "its size afterwards, or by how much it grows where it begins with +", "digest": "Proxmox refuses the call when somebody has changed the configuration since it was read"},
			risks:  []string{"the partition and the file system in a VM stay as they are until they are grown there"},
			undo:   "there is no way back: Proxmox shrinks no volume; recon apply --snapshot takes a snapshot before it where the storage can",
		},
		moveForm("move_disk", "disk"),
		moveForm("move_volume", "volume"),
		{
			method: "POST", path: pathGuest + "/migrate", does: "moves {guest} from {node} to another node",
			params: map[string]string{"target": "the node to which it moves", "online": "1: while it runs", "with-local-disks": "1: volumes that only the old node reaches are copied", "restart": "1: a container that runs is shut down, moved, and started there"},
			risks:  []string{"a container is down meanwhile; a VM halts for a moment at the end", "large local volumes take long, and load the network"}, undo: undoMove,
		},
		{
			method: "PUT", path: "/pools/{pool}", does: "changes who is in the pool {pool}",
			params: map[string]string{"vms": "the guests that it is about", "delete": "1: they are taken out of the pool", "allow-move": "1: a guest that is in another pool leaves it"},
			risks:  []string{"rights and backup jobs that are given to a pool count for who is in it"}, undo: undoMove,
		},
		{
			method: "POST", path: pathGuest + "/status/start", does: "starts {guest} on {node}",
			risks: []string{"where the node lacks the memory, or a volume is not there, it does not start"}, undo: "running = false in the manifest, and recon apply; or the call status/shutdown",
		},
		{
			method: "POST", path: pathGuest + "/status/shutdown", does: "asks the system of {guest} on {node} to shut down",
			risks: []string{down, "it ends if " + guestWord}, undo: "running = true in the manifest, and recon apply; or the call status/start",
		},
		{
			method: "POST", path: pathGuest + "/status/reboot", does: "shuts {guest} on {node} down and starts it again, with what was pending",
			risks: []string{down, "it ends if " + guestWord}, undo: "a restart is not undone; what it has put to use is, by the former values and another restart",
		},
		{
			method: "POST", path: pathGuest + "/status/stop", does: "stops {guest} on {node} at once, as if its power were cut",
			risks: []string{down, "what its programs have not written yet is lost"}, undo: "the call status/start",
		},
		{
			method: "DELETE", path: pathGuest, does: "removes {guest} from {node}, with its volumes and its snapshots",
			risks: []string{"its data are gone; Proxmox refuses while it runs or has its protection flag"}, undo: "there is no way back but a backup",
		},
		{
			method: "POST", path: pathGuest + "/snapshot", does: "takes a snapshot of {guest} on {node}",
			params: map[string]string{"snapname": "its name; those of recon begin with " + inventory.KeptPrefix, "description": "what it is for"},
			risks:  []string{"it keeps what was, and takes room for all that changes after it", "without vmstate the memory is not in it: going back is like starting after a power cut"},
			undo:   "recon snapshots prune removes the snapshots of recon",
		},
		{
			method: "DELETE", path: pathGuest + "/snapshot/{snapshot}", does: "removes the snapshot {snapshot} of {guest} on {node}; the guest stays as it is",
			risks: []string{"merging may take long, and loads the storage"}, undo: "there is no way back: nobody can return to that snapshot any more",
		},
		{
			method: "POST", path: pathNode, config: true, does: "makes a new guest ({type}) on {node}",
			params: map[string]string{
				"vmid": "its number; Proxmox refuses one that is taken", "pool": "the pool into which it comes", "ostemplate": "the template from which the container is made",
				"storage": "where its volumes lie that name none", "ssh-public-keys": "who may log in as root", "password": "that of root", "start": "1: it is started when it is made",
			},
			risks: []string{"it takes memory and room on the node; an address that another machine has is not refused"}, undo: "absent = true in the manifest removes it, with its data: recon apply --allow destroy",
		},
		{
			method: "POST", path: pathGuest + "/clone", does: "makes a new guest out of {guest} on {node}",
			params: map[string]string{
				"newid": "its number", "name": "its name", "hostname": "its name", "target": "the node on which it is made", "full": "1: its volumes are copies of their own; otherwise they stay bound to the template's",
				"storage": "where the copies lie", "pool": "the pool into which it comes",
			},
			risks: []string{"it has the settings of its origin, addresses among them, until they are changed"}, undo: "absent = true in the manifest removes it, with its data: recon apply --allow destroy",
		},
	}
}

func moveForm(call, volume string) form {
	return form{
		method: "POST", path: pathGuest + "/" + call, does: "copies a volume of {guest} on {node} to another storage, and uses the copy",
		params: map[string]string{
			volume: "the volume", "storage": "where it lies afterwards", "format": "the format of the copy", "delete": "1: the old volume is removed; without, it stays as unusedN",
			"digest": "Proxmox refuses the call when somebody has changed the configuration since it was read",
		},
		risks: []string{"it takes long, and room on both storages meanwhile; that of a container goes only while it is stopped"}, undo: undoMove,
	}
}

// Explain says in words what a step is, or returns nil when it is none of this provider.
func Explain(s *inventory.Step) *inventory.Explanation {
	for _, f := range forms() {
		if at := f.match(s.Method, s.Path); at != nil {
			return f.explain(at, s.Params)
		}
	}
	return nil
}

var (
	typeWords = map[string][2]string{"qemu": {"vm", "VM "}, "lxc": {"lxc", "container "}}
	vmidForm  = regexp.MustCompile(`^[1-9][0-9]{2,8}$`)
)

// match returns what stands in the places of a path.
func (f *form) match(method, path string) map[string]string {
	want, have := strings.Split(f.path, "/"), strings.Split(path, "/")
	if method != f.method || len(want) != len(have) {
		return nil
	}
	at := map[string]string{}
	for i, w := range want {
		name, place := strings.CutPrefix(w, "{")
		name = strings.TrimSuffix(name, "}")
		switch {
		case !place && w != have[i], place && have[i] == "":
			return nil
		case name == "type" && typeWords[have[i]][0] == "", name == "vmid" && !vmidForm.MatchString(have[i]):
			return nil
		case place:
			at[name] = have[i]
		}
	}
	return at
}

func (f *form) explain(at, params map[string]string) *inventory.Explanation {
	var pairs []string
	for name, value := range at {
		pairs = append(pairs, "{"+name+"}", value)
	}
	pairs = append(pairs, "{guest}", typeWords[at["type"]][1]+at["vmid"])
	e := &inventory.Explanation{Does: strings.NewReplacer(pairs...).Replace(f.does), Parts: []inventory.Piece{}, Risks: slices.Clone(f.risks), Undo: f.undo}
	kind := inventory.KindOf(typeWords[at["type"]][0])
	x := &wordFinder{e: e, kind: kind}
	for _, key := range slices.SortedFunc(maps.Keys(params), inventory.NaturalCompare) {
		value := params[key]
		switch means := f.params[key]; {
		case key == "password":
			e.Part(key, means)
		case f.config && key == "delete":
			x.deleted(value)
		case means != "":
			e.Part(key+" = "+inventory.Seen(value), means)
		case f.config:
			x.written(key, value)
		default:
			e.Unknown(key)
		}
	}
	x.impacts()
	return e
}

// A wordFinder explains keys of a configuration by the attributes that they hold.
type wordFinder struct {
	e     *inventory.Explanation
	kind  *inventory.Kind
	worst map[inventory.Impact][]string
}

// written explains a key by each value in it.
func (x *wordFinder) written(key, value string) {
	held := decode(x.kind, map[string]string{key: value})
	paths := slices.SortedFunc(maps.Keys(held), x.kind.Compare)
	before := len(x.e.Parts)
	for _, p := range paths {
		if a, _, _ := x.kind.Lookup(p); a != nil && p != p.Absent() && a.Takes(held[p]) {
			x.e.Part(key+": "+string(p)+" = "+a.Show(held[p]), a.Doc)
			x.note(a.Impact, string(p))
		}
	}
	if len(x.e.Parts) == before {
		x.e.Unknown(key)
	}
}

// deleted explains the keys that are taken out.
func (x *wordFinder) deleted(keys string) {
	for _, key := range strings.Split(keys, ",") {
		switch doc, device, impact := keyWords(x.kind, key); {
		case doc == "":
			x.e.Unknown("a key of delete")
		case device:
			x.e.Part("delete "+key, "the device is taken out; a volume of it stays as unusedN. "+doc)
			x.note(impact, key)
		default:
			x.e.Part("delete "+key, "it counts as Proxmox's default again. "+doc)
			x.note(impact, key)
		}
	}
}

// keyWords says what a key of a configuration holds.
func keyWords(kind *inventory.Kind, key string) (doc string, device bool, impact inventory.Impact) {
	x := indexOf(kind)
	switch {
	case x.plain[key].attr != nil:
		return x.plain[key].attr.Doc, false, x.plain[key].attr.Impact
	case len(x.subs[key]) > 0:
		for _, a := range x.subs[key] {
			doc, impact = cmp.Or(doc, a.Doc), max(impact, a.Impact)
		}
		return doc, false, impact
	case x.blocks[key] != nil, x.slots[key] != nil:
		b := cmp.Or(x.slots[key], x.blocks[key])
		for _, a := range b.Attrs {
			if a.Wire == inventory.WireAbsent {
				impact = max(impact, a.Impact)
			}
		}
		return b.Doc, b.Slots != nil, impact
	case x.beside[key].block != nil:
		return x.beside[key].block.Doc, false, 0
	}
	return "", false, 0
}

func (x *wordFinder) note(i inventory.Impact, what string) {
	if i == inventory.ImpactLive {
		return
	}
	if x.worst == nil {
		x.worst = map[inventory.Impact][]string{}
	}
	x.worst[i] = append(x.worst[i], what)
}

// impacts adds what the change does to the guest at worst, the worst first.
func (x *wordFinder) impacts() {
	for _, i := range slices.Backward(slices.Sorted(maps.Keys(x.worst))) {
		x.e.Risks = append(x.e.Risks, "at worst it "+i.Words(x.kind.Name)+" ("+strings.Join(x.worst[i], ", ")+"); recon plan says what it does to this one")
	}
}
