package web

import (
	"encoding/json"
	"net/http"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/inventory"
	"recon/inventory/factcheck"
)

// jsonRoutes are the answers of the command line, for programs. openapi.json describes
// them, and a test holds it against what is answered.
func (s *server) jsonRoutes(mux *http.ServeMux) {
	for path, view := range map[string]func(*http.Request, api.LiveState) any{
		"plan":                   func(_ *http.Request, st api.LiveState) any { return st.Picture.Plan },
		"inventory":              func(_ *http.Request, st api.LiveState) any { return st.Picture.Inventory },
		"sources":                func(_ *http.Request, st api.LiveState) any { return st.Picture.SourcesJSON() },
		"history":                func(_ *http.Request, st api.LiveState) any { return st.Picture.EventsJSON() },
		"runs":                   func(_ *http.Request, st api.LiveState) any { return runsJSON(st) },
		"proposals":              func(_ *http.Request, st api.LiveState) any { return st.Waits.JSON() },
		"findings":               func(_ *http.Request, st api.LiveState) any { return findingsJSON(st) },
		"resources/{address...}": resourceJSON,
	} {
		mux.HandleFunc("GET /api/v1/"+path, s.json(view))
	}
	mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "static/openapi.json") })
}

// json answers with what a view returns; nil is not there.
func (s *server) json(view func(*http.Request, api.LiveState) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		state := s.Live.State()
		if state.Picture == nil {
			s.send(w, http.StatusServiceUnavailable, map[string]string{"error": "nothing was looked at yet"})
			return
		}
		v := view(r, state)
		if v == nil {
			s.send(w, http.StatusNotFound, map[string]string{"error": "nothing of that name is known"})
			return
		}
		s.send(w, http.StatusOK, v)
	}
}

func (s *server) send(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.Log.Error("an answer cannot be made", "error", err)
		http.Error(w, `{"error": "this answer cannot be made; the log of recon says why"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(term.JSON(body, s.Secrets), '\n')) // who went away is told nothing
}

func resourceJSON(r *http.Request, st api.LiveState) any {
	if sh := st.Picture.Resource(r.PathValue("address")); sh != nil {
		return sh
	}
	return nil
}

func runsJSON(st api.LiveState) any {
	return struct {
		FormatVersion string          `json:"format_version"`
		Going         *api.RunRecord  `json:"going"`
		Runs          []api.RunRecord `json:"runs"`
		Upcoming      []api.Upcoming  `json:"upcoming"`
		Problem       string          `json:"problem"`
		Source        *api.Followed   `json:"source"`
	}{api.FormatVersion, st.Going, append([]api.RunRecord{}, st.Runs...), append([]api.Upcoming{}, st.Upcoming...), st.Problem, followed(st)}
}

// followed is how the project stands to its repository, nil when it follows none.
func followed(st api.LiveState) *api.Followed {
	if st.Followed.Name == "" {
		return nil
	}
	return &st.Followed
}

func findingsJSON(st api.LiveState) any {
	statements := []factcheck.Statement{}
	for i := range st.Facts {
		statements = append(statements, st.Facts[i].Statements()...)
	}
	return struct {
		FormatVersion string                `json:"format_version"`
		Findings      []inventory.Finding   `json:"findings"`
		Statements    []factcheck.Statement `json:"statements"`
	}{api.FormatVersion, append([]inventory.Finding{}, told(st)...), statements}
}
