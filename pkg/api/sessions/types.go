// Package sessions is the contract of the sessions service, which owns login
// sessions, their tokens and the keys that sign them.
package sessions

import (
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// LongestLife bounds how long after somebody has proved who they are a session may
// last, however it is set. What others remember of sessions lasts longer.
const LongestLife = 365 * 24 * time.Hour

// Scope says what a session's token opens.
type Scope string

// The scopes. All but ScopeFull open a single endpoint.
const (
	ScopeFull             Scope = "*"
	ScopeCode             Scope = "auth.code"
	ScopeInvitationFinish Scope = "userinvite.finish"
	ScopeActivationFinish Scope = "activation.finish"
	ScopeRecoveryConfirm  Scope = "recovery.confirm"
	ScopePasswordUpdate   Scope = "password.update"
	ScopeTermsConfirm     Scope = "terms.confirm"
	ScopeFactorUpdate     Scope = "mfa.update"
	ScopeEmailConfirm     Scope = "email.confirm"
)

// Scopes lists every scope.
func Scopes() []Scope {
	return []Scope{
		ScopeFull, ScopeCode, ScopeInvitationFinish, ScopeActivationFinish, ScopeRecoveryConfirm,
		ScopePasswordUpdate, ScopeTermsConfirm, ScopeFactorUpdate, ScopeEmailConfirm,
	}
}

// Method is an authentication method reference (RFC 8176).
type Method string

// The methods.
const (
	MethodPassword Method = "pwd"
	MethodOTP      Method = "otp"
	MethodMail     Method = "email" // a link or code sent to the address
	MethodMultiple Method = "mfa"
	MethodSMS      Method = "sms"
	MethodRecovery Method = "recovery"  // a code for when a factor is lost
	MethodUpstream Method = "federated" // an upstream provider
	MethodKey      Method = "swk"       // a passkey, of which nobody knows whether hardware holds it
)

// Session is a login, from opening to end.
type Session struct {
	ID       int64  `json:"id"`
	Hash     string `json:"hash"` // 40 hex; the OIDC sid
	User     int64  `json:"user"`
	UserHash string `json:"user_hash"`
	Hub      *int64 `json:"hub,omitempty"`
	Scope    Scope  `json:"scope"`
	// MFA is the challenge by which the user confirmed who they are; of a session
	// that waits for that (ScopeCode) the open one.
	MFA *int64 `json:"mfa,omitempty"`
	PAT *int64 `json:"pat,omitempty"` // id of the personal access token that opened it
	// ReadOnly sessions change nothing: their personal access token may only read.
	ReadOnly bool `json:"read_only,omitempty"`
	// Parent is the session from within which its user acts as this one's.
	Parent       *int64 `json:"parent,omitempty"`
	Impersonator *int64 `json:"impersonator,omitempty"` // the user of Parent
	Remember     bool   `json:"remember"`
	// Provider is the upstream provider who vouched for the user, and ProviderHub
	// the hub for which alone that counts, as does the session then.
	Provider    string `json:"provider,omitempty"`
	ProviderHub *int64 `json:"provider_hub,omitempty"`
	// Methods tell how the user proved who they are, for amr.
	Methods []Method `json:"methods"`
	// AuthenticatedTime is when they did, for auth_time.
	AuthenticatedTime time.Time `json:"authenticated_time"`
	CreatedTime       time.Time `json:"created_time"`
	ExpirationTime    time.Time `json:"expiration_time"`
}

// Token is a bearer token of a session.
type Token struct {
	Session        Session   `json:"session"`
	Token          string    `json:"token"` // a signed JWT
	TTL            int       `json:"ttl"`   // life in minutes
	ExpirationTime time.Time `json:"expiration_time"`
}

// CreateRequest opens a session for a user who has proved who they are.
type CreateRequest struct {
	User     int64  `json:"user"`
	UserHash string `json:"user_hash"`
	Hub      *int64 `json:"hub,omitempty"`
	Scope    Scope  `json:"scope"`
	ReadOnly bool   `json:"read_only,omitempty"`
	// Remember makes a full session last for 30 days; one of a narrow scope only
	// keeps it in mind for the session that will replace it.
	Remember bool     `json:"remember"`
	Methods  []Method `json:"methods"`
	MFA      *int64   `json:"mfa,omitempty"` // see Session
	PAT      *int64   `json:"pat,omitempty"` // id of the personal access token that opens it
	// Provider and ProviderHub are as in Session.
	Provider    string `json:"provider,omitempty"`
	ProviderHub *int64 `json:"provider_hub,omitempty"`
	// Replaces is the session whose work is done by opening this one, and which
	// ends with that. Unauthenticated if it has ended already: of two requests at
	// once with one narrow token, one gets a session.
	Replaces *int64 `json:"replaces,omitempty"`
	// AuthenticatedTime is when the user proved who they are; zero is now. A
	// session is refused (Unauthenticated) if EndAll has since ended what was
	// proved before it: a login that raced a change of password.
	AuthenticatedTime time.Time `json:"authenticated_time,omitzero"`
	// Limit is how many full sessions the user may have in the hub, this one
	// included; the oldest ends. 0 is any number.
	Limit  int        `json:"limit"`
	Origin api.Origin `json:"origin"`
}

// ResolveRequest asks which session a token is of.
type ResolveRequest struct {
	Token string `json:"token"`
}

// Resolved is the session of a token that was found good.
type Resolved struct {
	Session        Session   `json:"session"`
	TokenID        string    `json:"token_id"`        // the token's jti
	TTL            int       `json:"ttl"`             // the token's whole life, in minutes
	ExpirationTime time.Time `json:"expiration_time"` // of the token
}

// RefreshRequest asks for a fresh token of the same session.
type RefreshRequest struct {
	Token  string     `json:"token"` // a token of the session that is still good
	Origin api.Origin `json:"origin"`
}

// EndRequest ends one session.
type EndRequest struct {
	Session int64 `json:"session"`
	// Hash names it in the place of Session, for its User only. (The two would be an
	// api.Ref, but for versions that know Session alone: to those a hash names no
	// session, so that they answer NotFound and end none. It is found by List then.)
	Hash string `json:"hash,omitempty"`
	// User restricts it to sessions of the user: NotFound if it is no open one. 0:
	// whosever it is.
	User int64 `json:"user,omitempty"`
	// Origin is where the user asks for it, for the audit record.
	Origin api.Origin `json:"origin,omitzero"`
}

// Ended is the session that has ended.
type Ended struct {
	// Session is 0 if there was none to end, and from versions that do not tell.
	Session int64 `json:"session,omitempty"`
}

// EndAllRequest ends the sessions of a user.
type EndAllRequest struct {
	User   int64  `json:"user"`
	Hub    *int64 `json:"hub,omitempty"`    // only those in this hub
	Except *int64 `json:"except,omitempty"` // but not this one
	// Before spares the sessions of a user who proved who they are at that time
	// or later; zero is now. A request that is relayed late, or twice, gives the
	// time of its cause, so that it does not end what was opened after it.
	Before time.Time `json:"before,omitzero"`
	// Tokens deletes the personal access tokens, too, and what apps were granted
	// for when the user is away (offline_access).
	Tokens bool `json:"tokens,omitempty"`
	// UserHash is whose grants those are; needed with Tokens and with Hub, as apps
	// keep nothing that they were granted in a hub which the user had to leave.
	UserHash string `json:"user_hash,omitempty"`
}

// RevocationsRequest asks which sessions have ended of late.
type RevocationsRequest struct {
	// Since is the Now of an earlier answer; zero asks for the last minute.
	Since time.Time `json:"since"`
}

// Revocations are sessions that have ended or changed. Answers overlap: a
// transaction may become visible after a later one, so each answer reaches back
// further than Since by the longest a transaction can take.
type Revocations struct {
	Sessions []int64 `json:"sessions"` // ended
	// Changed are sessions of which something else than their end is new: whoever
	// remembers them has to ask again.
	Changed []Change  `json:"changed,omitempty"`
	Now     time.Time `json:"now"` // pass it as the next Since
}

// Change is a session that was changed at a time.
type Change struct {
	Session int64     `json:"session"`
	Time    time.Time `json:"time"`
}
