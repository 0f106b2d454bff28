package pvesim

import "strings"

// mayModifyLXC is check_ct_modify_config_perm of PVE/LXC.pm for one option.
func (e *edit) mayModifyLXC(k string, deleted bool) error {
	v := e.set[k]
	switch base := e.s.lxc.base(k); {
	case e.s.lxc.isMount(k):
		return e.mayMount(v, deleted)
	case base == "net":
		if err := e.onGuest("VM.Config.Network"); err != nil {
			return err
		}
		for _, conf := range []string{e.current(k), v} {
			if err := e.mayUseBridge(conf); err != nil {
				return err
			}
		}
		return nil
	case base == "dev":
		return denied("configuring device passthrough is only allowed for root@pam")
	case k == "features":
		return e.mayFeature(v, deleted)
	case k == "hookscript":
		return denied("changing the hookscript is only allowed for root@pam")
	}
	return e.onGuest(orElse(e.s.lxc.perm(k), "VM.Config.Options"))
}

// mayMount judges the new value alone: a bind mount may be taken away.
func (e *edit) mayMount(v string, deleted bool) error {
	if err := e.onGuest("VM.Config.Disk"); err != nil || deleted {
		return err
	}
	vol := strings.TrimPrefix(strings.Split(v, ",")[0], "volume=")
	switch {
	case strings.HasPrefix(vol, "/dev/"):
		return denied("mount point type device is only allowed for root@pam")
	case strings.HasPrefix(vol, "/"):
		return denied("mount point type bind is only allowed for root@pam")
	}
	if storage, _, fresh := newDisk(vol, "lxc"); fresh {
		return e.mayAllocate(storage)
	}
	return e.checkVolumeAccess(vol)
}

// mayFeature: nesting is for who may allocate, the rest for root@pam, and all of it in
// a privileged container.
func (e *edit) mayFeature(v string, deleted bool) error {
	if e.current("unprivileged") != "1" && e.set["unprivileged"] != "1" {
		return denied("changing feature flags for privileged container is only allowed for root@pam")
	}
	format := e.s.formats.props["features"]
	old, _ := splitProps(format, e.current("features"))
	now, _ := splitProps(format, v)
	if deleted {
		now = props{}
	}
	for _, f := range []string{"force_rw_sys", "fuse", "keyctl", "mknod", "mount"} {
		if now[f] != old[f] {
			return denied("changing feature flags (except nesting) is only allowed for root@pam")
		}
	}
	if now["nesting"] != old["nesting"] {
		return e.onGuest("VM.Allocate")
	}
	return nil
}

func (e *edit) mayAllocate(storage string) error {
	if e.s.world.storage(storage) == nil {
		return die("storage '%s' does not exist", storage)
	}
	return e.check("/storage/"+storage, "Datastore.AllocateSpace")
}

// mayCreateLXC has the checks of create_vm of PVE/API2/LXC.pm.
func (e *edit) mayCreateLXC() error {
	if e.who.isRoot() {
		return nil
	}
	if e.s.release >= "9" && e.set["unprivileged"] != "1" {
		if err := e.check("/", "Sys.Modify"); err != nil {
			return err
		}
	}
	given := map[string]bool{}
	for k := range e.p {
		given[k] = true
	}
	for _, k := range sortedKeys(e.set) {
		if given[k] && k != "unprivileged" {
			if err := e.mayModifyLXC(k, false); err != nil {
				return err
			}
		}
	}
	if v := e.s.world.volume(e.p["ostemplate"]); v != nil {
		if err := e.check("/storage/"+v.storage(), "Datastore.AllocateSpace", "Datastore.Audit"); err != nil {
			return err
		}
	}
	if given["rootfs"] {
		return nil
	}
	return e.mayAllocate(orElse(e.p["storage"], "local"))
}
