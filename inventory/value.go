package inventory

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// The binary size units.
const (
	KiB int64 = 1 << (10 * (iota + 1))
	MiB
	GiB
	TiB
)

// IsNull reports whether a value says nothing: it is missing or null.
func IsNull(v cty.Value) bool { return v.IsNull() }

// Size returns a number of bytes as a value.
func Size(bytes int64) cty.Value { return cty.NumberIntVal(bytes) }

// StringSet returns strings as a set without order.
func StringSet(items ...string) cty.Value { return stringCollection(items, true) }

// StringList returns strings as a list whose order means something.
func StringList(items ...string) cty.Value { return stringCollection(items, false) }

func stringCollection(items []string, set bool) cty.Value {
	vals := make([]cty.Value, len(items))
	for i, s := range items {
		vals[i] = cty.StringVal(s)
	}
	switch {
	case set && len(vals) == 0:
		return cty.SetValEmpty(cty.String)
	case set:
		return cty.SetVal(vals)
	case len(vals) == 0:
		return cty.ListValEmpty(cty.String)
	default:
		return cty.ListVal(vals)
	}
}

// Strings returns the items of a list, set or tuple of strings, nil for anything
// else: what is strings in part is no list of strings. A set comes sorted.
func Strings(v cty.Value) []string {
	var out []string
	for _, e := range Items(v) {
		if IsNull(e) {
			continue
		}
		if !Holds(e, cty.String) {
			return nil
		}
		out = append(out, e.AsString())
	}
	if len(out) > 0 && v.Type().IsSetType() {
		slices.Sort(out)
	}
	return out
}

// Int returns a whole number, and false when the value is not one.
func Int(v cty.Value) (int64, bool) {
	if !Holds(v, cty.Number) {
		return 0, false
	}
	n, acc := v.AsBigFloat().Int64()
	return n, acc == big.Exact
}

// True reports whether the value is a boolean that is true.
func True(v cty.Value) bool { return Holds(v, cty.Bool) && v.True() }

// Text returns a string value, "" for anything else.
func Text(v cty.Value) string {
	if !Holds(v, cty.String) {
		return ""
	}
	return v.AsString()
}

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"TiB", TiB},
	{"GiB", GiB},
	{"MiB", MiB},
	{"KiB", KiB},
	{"TB", TiB},
	{"GB", GiB},
	{"MB", MiB},
	{"KB", KiB},
	{"T", TiB},
	{"G", GiB},
	{"M", MiB},
	{"K", KiB},
	{"B", 1},
}

// ParseSize reads a size with a unit: "8GiB", "512M", "1.5T". All units are
// powers of two, as they are in Proxmox. A bare number is an error: it does not
// say what it counts.
func ParseSize(s string) (int64, error) {
	s = strings.TrimSpace(s)
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		r, ok := new(big.Rat).SetString(strings.TrimSpace(digits))
		if !ok || strings.Trim(digits, "0123456789. ") != "" || len(digits) > 24 {
			return 0, fmt.Errorf("%q is not a size; write a number and a unit, such as \"8GiB\"", s)
		}
		r.Mul(r, new(big.Rat).SetInt64(u.bytes))
		if !r.IsInt() || !r.Num().IsInt64() {
			return 0, fmt.Errorf("%q is not a whole number of bytes below 8 EiB", s)
		}
		return r.Num().Int64(), nil
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return 0, fmt.Errorf("%q has no unit; write \"%sGiB\" or \"%sMiB\"", s, s, s)
	}
	return 0, fmt.Errorf("%q is not a size; write a number and a unit, such as \"8GiB\"", s)
}

// FormatSize writes a number of bytes the way manifests do: the largest unit
// that gives a whole number, without a blank.
func FormatSize(bytes int64) string {
	if bytes == 0 {
		return "0MiB"
	}
	for _, u := range sizeUnits[:4] {
		if bytes%u.bytes == 0 {
			return strconv.FormatInt(bytes/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(bytes, 10) + "B"
}

// Show writes a value for people: sizes with a unit, sets in brackets.
func (a *Attr) Show(v cty.Value) string {
	switch {
	case IsNull(v):
		return "(none)"
	case a.Secret:
		return "(secret)"
	case a.Hides(v):
		return NotShown
	case a.Unit == Bytes:
		if n, ok := Int(v); ok {
			return showSize(n)
		}
	case a.Unit != NoUnit:
		return ShowValue(v) + " " + string(a.Unit)
	}
	return ShowValue(v)
}

func showSize(n int64) string {
	s := FormatSize(n)
	i := strings.IndexFunc(s, func(r rune) bool { return r > '9' })
	return s[:i] + " " + s[i:]
}

// ShowValue writes a value for people when its attribute is not known.
func ShowValue(v cty.Value) string {
	switch {
	case IsNull(v):
		return "(none)"
	case Holds(v, cty.String):
		return strconv.Quote(v.AsString())
	case isStrings(v):
		return "[" + strings.Join(Strings(v), ", ") + "]"
	}
	return jsonOf(v)
}

// isStrings reports a list or set of strings.
func isStrings(v cty.Value) bool {
	return (v.Type().IsListType() || v.Type().IsSetType()) && v.Type().ElementType().Equals(cty.String)
}

// JSONValue turns a value into what encoding/json writes: bytes and numbers as
// numbers, sets as sorted lists, nothing as null.
func JSONValue(v cty.Value) any {
	switch {
	case IsNull(v):
		return nil
	case Holds(v, cty.String):
		return v.AsString()
	case Holds(v, cty.Bool):
		return v.True()
	case Holds(v, cty.Number):
		return json.Number(numberText(v))
	case isStrings(v):
		items := Strings(v)
		if items == nil {
			items = []string{}
		}
		return items
	}
	return json.RawMessage(jsonOf(v))
}

// JSONEqual compares values by the JSON that they make: maps and objects, lists
// and tuples mean the same in a file.
func JSONEqual(a, b cty.Value) bool { return jsonOf(a) == jsonOf(b) }

// jsonOf writes a value as JSON. One that cannot be JSON, which nothing that recon
// reads is, is written as the text that describes it.
func jsonOf(v cty.Value) string {
	if IsNull(v) {
		return "null"
	}
	raw, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		raw, _ = json.Marshal(v.GoString())
	}
	return string(raw)
}

// numberText spells a number. Nearly all are small and whole, for which 512 bits take their
// time.
func numberText(v cty.Value) string {
	f := v.AsBigFloat()
	if n, exact := f.Int64(); exact == big.Exact && (n != 0 || !f.Signbit()) {
		return strconv.FormatInt(n, 10)
	}
	return f.Text('f', -1)
}

// Timestamp returns a time in the form of all JSON output: RFC 3339, UTC, whole
// seconds, and "" for the zero time.
func Timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}
