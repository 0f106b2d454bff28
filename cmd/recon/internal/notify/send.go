package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"recon/cmd/recon/internal/api"

	"github.com/nicholas-fedor/shoutrrr/pkg/format"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// sendTime is how long a service may take to accept a message, and lastMoment how long it
// may still take when recon is told to stop.
const (
	sendTime   = 15 * time.Second
	lastMoment = time.Second
)

// errSlow says that nobody knows whether a message has arrived. It is still under way, and
// no other attempt is made as long as it is.
var errSlow = fmt.Errorf("the service has not answered within %s", sendTime)

// A wire sends messages through shoutrrr, which cannot be told to stop: what does not end
// in time goes on, and the next attempt waits for it in place of sending twice.
type wire struct {
	mu       sync.Mutex
	underWay map[string]chan error // by the ID of the message
}

func (w *wire) send(ctx context.Context, r *api.Route, m *Message) error {
	w.mu.Lock()
	ended := w.underWay[m.ID]
	if ended == nil {
		ended = make(chan error, 1)
		if w.underWay == nil {
			w.underWay = map[string]chan error{}
		}
		w.underWay[m.ID] = ended
		go func() { ended <- api.Caught(func() error { return transmit(r, m) }) }()
	}
	w.mu.Unlock()
	limit, cancel := context.WithTimeoutCause(ctx, sendTime, errSlow)
	defer cancel()
	select {
	case err := <-ended:
		return w.over(m, err)
	case <-limit.Done():
	}
	// Whoever is told to stop while a message is being taken would not know that it was.
	select {
	case err := <-ended:
		return w.over(m, err)
	case <-time.After(lastMoment):
		return context.Cause(limit)
	}
}

func (w *wire) over(m *Message, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.underWay, m.ID)
	return err
}

// transmit gives a message to the service.
func transmit(r *api.Route, m *Message) error {
	service, err := new(router.ServiceRouter).Locate(r.URL)
	if err != nil {
		return fmt.Errorf("its URL is not one of %s: %w", r.Service(), err)
	}
	params := types.Params{types.TitleKey: m.Title}
	if r.Service() == "generic" {
		params["id"] = m.ID
	}
	text := m.Text + "\n(recon notice " + m.ID + ")"
	err = service.Send(text, &params)
	if errors.Is(err, format.ErrInvalidConfigKey) {
		err = service.Send(text, &types.Params{}) // it knows no titles, and has sent nothing
	}
	return err
}
