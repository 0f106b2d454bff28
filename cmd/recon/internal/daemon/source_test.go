package daemon

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
	"recon/cmd/recon/internal/source"
)

// followed is a daemon of a project that follows a repository.
func followed(t *testing.T) (*daemon, *[]Notice) {
	t.Helper()
	dir := t.TempDir()
	text := "schedule \"d\" {\n  cron = \"@daily\"\n  action = \"drift\"\n}\nsource \"home\" {\n  repository = \"/srv/x.git\"\n  interval = \"1m\"\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "recon.hcl"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := api.Open(api.Options{Dir: dir, Secrets: redact.New(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	told := &[]Notice{}
	return &daemon{Options: Options{Live: api.NewLive(h), Tell: func(n Notice) { *told = append(*told, n) }}, home: h, stirred: make(chan job, 10)}, told
}

// TestHowOftenItAsks: on the interval, at once when a webhook comes, but never twice within
// a second, and less and less often while nobody answers.
func TestHowOftenItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, told := followed(t)
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex // of the three: the clock of the test is no lock
		var asked []time.Duration
		start, answer := time.Now(), source.Current
		says := func(c source.Condition) { mu.Lock(); defer mu.Unlock(); answer = c }
		ended := make(chan struct{})
		go func() {
			d.keepUp(ctx, func(context.Context) (api.Followed, bool) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, time.Since(start))
				return api.Followed{Name: "home", Condition: answer, Commit: "c"}, false
			})
			close(ended)
		}()
		want := func(what string, times ...time.Duration) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(asked) != len(times) {
				t.Fatalf("%s: it was asked at %v, want %v", what, asked, times)
			}
			for i := range times {
				if asked[i] != times[i] {
					t.Fatalf("%s: it was asked at %v, want %v", what, asked, times)
				}
			}
			asked, start = nil, time.Now()
		}
		time.Sleep(150 * time.Second)
		want("the interval", 0, time.Minute, 2*time.Minute)
		d.Live.Pull()
		d.Live.Pull()
		want("a webhook", 0)
		for range 100 { // within the second after it
			d.Live.Pull()
		}
		time.Sleep(30 * time.Second)
		want("a flood", time.Second)
		says(source.Unreachable)
		time.Sleep(31 * time.Minute) // 1m1s after the flood's one; then 2, 4, 8 and 10 minutes later
		want("no answer", 31*time.Second, 151*time.Second, 391*time.Second, 871*time.Second, 1471*time.Second)
		says(source.Current)
		d.Live.Pull()
		time.Sleep(90 * time.Second)
		want("it is back", 0, time.Minute)
		stop()
		<-ended
		if n := len(*told); n != 3 { // in force, no answer, in force again: each once
			t.Errorf("it told %d times: %+v", n, *told)
		}
	})
}

// TestFaultOfASource: a fault in a pull is told, and the next one comes.
func TestFaultOfASource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, told := followed(t)
		d.Live.Follow(api.Followed{Name: "home", Condition: source.Current, Commit: "c"})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			d.keepUp(ctx, func(context.Context) (api.Followed, bool) { panic("a fault") })
			close(ended)
		}()
		time.Sleep(90 * time.Second)
		stop()
		<-ended
		if n := len(*told); n != 2 || (*told)[0].Err == nil || d.Live.State().Followed.Commit != "c" {
			t.Errorf("it told %d times: %+v", n, *told)
		}
	})
}
