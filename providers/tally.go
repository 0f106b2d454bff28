package providers

import (
	"maps"
	"strconv"
	"sync"
)

// A Call is a kind of request to a source: GET and 200 of an API, ssh and 0 of a command.
type Call struct{ Source, Method, Code string }

// Unanswered is the code of a request to which nothing came back.
const Unanswered = -1

// A Tally counts requests, by whoever makes them. A nil one counts nothing.
type Tally struct {
	mu sync.Mutex
	n  map[Call]int
}

// Add counts a request and how it was answered.
func (t *Tally) Add(source, method string, code int) {
	if t == nil {
		return
	}
	c := Call{source, method, "none"}
	if code != Unanswered {
		c.Code = strconv.Itoa(code)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[Call]int{}
	}
	t.n[c]++
}

// Sum is what was counted so far.
func (t *Tally) Sum() map[Call]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.n)
}
