package proxmox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Pulse sums up what a cluster says in three calls of what happens in it: another sum
// means that something did, to a guest, a node or a storage. What no list tells, as an
// edit of a file on a node, it does not notice; the next Read does. Without Sys.Syslog the
// log stays empty, and only what is a task, or stands in the list, is noticed.
func (p *Provider) Pulse(ctx context.Context) (string, error) {
	var resources []map[string]json.RawMessage
	if err := p.client.get(ctx, "/cluster/resources", nil, &resources); err != nil {
		return "", err
	}
	var tasks []struct{ UPID, Status string }
	if err := p.client.get(ctx, "/cluster/tasks", nil, &tasks); err != nil {
		return "", err
	}
	var log []struct {
		Msg  string `json:"msg"`
		Time int64  `json:"time"`
	}
	if err := p.client.get(ctx, "/cluster/log", url.Values{"max": {"50"}}, &log); err != nil {
		return "", err
	}
	var lines []string
	for _, row := range resources {
		lines = append(lines, steadyPart(row))
	}
	for _, t := range tasks {
		lines = append(lines, t.UPID+" "+t.Status)
	}
	for _, l := range log {
		if updateLine.MatchString(l.Msg) {
			lines = append(lines, strconv.FormatInt(l.Time, 10)+" "+l.Msg)
		}
	}
	slices.Sort(lines)
	sum := sha256.New()
	for _, l := range lines {
		sum.Write([]byte(l))
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// steady are the keys of a row of the list of resources that change when something
// happens, and not with each second.
var steady = []string{"content", "hastate", "id", "lock", "maxcpu", "maxdisk", "maxmem", "name", "node", "pool", "shared", "status", "tags", "template", "type"}

// steadyPart is what they say. Proxmox lists contents in another order each time.
func steadyPart(row map[string]json.RawMessage) (out string) {
	for _, key := range steady {
		words := strings.FieldsFunc(string(row[key]), func(r rune) bool { return strings.ContainsRune(`",; `, r) })
		slices.Sort(words)
		out += strings.Join(words, ",") + "\x00"
	}
	return out
}
