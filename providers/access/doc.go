// Package access asks whether somebody can do something somewhere, and says at which
// layer it ends when not.
//
// A service refuses in few words: a 403, or a 404 for what it does not want to show. What
// they mean is found out by asking in the order of the layers, from the way to the machine
// to the role of an account, until one does not hold. That one is the outcome; those
// before it are the evidence.
//
// What the package promises:
//
//   - Nothing is changed: it reads, and runs the commands that a check names.
//   - A token goes to the service that the check names and nowhere else. Redirects are
//     answers. It stands in no outcome, whoever echoes it.
//   - What does not decide is unknown: a limit on requests, an interrupt, a fault of recon.
//   - Answers are bounded, in bytes and in time.
//
// How services refuse is in tables of refusals, each with where it was read.
package access
