// Package accounts is the service that owns people: users, hubs and who is in
// them, credentials, activations, and the audit record. It mints no tokens and
// sends no mail; what must be mailed leaves through an outbox.
//
//	accounts.go           Config, Deps, New, Run, and the methods of the API
//	internal/login        passwords, checked
//	internal/password     passwords, judged and hashed behind a bounded gate
//	internal/activation   registration and invitation, from link to hub
//	internal/directory    who users are and where they belong
//	internal/store        all SQL
//	internal/relay        mail, through the outbox
//	internal/input        what people type, in one form
package accounts
