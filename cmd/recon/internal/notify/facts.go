package notify

import (
	"fmt"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/inventory/contextfile"
	"recon/inventory/factcheck"
)

// Facts are what a check of documents has found, as people may read it. What a document
// says, and what is observed, is told when it has the form of a name, a number, a place.
func Facts(check *api.FactCheck) Found {
	out := Found{Whole: check.Complete}
	for i := range check.Findings {
		f := &check.Findings[i]
		s := f.Statements()[0]
		text := fmt.Sprintf("%s:%d: %s of %s is said to be %s", contextfile.Told(s.File), s.Line, factcheck.Word(s.Kind), contextfile.Told(s.Subject), contextfile.Told(s.Claim))
		if s.Truth != nil {
			text += ", and is " + contextfile.Told(*s.Truth)
		}
		if more := len(f.Wrong) - 1; more > 0 {
			text += fmt.Sprintf(" (in %d places more)", more)
		}
		out.List = append(out.List, Finding{f.Key(), text, inventory.SeverityWarning})
	}
	return out
}
