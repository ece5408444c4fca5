// Package accounts is the service that owns people: users, hubs and who is in
// them, credentials, activations, and the audit record. It mints no tokens and
// sends no mail; what must be mailed leaves through an outbox.
//
// The methods of the API are in the files of this folder, one per group of the
// contract; what they do is in internal:
//
//	login, throttle, device   who somebody is, and how often they may guess from where
//	admission                 the gate before every session: what is still to be done
//	challenge, factor         codes, and the factors that answer for them
//	recovery, strangers       the way back without a factor; links that anybody may ask for
//	reset, password           new passwords; judged and hashed behind a bounded gate
//	passkey, identity         the other ways to log in
//	activation                registration and invitation, from link to hub
//	member, hub, directory    people in hubs, hubs, and who may enter
//	self, image, privacy      what people do about themselves
//	audit, operate            what happened; what only operators do
//	notice, relay             mail and other work for services, through the outbox
//	store                     all SQL
//	input, ids                what people type, in one form; random names
package accounts
