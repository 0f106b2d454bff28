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
func (o obj) MarshalJSON() ([]byte, error) { return appendObj(nil, o) }

// marshal writes an answer. The shapes that lists are made of are written
// without reflection: lists of a thousand guests are asked for often.
func marshal(v any) ([]byte, error) { return appendJSON(nil, v) }

func appendJSON(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case obj:
		return appendObj(b, v)
	case []obj:
		return appendList(b, v, func(b []byte, o obj) ([]byte, error) { return appendObj(b, o) })
	case []string:
		return appendList(b, v, appendText)
	case string:
		return appendText(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case json.RawMessage:
		return append(b, v...), nil
	}
	return appendOther(b, v)
}

func appendObj(b []byte, o obj) ([]byte, error) {
	b = append(b, '{')
	first := true
	var err error
	for k, v := range o {
		if !first {
			b = append(b, ',')
		}
		first = false
		if b, err = appendText(b, k); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendJSON(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendList[T any](b []byte, list []T, each func([]byte, T) ([]byte, error)) ([]byte, error) {
	b = append(b, '[')
	var err error
	for i, el := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = each(b, el); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendText writes a string; plain ASCII needs no encoder.
func appendText(b []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return appendOther(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"'), nil
}

func appendOther(b []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
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
