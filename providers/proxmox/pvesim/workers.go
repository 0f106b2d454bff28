package pvesim

import (
	"sync/atomic"
	"time"
)

// pool is the workers of one node.
type pool struct {
	slots    chan struct{}
	inFlight atomic.Int64
	most     int // highest inFlight, under the server's lock
}

func newPool(workers int) *pool { return &pool{slots: make(chan struct{}, workers)} }

// acquire waits for a free worker and holds it for the service time. It
// reports false when the server stops meanwhile.
func (p *pool) acquire(s *Server, service time.Duration) bool {
	n := int(p.inFlight.Add(1))
	s.mu.Lock()
	p.most = max(p.most, n)
	s.mu.Unlock()
	select {
	case p.slots <- struct{}{}:
	case <-s.ctx.Done():
		p.inFlight.Add(-1)
		return false
	}
	if !s.sleep(service) {
		p.release()
		return false
	}
	return true
}

func (p *pool) release() {
	p.inFlight.Add(-1)
	<-p.slots
}
