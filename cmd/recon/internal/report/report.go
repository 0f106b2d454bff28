// Package report hands findings to other tools and to later runs: SARIF for code
// hosts and editors, and a baseline of what a team already knows. It knows nothing
// of how a finding came about.
package report

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// A Place is where a finding stands. Lines and columns count from 1; zero means
// the whole file, or the whole line.
type Place struct {
	File         string // relative to the root, with forward slashes
	Line, Column int
	Note         string // what stands there; may be empty
}

// A Level is how much a finding weighs, in SARIF's words.
type Level string

// The levels.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// An Entry is one finding.
type Entry struct {
	Rule    string
	Level   Level
	Subject string // what it is about: the name or address of a thing
	Message string // one sentence or more, for people
	Says    string // what makes it this finding and no other of its rule and subject, without line numbers
	Fix     string // what to do; may be empty
	Place   Place  // its File is empty for a finding about something that stands in no file
	Others  []Place
}

// identity is what stays the same when lines move: where two findings have the
// same, they are told apart by their number.
func (e *Entry) identity() identity {
	return identity{Rule: e.Rule, File: e.Place.File, Subject: e.Subject, Says: e.Says}
}

type identity struct {
	Rule    string `json:"rule"`
	File    string `json:"file,omitempty"`
	Subject string `json:"subject,omitempty"`
	Says    string `json:"says,omitempty"`
}

// fingerprint is an identity as other tools keep it.
func (i identity) fingerprint() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{i.Rule, i.File, i.Subject, i.Says}, "\x00")))
	return hex.EncodeToString(sum[:16])
}
