package pvesim

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
)

// obj is a JSON object whose keys come in no order, as a Perl hash's do, so
// that no client learns to depend on one.
type obj map[string]any

// MarshalJSON writes the keys in the map's own random order.
func (o obj) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	first := true
	for k, v := range o {
		if !first {
			b.WriteByte(',')
		}
		first = false
		if err := enc.Encode(k); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // Encode ends with a newline
		b.WriteByte(':')
		if err := enc.Encode(v); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// shuffle puts rows into no order.
func shuffle[T any](rows []T) []T {
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	if rows == nil {
		rows = []T{}
	}
	return rows
}

// number gives an integer back as a JSON number and leaves other text alone.
func number(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}

// splitNUL splits the values of a list parameter.
func splitNUL(s string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, "\x00")
}
