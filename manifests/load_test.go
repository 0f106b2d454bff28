package manifests

import (
	"bytes"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/inventory"
)

func files(texts ...string) fs.FS {
	out := fstest.MapFS{}
	for i := 0; i < len(texts); i += 2 {
		out[texts[i]] = &fstest.MapFile{Data: []byte(texts[i+1])}
	}
	return out
}

const cluster = "proxmox \"home\" {\n  endpoints = [\"https://10.0.0.1:8006\"]\n  token = env(\"T\")\n}\n"

func load(t *testing.T, text string) (*Project, hcl.Diagnostics) {
	t.Helper()
	return Load(files("recon.hcl", cluster+text), Options{Env: func(string) (string, bool) { return "a@pam!b=c", true }, Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)})
}

// TestExamples loads what the README shows.
func TestExamples(t *testing.T) {
	entries, err := os.ReadDir("examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			p, diags := Load(os.DirFS("examples/"+e.Name()), Options{Env: func(string) (string, bool) { return "x@pam!y=z", true }, Version: "0.1.0", Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)})
			if len(diags) > 0 {
				t.Error(diags)
			}
			if len(p.Resources) == 0 {
				t.Error("it declares nothing")
			}
		})
	}
}

// TestMistakes: each mistake is reported with its place and a word that helps.
func TestMistakes(t *testing.T) {
	cases := []struct{ name, text, says string }{
		{"a bare size", "vm \"a\" {\n  vmid = 100\n  memory = 8\n}", `write "8GiB" or "8MiB"`},
		{"a bare size in a string", "vm \"a\" {\n  vmid = 100\n  memory = \"8\"\n}", "has no unit"},
		{"a size that is no MiB", "vm \"a\" {\n  vmid = 100\n  memory = \"100KiB\"\n}", "not a whole number of MiB"},
		{"an unknown block", "vm \"a\" {\n  vmid = 100\n  netwrok \"net0\" {}\n}", `Did you mean "network"?`},
		{"an unknown slot", "vm \"a\" {\n  vmid = 100\n  network \"eth0\" {}\n}", "net0..net31"},
		{"a block twice", "vm \"a\" {\n  vmid = 100\n  network \"net0\" {}\n  network \"net0\" {}\n}", "already written"},
		{"no vmid", "vm \"a\" {}", `needs the argument "vmid"`},
		{"a vmid out of range", "vm \"a\" {\n  vmid = 5\n}", "below the minimum"},
		{"an observed field", "vm \"a\" {\n  vmid = 100\n  template = true\n}", "what recon observes"},
		{"a bad tag", "vm \"a\" {\n  vmid = 100\n  tags = [\"a b\"]\n}", "is not a tag"},
		{"a bad name", "vm \"a_b\" {\n  vmid = 100\n}", `Write name = "..."`},
		{"a number for a list", "vm \"a\" {\n  vmid = 100\n  tags = 5\n}", "tags takes a set of string"},
		{"an unknown reference", "vm \"a\" {\n  vmid = 100\n  description = vm.b.name\n}", "vm.b is not declared anywhere"},
		{"no address", "vm \"a\" {\n  vmid = 100\n}\nvm \"b\" {\n  vmid = 101\n  description = vm.a.address\n}", "declares no address"},
		{"itself", "vm \"a\" {\n  vmid = 100\n  description = vm.a.name\n}", "vm.a -> vm.a"},
		{"a word without quotes", "vm \"a\" {\n  vmid = 100\n  description = hello\n}", "A string needs quotes"},
		{"each without for_each", "vm \"a\" {\n  vmid = each.value\n}", "for_each"},
		{"a list for for_each", "vm \"a\" {\n  for_each = [1]\n  vmid = 100\n}", "toset"},
		{"an unknown cluster", "vm \"a\" {\n  vmid = 100\n  cluster = proxmox.hom\n}", `Did you mean "home"?`},
		{"an unknown dependency", "vm \"a\" {\n  vmid = 100\n  depends_on = [vm.b]\n}", "vm.b is not declared"},
		{"a quoted dependency", "vm \"a\" {\n  vmid = 100\n  depends_on = [\"vm.b\"]\n}", "without quotes"},
		{"a bad cron", "schedule \"s\" {\n  cron = \"61 * * * *\"\n  action = \"drift\"\n}", "five cron fields"},
		{"a bad zone", "schedule \"s\" {\n  cron = \"@daily\"\n  action = \"drift\"\n  timezone = \"Mars\"\n}", "time zone database"},
		{"an unknown action", "schedule \"s\" {\n  cron = \"@daily\"\n  action = \"docter\"\n}", `Did you mean "doctor"?`},
		{"a bad jitter", "schedule \"s\" {\n  cron = \"@daily\"\n  action = \"drift\"\n  jitter = \"often\"\n}", "no such span"},
		{"a page for strangers", "page {\n  listen = \"0.0.0.0:8100\"\n}", "needs a login block"},
		{"a page for strangers by name", "page {\n  url = \"https://recon.example.net\"\n}", "needs a login block"},
		{"a page without TLS", "page {\n  listen = \":8100\"\n  login {\n    token_file = \"t\"\n  }\n}", "Without TLS"},
		{"a page with half a certificate", "page {\n  certificate = \"c.pem\"\n}", "go together"},
		{"a page nowhere", "page {\n  listen = \"8100\"\n}", "127.0.0.1:8100"},
		{"a group without a name", "page {\n  approve = [\"lena\", \"group:\"]\n}", "is neither"},
		{"a provider in the open", "page {\n  login {\n    oidc {\n      issuer = \"http://auth.example.net\"\n      client_id = \"recon\"\n    }\n  }\n}", "Not an issuer"},
		{"a provider without a client", "page {\n  login {\n    oidc {\n      issuer = \"https://auth.example.net\"\n    }\n  }\n}", "needs issuer"},
		{"a provider that leads nowhere back", "page {\n  listen = \"0.0.0.0:8100\"\n  certificate = \"c\"\n  key = \"k\"\n  login {\n    oidc {\n      issuer = \"https://auth.example.net\"\n      client_id = \"recon\"\n    }\n  }\n}", "No way back"},
		{"a login for nobody", "page {\n  login {}\n}", "Nobody can log in"},
		{"everybody a proxy", "page {\n  login {\n    proxy {\n      header = \"Remote-User\"\n      from = [\"0.0.0.0/0\"]\n    }\n  }\n}", "is everybody"},
		{"a document outside", "context {\n  claude_md = \"../CLAUDE.md\"\n}", "below the project's root"},
		{"a document that is none", "context {\n  claude_md = \".claude/settings.json\"\n}", "Markdown"},
		{"moved from what is there", "vm \"a\" {\n  vmid = 100\n}\nmoved {\n  from = vm.a\n  to = vm.a\n}", "still declared"},
		{"an unknown ignore", "vm \"a\" {\n  vmid = 100\n  ignore \"memroy\" {}\n}", `Did you mean "memory"?`},
		{"absent and protected", "vm \"a\" {\n  vmid = 100\n  absent = true\n  protect = true\n}", "never deletes what is protected"},
		{"a variable without value", "variable \"x\" {}", "--var x=VALUE"},
		{"an endpoint with a path", "proxmox \"b\" {\n  endpoints = [\"https://x:8006/\"]\n  token = \"t\"\n}", "without a path"},
		{"a check of nothing", "check \"a\" {}", "says what is asked: gitlab, gitea"},
		{"a check of two things", "check \"a\" {\n  tcp {\n    address = \"x:1\"\n  }\n  dns {\n    server = \"10.0.0.1\"\n    name = \"x\"\n  }\n}", "make two checks"},
		{"an unknown check", "check \"a\" {\n  gitlub {}\n}", `Did you mean "gitlab"?`},
		{"a check twice", "check \"a\" {\n  tcp {\n    address = \"x:1\"\n  }\n}\ncheck \"a\" {\n  tcp {\n    address = \"x:1\"\n  }\n}", "is defined here and at recon.hcl"},
		{"a check without a place", "check \"a\" {\n  gitlab {\n    token = env(\"T\")\n  }\n}", "needs url"},
		{"a check without a token", "check \"a\" {\n  gitlab {\n    url = \"https://x\"\n  }\n}", "needs token"},
		{"a check with two tokens", "check \"a\" {\n  gitlab {\n    url = \"https://x\"\n    token = env(\"T\")\n    token_command = [\"t\"]\n  }\n}", "either token or token_command"},
		{"a check with a user in it", "check \"a\" {\n  http {\n    url = \"https://me:pw@x\"\n  }\n}", "names no user"},
		{"a role of nothing", "check \"a\" {\n  gitlab {\n    url = \"https://x\"\n    token = env(\"T\")\n    needs = \"developer\"\n  }\n}", "write project, too"},
		{"an unknown role", "check \"a\" {\n  gitlab {\n    url = \"https://x\"\n    token = env(\"T\")\n    needs = \"developr\"\n  }\n}", `Did you mean "developer"?`},
		{"a check of no cluster", "check \"a\" {\n  proxmox {}\n}", "either cluster = proxmox.NAME or url"},
		{"a check of an unknown cluster", "check \"a\" {\n  proxmox {\n    cluster = proxmox.hom\n  }\n}", "proxmox.hom is not declared"},
		{"a check of a quoted host", "check \"a\" {\n  command {\n    host = \"media\"\n    command = [\"true\"]\n  }\n}", "host.NAME"},
		{"a command that is a line", "check \"a\" {\n  command {\n    host = host.media\n    command = \"true\"\n  }\n}", "command takes a list of string"},
		{"a port without a number", "check \"a\" {\n  tcp {\n    address = \"x\"\n  }\n}", "NAME:PORT"},
		{"a check too often", "check \"a\" {\n  every = \"1s\"\n}", `from "1m" to "720h"`},
		{"an unknown severity", "check \"a\" {\n  severity = \"eror\"\n}", `Did you mean "error"?`},
		{"a wait for an unknown check", "vm \"a\" {\n  vmid = 100\n  depends_on = [check.b]\n}", "check.b is not declared"},
		{"a guest that is a check", "check \"a\" {\n  tcp {\n    address = \"x:1\"\n  }\n}\nhost \"h\" {\n  guest = check.a\n}", "check.a is not declared"},
		{"another version", "recon {\n  required_version = \">= 9\"\n}", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, diags := load(t, c.text)
			if c.says == "" {
				return
			}
			if !diags.HasErrors() {
				t.Fatal("no mistake is reported")
			}
			for _, d := range diags {
				if strings.Contains(d.Summary+" "+d.Detail, c.says) {
					if d.Subject == nil || d.Subject.Filename != "recon.hcl" {
						t.Errorf("it has no place: %v", d.Subject)
					}
					return
				}
			}
			t.Errorf("none says %q: %v", c.says, diags)
		})
	}
}

// TestAliases: a guest may have other names in documents.
func TestAliases(t *testing.T) {
	p, diags := load(t, "vm \"a\" {\n  vmid = 100\n  aliases = [\"git\", \"code box\"]\n}\n")
	if diags.HasErrors() || !slices.Equal(p.Resources[0].Policy.Aliases, []string{"git", "code box"}) {
		t.Errorf("got %+v, %v", p.Resources, diags)
	}
}

func TestVersionConstraints(t *testing.T) {
	for _, c := range []struct {
		constraint, version string
		ok                  bool
	}{{">= 0.1", "0.1.0-dev", true}, {">= 0.2", "0.1.9", false}, {">= 0.1, < 1", "0.5", true}, {">= 0.1, < 1", "1.0.0", false}, {"= 0.1.2", "0.1.2", true}, {"~> 1", "1.0", false}, {"nonsense", "1.0", false}} {
		if err := checkVersion(c.constraint, c.version); (err == nil) != c.ok {
			t.Errorf("%s of %s: %v", c.constraint, c.version, err)
		}
	}
}

// TestExpiredIgnore warns, with the range of the rule.
func TestExpiredIgnore(t *testing.T) {
	_, diags := load(t, "vm \"a\" {\n  vmid = 100\n  ignore \"memory\" {\n    until = \"2026-05-01\"\n  }\n}")
	if diags.HasErrors() || len(diags) != 1 || !strings.Contains(diags[0].Detail, "compared again since 2026-05-01") {
		t.Errorf("diagnostics: %v", diags)
	}
}

// TestMissingTokenIsNoMistakeOfTheManifests: validate works without secrets.
// TestClustersAreToldEarly: the clusters that the main file tells by itself are
// known before the rest is read, and are those of the project.
func TestClustersAreToldEarly(t *testing.T) {
	const main = "variable \"v\" {\n  default = \"a@pam!b=c\"\n}\nlocals {\n  at = \"https://10.0.0.1:8006\"\n}\nproxmox \"home\" {\n  endpoints = [local.at]\n  token = var.v\n}\n"
	cases := []struct {
		name, main, other string
		early             int
	}{
		{"variables and locals of the file", main, "vm \"a\" {\n  vmid = 100\n}\n", 1},
		{"a mistake elsewhere", main, "vm \"a\" {\n", 1},
		{"a variable of another file", "proxmox \"home\" {\n  endpoints = [\"https://10.0.0.1:8006\"]\n  token = var.v\n}\n", "variable \"v\" {\n  default = \"a@pam!b=c\"\n}\n", 0},
		{"a mistake in the block", cluster + "proxmox \"work\" {\n}\n", "", 0},
		{"a block of another file", "", cluster, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var early []Cluster
			p, diags := Load(files("recon.hcl", c.main, "manifests/a.hcl", c.other), Options{
				Env: func(string) (string, bool) { return "a@pam!b=c", true }, VarFiles: map[string][]byte{"v.hcl": nil}, Clusters: func(found []Cluster) { early = found },
			})
			if len(early) != c.early {
				t.Fatalf("%d clusters were told early, not %d", len(early), c.early)
			}
			if c.early > 0 && !diags.HasErrors() && !reflect.DeepEqual(early, p.Clusters) {
				t.Errorf("early %+v, then %+v", early, p.Clusters)
			}
		})
	}
}

func TestMissingTokenIsNoMistakeOfTheManifests(t *testing.T) {
	p, diags := Load(files("recon.hcl", cluster), Options{})
	if diags.HasErrors() {
		t.Errorf("diagnostics: %v", diags)
	}
	if !p.Clusters[0].Credentials.HasErrors() {
		t.Error("the missing token is not noted")
	}
}

// TestRenderedGuestsLoad: what import writes is read back as the same values.
func TestRenderedGuestsLoad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]*inventory.Kind{inventory.KindOf("vm"), inventory.KindOf("lxc")}).Draw(t, "kind")
		attrs := inventory.Attrs{"vmid": cty.NumberIntVal(rapid.Int64Range(100, 9999).Draw(t, "vmid")), "name": cty.StringVal("guest")}
		for _, a := range kind.Attrs {
			if a.Type == cty.Bool && !a.Computed && a.Name != "running" {
				attrs[inventory.Path(a.Name)] = cty.BoolVal(rapid.Bool().Draw(t, a.Name))
			}
		}
		attrs["description"] = cty.StringVal(rapid.String().Draw(t, "description"))
		attrs["memory"] = inventory.Size(rapid.Int64Range(16, 1<<20).Draw(t, "memory") * inventory.MiB)
		attrs["network.net0.vlan"] = cty.NumberIntVal(rapid.Int64Range(1, 4094).Draw(t, "vlan"))
		text := Render(Rendering{Label: "guest", Resource: inventory.Resource{Addr: inventory.Address{Kind: kind.Name, Name: "guest"}, Attrs: attrs}})
		p, diags := Load(files("recon.hcl", cluster, "manifests/a.hcl", string(text)), Options{})
		if diags.HasErrors() {
			t.Fatalf("%v in\n%s", diags, text)
		}
		for path, v := range attrs {
			attr, _, _ := kind.Lookup(path)
			if got := p.Resources[0].Attrs[path]; !attr.Same(v, got) {
				t.Fatalf("%s is written %#v and read %#v from\n%s", path, v, got, text)
			}
		}
		formatted, _ := Format(text, "a.hcl")
		if !bytes.Equal(formatted, text) {
			t.Fatalf("it is not laid out:\n%s", text)
		}
	})
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		cluster, "vm \"a\" {\n  vmid = 100\n  memory = \"8GiB\"\n}", "locals {\n  a = local.b\n  b = local.a\n}", "vm \"a\" {\n  for_each = toset([\"x\"])\n  vmid = 100\n}",
		"variable \"v\" {\n  type = list(string)\n  default = []\n}", "moved {\n  from = vm.a\n  to = vm.b\n}", "schedule \"s\" {\n  cron = \"* * * * *\"\n  action = \"drift\"\n}",
		"vm \"a\" {\n  vmid = 100\n  tags = [for x in [1,2] : format(\"t%d\", x)]\n}", "\xef\xbb\xbfrecon {}", "vm \"a\" {\n  description = <<EOT\n${\"x\"}\nEOT\n}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		p, _ := Load(files("recon.hcl", text), Options{Now: time.Unix(1, 0)})
		for i := range p.Resources {
			r := &p.Resources[i]
			for path := range r.Attrs {
				if a, _, _ := r.Kind().Lookup(path); a == nil {
					t.Errorf("%s holds %s, which its table does not know", r.Addr, path)
				}
			}
		}
	})
}

// TestQuotedIsOneString: whatever a text is, it is one string of HCL, as a value and as a
// label, and reads as itself.
func TestQuotedIsOneString(t *testing.T) {
	pieces := rapid.SampledFrom([]string{`"`, "\\", "${", "%{", "$", "%", "{", "}", "\n", "\r", "\t", "#", "//", "a", "é", "\x00", "\x7f", "\u202e", "<<EOT\n", "EOT"})
	rapid.Check(t, func(t *rapid.T) {
		want := cty.StringVal(strings.Join(rapid.SliceOf(pieces).Draw(t, "text"), "")).AsString()
		src := "x " + Quoted(want) + " {\n  a = " + Quoted(want) + "\n}\n"
		file, diags := parse([]byte(src), "x.hcl")
		if diags.HasErrors() {
			t.Fatalf("%v:\n%s", diags, src)
		}
		body := file.Body.(*hclsyntax.Body)
		if len(body.Blocks) != 1 || len(body.Blocks[0].Labels) != 1 || body.Blocks[0].Labels[0] != want {
			t.Fatalf("as a label %q is read as %+v", want, body.Blocks)
		}
		if got, diags := body.Blocks[0].Body.Attributes["a"].Expr.Value(nil); diags.HasErrors() || got.AsString() != want {
			t.Fatalf("as a value %q is read as %#v, %v", want, got, diags)
		}
	})
}
