package web

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"recon/cmd/recon/internal/api"
)

// keepAlive is how often an open stream says that it is there, so that no proxy closes
// it.
const keepAlive = 25 * time.Second

// stream tells a browser that something changed, as soon as it did, and at once when the page
// that it shows, or the last it heard of, is an older one. It says no more than that: the
// browser fetches the page again that it shows.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	_ = out.SetWriteDeadline(time.Time{}) // it is open as long as somebody looks
	state, seen := s.Live.State(), cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("of"))
	head := fmt.Sprintf("retry: 2000\nid: %s\n\n", state.Version)
	if seen != "" && seen != state.Version {
		head += news(state)
	}
	if _, err := fmt.Fprint(w, head); err != nil || out.Flush() != nil {
		return
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		text := ": alive\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-alive.C:
		case <-state.Changed:
			state = s.Live.State()
			text = news(state)
		}
		if _, err := fmt.Fprint(w, text); err != nil || out.Flush() != nil {
			return
		}
	}
}

// news is the event that says that a state has come, and which.
func news(state api.LiveState) string {
	return fmt.Sprintf("id: %s\nevent: changed\ndata: {}\n\n", state.Version)
}
