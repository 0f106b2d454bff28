package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A member is one key of a JSON object and where it stands in the text.
type member struct {
	key        string
	raw        json.RawMessage
	start, end int // from the key's quote to the end of the value
}

// errDuplicate is wrapped when a key stands twice: dockerd takes the last one
// silently, and which one was meant nobody knows.
var errDuplicate = errors.New("a key stands twice")

// maxDaemonJSON bounds the file; dockerd's own are a few hundred bytes.
const maxDaemonJSON = 1 << 20

// members reads the keys of daemon.json with their places. An empty file is an
// empty object, as for dockerd.
func members(file []byte) ([]member, error) {
	if len(file) > maxDaemonJSON {
		return nil, fmt.Errorf("daemon.json has %d bytes, more than the %d that recon reads", len(file), maxDaemonJSON)
	}
	file = trimBOM(file)
	if len(bytes.TrimSpace(file)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(file))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("daemon.json is not a JSON object: %w", orSyntax(err))
	}
	var out []member
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("daemon.json is not JSON: %w", err)
		}
		m := member{key: t.(string)}
		keyEnd := int(d.InputOffset())
		m.start = bytes.LastIndexByte(file[:keyEnd-1], '"')
		for m.start > 0 && escaped(file, m.start) {
			m.start = bytes.LastIndexByte(file[:m.start], '"')
		}
		if err := d.Decode(&m.raw); err != nil {
			return nil, fmt.Errorf("daemon.json is not JSON: %w", err)
		}
		m.end = int(d.InputOffset())
		if slices.ContainsFunc(out, func(o member) bool { return o.key == m.key }) {
			return nil, fmt.Errorf("daemon.json: %w: %q", errDuplicate, m.key)
		}
		out = append(out, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("daemon.json is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("daemon.json holds something behind its object")
	}
	return out, nil
}

func orSyntax(err error) error {
	if err == nil {
		return errors.New("it begins with something else")
	}
	return err
}

func trimBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }

// escaped reports whether the quote at i is part of a string.
func escaped(text []byte, i int) bool {
	n := 0
	for i--; i >= 0 && text[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// merge gives keys of daemon.json other values, or takes them out where the value
// is nil, and leaves every other byte as it is, as far as commas allow. Keys that
// are new come last, in order.
func merge(file []byte, set map[string]json.RawMessage) ([]byte, error) {
	file = trimBOM(file)
	old, err := members(file)
	if err != nil {
		return nil, err
	}
	if len(old) == 0 {
		if !slices.ContainsFunc(slices.Collect(maps.Values(set)), func(v json.RawMessage) bool { return v != nil }) {
			return file, nil
		}
		file = []byte("{\n}\n")
	}
	indent := indentation(file, old)
	out, from := []byte{}, 0
	kept := 0
	for i, m := range old {
		value, asked := set[m.key]
		switch {
		case !asked:
			kept++
		case value == nil:
			out = append(out, file[from:m.start]...)
			from = m.end
			out, from = cutComma(file, out, from, i == len(old)-1)
		default:
			out = append(out, file[from:m.end-len(m.raw)]...)
			out = append(out, format(value, indent)...)
			from = m.end
			kept++
		}
	}
	out = append(out, file[from:]...)
	return appendKeys(out, old, set, indent, kept)
}

// cutComma takes out the comma that separated a removed member: the one behind
// it, or before it when it was the last.
func cutComma(file, out []byte, from int, last bool) ([]byte, int) {
	rest := bytes.TrimLeft(file[from:], " \t\r\n")
	if !last && bytes.HasPrefix(rest, []byte(",")) {
		from = len(file) - len(rest) + 1
		// The white space in front of the removed key serves the next one.
		return out, from + len(file[from:]) - len(bytes.TrimLeft(file[from:], " \t\r\n"))
	}
	out = bytes.TrimRight(out, " \t\r\n")
	return bytes.TrimSuffix(out, []byte(",")), from
}

// appendKeys puts keys that the file does not have before its closing brace.
func appendKeys(out []byte, old []member, set map[string]json.RawMessage, indent string, kept int) ([]byte, error) {
	var added []string
	for key, value := range set {
		if value != nil && !slices.ContainsFunc(old, func(m member) bool { return m.key == key }) {
			added = append(added, key)
		}
	}
	slices.Sort(added)
	end := bytes.LastIndexByte(out, '}')
	body, tail := bytes.TrimRight(out[:end], " \t\r\n"), bytes.Clone(out[end:])
	space := string(out[len(body):end])
	for _, key := range added {
		if kept > 0 {
			body = append(body, ',')
		}
		kept++
		body = append(body, "\n"+indent+string(marshal(key))+": "...)
		body = append(body, format(set[key], indent)...)
		if !strings.Contains(space, "\n") {
			space = "\n"
		}
	}
	body = append(append(body, space...), tail...)
	if !json.Valid(body) {
		return nil, errors.New("daemon.json cannot be changed without breaking its form")
	}
	return body, nil
}

// indentation is what stands before the first key of the file.
func indentation(file []byte, old []member) string {
	if len(old) > 0 {
		before := file[:old[0].start]
		if i := bytes.LastIndexByte(before, '\n'); i >= 0 && len(bytes.TrimLeft(before[i+1:], " \t")) == 0 {
			return string(before[i+1:])
		}
	}
	return "  "
}

// format writes a value as a member of the file.
func format(value json.RawMessage, indent string) []byte {
	value = bytes.TrimSpace(value)
	var b bytes.Buffer
	if err := json.Indent(&b, value, indent, indent); err != nil {
		return value
	}
	text := b.Bytes()
	if flat := compactList(value); flat != nil {
		text = flat
	}
	return text
}

// compactList writes a list of plain values on one line, as people do.
func compactList(value json.RawMessage) []byte {
	var items []json.RawMessage
	if json.Unmarshal(value, &items) != nil {
		return nil
	}
	var parts []string
	for _, it := range items {
		if len(it) > 0 && (it[0] == '{' || it[0] == '[') {
			return nil
		}
		parts = append(parts, string(it))
	}
	return []byte("[" + strings.Join(parts, ", ") + "]")
}

// marshal writes JSON without escaping what HTML would need.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // plain values
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
