package api

import (
	"recon/cmd/recon/internal/home"

	"github.com/hashicorp/hcl/v2"
)

// A Validation is everything that is wrong or doubtful in the manifests.
type Validation struct {
	Diags     hcl.Diagnostics
	Sources   map[string]*hcl.File
	Resources int
	Files     int
}

// Validate reads the manifests. No source is asked, and no secret is needed.
func Validate(opts Options) (*Validation, error) {
	root, err := home.FindRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	p, diags, err := home.At(root, opts).Validate()
	if err != nil {
		return nil, err
	}
	return &Validation{diags, p.Sources(), len(p.Resources), len(p.Files)}, nil
}

// Code is the exit code of recon validate.
func (v *Validation) Code() int {
	if v.Diags.HasErrors() {
		return ExitError
	}
	return ExitOK
}

type diagnosticJSON struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
}

// JSON is the answer of recon validate.
func (v *Validation) JSON() any {
	out := []diagnosticJSON{}
	for _, d := range v.Diags {
		o := diagnosticJSON{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			o.Severity = "warning"
		}
		if d.Subject != nil {
			o.File, o.Line, o.Column = d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column
		}
		out = append(out, o)
	}
	return struct {
		FormatVersion string           `json:"format_version"`
		Valid         bool             `json:"valid"`
		Resources     int              `json:"resources"`
		Diagnostics   []diagnosticJSON `json:"diagnostics"`
	}{FormatVersion, v.Code() == ExitOK, v.Resources, out}
}
