package factcheck

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"recon/inventory/factcheck/source"
)

// A Tree is what lies in the folder that all paths of documents start from.
type Tree struct {
	Files   []string               // relative, with forward slashes
	Folders []string               // those that may hold none of them
	Ignored func(path string) bool // by Git; nil when nobody knows
	Rules   []string               // what .gitignore says, from the root: "secrets/**/*.txt"
}

// A library answers what is there.
type library struct {
	tree   *Tree
	files  map[string]bool
	dirs   map[string]bool
	byBase map[string][]string // by the last part in lower case
	site   bool                // a program makes a site of it
	vault  bool                // links find a page by its name alone, as Obsidian and Quartz do
	kept   map[string]bool     // folders of which .gitignore names something: Git may not have them
	deep   map[string]bool     // those of which it names something at any depth
	made   map[string]bool     // last parts that scripts and configuration name: somebody makes or brings them
}

func newLibrary(tree *Tree, pages []*source.Page) *library {
	l := &library{tree: tree, files: map[string]bool{}, dirs: map[string]bool{".": true}, byBase: map[string][]string{}, made: map[string]bool{}, kept: map[string]bool{}, deep: map[string]bool{}}
	for _, rule := range tree.Rules {
		l.rule(rule)
	}
	for _, d := range tree.Folders {
		l.dirs[d] = true
	}
	for _, f := range tree.Files {
		l.files[f] = true
		base := strings.ToLower(path.Base(f))
		l.site = l.site || siteConfig.MatchString(base)
		l.vault = l.vault || strings.HasPrefix(f, ".obsidian/") || strings.HasPrefix(base, "quartz.config.")
		l.byBase[base] = append(l.byBase[base], f)
		for d := path.Dir(f); d != "." && !l.dirs[d]; d = path.Dir(d) {
			l.dirs[d] = true
		}
	}
	for _, p := range pages {
		if ext := strings.ToLower(path.Ext(p.Path)); ext == ".md" || ext == ".markdown" {
			continue
		}
		for _, name := range fileWord.FindAllString(string(p.Text), -1) {
			l.made[strings.ToLower(name)] = true
		}
	}
	return l
}

// rule takes a line of .gitignore up: the folder in which it names something.
func (l *library) rule(rule string) {
	if strings.Contains(rule, "!") {
		return
	}
	before, _, deep := strings.Cut(rule, "**")
	folder := path.Dir(before)
	if i := strings.IndexAny(before, "*?["); i >= 0 {
		folder = path.Dir(before[:i] + "x")
	}
	if folder = path.Clean(folder); folder != "." {
		l.kept[folder] = true
		l.deep[folder] = l.deep[folder] || deep
	}
}

// holdsIgnored reports a folder of which .gitignore names something.
func (l *library) holdsIgnored(folder string) bool {
	for d := folder; d != "." && d != "/"; d = path.Dir(d) {
		if l.deep[d] || l.kept[d] && d == folder {
			return true
		}
	}
	return false
}

var fileWord = regexp.MustCompile(`[A-Za-z0-9_][A-Za-z0-9_.-]*\.[A-Za-z0-9]{1,10}\b`)

func (l *library) has(p string) bool {
	p = path.Clean(p)
	return l.files[p] || l.dirs[p]
}

func (l *library) ignored(p string) bool {
	return l.tree.Ignored != nil && l.tree.Ignored(path.Clean(p))
}

// elsewhere reports a file whose path ends with the target.
func (l *library) elsewhere(target string) bool {
	target = path.Clean(target)
	return slices.ContainsFunc(l.byBase[strings.ToLower(path.Base(target))], func(f string) bool { return f == target || strings.HasSuffix(f, "/"+target) })
}

// meant is the only file that a target can mean: of that name in another folder or
// another case. Of several, the one that shares the most folders.
func (l *library) meant(target string) string {
	best, most, tie := "", 0, false
	for _, f := range l.byBase[strings.ToLower(path.Base(target))] {
		switch n := commonEnd(strings.ToLower(f), strings.ToLower(target)); {
		case n > most:
			best, most, tie = f, n, false
		case n == most:
			tie = true
		}
	}
	if best == "" {
		return l.otherCase(target)
	}
	if most == 2 && everybodysFile(target) && everybodys[path.Base(path.Dir(target))] {
		most = 1
	}
	same := len(l.byBase[strings.ToLower(path.Base(target))])
	if everybodysFile(target) && !oneAbove(path.Dir(best), path.Dir(target)) && (most < 2 || most == 2 && same > 1 && everybodysFile(path.Dir(target))) {
		return "" // ansible/README.md of another folder
	}
	if tie || most < 2 && (same > 3 || l.rival(target)) {
		return ""
	}
	return best
}

// rival reports a file beside the target whose name is a part of the target's, or the other way
// round: roadmap.md where a link says platform-roadmap.md. Nobody knows which one is meant.
func (l *library) rival(target string) bool {
	stem := func(f string) string {
		return strings.ToLower(strings.TrimSuffix(path.Base(f), path.Ext(f)))
	}
	partOf := func(a, b string) bool {
		return len(a) > 3 && (strings.HasSuffix(b, "-"+a) || strings.HasSuffix(b, "_"+a) || strings.HasPrefix(b, a+"-") || strings.HasPrefix(b, a+"_"))
	}
	for f := range l.files {
		if path.Dir(f) == path.Dir(target) && path.Ext(f) == path.Ext(target) && (partOf(stem(f), stem(target)) || partOf(stem(target), stem(f))) {
			return true
		}
	}
	return false
}

// otherCase is the folder that is called as the target in another case.
func (l *library) otherCase(target string) (found string) {
	for d := range l.dirs {
		if strings.EqualFold(d, path.Clean(target)) && (found == "" || d < found) {
			found = d
		}
	}
	return found
}

// everybodysFile reports a name that any folder may have a file of: one plain word.
func everybodysFile(target string) bool {
	base := path.Base(target)
	return !strings.ContainsAny(strings.TrimSuffix(base, path.Ext(base)), "-_.0123456789 ")
}

// oneAbove reports two folders of which one lies in the other.
func oneAbove(a, b string) bool {
	return a == "." || b == "." || a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

// commonEnd counts the parts in which two paths end alike.
func commonEnd(a, b string) (n int) {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	for n < len(x) && n < len(y) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n
}

// references finds links, paths and drawn trees that lead nowhere: one finding for
// a path, however often it is said.
func references(pages []*source.Page, tree *Tree) []Finding {
	l := newLibrary(tree, pages)
	var out []Finding
	index := map[string]int{}
	for _, p := range pages {
		if p.Past {
			continue
		}
		if l.generated(path.Dir(p.Path)) {
			continue
		}
		trees, others := l.drawings(p), l.othersPaths(p)
		for i := range p.Refs {
			ref := &p.Refs[i]
			if ref.Past || p.Ignored(ref.Off) {
				continue
			}
			d := l.dead(p, ref, trees, others)
			if d == nil {
				continue
			}
			at, known := index[d.subject]
			if !known {
				at = len(out)
				index[d.subject] = at
				out = append(out, Finding{Class: ClassDead, Kind: KindReference, Subject: d.subject, Source: "the files", Suggest: d.meant})
			}
			out[at].Wrong = append(out[at].Wrong, d.place)
		}
	}
	return out
}

// A deadRef is a reference that leads nowhere.
type deadRef struct {
	subject, meant string
	place          Place
}

var (
	remote      = regexp.MustCompile(`^(?:[a-zA-Z][a-zA-Z0-9+.-]*:|//|#)`)
	placeholder = regexp.MustCompile("[<>{}$*?|\"'`\\\\\\[\\]]|\\.\\.\\.|…|(?i)\\bpath/to\\b|your(?:[-_]|app|name|service)|(?:^|/)my(?:feature|app|service|stack|role|host|vm|server|container|project|script|module|plugin|page)\\b|(?:app|tool|service|stack|container|host|role|module|script|playbook|vm|node|cluster|project|file)[-_]?name\\b|example|\\bfoo\\b|YYYY|(?-i:XX)|NNN|^~|(?:^|/)(?:my|your|mon|mein|new|some|sample)[-_]|(?-i:[a-z-][A-Z]{2,}_[A-Z]{2,})|^(?:project|feedback|memory)_[a-z]")
	homeFolder  = regexp.MustCompile(`^(?:file://)?(/home/[^/]+|/Users/[^/]+|/[A-Za-z]:/Users/[^/]+|[A-Za-z]:[/\\]Users[/\\][^/\\]+)[/\\]`)
	codePath    = regexp.MustCompile(`^(?:\./)?[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*\.(?:md|tf|hcl|ya?ml|py|sh|json|toml|ini|conf|j2|tfvars|ps1|js|ts)$`)
	makesIt     = regexp.MustCompile(`(?i)\b(?:creat\w*|crear|crea|erstell\w*|generat\w*|cop(?:y|ied)|cp|mv|add\w*|writ\w*|output\w*|produc\w*|sav\w*|stored?|download\w*|export\w*|backup|rename\w*|will|would|your|e\.g|ex|git-?ignored|ignored|not committed|template|into|optional\w*|touch|nano|vim|if|upload\w*|deploy\w* to|mount\w*|remote|on the (?:host|server|vm)|inside|upstream|new|like|such as|instead|remov\w*|delet\w*|replac\w*|record\w*|log|this file|you are here|falls|wenn|sofern|after|nach|later|soon|future|planned|coming|venir|prévu|geplant|futuro|pendiente|planejado|todo|wip|was|were|moved|old|no longer|missing|requir\w*|needs?|submodule|repo|repository|empty|working (?:directory|dir|folder)|scratch)\b|처럼|예시|例|например|por ejemplo|par exemple|z\. ?B\.`)
	pointsAt    = regexp.MustCompile(`(?i)\b(?:see|read|refer to|documented in|described in|details in|context:|guide:|docs?:|documentation:)\s*(?:also\s+|the\s+)?[*_]*$`)
	labelled    = regexp.MustCompile(`(?i)^\s*(?:[-*+]\s+)?[*_]{0,2}(?:[A-Za-z]+ )*\b(?:json|playbook|script|runbook|guide|context|doc|docs|documentation|module|manifest)[*_]{0,2}:[*_]{0,2}\s+(?:see\s+)?$`)
	ofForge     = regexp.MustCompile(`^(?:\.\./)+(?:issues|pulls?|wiki|releases|tree|blob|actions|discussions|compare|commits?|milestones|projects|security|stargazers)(?:/|$)`)
	picture     = regexp.MustCompile(`(?i)\.(?:png|jpe?g|gif|svg|webp|avif|ico)$`)
	anyPicture  = regexp.MustCompile(`(?i)^(?:\./|images?/|img/)*(?:image|img|picture|pic|photo|logo|screenshot)\.\w+$`)
	anyCaption  = regexp.MustCompile(`(?i)!\[(?:alt(?:[ -]?text)?|image|img|picture|logo|title|text|description|screenshot)?$`)
	ofSkill     = regexp.MustCompile(`(?i)(?:^|/)(?:skills/|SKILL\.md$)`) // what is read wherever an agent works
	introduces  = regexp.MustCompile(`^[^.;]{0,40}:[*_]*\s*$`)
	siteConfig  = regexp.MustCompile(`^(?:mkdocs\.ya?ml|docusaurus\.config\.[jt]s|hugo\.(?:toml|ya?ml)|_config\.ya?ml|astro\.config\.m?[jt]s|book\.toml|antora\.yml)$`)
	ofHost      = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:local|lan|home|internal|arpa|com|net|org|io|dev)(?::\d+)?/?$`)
	becomes     = regexp.MustCompile("^`?\\s*(?:→|->|=>|⇒)\\s*[`/]")
	lineBehind  = regexp.MustCompile(`:\d+(?:-\d+)?$`)
	letter      = regexp.MustCompile(`\pL`)
	shapedFile  = regexp.MustCompile(`[-_0-9]|^[A-Z]{4,}`)
)

// dead judges one reference.
func (l *library) dead(p *source.Page, ref *source.Ref, trees map[int]*drawn, others []int) *deadRef {
	target, _, _ := strings.Cut(ref.Target, "#")
	target, _, _ = strings.Cut(target, "?")
	target = lineBehind.ReplaceAllString(target, "")
	plain, err := url.PathUnescape(target)
	if err != nil {
		plain = target
	}
	if m := homeFolder.FindStringSubmatch(plain); m != nil && ref.Form == source.Link {
		return l.somebodysHome(p, ref, target, plain, m[1])
	}
	if plain == "" || path.Base(plain) == ".md" || remote.MatchString(ref.Target) || placeholder.MatchString(target) {
		return nil
	}
	switch ref.Form {
	case source.Link:
		if anyPicture.MatchString(plain) && anyCaption.MatchString(ref.Before) {
			return nil // how a picture is put into a page
		}
		return l.deadLink(p, ref, target, plain)
	case source.CodeSpan:
		return l.deadPath(p, ref, plain, others)
	default:
		return l.deadLine(p, ref, plain, trees)
	}
}

func (d *deadRef) at(p *source.Page, ref *source.Ref, claim, fix string) *deadRef {
	line, column := p.Position(ref.Off)
	if p.ReadOnly || fix == claim {
		fix = ""
	}
	d.place = Place{File: p.Path, Line: line, Column: column, Claim: claim, Fix: fix, Offset: ref.Off}
	return d
}

// deadLink judges the target of a link: beside its page, or from the root.
func (l *library) deadLink(p *source.Page, ref *source.Ref, target, plain string) *deadRef {
	dir := path.Dir(p.Path)
	at := path.Join(dir, plain)
	if strings.HasPrefix(plain, "/") {
		at = path.Clean(plain[1:])
		if path.Ext(at) == "" || l.elsewhere(at) {
			return nil // a place of a site
		}
	}
	if strings.HasPrefix(at, "..") || ofForge.MatchString(plain) || ofHost.MatchString(plain) {
		return nil // beyond the root: a place of the forge; or of another machine
	}
	for _, c := range []string{at, path.Clean(strings.TrimPrefix(plain, "/"))} {
		if l.has(c) || l.ignored(c) {
			return nil
		}
	}
	if l.has(path.Join(strings.TrimSuffix(p.Path, path.Ext(p.Path)), plain)) {
		return nil // a site where each page is a folder: ../x.svg lies beside it
	}
	if page, ok := strings.CutSuffix(at, ".html"); ok && l.has(page+".md") {
		return nil // what a program makes of a page
	}
	if l.vault && len(l.byBase[strings.ToLower(path.Base(at))]) > 0 || l.atRuntime(path.Dir(at)) && path.Ext(at) != ".md" {
		return nil
	}
	if l.site && picture.MatchString(at) && len(l.byBase[strings.ToLower(path.Base(at))]) > 0 {
		return nil // the program that makes the site puts it there
	}
	if path.Ext(plain) == "" {
		for _, end := range []string{".md", ".mdx", "/index.md", "/README.md", ".html"} {
			if l.has(at + end) {
				return nil
			}
		}
		if !strings.Contains(plain, "/") || len(l.byBase[strings.ToLower(path.Base(plain))+".md"]) > 0 {
			return nil // a page of a wiki
		}
	}
	d := &deadRef{subject: at, meant: l.meant(at)}
	return d.at(p, ref, target, relativeTo(dir, d.meant, target))
}

// relativeTo writes the path of a file as a link of a folder's page writes it.
func relativeTo(dir, file, like string) string {
	if file == "" || strings.Contains(file, " ") {
		return ""
	}
	if strings.HasPrefix(like, "/") {
		return "/" + file
	}
	from, to := strings.Split(dir, "/"), strings.Split(file, "/")
	if dir == "." {
		from = nil
	}
	n := 0
	for n < len(from) && n < len(to)-1 && from[n] == to[n] {
		n++
	}
	out := strings.Repeat("../", len(from)-n) + strings.Join(to[n:], "/")
	if strings.HasPrefix(like, "./") && !strings.HasPrefix(out, "../") {
		out = "./" + out
	}
	return out
}

// runtimeFolders hold what programs write.
const runtimeFolders = " run data log logs output out dist build tmp cache backup backups state secrets certs node_modules .terraform volumes appdata "

// atRuntime reports a folder that is not there and is one that programs make.
func (l *library) atRuntime(folder string) bool {
	return !l.dirs[folder] && slices.ContainsFunc(strings.Split(folder, "/"), func(part string) bool { return strings.Contains(runtimeFolders, " "+part+" ") })
}

// everybodys are folders that every repository has: a path below one of them may be of
// another repository.
var everybodys = map[string]bool{
	"scripts": true, "script": true, "bin": true, "src": true, "lib": true, "config": true, "configs": true, "conf": true, "tests": true, "test": true, "docs": true, "tools": true, "deploy": true,
	".github/workflows": true, ".github": true, ".claude": true, ".vscode": true, ".cursor": true,
}

// deadPath judges a path in a code span. Many of them are on other machines, so it
// counts only where its folder is there and is nobody else's, where the text says that
// it is a file to look at, or where the file lies in a folder of the same name elsewhere.
func (l *library) deadPath(p *source.Page, ref *source.Ref, plain string, others []int) *deadRef {
	if ofSkill.MatchString(p.Path) || !codePath.MatchString(plain) || becomes.MatchString(ref.After) || !letter.MatchString(ref.Before+ref.After) || strings.Contains(p.LineAt(ref.Off), "://git") || makesIt.MatchString(p.Around(ref.Off)) {
		return nil
	}
	if introduces.MatchString(ref.After) && strings.HasPrefix(p.NextLine(ref.Off), "```") {
		return nil // what is to stand in it follows
	}
	target := strings.TrimPrefix(plain, "./")
	base := path.Base(target)
	if l.elsewhere(target) || l.made[strings.ToLower(base)] {
		return nil
	}
	for _, c := range []string{target, path.Join(path.Dir(p.Path), target)} {
		if l.has(c) || l.ignored(c) {
			return nil
		}
	}
	first, rest, nested := strings.Cut(target, "/")
	if nested && (l.has(rest) || strings.Contains(runtimeFolders, " "+first+" ")) {
		return nil // from the folder above, or written by a program
	}
	folder := path.Dir(target)
	here := nested && (l.dirs[folder] || l.dirs[path.Join(path.Dir(p.Path), folder)])
	named := labelled.MatchString(ref.Before)
	pointed := (named || pointsAt.MatchString(ref.Before)) &&
		(here || named && nested && path.Ext(base) == ".md" || !nested && shapedFile.MatchString(strings.TrimSuffix(base, path.Ext(base))))
	d := &deadRef{subject: target, meant: l.meant(target)}
	if !pointed && near(others, ref.Off) {
		return nil
	}
	if !pointed && (!here || everybodys[folder]) && commonEnd(d.meant, target) < 2 {
		return nil
	}
	fix := ""
	if nested && l.dirs[first] {
		fix = d.meant
	}
	return d.at(p, ref, plain, fix)
}

// othersPaths are the places of paths in code spans of which not even the first folder is
// here: the text may be about another repository.
func (l *library) othersPaths(p *source.Page) (out []int) {
	for i := range p.Refs {
		ref := &p.Refs[i]
		first, _, nested := strings.Cut(strings.TrimPrefix(ref.Target, "./"), "/")
		if ref.Form == source.CodeSpan && nested && codePath.MatchString(ref.Target) && !l.dirs[first] && !l.dirs[path.Join(path.Dir(p.Path), first)] && !l.elsewhere(ref.Target) {
			out = append(out, ref.Off)
		}
	}
	return out
}

// near reports a place that is hardly further than the next lines.
func near(places []int, off int) bool {
	at, _ := slices.BinarySearch(places, off)
	return at < len(places) && places[at]-off < 300 || at > 0 && off-places[at-1] < 300
}

// generated reports a folder of which a program wrote what is in it.
func (l *library) generated(folder string) bool {
	for d := folder; ; d = path.Dir(d) {
		if l.has(path.Join(d, ".openapi-generator-ignore")) {
			return true
		}
		if d == "." || d == "/" {
			return false
		}
	}
}

// somebodysHome judges a link into somebody's home folder: nobody else has it. All
// links into one such folder are one finding.
func (l *library) somebodysHome(p *source.Page, ref *source.Ref, target, plain, home string) *deadRef {
	parts := strings.Split(strings.ReplaceAll(plain, "\\", "/"), "/")
	d := &deadRef{subject: home}
	for i := range parts {
		if tail := strings.Join(parts[i:], "/"); l.has(tail) && tail != "" && tail != "." && (i < len(parts)-1 || !everybodysFile(tail)) {
			d.meant = tail
			break
		}
	}
	return d.at(p, ref, target, relativeTo(path.Dir(p.Path), d.meant, ""))
}
