// Package ledger is what recon remembers between runs: the values last applied,
// the last good observation of each resource, drift episodes, the history, runs,
// and the journal of calls that were in flight.
//
// It is a SQLite database in the project's .recon folder. The SQL is portable:
// no feature is used that PostgreSQL lacks. Its schema has a version, and Open
// migrates an older one. A database that is damaged is set aside under another
// name and a new one begun; everything in it but the history comes back by
// looking.
//
// No secret is ever stored: secret fields are remembered as salted hashes.
package ledger
