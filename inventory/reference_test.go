package inventory

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestReferencePage holds docs/attributes.md against the tables that it is made of.
func TestReferencePage(t *testing.T) {
	const file = "../docs/attributes.md"
	want := reference()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the tables say (%v); run make golden", file, err)
	}
}

// TestChecksPage holds the arguments in docs/checks.md against the tables.
func TestChecksPage(t *testing.T) {
	const file, from = "../docs/checks.md", "\n### "
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), from)
	want := strings.TrimSuffix(head, "\n") + "\n"
	for _, k := range CheckKinds() {
		want += fmt.Sprintf("%s%s\n\n%s\n\n| Argument | Type | Default | |\n| --- | --- | --- | --- |\n", from, k.Name, k.Doc)
		for _, a := range k.Attrs {
			kind := typeName(a)
			if of := k.Links[a.Name]; of != "" {
				kind = of + " block"
			}
			want += fmt.Sprintf("| `%s` | %s | %s | %s%s |\n", a.Name, kind, defaultText(a), strings.ReplaceAll(a.Doc, "|", `\|`), notes(a))
		}
	}
	switch {
	case *update:
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case string(text) != want:
		t.Errorf("%s is not what the tables say; run make golden", file)
	}
}

func reference() string {
	var b strings.Builder
	b.WriteString("# Attributes\n\nGenerated from the tables in `inventory/`; `make golden` writes it anew. Sizes are\nstrings with a unit (`\"8GiB\"`). What is not written in a manifest is not compared;\nwhat Proxmox does not have counts as its default.\n\nImpact is the worst case; recon lowers it by power state and hotplug setting.\nNeeds are privileges on the guest (`/vms/ID`), unless another path is named.\n")
	for _, k := range Kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", k.Name, k.Doc, rows(k.Attrs))
		for _, block := range k.Blocks {
			head := block.Name
			var slots []string
			for _, r := range block.Slots {
				slots = append(slots, r.String())
			}
			if block.Free {
				slots = []string{"/path"}
			}
			if len(slots) > 0 {
				head += " \"" + strings.Join(slots, "\", \"") + "\""
			}
			doc := block.Doc
			if needs := needsText(block.Needs); needs != "" {
				doc += " Any change of it needs " + needs + ", too."
			}
			fmt.Fprintf(&b, "\n### %s: %s\n\n%s\n\n%s", k.Name, head, doc, rows(block.Attrs))
		}
	}
	return b.String()
}

func rows(attrs []*Attr) string {
	var b strings.Builder
	b.WriteString("| Attribute | Type | Default | Impact | Proxmox key | Needs | |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, a := range attrs {
		key := a.Key
		if a.Sub != "" {
			key += "." + a.Sub
		}
		if key != "" {
			key = "`" + key + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", a.Name, typeName(a), defaultText(a), impactText(a), key, needsText(a.Needs), strings.ReplaceAll(a.Doc, "|", `\|`)+notes(a))
	}
	return b.String()
}

// needsText lists privileges; those without a path are asked on the guest.
func needsText(needs []Need) string {
	var out []string
	for _, n := range needs {
		text := strings.Join(n.Any, " or ")
		if n.Path != onGuest {
			text += " on `" + n.Path + "`"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func typeName(a *Attr) string {
	switch {
	case a.Unit == Bytes:
		return "size"
	case a.Unit != NoUnit:
		return a.Type.FriendlyName() + ", " + string(a.Unit)
	}
	return a.Type.FriendlyName()
}

func defaultText(a *Attr) string {
	if a.Default == cty.NilVal {
		return ""
	}
	return "`" + a.Show(a.Default) + "`"
}

func impactText(a *Attr) string {
	if a.Document || a.Computed {
		return ""
	}
	return strings.ReplaceAll(a.Impact.String(), "_", " ")
}

func notes(a *Attr) string {
	text := ""
	if len(a.Enum) > 0 {
		text += " One of " + strings.Join(a.Enum, ", ") + "."
	}
	for _, n := range []struct {
		holds bool
		says  string
	}{{a.Required, "Required."}, {a.Computed, "Observed only."}, {a.Frozen, "Cannot be changed once the guest exists."}, {a.Secret, "Secret."}, {a.RootOnly, "Only root@pam on the node can set it."}} {
		if n.holds {
			text += " " + n.says
		}
	}
	if a.Since != "" {
		text += " Proxmox VE " + a.Since + " or newer."
	}
	return text
}

// TestTables: every row is complete and every path finds its row.
func TestTables(t *testing.T) {
	for _, k := range Kinds() {
		seen := map[string]bool{}
		check := func(path Path, a *Attr) {
			if a.Doc == "" || !strings.HasSuffix(a.Doc, ".") {
				t.Errorf("%s %s is not documented in a sentence", k.Name, path)
			}
			if seen[string(path)] {
				t.Errorf("%s %s stands twice in the table", k.Name, path)
			}
			seen[string(path)] = true
			if got, _, _ := k.Lookup(path); got != a {
				t.Errorf("%s %s does not find its row", k.Name, path)
			}
			if a.Default != cty.NilVal && a.Type != cty.DynamicPseudoType && !a.Default.Type().Equals(a.Type) {
				t.Errorf("%s %s: the default is a %s", k.Name, path, a.Default.Type().FriendlyName())
			}
			inProxmox := k.Name == "vm" || k.Name == "lxc"
			if inProxmox && !a.Computed && !a.Document && !a.RootOnly && len(a.Needs) == 0 && a.Call != CallIdentity {
				t.Errorf("%s %s asks for no privilege", k.Name, path)
			}
		}
		for _, a := range k.Attrs {
			check(Path(a.Name), a)
		}
		for _, b := range k.Blocks {
			slot := ""
			switch {
			case b.Free:
				slot = "/some.where/else"
			case b.Repeat:
				slot = "0"
			case len(b.Slots) > 0:
				slot = b.Slots[0].Prefix + "0"
			}
			for _, a := range b.Attrs {
				check(b.Path(slot, a.Name), a)
			}
		}
	}
}

func TestNaturalCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"web2", "web10", -1}, {"web10", "web2", 1}, {"a", "a", 0}, {"a1", "a01", 0}, {"", "a", -1}, {"vm-9", "vm-10", -1}, {"b", "a10", 1}} {
		if got := NaturalCompare(c.a, c.b); got != c.want {
			t.Errorf("NaturalCompare(%q, %q) = %d, not %d", c.a, c.b, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"8GiB": 8 * GiB, "512MiB": 512 * MiB, "50G": 50 * GiB, "1.5T": 1536 * GiB, "4K": 4 * KiB, "1024B": 1024, " 2 GiB ": 2 * GiB} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"8", "", "GiB", "-1GiB", "1e9GiB", "0x10GiB", "8 gib", "1/3GiB", "9999999999TiB", "1..5G"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d", text, got)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"8GiB", "512M", "1.5T", "8", "-1G", "0MiB", "00000000000000000000001G", "1_0G"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSize(s)
		if err != nil {
			return
		}
		if again, err := ParseSize(FormatSize(n)); err != nil || again != n || n < 0 {
			t.Errorf("%q is %d, written %q, read %d, %v", s, n, FormatSize(n), again, err)
		}
	})
}

func TestAddresses(t *testing.T) {
	for _, text := range []string{"vm.media", `vm.node["a b"]`, "lxc.docker-media"} {
		a, rest, err := ParseAddress(text)
		if err != nil || rest != "" || a.String() != text {
			t.Errorf("%s: %v %q %v", text, a, rest, err)
		}
	}
	if a, rest, err := ParseAddress(`vm.node["a"].network.net0.vlan`); err != nil || a.Key != "a" || rest != "network.net0.vlan" {
		t.Errorf("%v %q %v", a, rest, err)
	}
	for _, text := range []string{"", "media", "vm.", "VM.x", "vm.media[0]"} {
		if _, _, err := ParseAddress(text); err == nil {
			t.Errorf("%q is an address", text)
		}
	}
}
