package inventory

import "strings"

// IsGuest reports a kind that Proxmox runs.
func IsGuest(kind string) bool { return kind == "vm" || kind == "lxc" }

// ClusterOf returns the cluster of a guest's identity: home of home/111.
func ClusterOf(identity string) string {
	cluster, _, _ := strings.Cut(identity, "/")
	return cluster
}

// HostOf returns the host of a Docker identity: media of docker:media/radarr.
func HostOf(identity string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(identity, dockerIdentity), "/")
	return name
}

// LocalOf returns what names a thing within its domain: 111 of home/111, radarr of
// docker:media/radarr.
func LocalOf(identity string) string {
	_, name, _ := strings.Cut(identity, "/")
	return name
}
