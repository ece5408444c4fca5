package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Logins find out who somebody is and what has to happen before they may come
// in.
type Logins interface {
	// Authenticate checks a password. Unauthenticated whoever is unknown,
	// disabled or wrong, after the same time; Throttled after too many failures,
	// whether or not there is such a user.
	Authenticate(context.Context, AuthenticateRequest) (Identity, error)
	// Admit tells what a user who has proved who they are has to do before a
	// session in the hub may be opened, or describes the account if that is
	// nothing, and then notes the hub as the last used one and the device as a
	// known one. NotFound if there is no such active user; Forbidden if the user
	// may not enter the hub, or not by this proof (fault.provider_required).
	Admit(context.Context, AdmitRequest) (Admission, error)
	// SendCode sends the code of an open challenge again, or by another channel.
	// Unauthenticated if it is over; Throttled if codes are asked for too often;
	// Invalid if the user has no such channel or it is too weak.
	SendCode(context.Context, SendCodeRequest) (Challenge, error)
	// ConfirmCode answers a challenge, once. Unauthenticated if the code is wrong
	// or the challenge is over; Throttled after too many wrong ones.
	ConfirmCode(context.Context, ConfirmCodeRequest) (Confirmation, error)
	// StepUp asks a user who is logged in, in person, for the strongest they have
	// beside what they came with. NotFound (fault.no_second_factor) if nothing is
	// as strong as asked for; Throttled as SendCode. The answer is ConfirmCode's.
	StepUp(context.Context, StepUpRequest) (Challenge, error)
	// AcceptTerms notes that the user has accepted the terms of today.
	AcceptTerms(context.Context, AcceptTermsRequest) (Identity, error)
	// Unlock lifts the lock of an account by the link that was mailed with it,
	// once. NotFound if unknown, Gone if used or expired.
	Unlock(context.Context, OpenLinkRequest) (api.Nothing, error)
}

// AuthenticateRequest is a login by password.
type AuthenticateRequest struct {
	Login    string     `json:"login"` // email address or alias
	Password string     `json:"password"`
	Origin   api.Origin `json:"origin"`
}

// Channel is a way to confirm a login. A higher number is a stronger one.
type Channel int

// The channels; the numbers are the public API's.
const (
	ChannelEmail Channel = 1
	ChannelSMS   Channel = 2
	ChannelApp   Channel = 3 // an authenticator app (RFC 6238)
)

// Proof is how a user proved who they are before anything else.
type Proof string

// The proofs.
const (
	ProofPassword Proof = "password"
	ProofLink     Proof = "link"     // a mailed link: a code by mail would prove nothing more
	ProofToken    Proof = "token"    // a personal access token, which needs no more
	ProofIdentity Proof = "identity" // an upstream provider
	ProofPasskey  Proof = "passkey"  // a passkey, which needs no code
	ProofSession  Proof = "session"  // an open session, which changes its hub
)

// AdmitRequest asks whether a user may come in.
type AdmitRequest struct {
	User int64  `json:"user"`
	Hub  *int64 `json:"hub,omitempty"` // nil: hubless
	// LastHub asks for the hub that the user was in last, or else the first that
	// they may enter, in the place of Hub; hubless if there is none.
	LastHub bool `json:"last_hub,omitempty"`
	// Fallback lets a user who may not enter the hub in without one, instead of
	// Forbidden: the hub was not chosen but the one last used.
	Fallback bool  `json:"fallback,omitempty"`
	Proof    Proof `json:"proof"`
	// Provider is who vouched for the user, with ProofIdentity, or when the session
	// was opened, with ProofSession: the provider's name, and the hub for which alone
	// that counts.
	Provider    string `json:"provider,omitempty"`
	ProviderHub *int64 `json:"provider_hub,omitempty"`
	// Challenge is the one that was confirmed in this login; nil: none.
	Challenge *int64     `json:"challenge,omitempty"`
	Origin    api.Origin `json:"origin"`
}

// Step is what a user has to do before they are let in.
type Step string

// The steps, in the order in which they are asked for.
const (
	StepNone     Step = ""         // come in
	StepCode     Step = "code"     // answer the challenge
	StepFactor   Step = "factor"   // enrol a factor that the hub asks for, or replace a lost one
	StepPassword Step = "password" // choose a new password
	StepTerms    Step = "terms"    // accept the new terms
)

// Admission is what has to happen before a user may come in, and how the
// account looks from the hub.
type Admission struct {
	Step      Step       `json:"step,omitempty"`
	Challenge *Challenge `json:"challenge,omitempty"` // with StepCode
	Account   Account    `json:"account"`
}

// Challenge is a question that only the user can answer.
type Challenge struct {
	ID      int64   `json:"id"`
	Channel Channel `json:"channel"`
	// Destination is where a code was sent, with most of it hidden; empty for an
	// app.
	Destination    string    `json:"destination,omitempty"`
	ExpirationTime time.Time `json:"expiration_time"`
}

// SendCodeRequest asks for another code.
type SendCodeRequest struct {
	User      int64      `json:"user"`
	Challenge int64      `json:"challenge"`
	Channel   Channel    `json:"channel,omitempty"` // 0: the same again
	Origin    api.Origin `json:"origin"`
}

// ConfirmCodeRequest answers a challenge by the code that was sent, one of an
// app, a recovery code of the user's, or the code of an approved recovery.
type ConfirmCodeRequest struct {
	User      int64      `json:"user"`
	Challenge int64      `json:"challenge"`
	Code      string     `json:"code"`
	Origin    api.Origin `json:"origin"`
}

// StepUpRequest asks for a second factor.
type StepUpRequest struct {
	Actor api.Actor `json:"actor"`
	// Minimum is the weakest channel that will do, 0 any. A code by mail adds
	// nothing to a login that came by mail.
	Minimum Channel `json:"minimum,omitempty"`
}

// Confirmation is an answered challenge.
type Confirmation struct {
	Challenge int64 `json:"challenge"`
	// Method is how it was answered: otp, sms, email or recovery.
	Method string `json:"method"`
}

// AcceptTermsRequest accepts the terms.
type AcceptTermsRequest struct {
	Actor api.Actor `json:"actor"`
	Terms bool      `json:"terms"`
}
