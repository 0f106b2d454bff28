package proxmox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"recon/inventory"
	"recon/providers"
)

// Do makes one call and waits for the task that it starts, if any.
func (p *Provider) Do(ctx context.Context, s inventory.Step, r providers.Reporter) (providers.Result, error) {
	params := maps.Clone(s.Params)
	if params == nil {
		params = map[string]string{}
	}
	if err := p.keepLive(ctx, s.Path, params); err != nil {
		return providers.Result{}, err
	}
	if s.TakesDigest && s.Digest != "" {
		params["digest"] = s.Digest
	}
	upid, err := p.client.send(ctx, s.Method, s.Path, params)
	if err != nil || upid == "" {
		return providers.Result{}, err
	}
	warning, err := p.wait(ctx, upid, r)
	return providers.Result{Task: upid, Warning: warning}, err
}

// keepLive puts the volumes and MAC addresses that the guest has now in the places
// that the plan left open for them.
func (p *Provider) keepLive(ctx context.Context, path string, params map[string]string) error {
	var now map[string]json.RawMessage
	for key, value := range params {
		if !strings.HasPrefix(value, keepVolume) && !strings.Contains(value, keepMAC) {
			continue
		}
		if now == nil {
			if err := p.client.get(ctx, path, nil, &now); err != nil {
				return fmt.Errorf("read what is kept of the guest: %w", err)
			}
		}
		var live scalar
		if err := json.Unmarshal(now[key], &live); err != nil || live == "" {
			return fmt.Errorf("%s holds nothing to keep in %s", path, key)
		}
		volume, _, _ := strings.Cut(string(live), ",")
		value = strings.Replace(value, keepVolume, volume, 1)
		params[key] = strings.Replace(value, keepMAC, macPart.FindString(string(live)), 1)
	}
	return nil
}

var macPart = regexp.MustCompile(`(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}`)

// How long a task is waited for, and how often it is asked.
const (
	taskPatience = 2 * time.Hour
	pollFirst    = 20 * time.Millisecond
	pollMost     = time.Second
	silence      = time.Minute // without any answer; the node's services may be restarting
)

// wait follows a task to its end. Success with warnings is success. A task that
// cannot be followed leaves the outcome unknown: the caller looks.
func (p *Provider) wait(ctx context.Context, upid string, r providers.Reporter) (warning string, err error) {
	ctx, cancel := context.WithTimeout(ctx, taskPatience)
	defer cancel()
	base := "/nodes/" + taskNode(upid) + "/tasks/" + url.PathEscape(upid)
	log := taskLog{p: p, path: base + "/log", report: r}
	answered := time.Now()
	for pause := pollFirst; ; pause = min(pause*3/2, pollMost) {
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w: task %s still runs: %w", providers.ErrOutcomeUnknown, upid, ctx.Err())
		case <-time.After(pause):
		}
		var st struct {
			Status     string `json:"status"`
			ExitStatus string `json:"exitstatus"`
		}
		if err := p.client.get(ctx, base+"/status", nil, &st); err != nil {
			if time.Since(answered) > silence || statusOf(err) == http.StatusBadRequest {
				return "", fmt.Errorf("%w: task %s cannot be followed: %w", providers.ErrOutcomeUnknown, upid, err)
			}
			continue
		}
		answered = time.Now()
		if pause >= pollMost || st.Status != "running" {
			log.follow(ctx)
		}
		if st.Status == "running" {
			continue
		}
		warning, err := taskEnd(upid, st.ExitStatus)
		if err != nil {
			err = log.why(ctx, err)
		}
		return warning, err
	}
}

// taskEnd reads a task's exit status.
func taskEnd(upid, status string) (warning string, err error) {
	switch {
	case status == "OK":
		return "", nil
	case strings.HasPrefix(status, "WARNINGS:"):
		return "the task ended with " + strings.ToLower(status), nil
	case status == "" || status == "unexpected status":
		return "", fmt.Errorf("%w: task %s ended without saying how", providers.ErrOutcomeUnknown, upid)
	}
	if changedText(status) {
		return "", fmt.Errorf("%w: %s", providers.ErrChangedMeanwhile, status)
	}
	return "", errors.New(status)
}

// taskNode is the node that a UPID names, which is where the task is followed.
func taskNode(upid string) string {
	parts := strings.SplitN(upid, ":", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}

// A taskLog hands new lines of a task's log to whoever listens, and keeps the last
// ones: "start failed: QEMU exited with code 1" alone helps nobody.
type taskLog struct {
	p      *Provider
	path   string
	report providers.Reporter
	next   int
	last   []string
}

// What is kept of a log.
const (
	logPage  = 50
	logPages = 40
	logLast  = 4
	logWidth = 300
)

// follow reads one page of new lines and reports whether there may be more.
func (l *taskLog) follow(ctx context.Context) (more bool) {
	var lines []struct {
		N int    `json:"n"`
		T string `json:"t"`
	}
	if err := l.p.client.get(ctx, l.path, url.Values{"start": {itoa(l.next)}, "limit": {itoa(logPage)}}, &lines); err != nil {
		return false // the log is a comfort, the status is what counts
	}
	for _, line := range lines {
		if line.N <= l.next || line.T == "no content" {
			continue
		}
		l.next = line.N
		l.last = append(l.last, line.T)
		if l.report != nil {
			l.report(line.T)
		}
	}
	l.last = l.last[max(len(l.last)-logLast-1, 0):]
	return len(lines) == logPage
}

// why adds to how a task ended what it said last. The words come from programs and from
// guests: they are cut, and nothing in them but what is printed is kept.
func (l *taskLog) why(ctx context.Context, end error) error {
	for range logPages {
		if !l.follow(ctx) {
			break
		}
	}
	var said []string
	for _, line := range l.last {
		if line = printable(line); line != "" && line != "TASK ERROR: "+end.Error() {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return end
	}
	return fmt.Errorf("%w; before that: %s", end, strings.Join(said[max(len(said)-logLast, 0):], " / "))
}

// printable is a line as it may be shown: one line, of bounded length, without
// characters that are not seen.
func printable(line string) string {
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, ""))
	if r := []rune(line); len(r) > logWidth {
		line = string(r[:logWidth]) + "..."
	}
	return strings.TrimSpace(line)
}
