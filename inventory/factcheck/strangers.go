package factcheck

import (
	"path"
	"slices"
	"strings"

	"recon/inventory/factcheck/source"
)

// Two pages may be about two homes, two sites or two times: their statements contradict
// each other in most, and what they say alike is chance.

// A pair is two pages, in the order of their paths; a page may be both.
type pair [2]string

func pairOf(a, b string) pair { return pair{min(a, b), max(a, b)} }

// common is how often two pages say the same of somebody, and how often not.
type common struct{ alike, apart int }

// acquainted counts what pages have in common, for those pairs that findings are about.
func (c *court) acquainted(pairs map[pair]bool) map[pair]common {
	out, pages := map[pair]common{}, map[string]bool{}
	for p := range pairs {
		pages[p[0]], pages[p[1]] = true, true
	}
	count := func(group []*statement, same func(a, b *statement) bool) {
		seen := map[pair]bool{}
		elsewhere := func(s *statement) bool { return !pages[s.page.Path] }
		group = slices.DeleteFunc(slices.Clone(group), elsewhere)
		for i, a := range group[:min(len(group), 60)] {
			for _, b := range group[:i] {
				p := pairOf(a.page.Path, b.page.Path)
				if seen[p] || !pairs[p] || a.Role == source.Address && len(byNetwork([]*statement{a, b})) > 1 {
					continue
				}
				seen[p] = true
				n := out[p]
				if same(a, b) {
					n.alike++
				} else {
					n.apart++
				}
				out[p] = n
			}
		}
	}
	for _, group := range c.groups {
		if group[0].subj != nil {
			count(group, agree)
		}
	}
	for _, group := range c.numbers {
		count(group, func(a, b *statement) bool { return mayBeOne(a.name, b.name) })
	}
	return out
}

// betweenPages are the pairs of pages that a finding holds against each other.
func (f *Finding) betweenPages() (out []pair) {
	places := slices.Concat(f.Wrong, f.Others)
	for i, a := range places {
		for _, b := range places[:i] {
			if a.Claim != b.Claim {
				out = append(out, pairOf(a.File, b.File))
			}
		}
	}
	return out
}

// ofOneHome leaves out findings of pages that are about different homes.
func (c *court) ofOneHome(list []Finding) []Finding {
	pairs := map[pair]bool{}
	for i := range list {
		if f := &list[i]; f.Class == ClassTwice || f.Class == ClassBetween {
			for _, p := range f.betweenPages() {
				pairs[p] = true
			}
		}
	}
	if len(pairs) == 0 {
		return list
	}
	known := c.acquainted(pairs)
	beside := twinFolders(known)
	one := func(p pair) bool {
		n := known[p]
		written := path.Ext(p[0]) == ".md" && path.Ext(p[1]) == ".md" // what programs read is of the home
		return !beside[pairOf(path.Dir(p[0]), path.Dir(p[1]))] && (!written || n.apart < 6 || n.apart <= 3*n.alike)
	}
	return slices.DeleteFunc(list, func(f Finding) bool {
		between := f.betweenPages()
		if f.Class == ClassBetween && len(between) > 0 && !slices.ContainsFunc(between, func(p pair) bool { return !twoStates(p) }) {
			return true
		}
		return (f.Class == ClassTwice || f.Class == ClassBetween) && len(between) > 0 && !slices.ContainsFunc(between, one)
	})
}

// twoStates reports files of two folders of Terraform, Terragrunt or Packer: one machine is
// in one state only, so the other folder is for another time or place, or another template.
func twoStates(p pair) bool {
	terraform := func(file string) bool { return strings.Contains(" .tf .tfvars .hcl ", " "+path.Ext(file)+" ") }
	return terraform(p[0]) && terraform(p[1]) && path.Dir(p[0]) != path.Dir(p[1])
}

// twinFolders are folders side by side with files of one name that speak of the same:
// sites/de/lxc.md and sites/pl/lxc.md each say how it is with them.
func twinFolders(known map[pair]common) map[pair]bool {
	out := map[pair]bool{}
	for p, n := range known {
		a, b := path.Dir(p[0]), path.Dir(p[1])
		base := strings.ToLower(path.Base(p[0]))
		if n.apart > 0 && a != b && a != "." && b != "." && path.Dir(a) == path.Dir(b) && strings.EqualFold(path.Base(p[1]), base) && !strings.HasPrefix(base, "readme") && !strings.HasPrefix(base, "index") {
			out[pairOf(a, b)] = true
		}
	}
	return out
}
