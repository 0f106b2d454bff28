package ledger

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"recon/inventory"
)

// killEnv has the test binary learn, and kill itself before the statement of that
// number: "URL NUMBER".
const killEnv = "LEDGER_TEST_KILL"

func TestMain(m *testing.M) {
	var url string
	var at int
	if n, _ := fmt.Sscan(os.Getenv(killEnv), &url, &at); n == 2 {
		learnAndDie(url, at)
		return
	}
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil { // a second for each of some hundred programs
		panic(err)
	}
	os.Exit(m.Run())
}

func learnAndDie(url string, at int) {
	ctx := context.Background()
	s, err := openPlace(url)
	if err != nil {
		panic(err)
	}
	r, _, err := s.Write(ctx, "test", me)
	if err != nil {
		panic(err)
	}
	s.watch = func(string) {
		if at--; at == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	l := everything()
	if err := r.Learn(ctx, &l); err != nil {
		panic(err)
	}
}

// testKilledAtEachStatement: what a killed run was about to learn is remembered wholly
// or not at all.
func testKilledAtEachStatement(t *testing.T, p place) {
	for at, learnt := 1, false; !learnt; at++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killEnv+"="+p.url+" "+strconv.Itoa(at))
		out, err := cmd.CombinedOutput()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err != nil && !(ok && status.Signaled()) {
			t.Fatalf("%v\n%s", err, out)
		}
		learnt = err == nil
		s := p.open(t)
		got := recall(t, s)
		events, err := s.Events(context.Background(), time.Time{}, inventory.Address{})
		if err != nil {
			t.Fatal(err)
		}
		whole := 0
		if learnt {
			whole = 1
		}
		if len(got.Applied) != whole || len(got.Episodes) != whole || len(got.Sources) != whole || len(got.Clusters) != whole || len(events) != 2*whole || got.Managed != 3*whole {
			t.Errorf("killed at statement %d: %+v, %d events", at, got, len(events))
		}
		s.Close()
		if learnt && at < 10 {
			t.Errorf("it was killed at %d statements only", at-1)
		}
	}
}
