package pvesim

import (
	"encoding/json"
	"fmt"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// decode merges query and body into one set of parameters.
func decode(req *http.Request, body []byte) (url.Values, map[string]bool, *apiError) {
	vals := url.Values{}
	splitForm(vals, req.URL.RawQuery)
	ctype, args, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if len(body) == 0 {
		return vals, nil, nil
	}
	if req.Method == http.MethodDelete || req.Method == http.MethodGet {
		return nil, nil, &apiError{status: 501, msg: "Unexpected content for method '" + req.Method + "'", plain: true}
	}
	switch ctype {
	case "", "application/x-www-form-urlencoded":
		splitForm(vals, string(body))
		return vals, nil, nil
	case "application/json":
		nulls, err := splitJSON(vals, body)
		if err != nil {
			return nil, nil, &apiError{status: 500, msg: "malformed JSON string, neither tag, array, object, number, string or atom, at character offset 0 (before \"" + firstRunes(body) + "\") at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1046.", plain: true}
		}
		return vals, nulls, nil
	case "multipart/form-data":
		if err := splitMultipart(vals, body, args["boundary"]); err != nil {
			return nil, nil, &apiError{status: 501, msg: err.Error(), plain: true}
		}
		return vals, nil, nil
	}
	return nil, nil, &apiError{status: 506, msg: "upload 'Content-Type " + ctype + "' not implemented", plain: true}
}

func firstRunes(body []byte) string {
	s := string(body)
	if len(s) > 20 {
		s = s[:20] + "..."
	}
	return s
}

// splitForm reads a form as pve-http-server does: ";" separates too, and a
// raw "=" inside a value cuts it off.
func splitForm(vals url.Values, form string) {
	for pair := range strings.FieldsFuncSeq(form, func(r rune) bool { return r == '&' || r == ';' }) {
		parts := strings.Split(pair, "=")
		key, val := unescape(parts[0]), ""
		if len(parts) > 1 {
			val = unescape(parts[1])
		}
		if key == "" || key == "_dc" {
			continue
		}
		vals.Add(strings.TrimSuffix(key, "[]"), val)
	}
}

func unescape(s string) string {
	out, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return out
}

// splitJSON reads a JSON object. Lists become repeated values.
func splitJSON(vals url.Values, body []byte) (map[string]bool, error) {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, err
	}
	nulls := map[string]bool{}
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			nulls[k] = true
			vals.Add(k, "")
		case []any:
			vals[k] = []string{}
			for _, el := range v {
				vals.Add(k, scalar(el))
			}
		default:
			vals.Add(k, scalar(v))
		}
	}
	return nulls, nil
}

func scalar(v any) string {
	switch v := v.(type) {
	case bool:
		return itoa(yes(v))
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(v)
}

// splitMultipart reads an upload. The file's content itself does not matter,
// only its name and size do.
func splitMultipart(vals url.Values, body []byte, boundary string) error {
	r := multipart.NewReader(strings.NewReader(string(body)), boundary)
	form, err := r.ReadForm(1 << 30)
	if err != nil {
		return fmt.Errorf("bad multipart body: %w", err)
	}
	for k, v := range form.Value {
		vals[k] = v
	}
	for k, fs := range form.File {
		for _, f := range fs {
			vals.Set(k, f.Filename)
			vals.Set("\x00size", fmt.Sprint(f.Size))
		}
	}
	return form.RemoveAll()
}
