package proxmox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A scalar is a value whose JSON type Proxmox does not settle: 512, "512", true
// and 1 all occur for the same key.
type scalar string

// UnmarshalJSON accepts a string, a number, a boolean or null.
func (s *scalar) UnmarshalJSON(data []byte) error {
	switch {
	case plain(data):
		*s = scalar(data[1 : len(data)-1])
	case len(data) > 0 && data[0] == '"':
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		*s = scalar(text)
	case string(data) == "true":
		*s = "1"
	case string(data) == "false":
		*s = "0"
	case string(data) == "null":
		*s = ""
	case len(data) > 0 && (data[0] == '{' || data[0] == '['):
		return fmt.Errorf("a single value is expected, not %.40s", data)
	default:
		*s = scalar(data)
	}
	return nil
}

// plain reports a string that stands for itself, as nearly all do.
func plain(data []byte) bool {
	return len(data) > 1 && data[0] == '"' && !bytes.ContainsRune(data, '\\') && utf8.Valid(data)
}

func (s scalar) int() int { n, _ := strconv.Atoi(string(s)); return n }

func (s scalar) bytes() int64 {
	f, _ := strconv.ParseFloat(string(s), 64)
	return int64(max(min(f, maxBytes), 0))
}

// maxBytes is more than any storage has, and is a number that an int64 holds.
const maxBytes = 1 << 60

func (s scalar) bool() bool { b, _ := decodeBool(string(s)); return b }

// A resourceRow is a row of /cluster/resources.
type resourceRow struct {
	Type     string `json:"type"` // qemu, lxc, node, storage, ...
	Node     string `json:"node"`
	VMID     scalar `json:"vmid"`
	Name     string `json:"name"`
	Status   string `json:"status"`
	Pool     string `json:"pool"`
	Lock     string `json:"lock"`
	HAState  string `json:"hastate"`
	Template scalar `json:"template"`
	Uptime   scalar `json:"uptime"`

	Storage string `json:"storage"`
	Plugin  string `json:"plugintype"`
	Content string `json:"content"`
	Shared  scalar `json:"shared"`
	Cores   scalar `json:"maxcpu"`
	Memory  scalar `json:"maxmem"`
	Used    scalar `json:"mem"`
	Size    scalar `json:"maxdisk"`
	Taken   scalar `json:"disk"`
}

// A guestRow is the row of a guest.
type guestRow struct {
	kind     string // vm or lxc
	node     string
	vmid     int
	name     string
	status   string
	pool     string
	lock     string
	ha       string
	template bool
	uptime   int // seconds; 0 when it does not run
}

func (r resourceRow) guest() (guestRow, bool) {
	kind := map[string]string{"qemu": "vm", "lxc": "lxc"}[r.Type]
	if kind == "" || r.VMID.int() == 0 || r.Node == "" {
		return guestRow{}, false
	}
	return guestRow{kind: kind, node: r.Node, vmid: r.VMID.int(), name: r.Name, status: r.Status, pool: r.Pool, lock: r.Lock, ha: r.HAState, template: r.Template.bool(), uptime: r.Uptime.int()}, true
}

// path is the guest's place in the API.
func (g guestRow) path() string { return guestPath(g.kind, g.node, g.vmid) }

func guestPath(kind, node string, vmid int) string {
	return fmt.Sprintf("/nodes/%s/%s/%d", node, apiType(kind), vmid)
}

// apiType is what the API calls a kind.
func apiType(kind string) string {
	if kind == "vm" {
		return "qemu"
	}
	return "lxc"
}

// A pendingRow is a row of /pending: a key, its value in use, and what waits.
type pendingRow struct {
	Key     string  `json:"key"`
	Value   *scalar `json:"value"`
	Pending *scalar `json:"pending"`
	Delete  scalar  `json:"delete"`
}

// A config is a guest's configuration in its two states.
type config struct {
	configured map[string]string // pending values merged: what holds after the next start
	running    map[string]string // in use, when the guest runs
	pending    []string          // keys that wait
	digest     string
}

func newConfig(rows []pendingRow) config {
	c := config{configured: make(map[string]string, len(rows)), running: make(map[string]string, len(rows))}
	for _, r := range rows {
		if r.Key == "digest" {
			if r.Value != nil {
				c.digest = string(*r.Value)
			}
			continue
		}
		if r.Value != nil {
			c.running[r.Key] = string(*r.Value)
			c.configured[r.Key] = string(*r.Value)
		}
		if r.Pending != nil {
			c.configured[r.Key] = string(*r.Pending)
		}
		if r.Delete.int() > 0 {
			delete(c.configured, r.Key)
		}
		if r.Pending != nil || r.Delete.int() > 0 {
			c.pending = append(c.pending, r.Key)
		}
	}
	return c
}

// A statusRow is a row of /cluster/status: the cluster itself, or a node.
type statusRow struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Online  scalar `json:"online"`
	Quorate scalar `json:"quorate"`
	IP      string `json:"ip"`
}
