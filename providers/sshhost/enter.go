package sshhost

import (
	"errors"
	"fmt"
)

// Enter are shell functions by which a script that runs as root reaches a file or a
// folder without being led elsewhere, for scripts to begin with.
//
//   - enter PATH goes into the folder that holds PATH and sets name to its last
//     component; what follows uses ./$name. Links are followed where the folder that
//     holds them is root's alone, and none when $2 is "itself": root of a container may
//     make links in what it shares with its host.
//   - into goes into the folder ./$name, never through a link.
//   - alone FILE: it is root's, and nobody else may write to it.
//   - refuse TEXT ends the script.
//
// A folder that a shell is in is what a descriptor is to a program: it stays the same
// whatever becomes of its name. Each step is checked from there. What was entered has to
// have the folder before it as its parent, so a link that somebody put in place of a
// folder leads to a refusal; a folder on the way in which somebody else may rename, who
// could swap what lies below it, is refused before anything in it is used. In a folder
// with the sticky bit others cannot rename what is root's.
const Enter = `
unset CDPATH
refuse() { printf '%s\n' "$1" >&2; exit 70; }
alone() { alike $(stat -c '%u %g %a' -- "$1"); }
alike() {
	[ "$1" = 0 ] || return 1
	case $3 in *[2367]) return 1 ;; *[2367]?) [ "$2" = 0 ] ;; esac
}
sticky() {
	case $(stat -c '%u %a' .) in "0 "[1357]???) ;; *) return 1 ;; esac
	[ "$(stat -c %u -- "./$name" 2>/dev/null)" = 0 ]
}
enter() {
	case $1 in /*) ;; *) refuse "$1 is no absolute path" ;; esac
	left=$1 links=0
	cd / || exit 1
	while :; do
		while [ "${left#/}" != "$left" ]; do left=${left#/}; done
		name=${left%%/*}
		left=${left#"$name"}
		while [ "${left#/}" != "$left" ]; do left=${left#/}; done
		case $name in
		'') refuse "$1 names no file" ;;
		.) [ -n "$left" ] && continue; refuse "$1 names no file" ;;
		..) cd -P .. || exit 1; continue ;;
		esac
		alone . || sticky || refuse "$(pwd -P) is not root's alone (owner and mode $(stat -c '%U %a' .)), and who may write there could swap what lies below it while root is at work"
		if [ -L "./$name" ] && [ "$2" != itself ]; then
			links=$((links + 1))
			[ $links -le 40 ] || refuse "$1 goes through too many links"
			to=$(readlink -- "./$name") || exit 1
			left=$to/$left
			case $to in /*) cd / || exit 1 ;; esac
			while [ "${left%/}" != "$left" ]; do left=${left%/}; done
			continue
		fi
		[ -n "$left" ] || return 0
		[ -n "$make" ] && [ ! -e "./$name" ] && { mkdir -- "./$name" || exit 1; }
		into
	done
}
into() {
	[ -L "./$name" ] && refuse "$(pwd -P)/$name is a link to $(readlink -- "./$name"); name that folder"
	above=$(stat -c %d:%i .)
	cd -P -- "./$name" || exit 1
	[ "$(stat -c %d:%i ..)" = "$above" ] || refuse "$name was swapped while root went there"
}
make=
`

// statusForeign is the status with which refuse ends a script.
const statusForeign = 70

// ErrForeign is wrapped when root would act on what is not root's alone.
var ErrForeign = errors.New("recon refuses to write there as root")

// Foreign makes an error of a script that refused.
func Foreign(err error) error {
	var exit *ExitError
	if errors.As(err, &exit) && exit.Code == statusForeign {
		return fmt.Errorf("%s: %w: %s", exit.What, ErrForeign, lastLine(exit.Stderr))
	}
	return err
}
