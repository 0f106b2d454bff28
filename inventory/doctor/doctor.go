package doctor

import (
	"cmp"
	"slices"

	"recon/inventory"
)

// A Rule judges the facts.
type Rule struct {
	Name  string
	Why   string // why it matters, in a sentence
	check func(*Facts) []inventory.Finding
}

// Rules returns all rules, by name.
func Rules() []Rule {
	return []Rule{
		{"backup-not-covered", "What no job backs up is gone with its disk.", backupNotCovered},
		{"bind-file-missing", "What is mounted and not there Docker makes as a folder, and the program fails with a message about something else.", bindFileMissing},
		{"certificate-not-served", "A program that does not read a renewed certificate serves the old one until that is out of date, and then nobody gets in.", judged("certificate-not-served")},
		{"compose-refused", "Nothing in the file runs until docker compose reads it.", composeRefused},
		{"container-dns", "A container that asks another server than the declared one does not know the home's own names.", containerDNS},
		{"container-localhost", "Inside a container localhost is the container itself, not its host and not its neighbour.", containerLocalhost},
		{"container-name-conflict", "Docker has one container of a name on each host.", containerNameConflict},
		{"daemon-json-overwritten", "Whoever writes the whole file takes out what the other one set, and nobody notices before the next restart.", daemonJSONOverwritten},
		{"daemon-json-pending", "What is written and not in use takes effect at a restart that nobody expects.", daemonJSONPending},
		{"daemon-json-refused", "A daemon that runs keeps the settings with which it started; at its next start, after an update or a power cut, it reads the file and ends.", daemonJSONRefused},
		{"dead-route", "Who asks for the name gets an error of the proxy, or nothing.", judged("dead-route")},
		{"declared-mount-missing", "A program that writes to a path that is not mounted writes into its container, and the data goes with it.", declaredMountMissing},
		{"depends-on-shared-namespace", "A container in the network of another one keeps the network of the one that is gone, and has none.", dependsOnSharedNamespace},
		{"dns-differs", "Which of two servers answers is decided by chance, and so is where a request goes.", judged("dns-differs")},
		{"duplicate-ip", "Two machines with one address answer by turns.", duplicateIP},
		{"file-not-running", "Whoever runs the file next undoes what somebody changed by hand, and whoever reads it believes what is not so.", fileNotRunning},
		{"hardlink-nested-bind", "A mount inside a mount is a mount of its own: no hard link leads into it.", hardlinkNestedBind},
		{"hardlink-split-mounts", "Hard links and moves work within one mount only; between two, every import is copied, and takes its space twice while the download stays.", hardlinkSplitMounts},
		{"host-dns", "A host that asks another server than the declared one hands that server on to its containers.", hostDNS},
		{"host-network-with-ports", "On the network of the host nothing is published: another port on the left side has no effect.", hostNetworkWithPorts},
		{"image-latest", "An image without a fixed tag is another program after the next pull.", imageLatest},
		{"lxc-docker-features", "Docker in an LXC container needs features of it, and fails in odd places without.", lxcDockerFeatures},
		{"mount-source-not-mounted", "A program that starts before its disk is mounted writes to the folder below it.", mountSourceNotMounted},
		{"orphan-dns-record", "A name that leads nowhere looks like a program that is down, and the next machine with that address answers to it.", judged("orphan-dns-record")},
		{"path-owner-mismatch", "A user who may not write to the folder fails at the first import.", pathOwnerMismatch},
		{"port-conflict", "Of two programs on one port the second does not start.", portConflict},
		{"resolv-conf-bind", "Docker's own server knows the names of containers, and a resolv.conf from outside does not name it.", resolvConfBind},
		{"restart-loop", "A container that dies at once is down, whatever its state says.", restartLoop},
		{"secret-in-compose", "A secret in a repository is known to everybody who ever has a copy of it, also after it was taken out.", secretInCompose},
		{"shared-network-missing", "Containers find each other by name only on a network that both are on.", sharedNetworkMissing},
		{"single-dns", "While it restarts nobody knows a name, and neither does it, which may keep it from starting.", judged("single-dns")},
	}
}

// judged are the findings of a rule that judges how everything hangs together, which
// package graph knows.
func judged(rule string) func(*Facts) []inventory.Finding {
	return func(f *Facts) []inventory.Finding {
		return slices.DeleteFunc(slices.Clone(f.Ways), func(x inventory.Finding) bool { return x.Rule != rule })
	}
}

// Examine applies the rules of those names, all when there is none. Findings come
// sorted by rule and address; what a rule says twice is said once.
func Examine(f *Facts, names ...string) []inventory.Finding {
	var out []inventory.Finding
	for _, r := range Rules() {
		if len(names) > 0 && !slices.Contains(names, r.Name) {
			continue
		}
		for _, finding := range r.check(f) {
			finding.Rule = r.Name
			finding.Detail = cmp.Or(finding.Detail, r.Why)
			if finding.Severity == "" {
				finding.Severity = "warning"
			}
			for i, e := range finding.Evidence {
				finding.Evidence[i] = plain(e)
			}
			finding.Summary, finding.Fix = plain(finding.Summary), plain(finding.Fix)
			out = append(out, finding)
		}
	}
	slices.SortStableFunc(out, func(a, b inventory.Finding) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), inventory.NaturalCompare(a.Address, b.Address), cmp.Compare(a.Summary, b.Summary))
	})
	return slices.CompactFunc(out, func(a, b inventory.Finding) bool {
		return a.Rule == b.Rule && a.Address == b.Address && a.Summary == b.Summary
	})
}

// plain keeps text that came from outside to one line of printable characters, of
// a length that a line bears.
func plain(s string) string {
	out := []rune{}
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			r = ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff:
			r = '\ufffd'
		}
		if out = append(out, r); len(out) == 600 {
			return string(out) + "..."
		}
	}
	return string(out)
}
