package term

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/doctor"
)

// Findings prints what the doctor found, grouped by the host or file that it is about,
// the worst first: what it is, by what that is known, why it matters, and what to do.
// Why is said once a rule. Hints, of which there may be many, are counted, unless they
// were asked for.
func (p *Printer) Findings(findings []inventory.Finding, hints bool) {
	var groups []string
	members := map[string][]inventory.Finding{}
	for _, f := range findings {
		if counted(f) && !hints {
			continue
		}
		g := groupOf(f.Address)
		if members[g] == nil {
			groups = append(groups, g)
		}
		members[g] = append(members[g], f)
	}
	for _, g := range groups {
		slices.SortStableFunc(members[g], func(a, b inventory.Finding) int {
			return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(lineOf(a), lineOf(b)))
		})
	}
	slices.SortStableFunc(groups, func(a, b string) int {
		return cmp.Or(cmp.Compare(weight(members[a][0]), weight(members[b][0])), inventory.NaturalCompare(a, b))
	})
	said := map[string]bool{}
	for _, g := range groups {
		p.Heading(p.clean(g))
		for _, f := range members[g] {
			p.symptom(f, g, said)
		}
	}
}

// groupOf is the file, or the host and its parts, that an address names.
func groupOf(address string) string {
	if file, _, ok := doctor.Place(address); ok {
		return file
	}
	host, _, _ := strings.Cut(address, "/")
	return host
}

func lineOf(f inventory.Finding) int {
	_, line, _ := doctor.Place(f.Address)
	return line
}

// weight sorts what is wrong before what is doubtful.
func weight(f inventory.Finding) int {
	return slices.Index([]string{"error", "warning", "info"}, f.Severity)
}

// A mark says how bad a finding is, also without colour.
func mark(severity string) (string, style) {
	switch severity {
	case "error":
		return "x", bad
	case "info":
		return "-", quiet
	}
	return "!", warn
}

func (p *Printer) symptom(f inventory.Finding, group string, said map[string]bool) {
	sign, style := mark(f.Severity)
	title := p.clean(f.Rule)
	if line := lineOf(f); line > 0 {
		title = fmt.Sprintf("line %d  %s", line, title)
	} else if rest := strings.TrimPrefix(f.Address, group); rest != "" {
		title = p.clean(strings.TrimPrefix(rest, "/")) + "  " + title
	}
	fmt.Fprintf(p.W, "  %s %s\n", p.paint(style, sign), p.paint(style, title))
	fmt.Fprintln(p.W, wrap("    "+p.clean(f.Summary), "    ", p.width()))
	if f.Severity != "info" {
		for _, e := range f.Evidence {
			if !strings.Contains(f.Summary, strings.TrimPrefix(e, "compose-go, which docker compose reads files with: ")) {
				fmt.Fprintln(p.W, p.paint(quiet, wrap("    - "+p.clean(e), "      ", p.width())))
			}
		}
	}
	if !said[f.Rule] {
		fmt.Fprintln(p.W, p.paint(quiet, wrap("    why: "+p.clean(f.Detail), "         ", p.width())))
		if f.Severity == "info" {
			fmt.Fprintln(p.W, wrap("    fix: "+p.clean(f.Fix), "         ", p.width()))
		}
	}
	if f.Severity != "info" {
		fmt.Fprintln(p.W, wrap("    fix: "+p.clean(f.Fix), "         ", p.width()))
		fmt.Fprintln(p.W)
	}
	said[f.Rule] = true
}

// Tally is the last word: how many findings, and how many hints and others that were
// not shown.
func (p *Printer) Tally(findings []inventory.Finding, silenced, known int) {
	hints := 0
	for _, f := range findings {
		if counted(f) {
			hints++
		}
	}
	switch n := len(findings) - hints; n {
	case 0:
		p.Printf("Nothing found.")
	case 1:
		p.Printf("1 finding.")
	default:
		p.Printf("%d findings.", n)
	}
	if silenced > 0 {
		p.Printf("%d silenced.", silenced)
	}
	if known > 0 {
		p.Printf("%d known from the baseline.", known)
	}
	switch hints {
	case 0:
	case 1:
		p.Wrapped("1 image without a fixed tag: recon doctor --rule image-latest")
	default:
		p.Wrapped(fmt.Sprintf("%d images without a fixed tag: recon doctor --rule image-latest", hints))
	}
}

// counted reports the hints that are counted and not told, since there may be many of
// them and all say the same.
func counted(f inventory.Finding) bool { return f.Severity == "info" && f.Rule == "image-latest" }
