package pvesim

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// Stats counts what the server did.
type Stats struct {
	// Requests counts by "METHOD /path/{template}"; unknown paths count as
	// "METHOD ?".
	Requests map[string]int `json:"requests"`
	Total    int            `json:"total"`
	// MaxInFlight is, by node, the most requests that were at that node at a
	// time.
	MaxInFlight map[string]int `json:"max_in_flight"`
	Connections int            `json:"connections"`
	// Effects counts what must not happen twice, by "create 101",
	// "clone 102", "destroy 101", "start 101" and "resize 101".
	Effects map[string]int `json:"effects"`
}

func newStats() Stats {
	return Stats{Requests: map[string]int{}, MaxInFlight: map[string]int{}, Effects: map[string]int{}}
}

func (st *Stats) request(method string, rt *route) {
	if rt == nil {
		st.Requests[method+" ?"]++
		return
	}
	st.Requests[method+" "+rt.template]++
}

// Stats is a copy of the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.stats
	c.Requests, c.MaxInFlight, c.Effects = maps.Clone(c.Requests), maps.Clone(c.MaxInFlight), maps.Clone(c.Effects)
	return c
}

func (s *Server) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

// effect counts an effect on a guest. The lock is held.
func (s *Server) effect(what string, vmid int) { s.stats.Effects[what+" "+itoa(vmid)]++ }

// control answers /recon-sim/: faults and counters.
func (s *Server) control(req *http.Request, body []byte) *reply {
	text := func(status int, reason, body string) *reply {
		return &reply{status: status, reason: reason, ctype: "text/plain; charset=utf-8", body: []byte(body)}
	}
	switch req.Method + " " + req.URL.Path {
	case "POST /recon-sim/faults":
		for line := range strings.Lines(string(body)) {
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			if err := s.AddFault(line); err != nil {
				return text(400, "Bad Request", err.Error()+"\n")
			}
		}
		return &reply{status: 204, reason: "No Content"}
	case "DELETE /recon-sim/faults":
		s.ClearFaults()
		return &reply{status: 204, reason: "No Content"}
	case "GET /recon-sim/faults":
		return text(200, "OK", strings.Join(s.Faults(), "\n")+"\n")
	case "GET /recon-sim/stats":
		data, err := json.MarshalIndent(s.Stats(), "", "  ")
		if err != nil {
			return text(500, "Internal Server Error", err.Error()+"\n")
		}
		return &reply{status: 200, reason: "OK", ctype: "application/json", body: data}
	}
	return text(404, "Not Found", "recon-sim: POST, DELETE or GET /recon-sim/faults, GET /recon-sim/stats\n")
}
