// Package pvesim is a stateful simulator of the Proxmox VE API: it answers
// over HTTPS as a cluster of 8.4, 9.1 or 9.2 does, in everything that a
// client can notice.
//
// # Using it
//
//	srv, err := pvesim.New(pvesim.Options{World: pvesim.Single()})
//	...
//	defer srv.Close()
//	client := connect(srv.Endpoint(), srv.Token(), srv.CAFile())
//
// New binds and serves at once. The world (nodes, storages, guests, users) is
// plain data, see World; Update changes it behind the clients' backs, World
// copies it. With Options.Dir the world, the CA and the token live on in a
// folder.
//
// # What is modelled
//
// The wire: HTTP/1.1, reason phrases that carry the message, JSON envelopes,
// the order of the checks (authentication, conflicts of URI and body,
// permission, proxying, parameters, code), form and JSON bodies with PVE's
// oddities. The configs: SHA-1 digests over the text of the .conf file, the
// pending section, hotplug rules, partial success. Tasks are asynchronous.
// Rights are PVE's: users, groups, roles, ACLs, pools, tokens with and
// without privilege separation, tickets with CSRF tokens. Nodes fail (595,
// 596), quorum gets lost, guests are locked or owned by HA.
//
// One address serves the whole cluster: the first node that is online is the
// one that answers, the others are reached through it. Each node has
// Options.Workers workers; Options.Latency is the time that a request holds
// one of them.
//
// # Faults
//
// Faults are text, one each, in Options.Faults, by AddFault, or by
// POST /recon-sim/faults on the server's own address (no credentials; DELETE
// clears all). See fault for the words.
//
// # Source of the facts
//
// The exchanges in testdata/recorded were recorded from a running Proxmox VE
// 9.2.11, and the package's tests replay them. What they do not show follows
// the sources of qemu-server, pve-container, pve-manager, pve-access-control
// and pve-http-server.
//
// # State
//
// A Server has one lock. Handlers run under it and never wait; everything
// that waits (latency, delays, tasks) does so outside.
package pvesim
