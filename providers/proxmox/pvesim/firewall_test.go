package pvesim

import (
	"encoding/json"
	"testing"
)

// rows spells a list as JSON, without digests.
func rows(t *testing.T, v any) string {
	t.Helper()
	list, ok := v.([]any)
	if !ok {
		t.Fatalf("%v is no list", v)
	}
	for _, r := range list {
		delete(r.(map[string]any), "digest")
	}
	out, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestSecurityGroups: a group keeps its rules, is renamed where rules refer to it, and
// goes only when it is empty.
func TestSecurityGroups(t *testing.T) {
	c := newClient(t, start(t, Options{World: Home()}))
	const p = "/cluster/firewall/groups"
	c.ok("POST", p, "group", "web", "comment", "sites")
	// A new rule is the first one, whatever position it names.
	c.ok("POST", p+"/web", "type", "in", "action", "DROP", "pos", "1", "comment", "-")
	c.ok("POST", p+"/web", "type", "in", "action", "ACCEPT", "dport", "443", "proto", "tcp", "enable", "1")
	c.ok("POST", "/nodes/node01/firewall/rules", "type", "group", "action", "web", "enable", "1")
	if a := c.call("POST", p, "group", "web"); a.status != 400 {
		t.Errorf("made twice: %d %s", a.status, a.reason)
	}
	c.ok("POST", p, "group", "sites", "rename", "web")
	if got := rows(t, c.ok("GET", p)); got != `[{"comment":"sites","group":"sites"}]` {
		t.Errorf("groups: %s", got)
	}
	if got := rows(t, c.ok("GET", p+"/sites")); got != `[{"action":"ACCEPT","dport":"443","enable":1,"pos":0,"proto":"tcp","type":"in"},{"action":"DROP","enable":0,"pos":1,"type":"in"}]` {
		t.Errorf("rules: %s", got)
	}
	if got := rows(t, c.ok("GET", "/nodes/node01/firewall/rules")); got != `[{"action":"sites","enable":1,"pos":0,"type":"group"}]` {
		t.Errorf("rules of the node: %s", got)
	}
	// One rule has its position as the path has it, which is text.
	if got := field(c.ok("GET", p+"/sites/1"), "pos"); got != "1" {
		t.Errorf("pos is %#v", got)
	}
	for _, pos := range []string{"-1", "x"} {
		if a := c.call("GET", p+"/sites/"+pos); a.status != 400 {
			t.Errorf("position %s: %d %s", pos, a.status, a.reason)
		}
	}
	if a := c.call("DELETE", p+"/sites"); a.status != 500 || a.reason != "Security group 'sites' is not empty" {
		t.Errorf("not empty: %d %s", a.status, a.reason)
	}
	c.ok("DELETE", p+"/sites/0")
	c.ok("PUT", p+"/sites/0", "action", "REJECT")
	c.ok("DELETE", p+"/sites/0")
	c.ok("DELETE", p+"/sites")
	if a := c.call("GET", p+"/sites"); a.status != 500 || a.reason != "no such security group 'sites'" {
		t.Errorf("gone: %d %s", a.status, a.reason)
	}
}

// TestIPSets: entries are addressed by their network, slash and all, and come sorted.
func TestIPSets(t *testing.T) {
	c := newClient(t, start(t, Options{World: Home()}))
	const p = "/cluster/firewall/ipset"
	c.ok("POST", p, "name", "lan", "comment", "ours")
	c.ok("POST", p+"/lan", "cidr", "10.2.0.1", "nomatch", "1")
	c.ok("POST", p+"/lan", "cidr", "10.1.0.0/16", "comment", "old")
	if a := c.call("POST", p+"/lan", "cidr", "10.1.0.0/16"); a.status != 400 {
		t.Errorf("added twice: %d %s", a.status, a.reason)
	}
	c.ok("PUT", p+"/lan/10.1.0.0/16", "comment", "new")
	if got := rows(t, c.ok("GET", p+"/lan")); got != `[{"cidr":"10.1.0.0/16","comment":"new"},{"cidr":"10.2.0.1","nomatch":1}]` {
		t.Errorf("entries: %s", got)
	}
	if got := field(c.ok("GET", p+"/lan/10.1.0.0%2F16"), "comment"); got != "new" {
		t.Errorf("entry: %v", got)
	}
	if a := c.call("DELETE", p+"/lan"); a.status != 500 {
		t.Errorf("not empty: %d %s", a.status, a.reason)
	}
	c.ok("DELETE", p+"/lan/10.1.0.0/16")
	if a := c.call("GET", p+"/lan/10.1.0.0/16"); a.status != 400 {
		t.Errorf("gone: %d %s", a.status, a.reason)
	}
	c.ok("POST", p, "name", "wan", "rename", "lan")
	if got := rows(t, c.ok("GET", p)); got != `[{"comment":"ours","name":"wan"}]` {
		t.Errorf("sets: %s", got)
	}
	c.ok("DELETE", p+"/wan", "force", "1")
	c.ok("POST", p, "name", "wan")
	if got := rows(t, c.ok("GET", p)); got != `[{"name":"wan"}]` {
		t.Errorf("a set of the same name remembers: %s", got)
	}
	c.ok("POST", p+"/wan", "cidr", "10.0.0.1/32", "nomatch", "0")
	if got := rows(t, c.ok("GET", p+"/wan")); got != `[{"cidr":"10.0.0.1"}]` {
		t.Errorf("entries: %s", got)
	}
	if a := c.call("POST", p+"/wan", "cidr", "0.0.0.0/0"); a.status != 400 {
		t.Errorf("everything: %d %s", a.status, a.reason)
	}
}

// TestRuleMoves: a rule goes before the one that had the new place.
func TestRuleMoves(t *testing.T) {
	for to, want := range map[string]string{"0": "abc", "1": "abc", "2": "bac", "3": "bca", "9": "bca"} {
		c := newClient(t, start(t, Options{World: Home()}))
		const p = "/nodes/localhost/firewall/rules"
		for _, name := range []string{"c", "b", "a"} {
			c.ok("POST", p, "type", "in", "action", "DROP", "comment", name)
		}
		c.ok("PUT", p+"/0", "moveto", to)
		got := ""
		for _, r := range c.ok("GET", p).([]any) {
			got += field(r, "comment").(string)
		}
		if got != want {
			t.Errorf("to %s: %s, want %s", to, got, want)
		}
	}
}

// TestFirewallWithHoles: a world that is written by hand is refused where it is null.
func TestFirewallWithHoles(t *testing.T) {
	for _, text := range []string{`{"groups":{"web":null}}`, `{"rules":[null]}`, `{"ipsets":{"lan":[null]}}`, `{"aliases":[null]}`} {
		w := &World{Firewall: &Firewall{}}
		if err := json.Unmarshal([]byte(text), w.Firewall); err != nil {
			t.Fatal(err)
		}
		if err := w.wholeLists(); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
