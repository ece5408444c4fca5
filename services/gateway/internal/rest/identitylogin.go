package rest

import (
	"math"
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// identityProviders is GET /v1/auth/identity, wherever one wants to go or to a
// hub.
func (a *API) identityProviders(_ http.ResponseWriter, r *http.Request) (reply, error) {
	q := query.Read(r)
	hub := identifier(q.Int("hub", 1, math.MaxInt))
	if err := q.Err(); err != nil {
		return reply{}, err
	}
	known, err := a.deps.OAuth.Providers(r.Context(), oauth.ProvidersRequest{Hub: hub})
	if err != nil {
		return reply{}, err
	}
	return ok(each(known.Providers, compose.IdentityProviderOf)), nil
}

// beginIdentity is POST /v1/auth/identity/{type}/state. Whoever wants to link the
// identity to their account sends its token along, here and with the answer.
func (a *API) beginIdentity(w http.ResponseWriter, r *http.Request) (reply, error) {
	linker, err := linker(r, true)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.ReadOptional(r)
	if err != nil {
		return reply{}, err
	}
	in := flow.IdentityRequest{
		Provider: r.PathValue("type"), Hub: identifier(body.IntPtr("hub")), RedirectURI: body.String("redirect_uri"), Linker: linker,
	}
	if err := body.Err(in.Validate()); err != nil {
		return reply{}, err
	}
	begun, err := a.deps.Flow.BeginIdentity(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	if begun.URL != "" {
		w.Header().Set("Link", "<"+begun.URL+`>; rel="authorization"`)
	}
	return ok(compose.IdentityStateOf(begun)), nil
}

// finishIdentity is POST /v1/auth/identity/{type}: logs in, or links.
func (a *API) finishIdentity(_ http.ResponseWriter, r *http.Request) (reply, error) {
	linker, err := linker(r, false)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := flow.IdentityAnswer{
		Provider: r.PathValue("type"), State: body.String("state"), Code: body.String("code"),
		Issuer: body.String("iss"), Error: body.String("error"),
	}
	if err := body.Err(in.Validate()); err != nil {
		return reply{}, err
	}
	if linker == nil {
		return a.entered(r)(a.deps.Flow.LogInByIdentity(r.Context(), in))
	}
	if _, err := a.deps.Flow.LinkIdentity(r.Context(), *linker, in); err != nil {
		return reply{}, err
	}
	account, err := a.deps.Flow.Current(r.Context(), *linker)
	if err != nil {
		return reply{}, err
	}
	return ok(a.composer(r).Current(account, linker.Resolved)), nil
}

// identifier is the number of an object.
func identifier(n *int) *int64 {
	if n == nil {
		return nil
	}
	id := int64(*n)
	return &id
}

// linker is whose bearer token was sent along; nil if there was none. One that is
// no good is refused: its owner means to link, not to become somebody else. Who
// begins may also be on the way to finish an activation by it.
func linker(r *http.Request, begins bool) (*edge.Caller, error) {
	if begins {
		caller, err := edge.ScopedSession(r.Context(), flow.FinishScopes()...)
		if err == nil && !caller.Cookie {
			return &caller, nil
		}
	}
	if _, there, err := edge.BearerSession(r.Context()); err != nil || !there {
		return nil, err
	}
	caller, err := edge.FreshSession(r.Context())
	return &caller, err
}
