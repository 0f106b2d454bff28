// Package docker observes and changes the Docker daemon of one host, and what its
// containers need there.
//
// engine.go speaks the Engine API over the host's SSH connection; probe.go looks at
// the host with one script a round trip; daemonjson.go merges keys into daemon.json
// and owns nothing else in it. read.go and look.go observe, steps.go describes
// changes, apply.go makes them: a write is compare-and-swap with a backup, a
// restart is verified and undone when the daemon or a container does not come
// back, and a timer on the host undoes it when the connection is lost on the way.
// convert.go and facts.go are pure: they turn what the host says into values of
// the inventory and facts for the doctor.
//
// A daemon's settings have three values: the file's, the wish, and the one in use.
// The Engine API shows only some of those in use; for the others the file counts
// that was there when the daemon started. A file that was changed since, and not by
// recon, leaves them unknown, which is told as "waiting for a restart".
//
// What is known of dockerd was read from moby's daemon/config and daemon/reload.go
// and tried on engines 20.10 and 29.
package docker
