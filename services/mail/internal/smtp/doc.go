// Package smtp hands mails to one SMTP server (RFC 5321).
//
// # Duplicates
//
// SMTP cannot promise exactly one delivery: when the connection, or this
// process, breaks between the server's acceptance and our note of it, the mail
// is sent again (RFC 5321 section 4.5.4.1 prefers that to losing it). Both
// copies are the same bytes, with the same Date and the same Message-ID, which
// is derived from the mail's key; servers and mailboxes that look for
// duplicates recognise them.
//
// # Failures
//
// What the server said of the recipient or of the mail with a 5xx reply is
// [Permanent]. Everything else may be different next time: connections,
// certificates, credentials, a refused sender, 4xx replies. No error repeats
// an address, although servers like to.
package smtp
