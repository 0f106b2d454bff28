package pvesim

import (
	"maps"
	"slices"
	"strings"
)

// edit is one change of a guest's config: what to set, delete and revert.
type edit struct {
	*call
	m      *machine
	set    map[string]string
	del    []string
	revert []string
	force  bool
	making bool              // the guest does not exist yet
	errs   map[string]string // of hotplug
}

// controls are the parameters of an update that are not options.
func controls() []string {
	return []string{"digest", "delete", "revert", "force", "skiplock", "background_delay", "import-working-storage"}
}

// newEdit sorts the parameters and refuses contradictions.
func (c *call) newEdit(opts *optionSet) (*edit, error) {
	e := &edit{call: c, set: maps.Clone(c.p), force: c.flag("force"), errs: map[string]string{}}
	for _, name := range controls() {
		delete(e.set, name)
	}
	e.resolveCDROM()
	if err := e.skiplock(); err != nil {
		return nil, err
	}
	var err error
	if e.del, err = e.keys(opts, "delete", "you can't use '-%' and -delete %' at the same time"); err != nil {
		return nil, err
	}
	if e.revert, err = e.keys(opts, "revert", "you can't use '-%' and '-revert %' at the same time"); err != nil {
		return nil, err
	}
	for _, k := range e.revert {
		if slices.Contains(e.del, k) {
			return nil, badParam("revert", "you can't use '-delete "+k+"' and '-revert "+k+"' at the same time")
		}
	}
	if len(e.set)+len(e.del)+len(e.revert)+len(c.nulls) == 0 {
		return nil, die("no options specified")
	}
	return e, nil
}

// resolveCDROM turns the option cdrom into ide2, whose other name it is.
func (e *edit) resolveCDROM() {
	v, ok := e.set["cdrom"]
	if !ok {
		return
	}
	delete(e.set, "cdrom")
	e.set["ide2"] = v
	if !strings.Contains(v, "media=") {
		e.set["ide2"] += ",media=cdrom"
	}
}

// keys reads the list of a parameter and checks its names.
func (e *edit) keys(opts *optionSet, param, clash string) ([]string, error) {
	var out []string
	for _, k := range splitList(e.p[param]) {
		if k == "cdrom" && opts.kind == "qemu" {
			k = "ide2"
		}
		if _, both := e.set[k]; both {
			return nil, badParam(param, strings.ReplaceAll(clash, "%", k))
		}
		if opts.params.find(k) == nil {
			return nil, badParam(param, "unknown option '"+k+"'")
		}
		out = append(out, k)
	}
	return out, nil
}

// ready runs the checks that need the guest: it exists, is the one the client
// saw, and is not locked.
func (e *edit) ready() error {
	m, err := e.machine()
	if err != nil {
		return err
	}
	e.m = m
	if err := e.same(m); err != nil {
		return err
	}
	return e.unlocked(m)
}

// doRevert drops pending changes.
func (e *edit) doRevert() {
	for _, k := range e.revert {
		delete(e.m.Pending, k)
		e.m.undelete(k)
	}
}

// addDelete marks a key for deletion.
func (e *edit) addDelete(key string) {
	e.m.undelete(key)
	if e.force {
		key = "!" + key
	}
	e.m.Delete = append(e.m.Delete, key)
}

// cleanup drops pending entries that change nothing.
func (m *machine) cleanup() {
	for k, v := range m.Pending {
		if cur, ok := m.get(k); ok && cur == v {
			delete(m.Pending, k)
		}
	}
	m.Delete = slices.DeleteFunc(m.Delete, func(k string) bool {
		_, ok := m.get(strings.TrimPrefix(k, "!"))
		return !ok
	})
}

// finish ends an update: hotplug problems are told, the change is logged.
func (e *edit) finish() error {
	e.changed(e.m)
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(e.set)) {
		v := e.set[k]
		if k == "cipassword" {
			v = "<hidden>"
		}
		parts = append(parts, "-"+k+" "+v)
	}
	if len(e.del) > 0 {
		parts = append(parts, "-delete "+strings.Join(e.del, ","))
	}
	if len(e.revert) > 0 {
		parts = append(parts, "-revert "+strings.Join(e.revert, ","))
	}
	e.audit("update %s %d: %s", e.m.label(), e.m.VMID, strings.Join(parts, " "))
	if len(e.errs) > 0 {
		return badParams(e.errs)
	}
	return nil
}

// current is the live value of a key, "" when there is no guest yet.
func (e *edit) current(key string) string {
	if e.m == nil {
		return ""
	}
	return e.m.Config[key]
}
