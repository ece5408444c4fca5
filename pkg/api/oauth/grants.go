package oauth

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Grants are the apps that a user has authorised.
type Grants interface {
	// ListConsents lists what a subject has agreed to, by the app's name.
	ListConsents(context.Context, SubjectRequest) (ConsentList, error)
	// RevokeConsent takes it back, with every grant that rests on it: the app's
	// refresh tokens are void at once. NotFound if there is none.
	RevokeConsent(context.Context, RevokeConsentRequest) (api.Nothing, error)
	// Forget deletes all that the service holds about a subject.
	Forget(context.Context, SubjectRequest) (api.Nothing, error)
}

// SubjectRequest names a subject.
type SubjectRequest struct {
	Subject string `json:"subject"` // a user's hash
}

// Consented is an app that a user has authorised.
type Consented struct {
	ID           int64     `json:"id"`
	Hash         string    `json:"hash"`
	Client       string    `json:"client"` // client_id
	ClientName   string    `json:"client_name"`
	Scopes       []string  `json:"scopes"`
	CreatedTime  time.Time `json:"created_time"`
	ModifiedTime time.Time `json:"modified_time"`
}

// ConsentList are the consents of a subject.
type ConsentList struct {
	Consents []Consented `json:"consents"`
}

// RevokeConsentRequest takes a consent back.
type RevokeConsentRequest struct {
	Subject string  `json:"subject"`
	Consent api.Ref `json:"consent"`
}
