package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/providers/sshhost"
)

// linkScript tries hard links with the mounts of a container, in its own eyes, also
// where its image holds no program: through /proc/PID/root. A link on the way would
// lead out of the container, since an absolute one is taken from the host's root;
// such a path is not tried.
const linkScript = `
unb64() { printf %s "$1" | base64 -d; }
straight() {
	at=$1; rest=${2#/}
	while [ -n "$rest" ]; do
		part=${rest%%/*}
		case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
		[ "$part" = .. ] && return 1
		at=$at/$part
		[ -L "$at" ] && return 1
	done
	[ -d "$at" ]
}
while read -r pid a b; do
	from=$(unb64 "$a") to=$(unb64 "$b") root=/proc/$pid/root
	printf 'link %s %s ' "$a" "$b"
	if ! straight "$root" "$from" || ! straight "$root" "$to"; then echo unusable; continue; fi
	if ! f=$(mktemp "$root$from/.recon-probe.XXXXXX" 2>/dev/null); then echo unwritable; continue; fi
	t=$root$to/${f##*/}
	if out=$(LC_ALL=C ln -- "$f" "$t" 2>&1); then rm -f -- "$t"; echo ok
	else case $out in *ross-device*) echo EXDEV ;; *) echo failed ;; esac; fi
	rm -f -- "$f"
done
echo end
`

// tryLinks tries the hard links that services declare, and notes how it went.
func (p *Provider) tryLinks(ctx context.Context, s *sight, want []inventory.Resource) error {
	type attempt struct {
		c        *doctor.Container
		from, to string
	}
	var input strings.Builder
	var attempts []attempt
	for _, w := range want {
		_, name, _ := strings.Cut(w.Identity, "/")
		found := find(s.list, name)
		if w.Addr.Kind != inventory.KindService || found == nil {
			continue
		}
		c, pid := s.containerNamed(nameOf(found.Names))
		for _, slot := range w.Attrs.Slots("hardlink") {
			from, to := inventory.Text(w.Attrs[inventory.Path("hardlink."+slot+".from")]), inventory.Text(w.Attrs[inventory.Path("hardlink."+slot+".to")])
			if c == nil || pid == 0 || from == "" || to == "" {
				continue
			}
			fmt.Fprintf(&input, "%d %s %s\n", pid, b64(from), b64(to))
			attempts = append(attempts, attempt{c, from, to})
		}
	}
	if len(attempts) == 0 {
		return nil
	}
	out, err := p.host.Run(ctx, sshhost.Command{What: "try hard links", Script: linkScript, Stdin: strings.NewReader(input.String())})
	if err != nil {
		return err
	}
	n := 0
	for _, l := range strings.Split(out, "\n") {
		f := strings.Fields(l)
		if len(f) != 4 || f[0] != "link" || n == len(attempts) {
			continue
		}
		a := attempts[n]
		n++
		if f[3] == "ok" || f[3] == "EXDEV" {
			a.c.Links = append(a.c.Links, doctor.Link{From: a.from, To: a.to, Errno: strings.TrimPrefix(f[3], "ok")})
		}
	}
	return nil
}

// containerNamed returns what is known of a container, and its first process.
func (s *sight) containerNamed(name string) (*doctor.Container, int) {
	i := slices.IndexFunc(s.facts.Containers, func(c doctor.Container) bool { return c.Name == name })
	if i < 0 {
		return nil, 0
	}
	for _, c := range s.containers {
		if strings.TrimPrefix(c.Name, "/") == name && c.State != nil {
			return &s.facts.Containers[i], c.State.Pid
		}
	}
	return &s.facts.Containers[i], 0
}
