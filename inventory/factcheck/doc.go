// Package factcheck finds statements in hand-written text that contradict what is
// observed, or each other. It is pure: texts and observations in, findings out.
//
// The way of a statement:
//
//	text -> units and records -> claims -> findings
//
// A unit is a line of prose, a cell of a diagram or a line of code: statements in
// it are found by what stands close to what. A record is a thing with named
// fields: a row of a table, a mapping of YAML, a block of HCL, a list below a
// heading. A claim is one statement with the exact place of its value. Claims are
// held against the observation; those about things that nobody observes are held
// against each other.
//
// Precision comes first. What may be meant otherwise is no claim: text about the
// past or the future, examples, ranges, flows from one host to another, a name
// that is also a common word. A value that agrees with any of the things that a
// statement may be about is no finding.
package factcheck
