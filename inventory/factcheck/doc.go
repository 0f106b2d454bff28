// Package factcheck finds statements in hand-written text that contradict what is
// observed, or each other. It is pure: texts and observations in, findings out.
//
// The way of a statement:
//
//	documents -> source.Page -> roster -> statements -> judged -> findings -> fixes
//
// Package source reads each document as what it is. The roster holds who may be
// the subject of a statement: what is observed, and what an inventory source names.
// A statement gives one value, of one role, of one subject. Statements are held
// against the observation; those about things that nobody observes are held against
// each other, and there nothing is true: both places are told, unless inventories
// agree or dates decide.
//
// The first promise is that a finding is right. What may be meant otherwise is no
// statement: text about the past or the future, examples, ranges, routes, names
// that nobody inventories, values whose role is not said.
package factcheck
