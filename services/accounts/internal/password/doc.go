// Package password judges, hashes and checks passwords.
//
// Hashing is argon2id (RFC 9106), which costs memory and time on purpose. So
// everybody who hashes goes through one gate: a bounded number computes, a
// bounded number waits, and whoever comes on top of them is Unavailable at
// once. A flood of logins thus costs waiting, never memory.
//
// A password is brought into NFKC before anything else, so that it is the same
// from every keyboard.
package password
