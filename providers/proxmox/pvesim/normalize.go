package pvesim

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// newMAC makes an address with the data center's prefix.
func (s *Server) newMAC() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	prefix := orElse(s.world.Options["mac_prefix"], "BC:24:11")
	parts := strings.Split(strings.ToUpper(prefix), ":")
	for i := 0; len(parts) < 6; i++ {
		parts = append(parts, fmt.Sprintf("%02X", b[i]))
	}
	return strings.Join(parts[:6], ":")
}

// makeNet re-prints a network of a VM, with a new MAC when it has none.
func (s *Server) makeNet(key, value string) (string, error) {
	format := s.formats.props["net"]
	ps, err := s.formats.parseProps(format, key, value)
	if err != nil {
		return "", badParam(key, "invalid format - "+err.Error()+"\n")
	}
	if ps["macaddr"] == "" {
		ps["macaddr"] = s.newMAC()
	}
	return ps.print(format), nil
}

// makeLXCNet re-prints a network of a container.
func (s *Server) makeLXCNet(key, value string) (string, error) {
	format := s.formats.props["lxcnet"]
	ps, err := s.formats.parseProps(format, key, value)
	if err != nil {
		return "", badParam(key, "invalid format - "+err.Error()+"\n")
	}
	if ps["hwaddr"] == "" {
		ps["hwaddr"] = s.newMAC()
	}
	ps["type"] = "veth"
	// A container's network has no default key, but its name comes first.
	name := ps["name"]
	delete(ps, "name")
	return "name=" + name + "," + ps.print(format), nil
}

// makeTags normalises a list of tags by the data center's tag style.
func (s *Server) makeTags(value string) string {
	style, err := splitProps(parseParams("case-sensitive:b ordering shape color-map"), s.world.Options["tag-style"])
	if err != nil {
		style = props{}
	}
	tags := splitList(value)
	if style["case-sensitive"] != "1" {
		for i := range tags {
			tags[i] = strings.ToLower(tags[i])
		}
	}
	if style["ordering"] != "config" {
		sort.Strings(tags)
	}
	var out []string
	for _, t := range tags {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return strings.Join(out, ";")
}

// pinMachine gives the machine type of a Windows guest a version, so that it
// never changes under it.
func pinMachine(machine, ostype string) string {
	if !strings.HasPrefix(ostype, "w") {
		return machine
	}
	typ, rest, more := strings.Cut(machine, ",")
	if more {
		rest = "," + rest
	}
	switch typ {
	case "q35":
		return "pc-q35-10.0+pve1" + rest
	case "pc", "":
		return "pc-i440fx-10.0+pve1" + rest
	}
	return machine
}

// bootOrder reads the devices of a boot option.
func (s *Server) bootOrder(value string) []string {
	ps, err := splitProps(s.formats.props["boot"], value)
	if err != nil {
		return nil
	}
	return splitList(ps["order"])
}

// printBoot writes a boot option; without devices it is one blank.
func printBoot(devs []string) string {
	if len(devs) == 0 {
		return " "
	}
	return "order=" + strings.Join(devs, ";")
}

// defaultBoot is the boot order of a new VM: the first disk, the first CD-ROM
// and the first network.
func (m *machine) defaultBoot() string {
	var disk, cd, net string
	for _, p := range []string{"ide", "scsi", "virtio", "sata"} {
		for i := range 31 {
			v, ok := m.Config[p+itoa(i)]
			switch {
			case !ok:
			case strings.Contains(v, "media=cdrom"):
				if cd == "" && !strings.Contains(v, "cloudinit") {
					cd = p + itoa(i)
				}
			case disk == "":
				disk = p + itoa(i)
			}
		}
	}
	for i := 31; i >= 0; i-- {
		if _, ok := m.Config["net"+itoa(i)]; ok {
			net = "net" + itoa(i)
		}
	}
	devs := slices.DeleteFunc([]string{disk, cd, net}, func(d string) bool { return d == "" })
	return printBoot(devs)
}
