package runs

import (
	"fmt"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/manifests"

	"github.com/hashicorp/hcl/v2"
)

// maxLeftOut bounds what is left out of one block before it is given up as a whole.
const maxLeftOut = 64

// sound returns a block that loads and declares the same resource by the same name: what
// no manifest may say is a comment in it, with the reason. It is nil, with the last
// reason, when that cannot be.
func sound(h *home.Home, want ImportedBlock, name string) (text []byte, why string, err error) {
	text = []byte(want.Text)
	for range maxLeftOut {
		p, diags, err := h.DraftAlone(text)
		if err != nil {
			return nil, "", err
		}
		wrong := firstError(diags)
		if r := p.Resource(want.Address); wrong == nil && (r == nil || r.Identity != want.Identity || r.Name() != name) {
			return nil, why, nil
		}
		if wrong == nil {
			return text, "", nil
		}
		why = strings.TrimSuffix(wrong.Summary+": "+wrong.Detail, ".")
		if wrong.Subject == nil {
			break
		}
		text = manifests.LeaveOut(text, *wrong.Subject, why)
	}
	return nil, why, nil
}

func firstError(diags hcl.Diagnostics) *hcl.Diagnostic {
	if i := slices.IndexFunc(diags, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError }); i >= 0 {
		return diags[i]
	}
	return nil
}

// loads reports what would not load with some files written, or would not be read at all:
// nothing of it is written then.
func loads(h *home.Home, files map[string][]byte, blocks []ImportedBlock) error {
	if len(files) == 0 {
		return nil
	}
	p, diags, err := h.Draft(files)
	if err != nil {
		return err
	}
	if diags.HasErrors() {
		return fmt.Errorf("nothing is written, because it would not load: %w", firstError(diags))
	}
	for _, b := range blocks {
		if r := p.Resource(b.Address); r == nil || r.Identity != b.Identity {
			return fmt.Errorf("nothing is written, because %s would not be read from %s", b.Address, b.File)
		}
	}
	return nil
}
