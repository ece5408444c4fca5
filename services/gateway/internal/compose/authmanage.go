package compose

import (
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
)

// Factor is a way in which a user confirms logins.
type Factor struct {
	ID           int64            `json:"id"`
	Hash         string           `json:"hash"`
	Channel      accounts.Channel `json:"channel"`
	Number       *string          `json:"number"` // of SMS, mostly hidden; null for an app
	Confirmed    bool             `json:"confirmed"`
	LastUsedTime *Time            `json:"last_used_time"`
	CreatedTime  Time             `json:"created_time"`
	ModifiedTime Time             `json:"modified_time"`
	Model        string           `json:"model"`
}

// FactorOf is the document of a factor.
func FactorOf(f accounts.Factor) Factor {
	d := Factor{
		ID: f.ID, Hash: f.Hash, Channel: f.Channel, Confirmed: f.Confirmed,
		LastUsedTime: optionalTime(f.LastUsedTime), CreatedTime: Time(f.CreatedTime), ModifiedTime: Time(f.ModifiedTime),
		Model: "UserFactor",
	}
	if f.Number != "" {
		d.Number = &f.Number
	}
	return d
}

// FactorList are the factors of a user.
type FactorList struct {
	Factors       []Factor `json:"factors"`
	RecoveryCodes int      `json:"recovery_codes"` // how many are left
}

// FactorListOf is the document of a user's factors.
func FactorListOf(l accounts.FactorList) FactorList {
	d := FactorList{Factors: make([]Factor, 0, len(l.Factors)), RecoveryCodes: l.RecoveryCodes}
	for _, f := range l.Factors {
		d.Factors = append(d.Factors, FactorOf(f))
	}
	return d
}

// Enrolment is a factor that waits to be confirmed, and how to set an app up for
// it. The secret is shown this once.
type Enrolment struct {
	Factor
	Secret string `json:"secret,omitempty"` // base32
	URI    string `json:"otpauth,omitempty"`
	QR     string `json:"qr,omitempty"` // the URI as an SVG image
}

// EnrolmentOf is the document of an enrolment.
func EnrolmentOf(e accounts.Enrolment) Enrolment {
	return Enrolment{Factor: FactorOf(e.Factor), Secret: e.Secret, URI: e.URI, QR: e.QR}
}

// ConfirmedFactor is a factor that works from now on. Recovery codes come with
// the first, this once.
type ConfirmedFactor struct {
	Factor
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
}

// ConfirmedIn is the document of somebody whom a new factor has let in.
type ConfirmedIn struct {
	Authentication
	addition
}

// ConfirmedStep is the document of somebody who still has to do something after
// enrolling a factor.
type ConfirmedStep struct {
	Step
	addition
}

// addition is what a document says of a factor besides.
type addition struct {
	Factor        Factor   `json:"factor"`
	RecoveryCodes []string `json:"recovery_codes,omitempty"`
}

// WithFactor adds a confirmed factor to the document of a login or of a step.
func WithFactor(document any, f accounts.ConfirmedFactor) any {
	also := addition{FactorOf(f.Factor), f.RecoveryCodes}
	switch d := document.(type) {
	case Authentication:
		return ConfirmedIn{d, also}
	case Step:
		return ConfirmedStep{d, also}
	}
	return ConfirmedFactor{also.Factor, also.RecoveryCodes}
}

// RecoveryCodes are shown this once.
type RecoveryCodes struct {
	Codes []string `json:"codes"`
}

// AccessToken is a personal access token.
type AccessToken struct {
	ID             int64                 `json:"id"`
	Hash           string                `json:"hash"`
	Name           string                `json:"name"`
	Scopes         []sessions.TokenScope `json:"scopes"`
	ExpirationTime *Time                 `json:"expiration_time"` // null: never
	LastUsedTime   *Time                 `json:"last_used_time"`
	CreatedTime    Time                  `json:"created_time"`
	ModifiedTime   Time                  `json:"modified_time"`
	Token          string                `json:"token,omitempty"` // its text, shown once
	Model          string                `json:"model"`
}

// AccessTokenOf is the document of a token without its text.
func AccessTokenOf(t sessions.AccessToken) AccessToken {
	return AccessToken{
		ID: t.ID, Hash: t.Hash, Name: t.Name, Scopes: append([]sessions.TokenScope{}, t.Scopes...),
		ExpirationTime: optionalTime(t.ExpirationTime), LastUsedTime: optionalTime(t.LastUsedTime),
		CreatedTime: Time(t.CreatedTime), ModifiedTime: Time(t.ModifiedTime), Model: "UserToken",
	}
}

// CreatedAccessToken is the document of a new token.
func CreatedAccessToken(t sessions.CreatedAccessToken) AccessToken {
	d := AccessTokenOf(t.AccessToken)
	d.Token = t.Token
	return d
}

// OpenSession is a session of the reader's.
type OpenSession struct {
	ID             int64  `json:"id"`
	Hash           string `json:"hash"`
	Current        bool   `json:"current"` // the one that asks
	Hub            *int64 `json:"hub"`
	Remember       bool   `json:"remember"`
	Device         string `json:"device"` // such as "Firefox, Linux"; empty if that cannot be told
	Address        string `json:"address"`
	UserAgent      string `json:"user_agent"`
	LastUsedTime   Time   `json:"last_used_time"`
	ExpirationTime Time   `json:"expiration_time"`
	CreatedTime    Time   `json:"created_time"`
	ModifiedTime   Time   `json:"modified_time"`
	Model          string `json:"model"`
}

// OpenSessionOf is the document of a session, read from within the current one.
func OpenSessionOf(o sessions.Opened, current int64) OpenSession {
	return OpenSession{
		ID: o.ID, Hash: o.Hash, Current: o.ID == current, Hub: o.Hub, Remember: o.Remember,
		Device: Device(o.UserAgent), Address: o.Address, UserAgent: o.UserAgent,
		LastUsedTime: Time(o.LastUsedTime), ExpirationTime: Time(o.ExpirationTime),
		CreatedTime: Time(o.CreatedTime), ModifiedTime: Time(o.LastUsedTime), Model: "UserSession",
	}
}

// Recovery is a request of a member who has lost a factor.
type Recovery struct {
	ID            int64     `json:"id"`
	Hash          string    `json:"hash"`
	User          BriefUser `json:"user"`
	Address       string    `json:"address"` // from where it was confirmed
	UserAgent     string    `json:"user_agent"`
	ConfirmedTime Time      `json:"confirmed_time"`
	CreatedTime   Time      `json:"created_time"`
	ModifiedTime  Time      `json:"modified_time"`
	Model         string    `json:"model"`
}

// RecoveryOf is the document of a request.
func RecoveryOf(r accounts.Recovery) Recovery {
	return Recovery{
		ID: r.ID, Hash: r.Hash, User: briefUser(r.User), Address: r.Address, UserAgent: r.UserAgent,
		ConfirmedTime: Time(r.ConfirmedTime), CreatedTime: Time(r.CreatedTime), ModifiedTime: Time(r.ModifiedTime), Model: "Recovery",
	}
}

// IdentityProvider is where one may log in instead of here.
type IdentityProvider struct {
	Name  string `json:"name"`  // in paths
	Title string `json:"title"` // for people
	Kind  string `json:"kind"`
	// Mode is that of the hub that was asked about; null if it has none.
	Mode  *string `json:"mode"`
	Model string  `json:"model"`
}

// IdentityProviderOf is the document of a provider.
func IdentityProviderOf(p oauth.Provider) IdentityProvider {
	return IdentityProvider{Name: p.Name, Title: p.Title, Kind: p.Kind, Mode: optionalText(string(p.Mode)), Model: "IdentityProvider"}
}

// IdentityState is what a client needs to send the user to a provider.
type IdentityState struct {
	State     string `json:"state"`
	Challenge string `json:"challenge"` // S256 (RFC 7636)
}

// IdentityStateOf is the document of a login that has begun at a provider.
func IdentityStateOf(s oauth.IdentityState) IdentityState {
	return IdentityState{State: s.State, Challenge: s.Challenge}
}
