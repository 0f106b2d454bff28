package sshhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrFileChanged is wrapped when a file is not the one that was to be replaced.
var ErrFileChanged = errors.New("the file has changed since it was read")

// Absent is the sum of a file that does not exist.
const Absent = "absent"

// Sum returns the SHA-256 of a file's content in hex, as compare-and-swap takes it.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// A Replacement is new content for a file of the machine.
type Replacement struct {
	Path    string
	Content []byte
	OldSum  string // of the content that may be replaced; Absent when the file must not exist
	Stamp   string // names the backup: PATH.recon-STAMP
	Check   string // a script that gets the new file as $1 before it is put in place; its failure leaves everything as it was
	Before  string // a script that runs when all is checked, just before the file is put in place
}

// The exit statuses by which replaceScript tells its refusals apart.
const (
	statusChanged = 64
	statusMount   = 65
	statusLocked  = 66
	statusDamaged = 67
	statusCheck   = 68
	statusBefore  = 69
)

// replaceScript puts a file in place: all of the new content or none. The content
// comes on standard input. What is put in place is on the disk before it gets the
// name, and the folder is synced after; owner and mode are those of the old file,
// root's and 0644 for a new one. The old file is kept under a name of its own, with
// its time. The folder's own descriptor is the lock, so that no file is made for it.
const replaceScript = `set -u
path=$1 old=$2 new=$3 stamp=$4 check=$5 before=$6
umask 022
make=yes
enter "$path" ''
make=
[ -d "./$name" ] && { echo "$path is a folder" >&2; exit 1; }
[ ! -e "./$name" ] || alone "./$name" || refuse "$path belongs to others than root, or others may write to it"
sum() { if [ -e "$1" ]; then sha256sum <"$1" | cut -d' ' -f1; else echo absent; fi; }
cut -d' ' -f5 /proc/self/mountinfo | grep -qxF -- "$(pwd -P)/$name" && exit 65
exec 9<.
if command -v flock >/dev/null; then flock -n 9 || exit 66; fi
tmp=$(mktemp -- ./.recon-new.XXXXXX) || exit 1
trap 'rm -f -- "$tmp"' EXIT
cat >"$tmp" || exit 1
[ "$(sum "$tmp")" = "$new" ] || exit 67
if [ -e "./$name" ]; then
	chown -- "$(stat -c %u:%g -- "./$name")" "$tmp" && chmod -- "$(stat -c %a -- "./$name")" "$tmp" || exit 1
else
	chmod 0644 "$tmp" || exit 1
fi
sync "$tmp" 2>/dev/null || sync
sh -c "$check" check "$tmp" 9>&- || exit 68
[ "$(sum "./$name")" = "$old" ] || exit 64
if [ -e "./$name" ]; then cp -p -- "./$name" "./$name.recon-$stamp" || exit 1; fi
sh -c "$before" before 9>&- >/dev/null || exit 69
[ "$(sum "./$name")" = "$old" ] || exit 64
mv -T -- "$tmp" "./$name" || exit 1
trap - EXIT
sync . 2>/dev/null || sync
`

// Replace replaces a file. Links are followed; a file that is itself a mount point
// is refused, since replacing it by name cannot work, and so is one on a path where
// somebody else than root may write. The checks run in the file's folder.
func (h *Host) Replace(ctx context.Context, r Replacement) error {
	_, err := h.Run(ctx, Command{
		What: "replace " + r.Path, Script: Enter + replaceScript, Stdin: strings.NewReader(string(r.Content)),
		Args: []string{r.Path, r.OldSum, Sum(r.Content), r.Stamp, orTrue(r.Check), orTrue(r.Before)},
	})
	var exit *ExitError
	if !errors.As(err, &exit) {
		return err
	}
	switch exit.Code {
	case statusChanged:
		return fmt.Errorf("replace %s on %s: %w", r.Path, h.cfg.Name, ErrFileChanged)
	case statusMount:
		return fmt.Errorf("replace %s on %s: the file is itself a mount point, so it can only be changed where it comes from", r.Path, h.cfg.Name)
	case statusLocked:
		return fmt.Errorf("replace %s on %s: another recon is at work there", r.Path, h.cfg.Name)
	case statusDamaged:
		return fmt.Errorf("replace %s on %s: the content did not arrive whole: %w", r.Path, h.cfg.Name, ErrLost)
	case statusForeign:
		return Foreign(err)
	case statusCheck:
		exit.What = "check the new " + r.Path + " on " + h.cfg.Name
	case statusBefore:
		exit.What = "prepare the replacement of " + r.Path + " on " + h.cfg.Name
	}
	return exit
}

func orTrue(script string) string {
	if script == "" {
		return "exit 0"
	}
	return script
}

// BackupOf names the copy that Replace keeps of a file.
func BackupOf(path, stamp string) string { return path + ".recon-" + stamp }
