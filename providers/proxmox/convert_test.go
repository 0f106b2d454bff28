package proxmox

import (
	"encoding/json"
	"maps"
	"math/rand"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/inventory"
)

// TestEncodeDecode: what recon writes for a value reads back as the same value,
// for every row of the tables.
func TestEncodeDecode(t *testing.T) {
	for _, kind := range []*inventory.Kind{inventory.KindOf("vm"), inventory.KindOf("lxc")} {
		check := func(a *inventory.Attr, path string) {
			if a.Derived() || a.Secret {
				return
			}
			t.Run(kind.Name+"."+path, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					v := drawValue(t, a)
					got, ok := decodeValue(a, encode(a, v))
					if !ok || !a.Same(v, got) {
						t.Fatalf("%#v is written %q and read %#v", v, encode(a, v), got)
					}
				})
			})
		}
		for _, a := range kind.Attrs {
			check(a, a.Name)
		}
		for _, b := range kind.Blocks {
			for _, a := range b.Attrs {
				check(a, b.Name+"."+a.Name)
			}
		}
	}
}

func drawValue(t *rapid.T, a *inventory.Attr) cty.Value {
	word := rapid.StringMatching(`[a-z][a-z0-9-]{0,8}`)
	switch {
	case a.Unit == inventory.Bytes && a.Wire == inventory.WireMiB:
		return inventory.Size(rapid.Int64Range(0, 1<<22).Draw(t, "MiB") * inventory.MiB)
	case a.Unit == inventory.Bytes:
		return inventory.Size(rapid.Int64Range(1, 1<<40).Draw(t, "KiB") * inventory.KiB)
	case a.Type.Equals(cty.Bool):
		return cty.BoolVal(rapid.Bool().Draw(t, "bool"))
	case a.Fraction:
		return cty.NumberFloatVal(float64(rapid.Int64Range(1, 1000).Draw(t, "tenth")) / 4)
	case a.Type.Equals(cty.Number):
		return cty.NumberIntVal(rapid.Int64Range(0, 1<<40).Draw(t, "number"))
	case a.Type.Equals(cty.String) && a.Wire == inventory.WireText:
		return cty.StringVal(rapid.String().Draw(t, "text"))
	case a.Type.Equals(cty.String):
		return cty.StringVal(word.Draw(t, "word"))
	}
	items := rapid.SliceOfN(word, 1, 4).Draw(t, "items")
	return collection(a, items)
}

// TestPropertyStringsHaveNoOrder: any shuffle of a property string decodes to the
// same values, with the default key named or not.
func TestPropertyStringsHaveNoOrder(t *testing.T) {
	cases := map[string]string{
		"vm net0":      "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,tag=40,rate=1.50",
		"vm scsi0":     "file=local:111/vm-111-disk-0.qcow2,discard=on,iothread=1,size=32G,ssd=1,backup=0",
		"vm cpu":       "cputype=host,flags=+aes;-pcid",
		"vm agent":     "enabled=1,fstrim_cloned_disks=1",
		"vm efidisk0":  "file=local:vm-1-disk-0,efitype=4m,pre-enrolled-keys=1,size=4M",
		"vm startup":   "order=3,up=5,down=60",
		"vm hostpci0":  "host=0000:01:00.0,pcie=1,x-vga=1",
		"vm ipconfig0": "ip=10.0.0.2/24,gw=10.0.0.1,ip6=auto",
		"lxc net0":     "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02,ip=dhcp,tag=7,type=veth",
		"lxc rootfs":   "volume=local-lvm:vm-205-disk-0,size=50G,mountoptions=noatime;discard",
		"lxc mp0":      "volume=media:vm-205-disk-1,mp=/data,size=1T,backup=1",
		"lxc features": "nesting=1,keyctl=1,mount=nfs;cifs",
		"vm vga":       "type=qxl,memory=64",
		"vm boot":      "order=scsi0;net0",
		"vm watchdog":  "model=i6300esb,action=reset",
		"vm virtiofs0": "dirid=share,cache=auto,expose-acl=1",
		"vm memory":    "current=4096",
		"vm rng0":      "source=/dev/urandom,max_bytes=512",
		"vm usb0":      "host=spice,usb3=1",
		"vm net1":      "model=e1000,macaddr=BC:24:11:00:00:03,bridge=vmbr1",
	}
	for name, value := range cases {
		t.Run(name, func(t *testing.T) {
			kindName, key, _ := strings.Cut(name, " ")
			kind := inventory.KindOf(kindName)
			want := decode(kind, map[string]string{key: value})
			if len(want) == 0 {
				t.Fatal("it decodes to nothing")
			}
			g := grammarOf(kindName, key)
			for i := range 50 {
				props := parseProps(value, g)
				rand.Shuffle(len(props), func(i, j int) { props[i], props[j] = props[j], props[i] })
				text := props.print(g)
				if i%2 == 0 && !g.models {
					text = named(props)
				}
				if got := decode(kind, map[string]string{key: text}); !maps.EqualFunc(got, want, sameValue) {
					t.Fatalf("%s decodes to %v, not %v", text, got, want)
				}
			}
		})
	}
}

func sameValue(a, b cty.Value) bool { return a.RawEquals(b) }

func named(p propString) string {
	var out []string
	for _, kv := range p {
		out = append(out, kv.key+"="+kv.value)
	}
	return strings.Join(out, ",")
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"virtio=BC:24:11:00:00:01,bridge=vmbr0", "local:1/vm.raw,size=32G", "1", "on", ",,=,", "order=scsi0;net0", "ssh-rsa%20A", "%zz", "9999999999999999999999G", "current=x"} {
		f.Add("net0", s)
		f.Add("scsi0", s)
		f.Add("memory", s)
	}
	for _, key := range []string{"sshkeys", "rootfs", "mp0", "features", "ipconfig0", "boot", "tags", "hotplug", "cpu", "description"} {
		f.Add(key, "a=b;c,d")
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		for _, kind := range []*inventory.Kind{inventory.KindOf("vm"), inventory.KindOf("lxc")} {
			raw := map[string]string{key: value}
			for p, v := range decode(kind, raw) {
				attr, _, _ := kind.Lookup(p)
				if attr == nil {
					t.Fatalf("%q decodes to %s, which the table does not know", key, p)
				}
				if !attr.Takes(v) && !inventory.Holds(v, cty.String) {
					t.Errorf("%q decodes %s to %#v, which is neither of its type nor the text that is there", key, p, v)
				}
				encode(attr, v)
			}
			volumesOf(kind.Name, raw)
			g := grammarOf(kind.Name, key)
			text := parseProps(value, g).print(g)
			if again := parseProps(text, g).print(g); again != text {
				t.Errorf("%q prints as %q and then as %q", value, text, again)
			}
		}
	})
}

func FuzzPending(f *testing.F) {
	f.Add([]byte(`[{"key":"memory","value":"64","pending":"128"},{"key":"digest","value":"x"},{"key":"net1","delete":1}]`))
	f.Add([]byte(`[{"key":"a","value":{}},null,1]`))
	f.Add([]byte(`{"data":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var rows []pendingRow
		if json.Unmarshal(body, &rows) != nil {
			return
		}
		c := newConfig(rows)
		for _, kind := range []*inventory.Kind{inventory.KindOf("vm"), inventory.KindOf("lxc")} {
			decode(kind, c.configured)
			decode(kind, c.running)
		}
	})
}
