// Package standalone runs all of Gatehouse in one process.
//
// The services are the same as in a cluster, each behind the same chain of
// calls and with its own database; only the transport between them is missing.
//
//	browser ── gateway ─┬─ accounts ── mail
//	                    ├─ sessions
//	                    ├─ mail (development mailbox)
//	                    └─ oauth ── accounts
//
// Storage is SQLite in the data folder, one file per service, or PostgreSQL,
// one schema per service.
package standalone
