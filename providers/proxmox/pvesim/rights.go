package pvesim

import (
	"slices"
	"strings"
)

// What a change of a VM asks of its caller, check by check as in PVE/API2/Qemu.pm and
// PVE/GuestHelpers.pm. Those of a container are in rights_lxc.go.

// onGuest requires all of the privileges on the guest; what is made in a pool has the
// rights of the pool (PVE/RPCEnvironment.pm, check_vm_perm).
func (e *edit) onGuest(privs ...string) error {
	for _, p := range privs {
		if err := e.onGuestAny(p); err != nil {
			return err
		}
	}
	return nil
}

func (e *edit) onGuestAny(privs ...string) error {
	if p := e.p["pool"]; e.making && p != "" && e.may("/pool/"+p, privs...) {
		return nil
	}
	return e.check("/vms/"+itoa(e.id()), privs...)
}

// id is the guest's number: that of the path, or of a guest to be.
func (e *edit) id() int {
	if id := e.vmid(); id != 0 {
		return id
	}
	return atoi(e.p["vmid"])
}

// judgedElsewhere are keys whose right depends on their value.
func (o *optionSet) judgedElsewhere(key string) bool {
	return o.isDrive(key) || key == "tags" || slices.Contains([]string{"unused", "serial", "usb", "hostpci", "virtiofs"}, o.base(key))
}

// mayModify is check_vm_modify_config_perm.
func (e *edit) mayModify(keys []string) error {
	if e.who.isRoot() {
		return nil
	}
	for _, k := range keys {
		if e.s.qemu.judgedElsewhere(k) {
			continue
		}
		priv := e.s.qemu.perm(k)
		err := error(nil)
		switch priv {
		case "":
			return die("only root can set '%s' config", k)
		case "VM.Config.Cloudinit":
			err = e.onGuestAny(priv, "VM.Config.Network")
		default:
			err = e.onGuest(priv)
		}
		if err == nil && k == "startup" {
			err = e.check("/", "Sys.Modify")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayUseStorage is check_storage_access: of what is set, not of what was.
func (e *edit) mayUseStorage() error {
	for _, k := range sortedKeys(e.set) {
		if e.s.qemu.isDrive(k) {
			if err := e.checkDriveAccess(k, e.set[k]); err != nil {
				return err
			}
		}
	}
	if st := e.set["vmstatestorage"]; st != "" {
		return e.check("/storage/"+st, "Datastore.AllocateSpace")
	}
	return nil
}

// mayUseBridges is check_bridge_access of the cards that are set.
func (e *edit) mayUseBridges() error {
	for _, k := range sortedKeys(e.set) {
		if e.s.options(e.kind()).base(k) == "net" {
			if err := e.mayUseBridge(e.set[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayUseBridge is check_vnet_access: each VLAN is asked for by itself, a card without
// any for the bridge as a whole.
func (e *edit) mayUseBridge(conf string) error {
	ps, _ := splitProps(e.s.formats.props[map[string]string{"qemu": "net", "lxc": "lxcnet"}[e.kind()]], conf)
	if e.who.isRoot() || ps["bridge"] == "" {
		return nil
	}
	base := "/sdn/zones/" + orElse(record(e.s.world.appliedSDN().Vnets, ps["bridge"])["zone"], "localnetwork") + "/" + ps["bridge"]
	tags := trunkTags(ps["trunks"])
	if ps["tag"] != "" {
		tags = append([]int{atoi(ps["tag"])}, tags...)
	}
	if len(tags) == 0 {
		return e.check(base, "SDN.Use")
	}
	for _, tag := range tags {
		if err := e.check(base+"/"+itoa(tag), "SDN.Use"); err != nil {
			return err
		}
	}
	return nil
}

func trunkTags(trunks string) []int {
	var out []int
	for part := range strings.SplitSeq(trunks, ";") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		for tag := atoi(from); tag > 0 && tag <= min(atoi(to), 4094); tag++ {
			out = append(out, tag)
		}
	}
	return out
}

// mayChange has the checks of update_vm that look at a value, old or new. What is done
// is the verb of a serial port's refusal: set, modify, delete.
func (e *edit) mayChange(k, value, verb string) error {
	if e.who.isRoot() || value == "" {
		return nil
	}
	switch base := e.s.qemu.base(k); {
	case e.s.qemu.isDrive(k):
		return e.mayHaveDrive(k, value)
	case base == "serial":
		if value != "socket" {
			return die("only root can %s '%s' config for real devices", verb, k)
		}
		return e.onGuest("VM.Config.HWType")
	case base == "usb":
		return e.mayHaveUSB(k, value)
	case base == "hostpci":
		return e.mayHavePCI(k, value)
	case base == "rng0":
		return e.mayHaveRNG(value)
	case base == "virtiofs":
		if err := e.onGuest("VM.Config.Disk"); err != nil {
			return err
		}
		return e.check("/mapping/dir/"+e.sub("virtiofs", value, "dirid"), "Mapping.Use")
	case k == "tags":
		return e.onGuest("VM.Config.Options")
	case base == "unused":
		return e.onGuest("VM.Config.Disk")
	case base == "net" && verb != "set":
		return e.mayUseBridge(value)
	}
	return nil
}

// sub is one part of a property string.
func (e *edit) sub(format, value, key string) string {
	ps, _ := splitProps(e.s.formats.props[format], value)
	return ps[key]
}

func (e *edit) mayHaveDrive(k, value string) error {
	vol, opts := diskParts("qemu", k, value)
	switch {
	case strings.Contains(vol, "cloudinit"):
		return e.onGuest("VM.Config.Cloudinit", "VM.Config.CDROM")
	case opts["media"] == "cdrom":
		return e.onGuest("VM.Config.CDROM")
	}
	return e.onGuest("VM.Config.Disk")
}

func (e *edit) mayHaveUSB(k, value string) error {
	if err := e.onGuest("VM.Config.HWType"); err != nil {
		return err
	}
	host, mapping := e.sub("usb", value, "host"), e.sub("usb", value, "mapping")
	switch {
	case host != "" && !strings.EqualFold(host, "spice"):
		return die("only root can set '%s' config for real devices", k)
	case host == "" && mapping == "":
		return die("either 'host' or 'mapping' must be set.")
	case host == "":
		return e.check("/mapping/usb/"+mapping, "Mapping.Use")
	}
	return nil
}

func (e *edit) mayHavePCI(k, value string) error {
	mapping := e.sub("hostpci", value, "mapping")
	switch {
	case e.sub("hostpci", value, "host") != "":
		return die("only root can set '%s' config for non-mapped devices", k)
	case mapping == "":
		return die("either 'host' or 'mapping' must be set.")
	}
	if err := e.check("/mapping/pci/"+mapping, "Mapping.Use"); err != nil {
		return err
	}
	if err := e.onGuest("VM.Config.HWType"); err != nil {
		return err
	}
	if e.sub("hostpci", value, "romfile") != "" {
		return badParam(k, "only root@pam can set 'romfile' option")
	}
	return nil
}

func (e *edit) mayHaveRNG(value string) error {
	if err := e.onGuest("VM.Config.HWType"); err != nil {
		return err
	}
	if e.sub("rng", value, "source") == "/dev/hwrng" {
		return e.check("/mapping/hwrng", "Mapping.Use")
	}
	return nil
}

// mayCreate has the checks of create_vm.
func (e *edit) mayCreate() error {
	if err := e.mayUseStorage(); err != nil {
		return err
	}
	keys := sortedKeys(e.set)
	if err := e.mayModify(keys); err != nil {
		return err
	}
	for _, k := range keys {
		if !e.s.qemu.isDrive(k) && k != "tags" {
			if err := e.mayChange(k, e.set[k], "set"); err != nil {
				return err
			}
		}
	}
	return e.mayUseBridges()
}

// mayClone is what a clone asks beside VM.Clone and VM.Allocate: space for what is
// copied, the mapped devices and the bridges.
func (e *edit) mayClone(src *machine) error {
	for _, vol := range src.volumes() {
		storage, _, _ := strings.Cut(vol, ":")
		if v := e.s.world.volume(vol); v == nil || v.Content == "iso" || strings.Contains(vol, "cloudinit") {
			continue
		}
		if err := e.check("/storage/"+orElse(e.p["storage"], storage), "Datastore.AllocateSpace"); err != nil {
			return err
		}
	}
	if st := src.Config["vmstatestorage"]; st != "" {
		if err := e.check("/storage/"+st, "Datastore.AllocateSpace"); err != nil {
			return err
		}
	}
	for _, k := range sortedKeys(src.Config) {
		base := src.opts.base(k)
		mapped := src.Kind == "qemu" && (base == "usb" || base == "hostpci" || base == "virtiofs" || base == "rng0")
		if mapped {
			if err := e.mayMap(k, base, src.Config[k]); err != nil {
				return err
			}
		}
		if base == "net" {
			if err := e.mayUseBridge(src.Config[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// mayMap is check_mapping_access: a device that is cloned needs its mapping, and no
// right on the guest.
func (e *edit) mayMap(k, base, value string) error {
	host := e.sub(strings.TrimSuffix(base, "0"), value, "host")
	switch {
	case e.who.isRoot() || base == "usb" && strings.EqualFold(host, "spice"):
		return nil
	case host != "":
		return die("only root can set '%s' config for %s devices", k, map[string]string{"usb": "real", "hostpci": "non-mapped"}[base])
	case base == "usb" || base == "hostpci":
		return e.check("/mapping/"+strings.TrimPrefix(base, "host")+"/"+e.sub(base, value, "mapping"), "Mapping.Use")
	case base == "virtiofs":
		return e.check("/mapping/dir/"+e.sub(base, value, "dirid"), "Mapping.Use")
	case e.sub("rng", value, "source") == "/dev/hwrng":
		return e.check("/mapping/hwrng", "Mapping.Use")
	}
	return nil
}
