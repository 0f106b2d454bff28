// Package web shows a home in a browser while a daemon keeps looking at it. Each view is a
// page of its own that reads without scripts; scripts only fetch it again when something
// changed. It reads pictures that never change, so that nobody who looks waits for a run.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
)

//go:embed templates/*.html static/*
var files embed.FS

// Options say what is shown, and to whom.
type Options struct {
	Live    *api.Live
	Page    *api.Page
	Listen  string // the address that was opened
	Token   string // of the login; "" when nobody logs in with one
	Version string
	Secrets *redact.Set // what no answer may hold
	Log     *slog.Logger
}

// A server answers requests.
type server struct {
	Options
	pages map[string]*template.Template
	guard *guard
	hooks *hooks
	kept  kept
	now   func() time.Time

	signer struct {
		sync.Mutex
		of *api.Signer // nil: the key was not read yet, or there is none
	}
}

// New is what answers requests.
func New(o Options) (http.Handler, error) {
	s := &server{Options: o, pages: map[string]*template.Template{}, guard: newGuard(&o), hooks: newHooks(), now: o.Live.Home.Now}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == "templates/layout.html" || name == "templates/parts.html" {
			continue
		}
		t, err := template.ParseFS(files, "templates/layout.html", "templates/parts.html", name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		s.pages[name[len("templates/"):len(name)-len(".html")]] = t
	}
	return s.guard.protect(s.routes()), nil
}

// routes are all that is answered.
func (s *server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, view := range map[string]func(*http.Request, api.LiveState) (answer, error){
		"GET /{$}": s.overview, "GET /changes": s.changes, "GET /things": s.things, "GET /things/{address...}": s.resource, "GET /map": s.drawing,
		"GET /runs": s.runs, "GET /findings": s.findings, "GET /documents": s.documents, "GET /history": s.history, "GET /proposals": s.proposals,
	} {
		mux.HandleFunc(pattern, s.page(view))
	}
	mux.HandleFunc("GET /", s.page(func(*http.Request, api.LiveState) (answer, error) { return answer{}, errNotFound }))
	mux.HandleFunc("POST /runs", s.ask)
	mux.HandleFunc("POST /proposals", s.decide)
	mux.HandleFunc("GET /decide/{id}", s.linked)
	mux.HandleFunc("POST /decide/{id}", s.linked)
	mux.HandleFunc("GET /login", s.login)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	if s.guard.provider != nil {
		mux.HandleFunc("GET "+beginPath, s.toProvider)
		mux.HandleFunc("GET "+backPath, s.fromProvider)
	}
	mux.HandleFunc("POST "+hooksPath+"{name}", s.hook)
	mux.HandleFunc("GET /events", s.stream)
	mux.Handle("GET /static/", http.StripPrefix("/", cached(http.FileServerFS(embedded("static")))))
	s.jsonRoutes(mux)
	mux.Handle("GET /metrics", s.metrics())
	mux.HandleFunc("GET /healthz", s.lives)
	mux.HandleFunc("GET /readyz", s.ready)
	return mux
}

// embedded is the folder of what belongs to the program, with its own name in front.
func embedded(name string) fs.FS {
	if _, err := fs.Stat(files, name); err != nil {
		panic(err) // it is embedded
	}
	return files
}

// cached lets a browser keep what belongs to the program for an hour.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		next.ServeHTTP(w, r)
	})
}

// lives says that something answers, and nothing else: it asks nobody who they are.
func (s *server) lives(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// ready says whether a look at the home has succeeded, and nothing else.
func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	if state := s.Live.State(); state.Picture == nil || state.Picture.Remembered || state.WaitsFor != "" {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// An answer is a page: the name of its template, and what it shows.
type answer struct {
	template string
	title    string
	body     any
	code     int // 0 means 200
}

// page answers with a page, made whole before the first byte leaves.
func (s *server) page(view func(*http.Request, api.LiveState) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		state := s.Live.State()
		made := func() page {
			a, err := view(r, state)
			if err != nil {
				a = faultOf(err)
			}
			return s.made(r, state, a)
		}
		s.kept.page(r, state, s.now(), made).send(w)
	}
}

func (s *server) render(w http.ResponseWriter, r *http.Request, state api.LiveState, a answer) {
	s.made(r, state, a).send(w)
}

// A page is an answer as it is sent.
type page struct {
	code int
	body []byte
}

func (s *server) made(r *http.Request, state api.LiveState, a answer) page {
	var out bytes.Buffer
	if err := s.pages[a.template].ExecuteTemplate(&out, "layout", s.frame(r, state, a)); err != nil {
		s.Log.Error("a page cannot be shown", "page", a.template, "error", err)
		return page{http.StatusInternalServerError, []byte("This page cannot be shown; the log of recon says why.")}
	}
	return page{max(a.code, http.StatusOK), []byte(s.Secrets.Text(out.String()))}
}

func (p page) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.code)
	_, _ = w.Write(p.body) // who went away is told nothing
}

// ask begins a run that somebody asks for.
func (s *server) ask(w http.ResponseWriter, r *http.Request) {
	if !userOf(r).mayAct {
		s.render(w, r, s.Live.State(), fault(http.StatusForbidden, "Not for you", "Whoever the page block names under approve may begin runs."))
		return
	}
	if err := s.Live.Ask(r.PostFormValue("action")); err != nil {
		s.render(w, r, s.Live.State(), fault(http.StatusConflict, "Not begun", err.Error()))
		return
	}
	http.Redirect(w, r, "/runs", http.StatusSeeOther)
}
