// Package ledger is what recon remembers between runs: the values last applied,
// everything as it was last seen, drift episodes, the history, runs, and the journal
// of calls that were in flight.
//
// It is a SQLite database in the project's .recon folder, or a PostgreSQL database
// that several machines share. Both have one schema, one list of migrations, and the
// same SQL; what differs is how they are opened and how the project's lock is held.
// A SQLite database that is damaged is set aside under another name and a new one
// begun; everything in it but the history comes back by looking.
//
// A run writes through the lock. Each of its writes carries the epoch that the lock
// had when the run took it, checked in the same transaction: a process that was
// paused, or lost its connection, while somebody else took over is refused.
//
// No secret is ever stored: secret fields are remembered as salted hashes, and every
// text on its way into the database passes a filter that knows the secrets.
package ledger
