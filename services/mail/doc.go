// Package mail is the mail service: it accepts mails and short messages, keeps
// them until the SMTP server or the SMS gateway has them, and shows those that
// could not be delivered.
//
//	Send ─▶ write the letter ─▶ outbox ─▶ SMTP server     4xx, away: again, for 3 days
//	                              │   ├─▶ SMS gateway      5xx about the mail: dead
//	                              │   ├─▶ mailbox          (of a gateway: the other way round)
//	                              │   └─▶ expired
//	                              └─ dead ◀─ Dead, Retry
//
// Each medium has a queue of its own, so that a server that hangs holds up no code
// that goes the other way.
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
