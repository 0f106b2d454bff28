// Package reconcile compares wishes with observations and closes the gap.
//
// Diff is pure: resources and snapshots in, changes out. New makes a Plan of
// them: it asks the writers for the steps and holds guards against each change.
// Apply executes a plan, one step at a time a resource, several nodes at once.
//
// The rules that everything here keeps:
//
//   - Unknown is not absent. A resource that could not be observed is not
//     compared, not planned and not changed.
//   - Only declared fields are compared.
//   - Every write is compare-and-swap, is journalled before and after, and is
//     followed by a look. The look decides what happened, not the answer.
//   - Nothing is repeated blindly.
//
// The package has no files and no network of its own: memory is the Journal and
// the arguments, the world is the providers.
package reconcile
