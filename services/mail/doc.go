// Package mail is the mail service: it accepts mails, keeps them until the SMTP
// server has them, and shows those that could not be delivered.
//
//	Send ─▶ write the letter ─▶ outbox ─▶ SMTP server     4xx, away: again, for 3 days
//	                              │   └─▶ mailbox          5xx about the mail: dead
//	                              └─ dead ◀─ Dead, Retry
//
// A letter is written when it is accepted, so what is accepted can be
// delivered, also by an older or a newer replica. It waits sealed.
//
// # Once
//
// One key is one mail, for two months: so long mail_keys keeps a digest of each,
// which is longer than anybody tries to hand a mail over. Towards the
// SMTP server a mail can be repeated only if the connection or the process
// breaks at the wrong moment; see package internal/smtp. The development
// mailbox has every mail exactly once.
//
// # What is written down
//
// Logs, spans and metrics name no address and no subject. The database has
// them only sealed.
package mail
