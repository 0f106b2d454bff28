package web

import (
	"fmt"
	"net/http"
	"time"
)

// keepAlive is how often an open stream says that it is there, so that no proxy closes
// it.
const keepAlive = 25 * time.Second

// stream tells a browser that something changed, as soon as it did. It says no more than
// that: the browser fetches the page again that it shows.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	_ = out.SetWriteDeadline(time.Time{}) // it is open as long as somebody looks
	changed := s.Live.State().Changed
	if _, err := fmt.Fprint(w, "retry: 2000\n\n"); err != nil || out.Flush() != nil {
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
		case <-changed:
			changed = s.Live.State().Changed
			text = "event: changed\ndata: {}\n\n"
		}
		if _, err := fmt.Fprint(w, text); err != nil || out.Flush() != nil {
			return
		}
	}
}
