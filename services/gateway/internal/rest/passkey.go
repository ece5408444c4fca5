package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
)

// passkeyRoutes are the endpoints of passkeys.
func (a *API) passkeyRoutes() map[string]endpoint {
	return map[string]endpoint{
		"POST /v1/auth/passkey/options": a.beginPasskeyLogin,
		"POST /v1/auth/passkey":         a.passkeyLogin,
		"GET /v1/passkey":               a.passkeys,
		"POST /v1/passkey/options":      a.beginPasskey,
		"POST /v1/passkey":              a.finishPasskey,
		"DELETE /v1/passkey/{passkey}":  a.removePasskey,
	}
}

// beginPasskeyLogin is POST /v1/auth/passkey/options.
func (a *API) beginPasskeyLogin(_ http.ResponseWriter, r *http.Request) (reply, error) {
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	ceremony, err := a.deps.Flow.BeginPasskeyLogin(r.Context())
	if err != nil {
		return reply{}, err
	}
	return ok(compose.PasskeyCeremonyOf(ceremony)), nil
}

// passkeyLogin is POST /v1/auth/passkey.
func (a *API) passkeyLogin(_ http.ResponseWriter, r *http.Request) (reply, error) {
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := flow.PasskeyLogin{
		Ceremony:   body.String("ceremony"),
		Credential: body.Raw("credential"),
		Hubless:    !body.Bool("hub", true),
		Remember:   body.Bool("remember", false),
	}
	if err := body.Err(in.Validate()); err != nil {
		return reply{}, err
	}
	return a.entered(r)(a.deps.Flow.PasskeyLogin(r.Context(), in))
}

// passkeys is GET /v1/passkey.
func (a *API) passkeys(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	found, err := a.deps.Accounts.ListPasskeys(r.Context(), accounts.ActorRequest{Actor: actor(caller)})
	if err != nil {
		return reply{}, err
	}
	return ok(each(found.Passkeys, compose.PasskeyOf)), nil
}

// beginPasskey is POST /v1/passkey/options.
func (a *API) beginPasskey(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FreshSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	if err := jsonbody.None(r); err != nil {
		return reply{}, err
	}
	ceremony, err := a.deps.Accounts.BeginPasskey(r.Context(), accounts.ActorRequest{Actor: actor(caller)})
	if err != nil {
		return reply{}, err
	}
	return ok(compose.PasskeyCeremonyOf(ceremony)), nil
}

// finishPasskey is POST /v1/passkey.
func (a *API) finishPasskey(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FreshSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := accounts.FinishPasskeyRequest{
		Actor: actor(caller), Ceremony: body.String("ceremony"), Name: body.String("name"), Credential: body.Raw("credential"),
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	passkey, err := a.deps.Accounts.FinishPasskey(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(compose.PasskeyOf(passkey)), nil
}

// removePasskey is DELETE /v1/passkey/{passkey}, which takes the password.
func (a *API) removePasskey(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, password, err := withPassword(r)
	if err != nil {
		return reply{}, err
	}
	passkey, err := ref(r, "passkey")
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.RemovePasskey(r.Context(), accounts.RemovePasskeyRequest{
		Actor: actor(caller), Passkey: passkey, Password: password,
	})
	return done(err)
}
