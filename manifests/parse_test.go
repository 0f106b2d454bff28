package manifests

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// inParts are texts that a parse in parts could get wrong.
var inParts = []string{
	"vm \"a\" {\n}\n\nvm \"b\" {\n}\n",
	"vm \"a\" {\n  x = <<EOT\n}\n\nvm \"b\" {\nEOT\n}\n\nvm \"c\" {\n}\n\n",
	"/*\nvm \"a\" {\n}\n\n*/\nvm \"b\" {\n}\n\nvm \"c\" {}\n",
	"locals {\n  a = {\n    b = 1\n}\n\n  c = 2\n}\n\nvm \"b\" {\n}\n\n",
	"a = 1\nvm \"a\" {\n}\n\na = 2\nvm \"b\" {\n}\n\n",
	"vm \"a\" {\n}\n\n\xef\xbb\xbfvm \"b\" {\n}\n\n",
	"locals {\n  a = \"${\n}\n\n\"\n}\n\nvm \"b\" {\n}\n\n",
	"vm \"a\" {\n}\n\n# the last\n",
}

// sameInParts parses a text whole and in parts of so many bytes. When the parts
// gave something, it is what the whole gives.
func sameInParts(t *testing.T, text string, size int) (parts *hcl.File) {
	t.Helper()
	whole, diags := hclsyntax.ParseConfig([]byte(text), "a.hcl", hcl.InitialPos)
	parts = parseParts([]byte(text), "a.hcl", size)
	switch {
	case parts == nil:
		return nil
	case len(diags) > 0:
		t.Fatalf("parts of %d bytes parse, the whole does not: %v\n%s", size, diags, text)
	case !reflect.DeepEqual(parts.Body, whole.Body):
		t.Fatalf("parts of %d bytes give another tree than the whole\n%s", size, text)
	}
	for i := range text {
		a, b := parts.Nav.(navigation).ContextString(i), whole.Nav.(interface{ ContextString(int) string }).ContextString(i)
		if a != b {
			t.Fatalf("byte %d is in %q, not in %q\n%s", i, b, a, text)
		}
	}
	return parts
}

func TestParseInParts(t *testing.T) {
	for _, text := range inParts {
		for size := range len(text) {
			sameInParts(t, text, size)
		}
	}
	if sameInParts(t, inParts[0], 1) == nil || sameInParts(t, inParts[7], 1) == nil {
		t.Error("a text of several blocks was not parsed in parts")
	}
	large := strings.Repeat("vm \"a\" {\n  vmid = 100\n}\n\n", 5000)
	if parseParts([]byte(large), "a.hcl", partSize) == nil {
		t.Error("a large manifest was not parsed in parts")
	}
	f, diags := parse([]byte(large+"vm \"b\" {\n  vmid = \n}\n"), "a.hcl")
	if len(diags) != 1 || diags[0].Subject.Start.Line != 20002 || f == nil {
		t.Errorf("a mistake in the last part: %v", diags)
	}
}

func FuzzParts(f *testing.F) {
	for _, text := range inParts {
		f.Add(text, 1)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		if size < 0 || len(text) > 4096 {
			return
		}
		if _, deep := tooDeep([]byte(text), "a.hcl"); deep {
			return
		}
		sameInParts(t, text, size)
	})
}
