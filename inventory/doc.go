// Package inventory is the vocabulary of recon: what a resource is, which
// attributes it has, what was observed of it, and what a change consists of.
//
// The package is a leaf. It knows no provider, no file and no network; every
// other package speaks in its terms.
//
//   - A Kind (vm, lxc) is a table of Attrs. The table is the only place where an
//     attribute is declared: the manifest schema, the comparison, the wire form,
//     the reference page and the JSON names all come from it.
//   - A Resource is a flat map from Path to value. A missing path means that the
//     author has no opinion, and no opinion is never drift.
//   - An Observation is tri-state. Only a completed look proves absence; every
//     error is Unknown, and Unknown is never treated as Absent.
//   - A Change is what separates a wish from an observation, with the Steps that
//     would close the gap.
//
// Values are cty values in canonical form: sizes are whole bytes, durations are
// seconds, sets have no order.
package inventory
