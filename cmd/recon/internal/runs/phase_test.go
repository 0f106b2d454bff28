package runs

import (
	"context"
	"os"
	"testing"

	"recon/cmd/recon/internal/home"
)

func TestOneWriter(t *testing.T) {
	ctx := context.Background()
	h := home.At(t.TempDir(), home.Options{Command: "recon test"})
	err := writing(ctx, h, "drift", func(*phase) (int, error) {
		if holder, err := LockHolder(ctx, h); err != nil || holder == nil || holder.PID != os.Getpid() || holder.Command != "recon test" {
			t.Errorf("holder %v, %v", holder, err)
		}
		if err := writing(ctx, h, "drift", nil); home.Code(err) != home.ExitRefused {
			t.Errorf("a second writer: %v", err)
		}
		return home.ExitOK, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if holder, err := LockHolder(ctx, h); holder != nil || err != nil {
		t.Errorf("after release: %v, %v", holder, err)
	}
	if err := writing(ctx, h, "drift", func(*phase) (int, error) { return home.ExitOK, nil }); err != nil {
		t.Error(err)
	}
}
