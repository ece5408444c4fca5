package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Factors are by what users confirm their logins besides the password. Their
// address is one that everybody has and is in no list. Nothing here works while
// impersonating or by a personal access token: Forbidden.
type Factors interface {
	// ListFactors lists the user's factors, those that wait to be confirmed
	// included.
	ListFactors(context.Context, ActorRequest) (FactorList, error)
	// EnrolFactor begins a factor, in the place of one of the same channel that
	// waits to be confirmed; an SMS goes out. Invalid if the number is none;
	// Throttled if codes are asked for too often.
	EnrolFactor(context.Context, EnrolFactorRequest) (Enrolment, error)
	// DrawFactor draws an app's QR code again for who knows its secret, as long as
	// it waits to be confirmed; else, or if that is not its secret, NotFound.
	DrawFactor(context.Context, DrawFactorRequest) (Enrolment, error)
	// ConfirmFactor makes it a factor, once, by a code. From then on logins are
	// confirmed. With the first factor come recovery codes. It takes the place of
	// the others if the session is there to replace a lost one. NotFound if it is
	// not the user's; Invalid if the code is wrong; Conflict if it is one already.
	ConfirmFactor(context.Context, ConfirmFactorRequest) (ConfirmedFactor, error)
	// RemoveFactor removes a factor. Invalid if the password is wrong; NotFound if
	// it is not the user's; Conflict if a hub of the user's asks for it.
	RemoveFactor(context.Context, RemoveFactorRequest) (api.Nothing, error)
	// RenewRecoveryCodes gives new recovery codes in the place of all others.
	// Conflict if there is no factor that they could stand in for.
	RenewRecoveryCodes(context.Context, ActorRequest) (RecoveryCodes, error)
}

// ActorRequest is a request that needs nothing but who asks.
type ActorRequest struct {
	Actor api.Actor `json:"actor"`
}

// Factor is a way to confirm logins.
type Factor struct {
	ID      int64   `json:"id"`
	Hash    string  `json:"hash"`
	Channel Channel `json:"channel"`
	// Number is the telephone number of SMS with most of it hidden.
	Number       string     `json:"number,omitempty"`
	Confirmed    bool       `json:"confirmed"`
	LastUsedTime *time.Time `json:"last_used_time,omitempty"`
	CreatedTime  time.Time  `json:"created_time"`
	ModifiedTime time.Time  `json:"modified_time"`
}

// FactorList are the user's factors by id.
type FactorList struct {
	Factors []Factor `json:"factors"`
	// RecoveryCodes is how many are left.
	RecoveryCodes int `json:"recovery_codes"`
}

// EnrolFactorRequest begins a factor.
type EnrolFactorRequest struct {
	Actor   api.Actor `json:"actor"`
	Channel Channel   `json:"channel"`          // SMS or app
	Number  string    `json:"number,omitempty"` // of SMS: E.164
}

// Enrolment is a factor that waits to be confirmed. The secret is shown this
// once.
type Enrolment struct {
	Factor Factor `json:"factor"`
	Secret string `json:"secret,omitempty"` // of an app: base32
	URI    string `json:"uri,omitempty"`    // otpauth://totp/…
	QR     string `json:"qr,omitempty"`     // the URI as an SVG image
}

// DrawFactorRequest shows the secret of a factor to have it drawn.
type DrawFactorRequest struct {
	Actor  api.Actor `json:"actor"`
	Factor api.Ref   `json:"factor"`
	Secret string    `json:"secret"`
}

// ConfirmFactorRequest confirms a factor by a code.
type ConfirmFactorRequest struct {
	Actor  api.Actor `json:"actor"`
	Factor api.Ref   `json:"factor"`
	Code   string    `json:"code"`
}

// ConfirmedFactor is a factor that works from now on.
type ConfirmedFactor struct {
	Factor Factor `json:"factor"`
	// RecoveryCodes are shown this once; nil if the user has some already.
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
}

// RemoveFactorRequest removes a factor.
type RemoveFactorRequest struct {
	Actor    api.Actor `json:"actor"`
	Factor   api.Ref   `json:"factor"`
	Password string    `json:"password"` // the user's
}

// RecoveryCodes are for when a factor is lost; each works once.
type RecoveryCodes struct {
	Codes []string `json:"codes"`
}
