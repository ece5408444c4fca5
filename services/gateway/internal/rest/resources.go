package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// resourceRoutes are the endpoints of what is around an authentication.
func (a *API) resourceRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET /v1/user":           a.members,
		"POST /v1/user":          a.addMember,
		"GET /v1/user/{user}":    a.member,
		"PUT /v1/user/{user}":    a.updateMember,
		"DELETE /v1/user/{user}": a.removeMember,

		"GET /v1/user/{user}/profile":       a.profile,
		"PUT /v1/user/{user}/profile":       a.updateProfile,
		"POST /v1/user/{user}/invitation":   a.sendInvitation,
		"DELETE /v1/user/{user}/invitation": a.withdrawInvitation,
		"DELETE /v1/user/{user}/lock":       a.unlockMember,

		"GET /v1/hub":       a.hubs,
		"POST /v1/hub":      a.createHub,
		"GET /v1/hub/{hub}": a.hub,
		"PUT /v1/hub/{hub}": a.updateHub,

		"GET /v1/image":            a.ownImage,
		"POST /v1/image":           a.setImage,
		"GET /v1/image/{image}":    a.image,
		"DELETE /v1/image/{image}": a.removeImage,

		"GET /v1/audit":        a.events,
		"GET /v1/audit/export": a.exportEvents,

		"GET /v1/account/export":      a.exportAccount,
		"POST /v1/account/deletion":   a.requestDeletion,
		"DELETE /v1/account/deletion": a.cancelDeletion,

		"GET /v1/identity":               a.identities,
		"DELETE /v1/identity/{identity}": a.unlinkIdentity,
		"GET /v1/consent":                a.consents,
		"DELETE /v1/consent/{consent}":   a.revokeConsent,
	}
}

// unchanged holds a conditional request against what a GET would answer with
// now, in any of the languages: any will do.
func unchanged(r *http.Request, languages ...any) (err error) {
	for _, current := range languages {
		if err = envelope.Precondition(r, current); err == nil {
			return nil
		}
	}
	return err
}

// roleOf reads a role; absent is nil. Which there are is for the service to say.
func roleOf(body *jsonbody.Object) *accounts.Role { return (*accounts.Role)(body.IntPtr("role")) }

// private marks what only this caller may read, for answers that are no
// envelopes.
func private(h http.Header) {
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Authorization, Cookie")
}

// attach makes browsers save an answer, which nobody is to keep.
func attach(h http.Header, mediaType, name string) {
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Authorization, Cookie")
}
