package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// The forms that Proxmox asks of text, read from its schema and from the patterns in
// PVE/QemuServer.pm, PVE/QemuServer/*.pm, PVE/LXC/Config.pm and PVE/JSONSchema.pm. A value
// that has not the form is refused with all that is sent together with it.

// form checks a text against a pattern; what is empty is not there.
func form(pattern, says string) func(cty.Value) error {
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	return func(v cty.Value) error {
		if s := Text(v); s != "" && !re.MatchString(s) {
			return fmt.Errorf("%q is not %s", s, says)
		}
		return nil
	}
}

// words checks each text of a collection.
func words(check func(cty.Value) error) func(cty.Value) error {
	return func(v cty.Value) error {
		for _, s := range Strings(v) {
			if err := check(cty.StringVal(s)); err != nil {
				return err
			}
		}
		return nil
	}
}

// oneOf checks a text against a list of words.
func oneOf(known ...string) func(cty.Value) error {
	return func(v cty.Value) error {
		if s := Text(v); !slices.Contains(known, s) {
			return fmt.Errorf("%q is not one of %s.%s", s, strings.Join(known, ", "), strings.TrimSuffix(DidYouMean(s, known), "."))
		}
		return nil
	}
}

func checkMachine() func(cty.Value) error {
	version := `(?:-\d+(?:\.\d+)+(?:\+pve\d+)?(?:\.pxe)?)?`
	return form(`pc(?:-i440fx)?`+version+`|(?:pc-)?q35`+version+`|virt(?:-\d+(?:\.\d+)+)?(?:\+pve\d+)?`, `a machine, such as "pc", "q35" or "pc-q35-9.2+pve1"`)
}

func checkMAC() func(cty.Value) error {
	says := `a MAC address of one card, with colons, such as "BC:24:11:00:00:01"`
	known := form(`(?i)[a-f0-9][02468ace](?::[a-f0-9]{2}){5}`, says)
	return func(v cty.Value) error {
		if Text(v) == "" {
			return errors.New("\"\" is not " + says)
		}
		return known(v)
	}
}

func checkUSB() func(cty.Value) error {
	return form(`(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4}|\d+-\d+(?:\.\d+)*|(?i:spice)`, `a USB device: "1234:abcd" (vendor and product), "1-2.3" (bus and port) or "spice"`)
}

func checkPCI() func(cty.Value) error {
	one := `(?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(?:\.[a-f0-9])?`
	return form(one+`(?:;`+one+`)*`, `a PCI address, such as "0000:01:00.0"`)
}

func checkMapping() func(cty.Value) error {
	return form(`[a-zA-Z][a-zA-Z0-9_-]+`, "the name of a mapping")
}

func checkStorage() func(cty.Value) error {
	return form(`[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]`, "the name of a storage")
}

func checkBridge() func(cty.Value) error { return form(`[-_.\w]+`, "the name of a bridge") }

func checkPool() func(cty.Value) error {
	return form(`[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+)*`, "the name of a pool")
}

func checkVolume() func(cty.Value) error {
	return form(`[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:[^,\s]+`, `a volume, such as "local:snippets/hook.pl"`)
}

func checkMedium() func(cty.Value) error {
	return form(`none|cdrom|/[^,]+|[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:[^,]+`, `an image, such as "local:iso/debian.iso", nor "none" or "cdrom"`)
}

// checkSlots checks names of devices that a VM can boot from.
func checkSlots(ranges ...SlotRange) func(cty.Value) error {
	b := &Block{Slots: ranges}
	return words(func(v cty.Value) error {
		if !b.HasSlot(Text(v)) {
			return fmt.Errorf("%q is no slot to boot from, such as \"scsi0\" or \"net0\"", Text(v))
		}
		return nil
	})
}

// checkTrunks checks VLANs; only a VM's card takes ranges.
func checkTrunks(ranges bool) func(cty.Value) error {
	return words(func(v cty.Value) error {
		s := Text(v)
		from, to, isRange := strings.Cut(s, "-")
		first, err1 := vlan(from)
		last := first
		err2 := error(nil)
		if isRange {
			last, err2 = vlan(to)
		}
		switch {
		case errors.Join(err1, err2) != nil || last < first:
			return fmt.Errorf("%q is not a VLAN from 1 to %d, nor a range of them", s, maxVLAN)
		case isRange && !ranges:
			return fmt.Errorf("%q is a range, and Proxmox takes only single VLANs for a container", s)
		}
		return nil
	})
}

// checkFlags: a flag has a sign.
func checkFlags() func(cty.Value) error {
	return words(form(`[+-][a-zA-Z0-9\-_.]+`, `a CPU flag with its sign, such as "+aes"`))
}

func checkCores(v cty.Value) error {
	if err := form(`\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*`, `a list of cores, such as "0,5,8-11"`)(v); err != nil {
		return err
	}
	for _, item := range strings.Split(Text(v), ",") {
		from, to, isRange := strings.Cut(item, "-")
		if isRange && number(to) < number(from) {
			return fmt.Errorf("%q counts backwards", item)
		}
	}
	return nil
}

// checkFeatures: words, and mount=... with file systems.
func checkFeatures() func(cty.Value) error {
	known := oneOf("nesting", "keyctl", "fuse", "mknod", "force_rw_sys")
	return words(func(v cty.Value) error {
		if types, is := strings.CutPrefix(Text(v), "mount="); is && types != "" {
			return form(`[a-zA-Z0-9_; ]+`, "a list of file systems, such as nfs;cifs")(cty.StringVal(types))
		}
		return known(v)
	})
}

// checkTimezone asks the machine's own list of zones, and nothing where it has none.
func checkTimezone(v cty.Value) error {
	s := Text(v)
	if s == "" || s == "host" {
		return nil
	}
	_, here := time.LoadLocation("Europe/Berlin")
	if _, err := time.LoadLocation(s); err != nil && here == nil || s == "Local" {
		return fmt.Errorf("%q is not a time zone, such as \"Europe/Berlin\", nor \"host\"", s)
	}
	return nil
}

// checkMount: Proxmox refuses paths that climb.
func checkMount(v cty.Value) error {
	s := Text(v)
	if !strings.HasPrefix(s, "/") || strings.ContainsAny(s, ",\n\r\x00") || slices.ContainsFunc(strings.Split(s, "/"), func(p string) bool { return p == "." || p == ".." }) {
		return fmt.Errorf("%q is not an absolute path without . and .. and commas", s)
	}
	return nil
}

func checkSerial(v cty.Value) error {
	if s := Text(v); len(s) > 20 || strings.ContainsAny(s, "\n\r\x00") {
		return fmt.Errorf("%q is not a serial number of at most 20 characters", s)
	}
	return nil
}

// checkFamily checks an address with a prefix length of one family, or a word.
func checkFamily(four bool, also ...string) func(cty.Value) error {
	return func(v cty.Value) error {
		s := Text(v)
		if s == "" || slices.Contains(also, s) {
			return nil
		}
		p, err := netip.ParsePrefix(s)
		switch {
		case err != nil:
			return fmt.Errorf("%q is not an address with a prefix length, such as \"192.168.40.11/24\", nor \"dhcp\"", s)
		case p.Addr().Is4() != four:
			return fmt.Errorf("%q is %s address", s, familyWord(!four))
		}
		return nil
	}
}

// checkGateway checks an address of one family.
func checkGateway(four bool) func(cty.Value) error {
	return func(v cty.Value) error {
		if err := checkOptionalIP(v); err != nil || Text(v) == "" {
			return err
		}
		if ip, _ := netip.ParseAddr(Text(v)); ip.Is4() != four {
			return fmt.Errorf("%q is %s address", Text(v), familyWord(!four))
		}
		return nil
	}
}

func familyWord(four bool) string {
	if four {
		return "an IPv4"
	}
	return "an IPv6"
}
