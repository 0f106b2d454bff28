package compose

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

// firstFault is the fault of the first service of the file that has one, and of its keys, or of
// its networks and dependencies, the first that has it. compose-go names any one, today this
// and tomorrow that, and a finding has to be the same each time.
func (r *repository) firstFault(ctx context.Context, s *source, values environment, err error) error {
	services := valueOf(s.doc, "services")
	if services == nil || services.Kind != yaml.MappingNode {
		return err
	}
	of, parts := ofService, narrowed
	fault := func(doc *yaml.Node) error {
		text, err := yaml.Marshal(doc)
		if err != nil {
			return nil
		}
		_, err = r.loadFiles(ctx, s, []types.ConfigFile{r.config(s.name, string(text))}, values, r.strict(s), true)
		if err != nil && of.MatchString(err.Error()) {
			return err
		}
		return nil
	}
	switch text := err.Error(); {
	case ofSchema.MatchString(text):
		of, parts = ofSchema, keyByKey
	case ofDocument.MatchString(text):
		of = ofDocument
		for _, part := range keyByKey(inlined(s.doc)) {
			if err := fault(part); err != nil {
				return err
			}
		}
		return err
	case !ofService.MatchString(text):
		return err
	}
	for i := 1; i < len(services.Content) && i < 200 && ctx.Err() == nil; i += 2 {
		one := onlyService(s.doc, i)
		err := fault(one)
		if err == nil {
			continue
		}
		for _, part := range parts(valueOf(one, "services").Content[i]) {
			valueOf(one, "services").Content[i] = part
			if err := fault(one); err != nil {
				return err
			}
		}
		return err
	}
	return err
}

// keyByKey are copies of a mapping, each with but one of its keys.
func keyByKey(all *yaml.Node) (out []*yaml.Node) {
	for pair := range slices.Chunk(all.Content, 2) {
		part := *all
		part.Content = pair
		out = append(out, &part)
	}
	return out
}

// references are the keys that name what others define, as compose-go looks at them.
var references = []string{"networks", "depends_on", "links", "volumes_from"}

// narrowed are copies of a service, each with but one of its references.
func narrowed(service *yaml.Node) (out []*yaml.Node) {
	bare := *service
	bare.Content = nil
	for pair := range slices.Chunk(service.Content, 2) {
		if !slices.Contains(references, pair[0].Value) {
			bare.Content = append(bare.Content, pair...)
		}
	}
	for _, key := range references {
		all := valueOf(service, key)
		if all == nil {
			continue
		}
		wide := 1
		if all.Kind == yaml.MappingNode {
			wide = 2
		}
		for items := range slices.Chunk(all.Content, wide) {
			only, part := *all, bare
			only.Content = items
			part.Content = append(slices.Clone(bare.Content), &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &only)
			out = append(out, &part)
		}
	}
	return out
}

// onlyService is a document in which all services but one are nothing but their names.
func onlyService(doc *yaml.Node, keep int) *yaml.Node {
	out := inlined(doc)
	services := valueOf(out, "services")
	for i := 1; i < len(services.Content); i += 2 {
		if i != keep {
			services.Content[i] = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "image"}, {Kind: yaml.ScalarNode, Value: "none"}}}
		}
	}
	return out
}

var (
	yamlLine   = regexp.MustCompile(`^(?:yaml: (?:[a-z]+ errors: )?)?(?:line \d+: )?line (\d+):`)
	unknown    = regexp.MustCompile(`^(\S+)\.(\S+) false schema$`)
	dotted     = regexp.MustCompile(`\b(services|networks|volumes|secrets|configs)\.([A-Za-z0-9_-]+)((?:\.[A-Za-z0-9_\[\]-]+)*)`)
	ofDocument = regexp.MustCompile(`\b(?:services|networks|volumes|secrets|configs)\S* (?:additional|must|value)`)
	ofSchema   = regexp.MustCompile(`\bservices\.`)
	ofService  = regexp.MustCompile("[Ss]ervice \"?([A-Za-z0-9_.-]+)\"?")
)

// refusalOf puts compose-go's error into words: without the folders of this machine,
// without its marks, and without values of the file, which may be secret.
func refusalOf(err error, s *source, root string) doctor.Refusal {
	text := err.Error()
	var bad *template.InvalidTemplateError
	if errors.As(err, &bad) || strings.HasPrefix(text, "invalid interpolation format") {
		first, _, _ := strings.Cut(text, "\n")
		text = strings.TrimSuffix(first, ".") + ": a $ that begins no variable is written $$"
	}
	text = strings.ReplaceAll(text, root+string(filepath.Separator), "")
	for _, noise := range []string{"validating " + s.name + ": ", "failed to parse " + s.name + ": ", ": invalid compose project"} {
		text = strings.ReplaceAll(text, noise, "")
	}
	text = quotedList.ReplaceAllStringFunc(strings.Join(strings.Fields(text), " "), inOrder)
	out := doctor.Refusal{Words: text, Line: lineOf(s.doc, "services")}
	switch m := dotted.FindStringSubmatch(text); {
	case yamlLine.MatchString(text):
		at := yamlLine.FindStringSubmatchIndex(text)
		out.Line, out.Words = atoi(text[at[2]:at[3]]), strings.TrimSpace(text[at[1]:])
	case unknown.MatchString(text):
		u := unknown.FindStringSubmatch(text)
		out.Words = u[1] + " has a key that docker compose does not know: " + u[2]
		out.Line = deepestLine(s.doc, strings.Split(u[1]+"."+u[2], "."), out.Line)
	case m != nil:
		out.Line = deepestLine(valueOf(s.doc, m[1]), append([]string{m[2]}, strings.Split(strings.Trim(m[3], "."), ".")...), out.Line)
	case ofService.MatchString(text):
		if line := lineOf(s.services, ofService.FindStringSubmatch(text)[1]); line > 0 {
			out.Line = line
		}
	}
	return out
}

// quotedList are names one after another; compose-go's own order is another one each time.
var quotedList = regexp.MustCompile(`'[^']*'(?:, '[^']*')+`)

func inOrder(list string) string {
	names := strings.Split(list, ", ")
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// deepestLine follows keys as far as the document has them.
func deepestLine(n *yaml.Node, keys []string, line int) int {
	for _, k := range keys {
		at := lineOf(n, k)
		if at == 0 {
			break
		}
		line, n = at, valueOf(n, k)
	}
	return line
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 65535 {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}
