package main

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// A situation is how a service answers over HTTP: what a public API documents for one
// case, with the token that it takes.
type situation struct {
	Header  string // that has the token
	Token   string
	Refuses answered            // whoever has another one
	Answers map[string]answered // by path, as it is spelled
	Else    answered
}

type answered struct {
	Status int
	Body   any
}

// cmdService runs a service: service NAME FILE. The file is read at each request, so that
// a script changes the situation with edit; how often it was asked stands in NAME.asked.
func cmdService(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: service NAME FILE")
	}
	file, asked := ts.MkAbs(args[1]), ts.MkAbs(args[0]+".asked")
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var t situation
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &t)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		a, known := t.Answers[r.URL.EscapedPath()]
		switch {
		case r.Header.Get(t.Header) != t.Token:
			a = t.Refuses
		case !known:
			a = t.Else
		}
		log, err := os.OpenFile(asked, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			_, err = io.WriteString(log, r.Method+" "+r.URL.EscapedPath()+"\n")
			log.Close()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.Status)
		_ = json.NewEncoder(w).Encode(a.Body)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	ts.Defer(s.Close)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644))
	ts.Setenv(strings.ToUpper(args[0])+"_URL", s.URL)
}
