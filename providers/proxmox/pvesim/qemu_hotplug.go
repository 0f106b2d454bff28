package pvesim

import (
	"slices"
	"strings"
)

// Hotplug rules of qemu-server's vmconfig_hotplug_pending.

// fastPlug lists what a running VM takes over at once because QEMU never
// sees it.
func fastPlug(base string) bool {
	switch base {
	case "description", "hookscript", "lock", "migrate_downtime", "migrate_speed", "name", "onboot", "protection", "shares", "startup",
		"tags", "vmstatestorage", "cicustom", "cipassword", "citype", "ciuser", "ciupgrade", "nameserver", "searchdomain", "sshkeys", "ipconfig",
		"hotplug", "tablet", "cpuunits", "cpulimit", "affinity":
		return true
	}
	return false
}

// hotplugFeatures reads the option hotplug.
func (m *machine) hotplugFeatures() []string {
	v, ok := m.Config["hotplug"]
	if p, pending := m.Pending["hotplug"]; pending {
		v, ok = p, true
	}
	switch {
	case !ok || v == "1":
		return []string{"network", "disk", "usb"}
	case v == "0":
		return nil
	}
	return splitList(v)
}

// hotplugQEMU applies what a running VM can take now; the rest stays pending.
func (e *edit) hotplugQEMU(modified map[string]bool) {
	m := e.m
	feats := m.hotplugFeatures()
	for _, marked := range slices.Clone(m.Delete) {
		k := strings.TrimPrefix(marked, "!")
		if !modified[k] {
			continue
		}
		ok, problem := e.unplug(k, feats)
		if problem != "" {
			e.errs[k] = "hotplug problem - " + problem + "\n"
		}
		if ok {
			m.dropQEMU(e.s, k, strings.HasPrefix(marked, "!"))
		}
	}
	for _, k := range sortedKeys(m.Pending) {
		if !modified[k] {
			continue
		}
		ok, problem := e.plug(k, feats)
		if problem != "" {
			e.errs[k] = "hotplug problem - " + problem + "\n"
		}
		if ok {
			m.applyOneQEMU(e.s, k)
		}
	}
}

// unplug decides a deletion: done now, pending, or refused.
func (e *edit) unplug(k string, feats []string) (bool, string) {
	base := e.m.opts.base(k)
	switch {
	case fastPlug(base):
		return true, ""
	case base == "net" && slices.Contains(feats, "network"),
		base == "usb" && slices.Contains(feats, "usb"),
		e.m.opts.isDrive(k) && base != "ide" && base != "sata" && base != "efidisk0" && base != "tpmstate0" && slices.Contains(feats, "disk"):
		return e.release(k)
	case k == "balloon":
		return e.m.Config["balloon"] != "0", ""
	case k == "memory":
		return slices.Contains(feats, "memory"), ""
	case k == "vcpus":
		return slices.Contains(feats, "cpu"), ""
	}
	return false, ""
}

// release asks the guest to let go of a device.
func (e *edit) release(k string) (bool, string) {
	if !e.m.NoOS {
		return true, ""
	}
	dev := k
	if strings.HasPrefix(k, "scsi") && e.m.Config["scsihw"] == "virtio-scsi-single" {
		dev = "virtio" + k
	}
	return false, "error on hot-unplugging device '" + dev + "' - still busy in guest?"
}

// plug decides a new value: taken now, pending, or refused.
func (e *edit) plug(k string, feats []string) (bool, string) {
	m, base := e.m, e.m.opts.base(k)
	old, exists := m.Config[k]
	next := m.Pending[k]
	switch {
	case fastPlug(base):
		return true, ""
	case base == "net" && k != "net":
		return e.plugNet(k, old, next, slices.Contains(feats, "network"))
	case m.opts.isDrive(k):
		return e.plugDrive(k, old, next, slices.Contains(feats, "disk"))
	case base == "usb":
		if exists {
			return false, ""
		}
		return slices.Contains(feats, "usb"), ""
	case k == "balloon":
		was := !exists || old != "0"
		return was == (next != "0"), ""
	case k == "memory":
		return slices.Contains(feats, "memory") && atoi(next) >= atoi(orElse(old, "512")), ""
	case k == "vcpus":
		return slices.Contains(feats, "cpu"), ""
	}
	return false, ""
}

func (e *edit) plugNet(k, old, next string, hotplug bool) (bool, string) {
	if old == "" || !hotplug {
		return hotplug, ""
	}
	format := e.s.formats.props["net"]
	a, errA := splitProps(format, old)
	b, errB := splitProps(format, next)
	if errA != nil || errB != nil {
		return false, ""
	}
	if a["model"] != b["model"] || !strings.EqualFold(a["macaddr"], b["macaddr"]) || a["queues"] != b["queues"] || a["mtu"] != b["mtu"] {
		return e.release(k)
	}
	return true, ""
}

func (e *edit) plugDrive(k, old, next string, hotplug bool) (bool, string) {
	base := e.m.opts.base(k)
	if base == "efidisk0" || base == "tpmstate0" {
		return false, ""
	}
	if old == "" {
		return hotplug && base != "ide" && base != "sata", ""
	}
	format := e.s.driveFormat(e.m.opts, k)
	a, errA := splitProps(format, old)
	b, errB := splitProps(format, next)
	if errA != nil || errB != nil {
		return false, ""
	}
	isCD := a["media"] == "cdrom"
	switch {
	case isCD != (b["media"] == "cdrom"):
		return false, "unable to change media type"
	case isCD:
		return true, ""
	case a["file"] != b["file"]:
		if !hotplug {
			return false, ""
		}
		return e.release(k)
	}
	for _, key := range []string{"aio", "discard", "iothread", "queues", "product", "cache", "vendor", "ssd", "ro", "detect_zeroes", "serial", "wwn"} {
		if a[key] != b[key] {
			return false, ""
		}
	}
	return true, ""
}
