// Package mail is the contract of the mail service, which owns the outgoing
// mail: templates, delivery with retry, and the development mailbox.
package mail

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// Template names a mail. Each exists in every language, as text and HTML.
type Template string

// The templates and the data they need.
const (
	// Activation asks a new user to confirm the address. Data: url.
	Activation Template = "activation"
	// Invitation asks somebody to join. Data: url; hub (may be empty).
	Invitation Template = "invitation"
	// AccountExists tells the owner of an address that somebody tried to
	// register it again. Data: url (of the login page).
	AccountExists Template = "account_exists"
	// Code has a code that confirms a login or a telephone number, and is the one
	// that goes by SMS, too. Data: code; minutes (that it works); address and
	// device (from where it was asked for; may be empty).
	Code Template = "code"
	// PasswordReset has a link that sets a new password. Data: url.
	PasswordReset Template = "password_reset"
	// EmailChange asks the owner of a new address to confirm it. Data: url.
	EmailChange Template = "email_change"
	// Recovery asks whether a factor was lost. Data: url.
	Recovery Template = "recovery"
	// RecoveryRequest tells a hub's technical administrators that somebody waits
	// for their approval. Data: name and email (of the user); hub.
	RecoveryRequest Template = "recovery_request"
	// RecoveryCode has the code of an approved recovery. Data: code; hours (that
	// it works).
	RecoveryCode Template = "recovery_code"
	// AccountLocked tells that logins from unknown places are refused for now, and
	// has a link that lifts that. Data: url.
	AccountLocked Template = "account_locked"
	// SecurityNotice tells that something has happened to the account. Data: event
	// (one of Events); time (RFC 3339); address and device (from where; may be
	// empty); subject (what it is about, such as a name; may be empty).
	SecurityNotice Template = "security_notice"
)

// Templates lists every template.
func Templates() []Template {
	return []Template{
		Activation, Invitation, AccountExists, Code, PasswordReset, EmailChange,
		Recovery, RecoveryRequest, RecoveryCode, AccountLocked, SecurityNotice,
	}
}

// Event is what a security notice is about.
type Event string

// The events.
const (
	NewDevice            Event = "new_device" // a login from an unknown device or network
	PasswordChanged      Event = "password_changed"
	EmailChanged         Event = "email_changed" // to the old address
	FactorAdded          Event = "factor_added"
	FactorRemoved        Event = "factor_removed"
	RecoveryCodesNew     Event = "recovery_codes_new"
	RecoveryCodeUsed     Event = "recovery_code_used"
	RecoveryConfirmed    Event = "recovery_confirmed"
	RecoveryRejected     Event = "recovery_rejected"
	TokenCreated         Event = "token_created" // subject: its name
	TokenDeleted         Event = "token_deleted" // subject: its name
	Impersonated         Event = "impersonated"  // subject: the hub
	IdentityLinked       Event = "identity_linked"
	IdentityUnlinked     Event = "identity_unlinked"
	RoleChanged          Event = "role_changed"   // subject: the hub
	MemberRemoved        Event = "member_removed" // subject: the hub
	AccountDisabled      Event = "account_disabled"
	AccountUnlocked      Event = "account_unlocked"
	DeletionRequested    Event = "deletion_requested" // subject: when, RFC 3339
	DeletionCancelled    Event = "deletion_cancelled"
	AccountDeleted       Event = "account_deleted"
	LoginConfirmationOn  Event = "login_confirmation_on"
	LoginConfirmationOff Event = "login_confirmation_off"
)

// Events lists every event.
func Events() []Event {
	return []Event{
		NewDevice, PasswordChanged, EmailChanged, FactorAdded, FactorRemoved, RecoveryCodesNew, RecoveryCodeUsed,
		RecoveryConfirmed, RecoveryRejected, TokenCreated, TokenDeleted, Impersonated, IdentityLinked, IdentityUnlinked,
		RoleChanged, MemberRemoved, AccountDisabled, AccountUnlocked, DeletionRequested, DeletionCancelled, AccountDeleted,
		LoginConfirmationOn, LoginConfirmationOff,
	}
}

// Medium is how a message travels.
type Medium string

// The media.
const (
	Email Medium = ""    // to an address
	SMS   Medium = "sms" // to a telephone number; only Code
)

// SendRequest asks for one mail.
type SendRequest struct {
	// Key makes the request idempotent: one key is one mail, for two months. It
	// is stored as it is and shown to operators, so it must not be a secret. At
	// most 200 bytes.
	Key      string            `json:"key"`
	Template Template          `json:"template"`
	Medium   Medium            `json:"medium,omitempty"`
	To       string            `json:"to"`       // an address, or a number in E.164
	Language int               `json:"language"` // 0 German, 1 English
	Data     map[string]string `json:"data"`
	// Expires is when the message loses its sense, and is given up if it could not
	// be delivered by then; zero: never.
	Expires time.Time `json:"expires,omitzero"`
}

// Message is a mail as the development mailbox shows it.
type Message struct {
	ID       int64     `json:"id"`
	Medium   Medium    `json:"medium,omitempty"`
	To       string    `json:"to"`
	Subject  string    `json:"subject"`
	Text     string    `json:"text"`
	HTML     string    `json:"html"`
	SentTime time.Time `json:"sent_time"`
}

// MailboxRequest asks for the development mailbox, newest first.
type MailboxRequest struct {
	Limit int `json:"limit"` // at most 500; 0 is 100
}

// Mailbox is the development mailbox.
type Mailbox struct {
	Messages []Message `json:"messages"`
}

// DeadRequest asks for mails that could not be delivered.
type DeadRequest struct {
	Limit int `json:"limit"` // at most 500; 0 is 100
}

// DeadLetter is a mail that is not tried any more.
type DeadLetter struct {
	ID       int64     `json:"id"`
	Key      string    `json:"key"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"`
	Created  time.Time `json:"created_time"`
}

// DeadLetters are the mails that could not be delivered, those given up first
// before the others.
type DeadLetters struct {
	Letters []DeadLetter `json:"letters"`
}

// RetryRequest tries a dead letter again.
type RetryRequest struct {
	ID int64 `json:"id"`
}

// Service is what the mail service does for others. All errors are faults.
type Service interface {
	// Send accepts a mail; when it returns, the mail will not be lost.
	// Invalid if the template is unknown, its data incomplete or the address
	// unusable.
	Send(context.Context, SendRequest) (api.Nothing, error)
	// Mailbox shows the development mailbox. NotFound where there is none.
	Mailbox(context.Context, MailboxRequest) (Mailbox, error)
	// Dead lists what could not be delivered.
	Dead(context.Context, DeadRequest) (DeadLetters, error)
	// Retry puts a dead letter back into the queue. NotFound if it is not one.
	Retry(context.Context, RetryRequest) (api.Nothing, error)
}

// Name of the service in discovery, metrics and certificates.
const Name = api.Mail

// The routes. Send is idempotent by its key.
var (
	send    = rpc.Route[SendRequest, api.Nothing]{Service: Name, Method: "Send", Callers: []string{api.Accounts}, Idempotent: true}
	mailbox = rpc.Route[MailboxRequest, Mailbox]{Service: Name, Method: "Mailbox", Callers: []string{api.Gateway}, Idempotent: true}
	dead    = rpc.Route[DeadRequest, DeadLetters]{Service: Name, Method: "Dead", Callers: []string{api.Operator}, Idempotent: true}
	retry   = rpc.Route[RetryRequest, api.Nothing]{Service: Name, Method: "Retry", Callers: []string{api.Operator}}
)

// Mount serves s on the server.
func Mount(server *rpc.Server, s Service) {
	rpc.Handle(server, send, s.Send)
	rpc.Handle(server, mailbox, s.Mailbox)
	rpc.Handle(server, dead, s.Dead)
	rpc.Handle(server, retry, s.Retry)
}

// NewClient is the service behind the connection.
func NewClient(c rpc.Conn) Service { return client{c} }

type client struct{ conn rpc.Conn }

func (c client) Send(ctx context.Context, r SendRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, send, r)
}

func (c client) Mailbox(ctx context.Context, r MailboxRequest) (Mailbox, error) {
	return rpc.Call(ctx, c.conn, mailbox, r)
}

func (c client) Dead(ctx context.Context, r DeadRequest) (DeadLetters, error) {
	return rpc.Call(ctx, c.conn, dead, r)
}

func (c client) Retry(ctx context.Context, r RetryRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, retry, r)
}
