package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// consents is GET /v1/consent. Which apps somebody uses is nothing for who acts as
// them, and the oauth service knows of nobody who does.
func (a *API) consents(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := actor(caller).AsSelf(); err != nil {
		return reply{}, err
	}
	found, err := a.deps.OAuth.ListConsents(r.Context(), oauth.SubjectRequest{Subject: caller.Session.UserHash})
	if err != nil {
		return reply{}, err
	}
	return ok(each(found.Consents, compose.ConsentOf)), nil
}

// revokeConsent is DELETE /v1/consent/{consent}. It is the user's own to take
// back, in person.
func (a *API) revokeConsent(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	named, err := ref(r, "consent")
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.OAuth.RevokeConsent(r.Context(), oauth.RevokeConsentRequest{Subject: caller.Session.UserHash, Consent: named})
	return done(err)
}
