// Package proxmox observes and changes the guests of one Proxmox VE cluster.
//
// client.go is the wire: one client for a cluster, at most two requests in flight
// a node, endpoints tried in order, errors with the server's own words. read.go
// observes, steps.go describes changes as calls, apply.go makes one call and
// waits for its task. convert.go and propstring.go are pure: they turn Proxmox's
// spellings into the values of the inventory and back.
//
// What the package knows of Proxmox was read from its sources (qemu-server,
// pve-container, pve-http-server) and from recorded answers of a running 9.2; the
// recordings are in pvesim/testdata.
package proxmox
