package docker

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

func TestMerge(t *testing.T) {
	rows := []struct {
		name, file string
		set        map[string]string // "" takes the key out
		want       string
	}{
		{"no file", "", map[string]string{"dns": `["1.1.1.1","9.9.9.9"]`}, "{\n  \"dns\": [\"1.1.1.1\", \"9.9.9.9\"]\n}\n"},
		{"a foreign key and its form survive", "{\n    \"x-own\" :  {\"a\":1 },\n    \"dns\": [ \"8.8.8.8\" ]\n}\n", map[string]string{"dns": `["1.1.1.1"]`}, "{\n    \"x-own\" :  {\"a\":1 },\n    \"dns\": [\"1.1.1.1\"]\n}\n"},
		{"a new key takes the indentation", "{\n\t\"debug\": true\n}", map[string]string{"log-opts": `{"max-size":"10m"}`}, "{\n\t\"debug\": true,\n\t\"log-opts\": {\n\t\t\"max-size\": \"10m\"\n\t}\n}"},
		{"the first key goes", "{\n  \"dns\": [\"8.8.8.8\"],\n  \"debug\": true\n}\n", map[string]string{"dns": ""}, "{\n  \"debug\": true\n}\n"},
		{"the last key goes", "{\n  \"debug\": true,\n  \"dns\": [\"8.8.8.8\"]\n}\n", map[string]string{"dns": ""}, "{\n  \"debug\": true\n}\n"},
		{"the only key goes", "{\"dns\":[\"8.8.8.8\"]}", map[string]string{"dns": ""}, "{}"},
		{"one line", `{"debug":true,"mtu":1400}`, map[string]string{"mtu": "1450"}, `{"debug":true,"mtu":1450}`},
		{"all go, one comes", `{"a":1,"b":2}`, map[string]string{"a": "", "b": "", "c": "3"}, "{\n  \"c\": 3\n}"},
		{"odd key names", `{"a\"b":1, "c\\":2}`, map[string]string{`c\`: "3"}, `{"a\"b":1, "c\\":3}`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			set := map[string]json.RawMessage{}
			for k, v := range row.set {
				set[k] = raw(v)
			}
			got, err := merge([]byte(row.file), set)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMergeRefusesWhatItCannotKeep(t *testing.T) {
	for name, file := range map[string]string{
		"no object": "[]", "broken": `{"a":`, "a key twice": `{"a":1,"a":2}`, "something behind": `{} {}`, "text": "hello", "too long": strings.Repeat(" ", maxDaemonJSON+1),
	} {
		if out, err := merge([]byte(file), map[string]json.RawMessage{"dns": raw("[]")}); err == nil {
			t.Errorf("%s: merged into %q", name, out)
		}
	}
}

// checkMerge holds the promise: the keys asked for are as asked, all others have
// the bytes that they had.
func checkMerge(t interface{ Fatalf(string, ...any) }, file []byte, set map[string]json.RawMessage) {
	before, err := members(file)
	if err != nil {
		return
	}
	out, err := merge(file, set)
	if err != nil {
		t.Fatalf("merge into %q: %v", file, err)
	}
	after, err := members(out)
	if err != nil {
		t.Fatalf("the result %q does not parse: %v", out, err)
	}
	index := map[string]string{}
	for _, m := range after {
		index[m.key] = string(m.raw)
	}
	for _, m := range before {
		if _, asked := set[m.key]; !asked && index[m.key] != string(m.raw) {
			t.Fatalf("key %q was %s and is %s", m.key, m.raw, index[m.key])
		}
	}
	for k, v := range set {
		if _, there := index[k]; there != (v != nil) {
			t.Fatalf("key %q: there %v, asked for %s", k, there, v)
		}
		if v != nil && !cmp.Equal(decoded(v), decoded([]byte(index[k]))) {
			t.Fatalf("key %q is %s, asked for %s", k, index[k], v)
		}
	}
	again, err := merge(out, set)
	if err != nil || string(again) != string(out) {
		t.Fatalf("a second merge changes %q to %q (%v)", out, again, err)
	}
}

// decoded reads JSON with its numbers as they are written, of whatever size.
func decoded(raw []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err
	}
	return v
}

func TestMergeProperty(t *testing.T) {
	keys := rapid.SampledFrom([]string{"dns", "debug", "log-opts", `q"uote`, "ünï", "x", `back\`})
	values := rapid.SampledFrom([]string{`true`, `[]`, `["a","b"]`, `{"k":{"n":[1,2]}}`, `"text, } {"`, `12.5`, `null`})
	space := rapid.SampledFrom([]string{"", " ", "\n  ", "\r\n\t"})
	rapid.Check(t, func(t *rapid.T) {
		var parts []string
		for _, k := range rapid.SliceOfNDistinct(keys, 0, 6, rapid.ID).Draw(t, "keys") {
			parts = append(parts, space.Draw(t, "s")+string(marshal(k))+space.Draw(t, "s")+":"+space.Draw(t, "s")+values.Draw(t, "v")+space.Draw(t, "s"))
		}
		file := "{" + strings.Join(parts, ",") + space.Draw(t, "s") + "}" + space.Draw(t, "s")
		set := map[string]json.RawMessage{}
		for _, k := range rapid.SliceOfNDistinct(keys, 0, 4, rapid.ID).Draw(t, "asked") {
			set[k] = raw(rapid.SampledFrom([]string{"", "true", `["x"]`, `{"a":"b"}`}).Draw(t, "to"))
		}
		checkMerge(t, []byte(file), set)
	})
}

func FuzzMerge(f *testing.F) {
	for _, s := range []string{"", "{}", `{"dns":["1.1.1.1"],"x":{}}`, "{\n\t\"a\": 1,\n\t\"b\": [ ]\n}\n", `{"a":1,"a":2}`, "\xef\xbb\xbf{}", `{"a\\":"\"}"}`} {
		f.Add([]byte(s), "dns", `["9.9.9.9"]`)
		f.Add([]byte(s), "a", "")
	}
	f.Fuzz(func(t *testing.T, file []byte, key, value string) {
		if value != "" && !json.Valid([]byte(value)) || !slices.Equal([]byte(key), []byte(strings.ToValidUTF8(key, "?"))) {
			return
		}
		checkMerge(t, file, maps.Collect(maps.All(map[string]json.RawMessage{key: raw(value)})))
	})
}
