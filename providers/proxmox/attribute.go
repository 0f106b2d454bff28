package proxmox

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"time"

	"recon/inventory"
)

// Attribute looks in the cluster's task list and log for who changed guests last.
// It costs two requests, whatever the number of guests. Proxmox keeps both for a
// while only; no answer means unknown, not nobody. A token that may not read the log is
// asked nothing, and the answer says what it lacks.
func (p *Provider) Attribute(ctx context.Context, identities []string) map[string]inventory.Attribution {
	wanted := make(map[string]bool, len(identities))
	for _, id := range identities {
		wanted[id] = true
	}
	out := map[string]inventory.Attribution{}
	if !p.view().permissions.has("/", seeLog) {
		// Tasks alone would blame whoever came before the one whose change is in the log.
		for _, id := range identities {
			out[id] = inventory.Attribution{Hidden: inventory.Lack{Privilege: seeLog, Path: "/"}}
		}
		return out
	}
	note := func(vmid string, a inventory.Attribution) {
		id := p.name + "/" + vmid
		if wanted[id] && a.User != "" && a.At.After(out[id].At) {
			out[id] = a
		}
	}
	p.tasks(ctx, note)
	p.clusterLog(ctx, note)
	return out
}

// tasks reads the tasks that change a guest.
func (p *Provider) tasks(ctx context.Context, note func(string, inventory.Attribution)) {
	var rows []struct {
		Type, ID, User string
		StartTime      int64  `json:"starttime"`
		TokenID        string `json:"tokenid"`
	}
	if p.client.get(ctx, "/cluster/tasks", nil, &rows) != nil {
		return
	}
	for _, r := range rows {
		if changing(r.Type) {
			note(r.ID, inventory.Attribution{User: withToken(r.User, r.TokenID), What: r.Type, At: time.Unix(r.StartTime, 0)})
		}
	}
}

// changing reports task types after which a guest is another: not backups, not
// consoles.
func changing(task string) bool {
	if task == "resize" || task == "hastart" || task == "hastop" {
		return true
	}
	kind := strings.HasPrefix(task, "qm") || strings.HasPrefix(task, "vz")
	return kind && task != "vzdump" && task != "qmsnapshot" && task != "vzsnapshot"
}

func withToken(user, token string) string {
	if token != "" && !strings.Contains(user, "!") {
		return user + "!" + token
	}
	return user
}

// Proxmox writes a line for each write of a configuration: "update VM 101: ..."
// (PVE/API2/Qemu.pm) and for containers "update CT 201: ...".
var updateLine = regexp.MustCompile(`update (?:VM|CT) (\d+):`)

func (p *Provider) clusterLog(ctx context.Context, note func(string, inventory.Attribution)) {
	var rows []struct {
		User string `json:"user"`
		Msg  string `json:"msg"`
		Time int64  `json:"time"`
	}
	if p.client.get(ctx, "/cluster/log", url.Values{"max": {"500"}}, &rows) != nil {
		return
	}
	for _, r := range rows {
		if m := updateLine.FindStringSubmatch(r.Msg); m != nil {
			note(m[1], inventory.Attribution{User: r.User, What: "config", At: time.Unix(r.Time, 0)})
		}
	}
}
