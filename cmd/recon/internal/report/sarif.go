package report

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// A Tool is what made the findings.
type Tool struct {
	Name, Version string
	Rules         map[string]string // what each rule looks for, by its name
}

// The parts of a SARIF 2.1.0 log that recon fills.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		Rule         string            `json:"ruleId"`
		Index        int               `json:"ruleIndex"`
		Level        Level             `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		ID       int            `json:"id,omitempty"`
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifText     `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
)

// SARIF renders findings as a SARIF 2.1.0 log.
func SARIF(tool Tool, entries []Entry) ([]byte, error) {
	rules := ruleNames(entries)
	run := sarifRun{
		Tool: sarifTool{sarifDriver{Name: tool.Name, Version: tool.Version, Rules: make([]sarifRule, len(rules))}}, ColumnKind: "unicodeCodePoints", Results: make([]sarifResult, len(entries)),
	}
	for i, name := range rules {
		text := tool.Rules[name]
		if text == "" {
			text = name
		}
		run.Tool.Driver.Rules[i] = sarifRule{ID: name, Short: sarifText{text}}
	}
	for i := range entries {
		run.Results[i] = entries[i].sarif(rules)
	}
	out, err := json.MarshalIndent(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}, "", "  ")
	return append(out, '\n'), err
}

// ruleNames lists the rules that have findings, sorted.
func ruleNames(entries []Entry) []string {
	out := make([]string, len(entries))
	for i := range entries {
		out[i] = entries[i].Rule
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (e *Entry) sarif(rules []string) sarifResult {
	index, _ := slices.BinarySearch(rules, e.Rule)
	text := e.Message
	if e.Fix != "" {
		text += "\n" + e.Fix
	}
	r := sarifResult{Rule: e.Rule, Index: index, Level: e.Level, Message: sarifText{text}, Fingerprints: map[string]string{"recon/v1": e.identity().fingerprint()}}
	here := e.Place.sarif()
	if e.Subject != "" {
		here.Logical = []sarifLogical{{e.Subject}}
	}
	r.Locations = []sarifLocation{here}
	for i, p := range e.Others {
		other := p.sarif()
		other.ID = i + 1
		r.Related = append(r.Related, other)
	}
	return r
}

func (p *Place) sarif() (out sarifLocation) {
	if p.File == "" {
		return out
	}
	out.Physical = &sarifPhysical{Artifact: sarifArtifact{relativeURI(p.File)}}
	if p.Line > 0 {
		out.Physical.Region = &sarifRegion{p.Line, p.Column}
	}
	if p.Note != "" {
		out.Message = &sarifText{p.Note}
	}
	return out
}

// relativeURI writes a path as a relative URI: a colon in its first part would be
// taken for a scheme.
func relativeURI(file string) string {
	parts := strings.Split(file, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.ReplaceAll(strings.Join(parts, "/"), ":", "%3A")
}
