package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
)

// BenchmarkReaders has 200 readers open the page once a second each while runs are made, and
// tells how long the slowest hundredth waits, and how much longer a run takes than one that
// nobody watches in the same benchmark.
func BenchmarkReaders(b *testing.B) {
	s := newSite(b, api.Page{})
	s.run()
	server := httptest.NewServer(nil)
	defer server.Close()
	s.opts.Listen = server.Listener.Addr().String()
	server.Config.Handler = s.handler()
	runs := func() time.Duration {
		begin := time.Now()
		for range 20 {
			s.run()
			time.Sleep(50 * time.Millisecond) // a daemon rests between runs
		}
		return time.Since(begin)/20 - 50*time.Millisecond
	}
	var waited []time.Duration
	var alone, watched time.Duration
	for range b.N {
		alone += runs()
		var mu sync.Mutex
		var all sync.WaitGroup
		stop := make(chan struct{})
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 200}}
		for i := range 200 {
			all.Go(func() {
				for next := time.Duration(i) * 5 * time.Millisecond; ; next = time.Second {
					select {
					case <-stop:
						return
					case <-time.After(next):
					}
					begin := time.Now()
					answer, err := client.Get(server.URL + everyPage[i%len(everyPage)])
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
					mu.Lock()
					waited = append(waited, time.Since(begin))
					mu.Unlock()
				}
			})
		}
		watched += runs()
		close(stop)
		all.Wait()
	}
	slices.Sort(waited)
	b.ReportMetric(float64(waited[len(waited)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(watched)/float64(alone), "run/run-alone")
	b.ReportMetric(float64(len(waited))/float64(b.N), "pages")
}
