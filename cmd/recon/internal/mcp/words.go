package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/inventory/contextfile"
)

// paging is how much of an answer is wanted. An answer is as long as an assistant can do
// with; the cursor gets what comes after it.
type paging struct {
	Fields []string `json:"fields,omitempty" jsonschema:"only these keys or fields of a thing"`
	Limit  int      `json:"limit,omitempty" jsonschema:"tokens"`
	Cursor string   `json:"cursor,omitempty"`
}

// How long an answer may be, in tokens, and how many bytes of JSON make one.
const (
	usualTokens   = 2000
	mostTokens    = 8000
	bytesPerToken = 3
)

// A head is what an answer says beside its list.
type head map[string]any

func headOf(l api.Look, more map[string]any) head {
	h := head{"as_of": l.AsOf, "complete": l.Complete, "unknown": some(l.Unknown)}
	maps.Copy(h, more)
	return h
}

// shown is the head with its words as they may be read.
func (h head) shown() map[string]any {
	out, _ := wordsOf(plain(h)).(map[string]any)
	return out
}

// page puts as many rows below the head as fit, from where the cursor stands.
func (p *paging) page(h head, list, key string, rows []any) (map[string]any, error) {
	from := 0
	if p.Cursor != "" {
		var err error
		if from, err = strconv.Atoi(p.Cursor); err != nil || from < 0 || from > len(rows) {
			return nil, wrongly("that cursor is none of this answer; ask from the beginning")
		}
	}
	out := h.shown()
	budget := min(max(p.Limit, 0), mostTokens) * bytesPerToken
	if budget == 0 {
		budget = usualTokens * bytesPerToken
	}
	budget -= length(out)
	shown := []any{}
	for i := from; i < len(rows); i++ {
		v := p.only(wordsOf(plain(rows[i])), key)
		if budget -= length(v); budget < 0 && len(shown) > 0 {
			out["next"] = strconv.Itoa(i)
			break
		}
		shown = append(shown, v)
	}
	out[list] = shown
	return out, nil
}

// only keeps the keys that were asked for, and the one by which a row is known.
func (p *paging) only(v any, key string) any {
	m, ok := v.(map[string]any)
	if !ok || len(p.Fields) == 0 {
		return v
	}
	maps.DeleteFunc(m, func(k string, _ any) bool { return k != key && !slices.Contains(p.Fields, k) })
	return m
}

func length(v any) int {
	b, err := json.Marshal(v)
	if err != nil {
		return 0 // plain has marshalled it before
	}
	return len(b)
}

// plain is a value as JSON has it.
func plain(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("an answer that is no JSON: %v", err)) // its types are ours
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(fmt.Sprintf("JSON that cannot be read: %v", err))
	}
	return out
}

// wordsOf replaces every word that has no form in which it could be no more than a word.
// Keys are words too: a map may have names as keys.
func wordsOf(v any) any {
	switch v := v.(type) {
	case string:
		return contextfile.Told(v)
	case []any:
		for i := range v {
			v[i] = wordsOf(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[contextfile.Told(k)] = wordsOf(x)
		}
		return out
	}
	return v
}

// trustOf says whether a value can be more than what its type says.
func trustOf(v any) string {
	switch v := plain(v).(type) {
	case string:
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return "foreign"
		}
	case []any, map[string]any:
		return "foreign"
	}
	return "typed"
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// told is an error in recon's own words: those of a source may be anybody's.
func told(err error) error {
	var failure *api.Failure
	known := errors.As(err, &failure)
	switch {
	case errors.Is(err, errOwn):
		return err
	case errors.Is(err, api.ErrNoField):
		return errors.New("nothing here has a field of a condition; get names the fields of a thing")
	case errors.Is(err, inventory.ErrNotFound) && known && failure.Code == api.ExitIncomplete:
		return errors.New("nobody knows a thing of that name, as far as could be observed: some sources could not be")
	case errors.Is(err, inventory.ErrNotFound):
		return errors.New("nobody knows a thing of that name; search lists what there is")
	case errors.Is(err, inventory.ErrAmbiguous):
		return errors.New("several things are called so; search lists them, and an id is one of them")
	case known && failure.Code == api.ExitUsage:
		return errors.New("an action is restart, stop or delete")
	}
	return errors.New("it could not be read; recon check, in a shell, says why")
}

// errOwn is wrapped by what an assistant did wrong, in words that are recon's.
var errOwn = errors.New("this question cannot be answered")

func wrongly(text string) error { return fmt.Errorf("%w: %s", errOwn, text) }
