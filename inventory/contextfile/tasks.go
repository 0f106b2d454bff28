package contextfile

import (
	"fmt"
	"strings"

	"recon/inventory"
)

// mostTasks is how many tasks are told one by one.
const mostTasks = 25

// Tasks renders the block "tasks": what is begun and not finished, each with what
// is done, what remains, and the command that goes on with it.
func Tasks(f *Facts, at Place, date string) string {
	var b strings.Builder
	at.Heading = false // the file is all tasks
	begin(&b, at, "", date)
	if len(f.Tasks) == 0 {
		b.WriteString("Nothing is open" + word(len(at.Sources) > 0, " of what can be observed") + ".\n")
	}
	shown := f.Tasks[:min(len(f.Tasks), mostTasks)]
	for i := range shown {
		t := &shown[i]
		done, remains, command := t.words()
		fmt.Fprintf(&b, "- [ ] %s%s\n  - Done: %s\n  - Remains: %s\n  - Go on: %s\n", safeAddress(t.Address, t.Identity), sinceBy(t.Since, t.By), done, remains, command)
	}
	if n := len(f.Tasks) - len(shown); n > 0 {
		fmt.Fprintf(&b, "- [ ] and %s more: `recon plan`\n", plural(n, "resource"))
	}
	return b.String()
}

// recorded is what is done of a drift that nobody has settled.
const recorded = "the drift is recorded"

// words says a task. Only an address that is safe stands in a command; a
// placeholder is resumed through the whole plan.
func (t *Task) words() (done, remains, command string) {
	address, safe := SafeAddress(t.Address, t.Identity)
	on := func(verb, flags string) string {
		if !safe {
			return "`recon plan`"
		}
		return "`recon " + verb + " " + shellWord(address) + flags + "`"
	}
	apply := on("apply --target", t.allow())
	if t.Unseen {
		apply = on("plan --target", "") + " says whether it can be observed again"
	}
	switch {
	case t.InFlight:
		return "an apply was interrupted on it", "see whether its last step happened", on("plan --target", "")
	case t.Verdict == inventory.VerdictPendingReboot:
		done, remains, command = "the values are written", "a restart, so that they take effect", on("apply --target", " --allow restart")
	case t.Gone:
		done, remains, command = "it was there, and somebody took it away", "to make it again, or to take it out of the manifests", apply
	case t.Unseen:
		done, remains, command = recorded, t.fields()+unseenNow, apply
	case t.Verdict == inventory.VerdictMissing:
		done, remains, command = "it is declared", "to create it", apply
	case t.Verdict == inventory.VerdictPendingChange:
		done, remains, command = "the manifest is changed", "live: "+t.fields(), apply
	default:
		done, remains, command = recorded, t.fields(), apply+" puts the manifest's values back; "+on("adopt", "")+" keeps the live ones"
	}
	if len(t.Blocked) > 0 {
		var codes []string
		for _, c := range t.Blocked {
			codes = append(codes, safeMatch(valueText, c))
		}
		remains += "; blocked: " + strings.Join(limit(codes, 4), ", ")
		if command = on("plan --target", "") + " says what is in the way"; done == recorded {
			command += "; " + on("adopt", "") + " keeps the live values"
		}
	}
	return done, remains, command
}

func (t *Task) allow() string {
	switch t.Impact {
	case inventory.ImpactRestart, inventory.ImpactOutage, inventory.ImpactDestroy:
		return " --allow " + t.Impact.String()
	}
	return ""
}

func (t *Task) fields() string {
	var out []string
	for _, f := range t.Fields {
		out = append(out, fmt.Sprintf("%s %s -> %s", f.Path, safeValue(f.Path, f.Live), safeValue(f.Path, f.Desired)))
	}
	return strings.Join(limit(out, 6), ", ")
}

// shellWord quotes an address with a for_each key for a shell.
func shellWord(address string) string {
	if strings.ContainsAny(address, `["`) {
		return "'" + address + "'"
	}
	return address
}
