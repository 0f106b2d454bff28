package pvesim

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// answer is one request from its head to its reply.
func (s *Server) answer(req *http.Request, body []byte) *reply {
	path := req.URL.Path
	if strings.HasPrefix(path, "/recon-sim/") {
		return s.control(req, body)
	}
	extjs := strings.HasPrefix(path, "/api2/extjs/") || path == "/api2/extjs"
	rest, ok := strings.CutPrefix(path, "/api2/json")
	if extjs {
		rest, ok = strings.CutPrefix(path, "/api2/extjs")
	}
	switch {
	case path == "/":
		return &reply{status: 200, reason: "OK", ctype: "text/html; charset=utf-8", body: []byte("<!DOCTYPE html><title>Proxmox Virtual Environment (recon sim)</title>\n")}
	case !ok:
		return &reply{status: 404, reason: "Not Found"}
	}
	switch req.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		return &reply{status: 501, reason: "method '" + req.Method + "' not available", close: true}
	}
	s.count(func(st *Stats) { st.Total++ })
	data, extra, err := s.run(req, strings.TrimSuffix(rest, "/"), body)
	if errors.Is(err, errDropped) {
		return &reply{drop: true}
	}
	var fail *apiError
	if errors.As(err, &fail) {
		return s.refuse(fail, extjs)
	}
	return s.accepted(data, extra, extjs)
}

// accepted builds the 200.
func (s *Server) accepted(data any, extra obj, extjs bool) *reply {
	out := obj{"data": data}
	maps.Copy(out, extra)
	if extjs {
		out["success"] = 1
	}
	body, err := marshal(out)
	if err != nil {
		panic("pvesim: answer does not marshal: " + err.Error())
	}
	return &reply{status: 200, reason: "OK", ctype: "application/json;charset=UTF-8", body: body}
}

// refuse builds an error's reply, after its delay.
func (s *Server) refuse(e *apiError, extjs bool) *reply {
	s.sleep(s.delay(e.delay))
	r := &reply{status: e.status, reason: oneLine(e.msg), close: e.status == 401}
	switch {
	case e.bare:
	case e.plain:
		r.ctype, r.body = "text/plain", []byte(e.msg)
	default:
		out := obj{"data": nil, "message": e.msg + "\n"}
		if e.status == 501 {
			out["message"] = e.msg
		}
		if e.errors != nil {
			out["errors"] = e.errors
		}
		if extjs {
			out["success"], out["status"] = 0, e.status
			r.status, r.reason = 200, "OK"
		}
		body, err := marshal(out)
		if err != nil {
			panic("pvesim: error does not marshal: " + err.Error())
		}
		r.ctype, r.body = "application/json;charset=UTF-8", body
	}
	return r
}

func (s *Server) delay(k delayKind) time.Duration {
	switch k {
	case authDelay:
		return s.opts.AuthDelay
	case nodeDelay:
		return s.opts.NodeDelay
	case agentDelay:
		return s.opts.AgentDelay
	}
	return 0
}

// run takes a request through the checks in PVE's order.
func (s *Server) run(req *http.Request, path string, body []byte) (any, obj, error) {
	rt, uri := s.routes.find(req.Method, path)
	s.count(func(st *Stats) { st.request(req.Method, rt) })
	who, err := s.authenticate(req, rt)
	if err != nil {
		return nil, nil, err
	}
	vals, nulls, bad := decode(req, body)
	if bad != nil {
		return nil, nil, bad
	}
	if s.opts.OnRequest != nil && who != nil {
		s.opts.OnRequest(req.Method, orElse(path, "/"), publicParams(vals))
	}
	if rt == nil {
		return nil, nil, &apiError{status: 501, msg: "Method '" + req.Method + " " + orElse(path, "/") + "' not implemented"}
	}
	c := &call{s: s, method: req.Method, path: path, who: who, route: rt, uri: uri, raw: vals, nulls: nulls}
	if err := c.conflicts(); err != nil {
		return nil, nil, err
	}
	if who != nil && who.token != "" && rt.noToken {
		return nil, nil, &apiError{status: 403, msg: "Permission check failed (URI '" + path + "' not available with API token, need proper ticket.)"}
	}
	return s.dispatch(c)
}

// publicParams leaves out what the server added for itself.
func publicParams(vals url.Values) url.Values {
	out := maps.Clone(vals)
	delete(out, "\x00size")
	return out
}

// dispatch finds the node, waits for a worker there, and runs the handler.
func (s *Server) dispatch(c *call) (any, obj, error) {
	s.mu.Lock()
	if err := c.allowed(); err != nil {
		s.mu.Unlock()
		return nil, nil, err
	}
	node := c.node()
	if err := c.reachable(node); err != nil {
		s.mu.Unlock()
		return nil, nil, err
	}
	p := s.nodes[node]
	wait := s.opts.Latency + s.extraLatency(node)
	hang := s.hangs(node)
	s.mu.Unlock()
	if hang {
		<-s.ctx.Done()
		return nil, nil, errDropped
	}
	if !p.acquire(s, wait) {
		return nil, nil, errDropped
	}
	defer p.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.MaxInFlight[node] = max(s.stats.MaxInFlight[node], p.most)
	return s.perform(c)
}

// perform runs the handler under the lock, with the faults around it.
func (s *Server) perform(c *call) (any, obj, error) {
	f := s.match(c)
	if f != nil && !f.after() {
		return nil, nil, f.fail()
	}
	var data any
	err := c.validate()
	if err == nil {
		data, err = c.route.handle(c)
	}
	if f != nil {
		return nil, nil, f.fail()
	}
	var extra obj
	if t, ok := data.(totalled); ok {
		data, extra = t.rows, obj{"total": t.total}
	}
	return data, extra, err
}

// totalled is an answer with a total beside its data.
type totalled struct {
	rows  any
	total int
}

// reachable refuses nodes that do not exist or do not answer.
func (c *call) reachable(node string) error {
	n := c.s.world.node(node)
	if n == nil {
		return die("hostname lookup '%s' failed - failed to get address info for: %s: Temporary failure in name resolution", node, node)
	}
	if !n.Online && c.uri["node"] != "" && !c.route.anyNode {
		return &apiError{status: 595, msg: "No route to host", bare: true, delay: nodeDelay}
	}
	return nil
}
