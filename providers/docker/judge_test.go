package docker

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"recon/inventory/inventorytest"
)

// TestJudgeKnowsTheRelease: what one release refuses another one takes, and of a
// release that nobody knows nothing is said that depends on it.
func TestJudgeKnowsTheRelease(t *testing.T) {
	for _, row := range []struct {
		version, file string
		args          []string
		objects       string // "" for no objection
	}{
		{"20.10.24+dfsg1", `{"proxies":{"http-proxy":"http://p.lan:3128"}}`, nil, "http-proxy is a key of Docker 23.0"},
		{"29.1.3", `{"proxies":{"http-proxy":"http://p.lan:3128"}}`, nil, ""},
		{"", `{"proxies":{"http-proxy":"http://p.lan:3128"}}`, nil, ""},
		{"20.10.24", `{"ipv6":true}`, nil, "needs fixed-cidr-v6"},
		{"20.10.24", `{"ipv6":true}`, []string{"--fixed-cidr-v6=fd00::/80"}, ""},
		{"27.0.1", `{"ipv6":true}`, nil, ""},
		{"20.10.24", `{"max-download-attempts":0}`, nil, "1 and more"},
		{"28.0.0", `{"max-download-attempts":0}`, nil, ""},
		{"20.10.24", ``, nil, ""},
		{"20.10.24", "\n", nil, "empty"},
		{"28.0.0", "\n", nil, ""},
		{"20.10.24", "\xef\xbb\xbf{}", nil, "byte order mark"},
		{"28.0.0", "\xef\xbb\xbf{}", nil, ""},
		{"28.0.0", `{"no-such-key":1}`, nil, "is no key that Docker 28.0 knows"},
		{"31.0.0", `{"no-such-key":1}`, nil, ""},
		{"", `{"no-such-key":1}`, nil, ""},
		{"", `{"dns":"1.1.1.1"}`, nil, "dns is a text"},
		{"", `{"hosts":["fd://"]}`, []string{"-H", "fd://"}, "-H"},
		{"", `{"debug":false}`, []string{"-D"}, "-D"},
		{"", `{"labels":["a=b"]}`, []string{"--label", "c=d"}, "--label"},
		{"", `{"runtimes":{"x":{"path":"/x"}}}`, []string{"--add-runtime", "y=/y"}, ""},
		{"", `{"a":1}x`, nil, "behind its object"},
		{"24.0.7", `{"registry-mirrors":["u:SECRET@m.lan"]}`, nil, "registry-mirrors"},
		{"24.0.7", `{"registry-mirrors":["ftp://u:SECRET@m.lan"]}`, nil, "(secret)"},
	} {
		got := judge{args: row.args, version: releaseOf(row.version)}.objections([]byte(row.file))
		if row.objects == "" && len(got) > 0 || row.objects != "" && !strings.Contains(reasons(got), row.objects) {
			t.Errorf("Docker %s with %s %v: %v, want %q", row.version, row.file, row.args, got, row.objects)
		}
		if strings.Contains(reasons(got), "SECRET") {
			t.Errorf("it tells a password: %v", got)
		}
	}
}

// TestJudgeTakesAnything: whatever JSON a key has, there is an answer.
func TestJudgeTakesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "keys") {
			key := rapid.SampledFrom([]string{"dns", "labels", "runtimes", "default-runtime", "log-opts", "ipv6", "icc", "bip", "exec-opts", "builder", "hosts", "x", "registry-mirrors", "default-ulimits", "mtu"}).Draw(t, "key")
			file[key] = inventorytest.JSON(t, 3)
		}
		j := judge{version: releaseOf(rapid.SampledFrom([]string{"", "20.10.24", "29.0.0"}).Draw(t, "version"))}
		for _, o := range j.objections(marshal(file)) {
			if o.String() == "" {
				t.Fatal("an objection says nothing")
			}
		}
	})
}

// TestJudgeAgainstValidate holds the judge against what dockerd --validate of Docker 29,
// built from its Go module and run by hand, said of the same files: what the judge objects
// to that daemon refuses, and what it refuses recon asks it about before a restart.
func TestJudgeAgainstValidate(t *testing.T) {
	f, err := os.Open("testdata/validate-29.0.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := json.NewDecoder(f)
	var head struct{ Args []string }
	if err := lines.Decode(&head); err != nil {
		t.Fatal(err)
	}
	j := judge{args: head.Args, version: releaseOf("29.0.0")}
	refused, seen := 0, 0
	for lines.More() {
		var row struct {
			File, Says, Start string // Start: how the daemon failed to start with a file that is valid
			Valid             bool
		}
		if err := lines.Decode(&row); err != nil {
			t.Fatal(err)
		}
		got := j.objections([]byte(row.File))
		switch {
		case row.Valid && (len(got) > 0) != (row.Start != ""):
			t.Errorf("%s is valid (%s), and the judge says %v", row.File, row.Start, got)
		case !row.Valid:
			if refused++; len(got) > 0 {
				seen++
			} else {
				t.Logf("left to --validate: %s: %s", row.File, row.Says)
			}
		}
	}
	if refused < 40 || seen*10 < refused*9 {
		t.Errorf("of %d refused files the judge sees %d", refused, seen)
	}
}
