package compose

import (
	"encoding/hex"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

// A variable without a value in the file would be nothing to compose-go, and
// "${ROOT}/downloads:/downloads" the folder /downloads. Where rules look, it becomes a
// word that no file holds, which is written out as the variable again at the end.

const (
	open, shut = "\ue000", "\ue001"
	rooted     = "\ue002" // after a slash that was put before a variable
)

var (
	// A variable without a default, also Terraform's ${var.x}; $$ is a dollar.
	variable = regexp.MustCompile(`\$\$|\$\{([A-Za-z_][A-Za-z0-9_.]*)(?::?\?[^{}]*)?\}|\$([A-Za-z_][A-Za-z0-9_]*)`)
	held     = regexp.MustCompile(open + `([A-Za-z0-9_.]+)` + shut)
	// One at the beginning of a text, or as the default of one there.
	defaultHeld = regexp.MustCompile(`^((?:\$\{[A-Za-z_][A-Za-z0-9_]*:?-)*)` + open)
	portOnly    = regexp.MustCompile(`:([0-9]+(?:-[0-9]+)?(?:/(?:tcp|udp))?)$`)
)

func hold(s string) string {
	return variable.ReplaceAllStringFunc(s, func(v string) string {
		m := variable.FindStringSubmatch(v)
		if name := m[1] + m[2]; name != "" {
			return open + name + shut
		}
		return v
	})
}

// templated begins the names of variables that stand for a template's expressions;
// the expression follows in hex, so that two of them are not taken for one.
const templated = "RECON_TEMPLATE_"

func templateVariable(expression string) string {
	return "${" + templated + hex.EncodeToString([]byte(strings.Join(strings.Fields(expression), " "))) + "}"
}

// release writes variables and expressions as the file does.
func release(s string) string {
	s = strings.ReplaceAll(s, "/"+rooted, "")
	return held.ReplaceAllStringFunc(s, func(v string) string {
		name := held.FindStringSubmatch(v)[1]
		if digits, ok := strings.CutPrefix(name, templated); ok {
			if expression, err := hex.DecodeString(digits); err == nil {
				return string(expression)
			}
		}
		return "${" + name + "}"
	})
}

// holdAll holds the variables of a compose document in the places that rules read.
func holdAll(doc *yaml.Node) {
	for i := 0; i+1 < len(doc.Content); i += 2 {
		switch key, v := doc.Content[i].Value, doc.Content[i+1]; {
		case key == "services":
			for j := 1; j < len(v.Content); j += 2 {
				holdService(v.Content[j])
			}
		case strings.HasPrefix(key, "x-"):
			holdService(v)
		case key == "networks":
			holdScalars(v)
		}
	}
}

func holdService(s *yaml.Node) {
	for i := 0; s.Kind == yaml.MappingNode && i+1 < len(s.Content); i += 2 {
		v := s.Content[i+1]
		if v.Kind == yaml.AliasNode && v.Alias != nil {
			v = v.Alias
		}
		switch s.Content[i].Value {
		case "ports", "expose":
			holdPorts(v)
		case "volumes":
			holdVolumes(v)
		case "image", "container_name", "network_mode", "networks", "environment", "labels", "command", "entrypoint":
			holdScalars(v)
		}
	}
}

func holdScalars(n *yaml.Node) {
	walk(n, 0, func(n *yaml.Node) bool {
		if n.Kind == yaml.ScalarNode {
			n.Value = hold(n.Value)
		}
		return true
	})
}

// holdPorts keeps of a port with a variable what is known of it: that of the
// container. One of which nothing is known goes.
func holdPorts(list *yaml.Node) {
	if list.Kind != yaml.SequenceNode {
		return
	}
	kept := list.Content[:0]
	for _, n := range list.Content {
		if n.Kind == yaml.ScalarNode && hold(n.Value) != n.Value {
			m := portOnly.FindStringSubmatch(n.Value)
			if m == nil {
				continue
			}
			n.Value = m[1]
		}
		if n.Kind == yaml.MappingNode && !holdPort(n) {
			continue
		}
		kept = append(kept, n)
	}
	list.Content = kept
}

// holdPort does the same for a port that is written out.
func holdPort(n *yaml.Node) (known bool) {
	var kept []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if hold(v.Value) == v.Value {
			kept = append(kept, k, v)
		} else if k.Value == "target" {
			return false
		}
	}
	n.Content = kept
	return true
}

// holdVolumes holds variables in mounts. One that begins with a variable is taken for
// a folder of the host, which it nearly always is.
func holdVolumes(list *yaml.Node) {
	begin := func(n *yaml.Node) {
		n.Value = defaultHeld.ReplaceAllString(hold(n.Value), "$1/"+rooted+open)
	}
	for _, n := range list.Content {
		switch n.Kind {
		case yaml.ScalarNode:
			begin(n)
		case yaml.MappingNode:
			holdScalars(n)
			if t, source := valueOf(n, "type"), valueOf(n, "source"); t != nil && t.Value == "bind" && source != nil {
				begin(source)
			}
		}
	}
}

// releaseAll writes the variables of a service out again.
func releaseAll(s *doctor.ComposeService) {
	for _, text := range []*string{&s.Image, &s.Container, &s.NetworkMode, &s.WantNetwork} {
		*text = release(*text)
	}
	for i := range s.Networks {
		s.Networks[i] = release(s.Networks[i])
	}
	for i := range s.Binds {
		s.Binds[i].Source, s.Binds[i].Target = release(s.Binds[i].Source), release(s.Binds[i].Target)
	}
}
