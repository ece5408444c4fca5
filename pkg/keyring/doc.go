// Package keyring keeps secrets at rest and signing keys in rotation.
//
// A [Ring] holds the installation's root keys. Nothing is ever encrypted under
// a root itself: each purpose ("totp-seed", "outbox", …) has keys of its own,
// derived with HKDF-SHA-256 (RFC 5869), so that a value sealed for one purpose
// never opens as another.
//
// Roots rotate by list: the first root seals and all of them open. To rotate,
// add the new root at the end and restart every process, so that all can open
// what it will seal; then put it in front and restart; let everything be sealed
// again (see [Ring.Stale]); and only then drop the old one.
//
// [Keys] are the rotating signing keys of one service. They live in the
// service's own database, with the private half sealed under the ring:
//
//	             published            signs                verifies
//	next     ────────●───────────────────│───────────────────────│──────▶
//	current          ────────────────────●───────────────────────│──────▶
//	retired                              ────────────────────────●──────▶ gone
//
// A key is published for a while before it signs, so that whoever caches the
// key set knows it by then, and it verifies until the longest-lived token that
// it signed has expired.
package keyring
