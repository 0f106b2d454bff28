package runs

import (
	"os"
	"testing"

	"recon/cmd/recon/internal/home"
)

func TestLock(t *testing.T) {
	h := home.At(t.TempDir(), home.Options{Command: "recon test"})
	release, err := Lock(h)
	if err != nil {
		t.Fatal(err)
	}
	if holder, err := LockHolder(h); err != nil || holder == nil || holder.PID != os.Getpid() || holder.Command != "recon test" {
		t.Errorf("holder %v, %v", holder, err)
	}
	if _, err := Lock(h); home.Code(err) != home.ExitRefused {
		t.Errorf("a second writer: %v", err)
	}
	release()
	if holder, err := LockHolder(h); holder != nil || err != nil {
		t.Errorf("after release: %v, %v", holder, err)
	}
	release, err = Lock(h)
	if err != nil {
		t.Fatal(err)
	}
	release()
}
