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

// Doctor are what an examination has found: which rule, and where. Rules are recon's own
// words; what they say of it may hold those of others.
func Doctor(d *api.Diagnosis) Found {
	out := Found{Whole: len(d.Unknown) == 0}
	for _, f := range d.Told {
		text := f.Rule
		if f.Address != "" {
			text += ": " + contextfile.Told(f.Address)
		}
		out.List = append(out.List, Finding{f.Rule + "\x00" + f.Address + "\x00" + f.Summary, text + " (recon doctor says more)", inventory.Severity(f.Severity)})
	}
	return out
}
