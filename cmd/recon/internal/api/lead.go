package api

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"recon/reconcile"
	"recon/reconcile/ledger"
)

// LeaseTime is how long a daemon that says nothing any more keeps another from working.
const LeaseTime = ledger.LeaseTime

// Shared reports a ledger that several daemons may have.
func Shared(h *Home) bool { return h.Project().Ledger != nil }

// Lead has this daemon work, or go on to, and says who does when it is another; "" when it
// is this one.
func Lead(ctx context.Context, h *Home) (other string, err error) {
	if h.Options.Lead == nil {
		h.Options.Lead = &atomic.Int64{}
	}
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return "", err
	}
	defer l.Close()
	host, _ := os.Hostname()
	who := ledger.Leader{Holder: reconcile.Holder{PID: os.Getpid(), Host: host, Command: h.Command, Since: h.Now().UTC()}, Place: place()}
	epoch, leader, err := l.Lead(ctx, who, h.Epoch(), ended)
	if err != nil {
		return "", err
	}
	if leader != nil {
		return leader.String(), nil // a run of before keeps the number under which it writes nothing any more
	}
	h.Options.Lead.Store(epoch)
	return "", nil
}

// Resign lets another daemon work at once.
func Resign(ctx context.Context, h *Home) error {
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Resign(ctx, h.Epoch())
}

// place names what numbers processes: a boot of a machine, and in it a container. It is ""
// where that cannot be told.
func place() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id") //nolint:forbidigo // the kernel's
	space, e := os.Readlink("/proc/self/ns/pid")
	if err != nil || e != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + space
}

// ended reports a leader that is known to have ended: it was a process here, and there is
// none of that number.
func ended(l ledger.Leader) bool {
	return l.Place != "" && l.Place == place() && errors.Is(syscall.Kill(l.PID, 0), syscall.ESRCH)
}
