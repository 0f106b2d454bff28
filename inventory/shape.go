package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// What comes from outside has whatever type it has. It is read as that type, and
// nothing converts it: a number where text belongs is a number, and differs from the
// text. Types and values of cty are never compared with == or !=, which panics for
// types that hold others; Holds and Same compare.

// Holds reports whether a value is there and of the type; every value is of the
// dynamic type.
func Holds(v cty.Value, t cty.Type) bool {
	return !IsNull(v) && v.IsKnown() && (isDynamic(t) || v.Type().Equals(t))
}

func isDynamic(t cty.Type) bool { return t.Equals(cty.DynamicPseudoType) }

// Takes reports whether a value is of the attribute's type. Only such a value can be
// declared; an observed one may be of any.
func (a *Attr) Takes(v cty.Value) bool { return Holds(v, a.Type) }

// Members returns what an object or a map holds, nil for anything else.
func Members(v cty.Value) map[string]cty.Value {
	if IsNull(v) || !v.IsKnown() || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return nil
	}
	return v.AsValueMap()
}

// Items returns what a list, a set or a tuple holds, nil for anything else.
func Items(v cty.Value) []cty.Value {
	if IsNull(v) || !v.IsKnown() || !isSequence(v.Type()) {
		return nil
	}
	return v.AsValueSlice()
}

func isSequence(t cty.Type) bool { return t.IsListType() || t.IsSetType() || t.IsTupleType() }

// Shape gives a value the form of a type where JSON cannot tell the two apart: an
// array becomes the list or set, an object the map that it can be. Texts, numbers
// and booleans are never turned into each other; what would need that is returned
// as it is, with false.
func Shape(v cty.Value, t cty.Type) (cty.Value, bool) {
	if !fits(v, t) {
		return v, false
	}
	if isDynamic(t) {
		return v, true
	}
	out, err := convert.Convert(v, t)
	if err != nil {
		return v, false
	}
	return out, true
}

func fits(v cty.Value, t cty.Type) bool {
	switch {
	case isDynamic(t):
		return true
	case IsNull(v) || !v.IsKnown():
		return false
	case t.IsListType() || t.IsSetType():
		return isSequence(v.Type()) && all(Items(v), func(e cty.Value) bool { return fits(e, t.ElementType()) })
	case t.IsMapType():
		m := Members(v)
		for _, e := range m {
			if !fits(e, t.ElementType()) {
				return false
			}
		}
		return m != nil || v.Type().IsObjectType() || v.Type().IsMapType()
	case t.IsObjectType():
		return fitsObject(Members(v), t)
	}
	return v.Type().Equals(t)
}

func fitsObject(m map[string]cty.Value, t cty.Type) bool {
	for name, want := range t.AttributeTypes() {
		if e, there := m[name]; !there || !fits(e, want) {
			return false
		}
	}
	return m != nil && len(m) == len(t.AttributeTypes())
}

func all(items []cty.Value, ok func(cty.Value) bool) bool {
	for _, e := range items {
		if !ok(e) {
			return false
		}
	}
	return true
}

// The bounds of what is read from outside. No setting comes near them, and a value
// beyond them costs more memory to write out than its text takes.
const (
	maxDepth    = 64   // of arrays and objects in each other
	maxExponent = 1024 // of two, in a number; as a float64 has it
	maxDigits   = 1000 // of a number; one of 512 bits that a float64 can hold takes half of them
)

// ParseNumber reads a decimal number.
func ParseNumber(text string) (cty.Value, error) {
	if err := checkNumber(text); err != nil {
		return cty.NilVal, err
	}
	v, err := cty.ParseNumberVal(text)
	if err != nil {
		return cty.NilVal, fmt.Errorf("%q is not a number", text)
	}
	return v, nil
}

// checkNumber refuses a number that takes more digits than any setting has.
func checkNumber(text string) error {
	f, err := strconv.ParseFloat(text, 64)
	vanished := f == 0 && strings.ContainsAny(mantissa(text), "123456789")
	if len(text) > maxDigits || err != nil || math.IsInf(f, 0) || math.IsNaN(f) || vanished {
		return fmt.Errorf("%.20q is not a number that a setting can have", text)
	}
	return nil
}

func mantissa(text string) string {
	m, _, _ := strings.Cut(strings.ToLower(text), "e")
	return m
}

// DecodeJSON reads one JSON value as the type that it shows: an array is a tuple, an
// object an object. It refuses what nobody could mean: numbers and nesting without
// bound, and keys that stand twice with different types.
func DecodeJSON(raw []byte) (cty.Value, error) {
	if v, ok := plainJSON(raw); ok {
		return v, nil
	}
	if err := checkJSON(raw); err != nil {
		return cty.NilVal, err
	}
	t, err := ctyjson.ImpliedType(raw)
	if err != nil {
		return cty.NilVal, err
	}
	return ctyjson.Unmarshal(raw, t)
}

// plainJSON reads what nearly all values are, a text or a whole number, without a detour.
func plainJSON(raw []byte) (cty.Value, bool) {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return cty.StringVal(s), true
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(raw) {
		return cty.NilVal, false
	}
	return cty.NumberIntVal(n), true
}

// checkJSON holds JSON against the bounds.
func checkJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case json.Delim:
			if depth++; t == ']' || t == '}' {
				depth -= 2
			}
			if depth > maxDepth {
				return fmt.Errorf("more than %d arrays and objects stand in each other", maxDepth)
			}
		case json.Number:
			if err := checkNumber(t.String()); err != nil {
				return err
			}
		}
	}
}

// CheckBounds refuses a value with a number that a setting cannot have, wherever in
// it that is.
func CheckBounds(v cty.Value) error {
	return cty.Walk(v, func(_ cty.Path, e cty.Value) (bool, error) {
		if !Holds(e, cty.Number) {
			return true, nil
		}
		f := e.AsBigFloat()
		if exp := f.MantExp(nil); f.IsInf() || exp > maxExponent || exp < -maxExponent {
			return false, errors.New("it holds a number that no setting can have")
		}
		return true, nil
	})
}
