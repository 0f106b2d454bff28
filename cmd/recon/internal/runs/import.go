package runs

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/manifests"
)

// An Import is what recon import writes: blocks for guests that no manifest
// declares yet.
type Import struct {
	Files   map[string][]byte // new content by path
	old     map[string][]byte // what was there
	Blocks  []ImportedBlock
	Already []string // asked for, and declared already
	Unknown []string // asked for, and not observable

	Hidden   []string       // fields that look like a credential, and are not written
	Exact    bool           // guests are written as exact ones
	Defaults map[string]int // how often a value was left out because it is the default, by its name
}

// An ImportedBlock is one block that is written.
type ImportedBlock struct {
	Address  inventory.Address
	Identity string
	File     string
	Text     string
}

// PlanImport renders blocks for what is asked: addresses, names, vmids or
// home/111; all guests when what is nil.
func PlanImport(w *home.World, what []string, exact bool) (*Import, error) {
	im := &Import{Files: map[string][]byte{}, old: map[string][]byte{}, Exact: exact, Defaults: map[string]int{}}
	labels := map[inventory.Address]bool{}
	declared := map[string]inventory.Address{}
	for _, r := range w.Project.Resources {
		labels[inventory.Address{Kind: r.Addr.Kind, Name: r.Addr.Name}] = true
		declared[r.Identity] = r.Addr
	}
	found := map[string]bool{}
	for _, o := range w.Observations() {
		asked := matching(what, &o)
		for _, a := range asked {
			found[a] = true
		}
		switch {
		case what != nil && len(asked) == 0 || o.State == inventory.Absent:
		case !declared[o.Resource.Identity].IsZero():
			im.Already = append(im.Already, fmt.Sprintf("%s (%s)", o.Resource.Identity, declared[o.Resource.Identity]))
		case o.State == inventory.Unknown:
			im.Unknown = append(im.Unknown, fmt.Sprintf("%s: %v", o.Resource.Identity, o.Err))
		default:
			if err := im.one(w, &o, labels); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range what {
		if !found[a] {
			return nil, &home.Failure{Code: home.ExitError, Err: fmt.Errorf("nothing observed is called %q", a), Hint: "recon inventory lists what there is"}
		}
	}
	return im, loads(w.Home(), im.Files, im.Blocks)
}

// matching returns the requests that mean an observed guest.
func matching(what []string, o *inventory.Observation) []string {
	vmid := inventory.LocalOf(o.Resource.Identity)
	var out []string
	for _, a := range what {
		if a == o.Resource.Identity || a == vmid || a == o.Resource.Addr.String() || a == o.Resource.Name() && a != "" {
			out = append(out, a)
		}
	}
	return out
}

// one renders one guest into its file. Existing files are appended to.
func (im *Import) one(w *home.World, o *inventory.Observation, labels map[inventory.Address]bool) error {
	if !inventory.IsGuest(o.Resource.Addr.Kind) {
		return im.fromHost(w, o, labels)
	}
	cluster := inventory.ClusterOf(o.Resource.Identity)
	vmid := inventory.VMID(o.Resource.Identity)
	addr := inventory.Address{Kind: o.Resource.Addr.Kind, Name: inventory.Label(o.Resource.Name(), vmid)}
	if labels[addr] {
		addr.Name = fmt.Sprintf("%s-%d", addr.Name, vmid)
	}
	labels[addr] = true
	file := manifests.Folder + "/" + cluster + ".hcl"
	if pool := inventory.Text(o.Resource.Attrs["pool"]); pool != "" {
		file = manifests.Folder + "/" + fileName(pool, cluster) + ".hcl"
	}
	r := manifests.Rendering{Label: addr.Name, Resource: o.Resource, Masked: o.Volatile.MaskedSet, Exact: im.Exact && !w.Project.Settings.Exact}
	for _, p := range manifests.Hidden(o.Resource) {
		im.Hidden = append(im.Hidden, fmt.Sprintf("%s.%s", addr, p))
	}
	for _, name := range manifests.AtDefault(o.Resource) {
		im.Defaults[name]++
	}
	if len(w.Project.Clusters) > 1 {
		r.Cluster = cluster
	}
	return im.block(w.Home(), o, addr, file, manifests.Render(r))
}

// fileName is the name of a pool's file: one that is neither hidden nor leads elsewhere.
func fileName(pool, cluster string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, pool)
	return cmp.Or(strings.Trim(name, ".-_"), cluster)
}

// block appends a block to its file.
func (im *Import) block(h *home.Home, o *inventory.Observation, addr inventory.Address, file string, text []byte) error {
	b := ImportedBlock{Address: addr, Identity: o.Resource.Identity, File: file, Text: string(text)}
	text, why, err := sound(h, b, o.Resource.Name())
	if err != nil {
		return err
	}
	if text == nil {
		im.Unknown = append(im.Unknown, fmt.Sprintf("%s cannot be declared: %s", o.Resource.Identity, why))
		return nil
	}
	b.Text = string(text)
	if _, begun := im.Files[file]; !begun {
		old, exists, err := home.ReadFile(h.Root, file)
		if err != nil {
			return err
		}
		im.old[file] = old
		im.Files[file] = old
		if !exists {
			im.old[file], im.Files[file] = nil, []byte(importHead)
		}
	}
	content := im.Files[file]
	if len(content) > 0 && !bytes.HasSuffix(content, []byte("\n")) {
		content = append(content, '\n')
	}
	if len(content) > 0 {
		content = append(content, '\n')
	}
	im.Files[file] = append(content, text...)
	im.Blocks = append(im.Blocks, b)
	return nil
}

const importHead = `# Written from live state by recon import, and yours from now on. What stands here
# is compared and kept; what is left out (where a guest runs, whether it does,
# values equal to Proxmox's defaults) is nobody's opinion and never drift.
`

// WriteImport writes the blocks, and remembers their values as last applied.
func WriteImport(ctx context.Context, w *home.World, im *Import) error {
	h := w.Home()
	return writing(ctx, h, "import", func(ph *phase) (int, error) {
		for _, file := range slices.Sorted(maps.Keys(im.Files)) {
			if _, err := home.ReplaceFile(h.Root, file, im.old[file], im.old[file] != nil, im.Files[file]); err != nil {
				return home.ExitError, err
			}
		}
		return home.ExitOK, agree(ctx, ph, w)
	})
}

// agree loads manifests that were changed to say what is, and remembers the values
// on which they and the last look agree.
func agree(ctx context.Context, ph *phase, w *home.World) error {
	if err := w.Home().Load(); err != nil {
		return fmt.Errorf("read what was written: %w", err)
	}
	w = w.With(w.Home().Project())
	if err := ph.catchUp(ctx, w); err != nil {
		return err
	}
	p, err := w.Compare(ctx)
	if err != nil {
		return err
	}
	_, err = record(ctx, ph, w, p, deed{})
	return err
}

// fromHost renders a daemon or service of a host into the host's own file.
// Services that several hosts have get the host's name into their label.
func (im *Import) fromHost(w *home.World, o *inventory.Observation, labels map[inventory.Address]bool) error {
	host := inventory.HostOf(o.Resource.Identity)
	name := inventory.LocalOf(o.Resource.Identity)
	addr := inventory.Address{Kind: o.Resource.Addr.Kind, Name: host}
	if addr.Kind == inventory.KindService {
		addr.Name = serviceLabel(name)
		if labels[addr] {
			addr.Name = host + "-" + addr.Name
		}
	}
	if labels[addr] {
		im.Already = append(im.Already, fmt.Sprintf("%s (another one is called %s)", o.Resource.Identity, addr))
		return nil
	}
	labels[addr] = true
	r := manifests.Rendering{Label: addr.Name, Host: host, Resource: declarable(o.Resource)}
	return im.block(w.Home(), o, addr, manifests.Folder+"/host-"+host+".hcl", manifests.Render(r))
}

// serviceLabel turns a container's name into a label.
func serviceLabel(name string) string {
	label := inventory.Label(name, 0)
	if strings.HasPrefix(label, "vm-") && !strings.HasPrefix(strings.ToLower(name), "vm-") {
		return "service" + strings.TrimPrefix(label, "vm") + "-" + strings.Map(onlyDigits, name)
	}
	return label
}

func onlyDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return r
	}
	return -1
}

// declarable takes out of what was observed what nobody would declare: ports that
// change at each start, and what follows from the rest.
func declarable(r inventory.Resource) inventory.Resource {
	out := r
	out.Attrs = inventory.Attrs{}
	for p, v := range r.Attrs {
		if p != "listen" && p.Leaf() != "writable" && p.Leaf() != "filesystem" {
			out.Attrs[p] = v
		}
	}
	return out
}
