package docker

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"recon/providers/sshhost"
)

// A timer undoes a change on the host by itself when nobody says in time that it
// went well: the connection may be lost half-way, or recon killed. It is armed
// before the change and takes back only a file that still is the one that recon
// wrote.
type timer struct {
	file, backup string // backup is "" when there was no file before
	sum          string // of the content that recon wrote
	stamp        string // names the backup and the token
	seconds      int
	command      string // restarts or reloads the daemon once the file is back; "" for nothing
	systemd      bool
	cli          bool
	socket       string
	containers   []running // to be started again
	refused      bool      // what comes off is a file with which the daemon did not start: a copy of it is kept
}

// newTimer prepares a timer for a write of the daemon's file.
func (p *Provider) newTimer(d *daemonProbe, sum string, existed bool) *timer {
	t := &timer{file: d.real, sum: sum, stamp: p.now().UTC().Format("20060102T150405.000Z"), seconds: int(p.cfg.DeadMan / time.Second)}
	if existed {
		t.backup = sshhost.BackupOf(d.real, t.stamp)
	}
	return t
}

// undoing returns the copy to which the daemon goes back when a restart fails: the
// file with which it runs now, else the one before this run's last write. Without a
// copy of another content there is no way back.
func (p *Provider) undoing(d *daemonProbe) string {
	if in := d.copyInUse(); in.path != "" && d.mtime > d.started+startSlack {
		if string(in.content) == string(d.content) {
			return ""
		}
		return in.path
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrote.sum == d.sum() {
		return p.wrote.backup
	}
	return ""
}

// token is the file whose absence says that the change went well.
func (t *timer) token() string { return "/run/recon-" + t.stamp }

// keptAs is the name under which a refused file is kept.
func (t *timer) keptAs() string { return t.file + ".recon-refused-" + t.stamp }

// within begins a script that works in the folder of the file.
func (t *timer) within(script string) string {
	return sshhost.Enter + "enter " + sshhost.Quote(t.file) + " ''\n" + script
}

// beside names a copy of the file from its folder.
func (t *timer) beside(copied string) string { return sshhost.Quote("./" + path.Base(copied)) }

// keep is the script that keeps the present file under that name.
func (t *timer) keep() string {
	return fmt.Sprintf("[ -e %[2]s ] || cp -p -- %[1]s %[2]s || exit 1\n", t.beside(t.file), t.beside(t.keptAs()))
}

// unit is the name of systemd's units for the timer.
func (t *timer) unit() string { return "recon-undo-" + t.stamp }

// arm is the script that starts the timer.
func (t *timer) arm() string {
	undo := fmt.Sprintf("mv -T -- %[1]s %[1]s.fired 2>/dev/null || exit 0\nrm -f -- %[1]s.fired\n%[2]s", sshhost.Quote(t.token()), t.within(t.restore()))
	if t.command != "" {
		undo += t.resetFailed() + t.command + "\n"
	}
	if t.cli {
		for _, c := range t.containers {
			undo += "docker -H " + sshhost.Quote("unix://"+t.socket) + " start " + sshhost.Quote(c.id) + " >/dev/null 2>&1\n"
		}
	}
	// systemd takes ${NAME} for a variable of its own, and $$ for $.
	return fmt.Sprintf(`(set -C; printf '%%s %%s' %[2]d %[6]s >%[1]s) || exit 1
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
	systemd-run --quiet --collect --unit=%[5]s --description='recon: the earlier daemon.json comes back unless all is well' --on-active=%[2]d --timer-property=AccuracySec=1s sh -c %[3]s
else
	command -v setsid >/dev/null || { echo "neither systemd-run nor setsid is there to undo the change if the connection is lost" >&2; exit 1; }
	setsid sh -c %[4]s </dev/null >/dev/null 2>&1 &
fi
`, sshhost.Quote(t.token()), t.seconds, sshhost.Quote(strings.ReplaceAll(undo, "$", "$$")), sshhost.Quote(t.wait()+undo), t.unit(), sshhost.Quote(t.sum+" "+t.file))
}

// wait is the script that waits where there is no systemd. It ends soon after the timer
// was disarmed, so that nothing runs on for it.
func (t *timer) wait() string {
	return fmt.Sprintf("i=0\nwhile [ $i -lt %d ]; do [ -e %s ] || exit 0; sleep 1; i=$((i+1)); done\n", t.seconds, sshhost.Quote(t.token()))
}

// restore is the script that puts the earlier file back, if the present one is the
// one that is to come off.
func (t *timer) restore() string {
	script := fmt.Sprintf("[ \"$(sha256sum <%s | cut -d' ' -f1)\" = %s ] || exit 0\n", t.beside(t.file), t.sum)
	if t.refused {
		script += t.keep()
	}
	return script + t.back(t.backup)
}

// back is the script that puts a copy in place; "" stands for no file.
func (t *timer) back(copied string) string {
	file := t.beside(t.file)
	script := "rm -f -- " + file
	if copied != "" {
		script = fmt.Sprintf("cp -p -- %[1]s %[2]s.recon-undo && mv -T -- %[2]s.recon-undo %[2]s", t.beside(copied), file)
	}
	return script + " || exit 1\nsync\n"
}

// resetFailed lets systemd start the unit although it failed often of late: it
// allows three starts a minute.
func (t *timer) resetFailed() string {
	if !t.systemd || !strings.HasPrefix(t.command, "systemctl") {
		return ""
	}
	return "systemctl reset-failed docker.service 2>/dev/null\n"
}

// disarm says that the change went well. When it is certain that the timer was
// armed, one that has fired is an error: the change is not there any more.
func (p *Provider) disarm(ctx context.Context, t *timer, armed bool) error {
	script := "rm -f -- " + sshhost.Quote(t.token())
	if armed {
		script = "rm -- " + sshhost.Quote(t.token()) + " 2>/dev/null || { echo 'the change took too long, and the host has undone it' >&2; exit 1; }"
	}
	script += "\n[ ! -d /run/systemd/system ] || systemctl stop " + sshhost.Quote(t.unit()+".timer") + " 2>/dev/null || true"
	_, err := p.host.Run(ctx, sshhost.Command{What: "disarm the timer", Script: script})
	return err
}
