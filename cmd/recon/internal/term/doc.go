// Package term is how recon looks in a terminal.
//
// The rules:
//
//   - stdout is the answer; everything else goes to stderr.
//   - 80 columns are enough. Nothing depends on colour: each thing that has a
//     colour has a word or a sign too.
//   - A line starts with what it is about: an address, then what is said of it.
//   - Values have units, wishes have a file and a line, errors have a next step.
//   - What came from outside (names, notes) is printed without control characters.
package term
