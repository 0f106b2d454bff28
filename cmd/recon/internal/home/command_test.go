package home

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTokenCommandLeavesNothingBehind: what it started ends with it.
func TestTokenCommandLeavesNothingBehind(t *testing.T) {
	h := folder(t)
	file := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := h.runCommand(ctx, []string{"sh", "-c", "sleep 300 & echo $! > " + file + "; wait"})
		ended <- err
	}()
	pid := 0
	for range 1000 {
		if b, err := os.ReadFile(file); err == nil && strings.HasSuffix(string(b), "\n") {
			pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if pid == 0 {
		t.Fatal("the command did not start")
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("it is told as a success")
	}
	for range 500 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("what the command started still runs")
}
