package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/reconcile"
	"recon/reconcile/ledger"
)

// TestNoticesSurviveKills kills recon with SIGKILL while it tells people, at a random
// moment, or when the message is there and the answer is not. What happened is told all the
// same, each thing by one message, which may come again under the same ID.
func TestNoticesSurviveKills(t *testing.T) {
	c := newKilledTeller(t)
	c.tell(false)
	for i := range 2 * *chaosSeeds {
		c.happen(fmt.Sprintf("home/%d", 1000+2*i), fmt.Sprintf("home/%d", 1001+2*i))
		c.tell(i%4 > 0) // now and then one comes through: a message names no more than forty
	}
	for range 2 {
		c.tell(false)
	}
	c.mu.Lock() // one that was killed may still be heard
	defer c.mu.Unlock()
	told := map[string]int{}
	for _, text := range c.got {
		for _, guest := range c.guests {
			told[guest] += strings.Count(text, "vm.g"+guest[len("home/"):])
		}
	}
	for _, guest := range c.guests {
		if told[guest] != 1 {
			t.Errorf("%s was told by %d messages", guest, told[guest])
		}
	}
	if c.kills < *chaosSeeds/2 {
		t.Errorf("only %d were killed", c.kills)
	}
	t.Logf("%d killed, %d messages, %d of them again", c.kills, len(c.got), c.again)
}

// A killedTeller is a home in which whoever tells people is killed.
type killedTeller struct {
	t      *testing.T
	dir    string
	rnd    *rand.Rand
	guests []string

	mu     sync.Mutex
	got    map[string]string // by the ID of the message
	again  int
	kills  int
	atOnce atomic.Bool // kill it when its message is there
	victim atomic.Pointer[os.Process]
}

func newKilledTeller(t *testing.T) *killedTeller {
	c := &killedTeller{t: t, dir: t.TempDir(), rnd: rand.New(rand.NewSource(*chaosFirst)), got: map[string]string{}}
	hook := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(hook.Close)
	t.Setenv("HOOK", "generic+"+hook.URL+"/?template=json")
	if err := os.WriteFile(filepath.Join(c.dir, "recon.hcl"), []byte("notify \"hook\" {\n  url = env(\"HOOK\")\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *killedTeller) receive(_ http.ResponseWriter, r *http.Request) {
	m := noticeOf(c.t, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, again := c.got[m.ID]; again {
		if c.again++; first != m.Message {
			c.t.Errorf("%s came again as another message", m.ID)
		}
	}
	c.got[m.ID] = m.Message
	if p := c.victim.Load(); p != nil && c.atOnce.Load() {
		_ = p.Kill()
	}
}

// ledger does something with the ledger.
func (c *killedTeller) ledger(do func(context.Context, *ledger.Store) error) {
	c.t.Helper()
	s, err := ledger.OpenFolder(context.Background(), filepath.Join(c.dir, ".recon"))
	if err == nil {
		err = errors.Join(do(context.Background(), s), s.Close())
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// happen writes down what a run has found, and lets the pause before the next attempt end.
func (c *killedTeller) happen(guests ...string) {
	c.t.Helper()
	c.guests = append(c.guests, guests...)
	c.ledger(func(ctx context.Context, s *ledger.Store) error {
		now := time.Now()
		run, _, err := s.Write(ctx, "drift", reconcile.Holder{Since: now})
		if err != nil {
			return err
		}
		l := &reconcile.Learned{At: now}
		for _, g := range guests {
			addr := inventory.Address{Kind: "vm", Name: "g" + g[len("home/"):]}
			l.Events = append(l.Events, inventory.Event{At: now, Kind: inventory.DriftOpened, Identity: g, Address: addr})
		}
		return errors.Join(run.Learn(ctx, l), run.Close(ctx, api.ExitOK))
	})
}

// noPause has the next attempt made at once.
func (c *killedTeller) noPause() {
	c.t.Helper()
	c.ledger(func(ctx context.Context, s *ledger.Store) error {
		was, err := s.Note(ctx, "notify/hook")
		if err != nil || was == "" {
			return err
		}
		var state map[string]any
		if err := json.Unmarshal([]byte(was), &state); err != nil {
			return fmt.Errorf("the note is half-written: %w", err)
		}
		if _, waits := state["Next"]; !waits {
			return nil
		}
		delete(state, "Next")
		now, err := json.Marshal(state)
		if err != nil {
			return err
		}
		return s.SetNote(ctx, "notify/hook", was, string(now))
	})
}

// tell runs recon notify send, and kills it.
func (c *killedTeller) tell(kill bool) {
	c.t.Helper()
	c.noPause()
	cmd := exec.Command(os.Args[0], "-C", c.dir, "notify", "send")
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.victim.Store(cmd.Process)
	c.atOnce.Store(kill && c.rnd.Intn(2) == 0)
	if kill && !c.atOnce.Load() {
		timer := time.AfterFunc(time.Duration(c.rnd.Intn(150))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	if err := cmd.Wait(); err != nil {
		if c.kills++; !kill {
			c.t.Fatal(err)
		}
	}
	c.victim.Store(nil)
}
