// Package manifests turns HCL files into the resources that they describe, and
// resources into HCL.
//
// Load reads recon.hcl, *.recon.hcl in the root and manifests/**/*.hcl. It
// reports every mistake at once, each with its range, and returns what could be
// read beside them. Nothing in the language is bound to a file or to an order:
// blocks are evaluated in the order of their references.
//
//   - Values come from variables, locals, other resources (vm.media.address),
//     each.key and each.value, and functions. A reference to a value is evaluated
//     and becomes an edge of the graph.
//   - Links (cluster, depends_on, moved) are addresses. They are read, never
//     evaluated, so cycles among them are legal.
//   - Attributes of vm and lxc are those of the inventory's Kind tables. A size is
//     a string with a unit; a bare number is a mistake.
//
// Render and Edit go the other way: Render writes blocks for observed guests,
// Edit changes literals in place and leaves every other byte alone.
package manifests
