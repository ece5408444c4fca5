package rest

import (
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// hubs is GET /v1/hub.
func (a *API) hubs(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	q := query.Read(r)
	in := accounts.ListHubsRequest{
		Actor: actor(caller), Page: q.Page(), Query: q.Text("query"),
		Role: (*accounts.Role)(q.Int("role", int(accounts.RoleNone), int(accounts.RoleOwner))),
	}
	if err := q.Err(); err != nil {
		return reply{}, err
	}
	found, err := a.deps.Accounts.ListHubs(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return list(each(found.Hubs, a.composer(r).HubMembership), in.Page, found.Total), nil
}

// createHub is POST /v1/hub.
func (a *API) createHub(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := accounts.CreateHubRequest{Actor: actor(caller), Name: body.String("name")}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	hub, err := a.deps.Accounts.CreateHub(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(a.composer(r).HubMembership(hub)), nil
}

// hub is GET /v1/hub/{hub}.
func (a *API) hub(_ http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := hubRequest(r)
	if err != nil {
		return reply{}, err
	}
	hub, err := a.deps.Accounts.GetHub(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return ok(a.composer(r).HubMembership(hub)), nil
}

func hubRequest(r *http.Request) (accounts.HubRequest, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return accounts.HubRequest{}, err
	}
	named, err := ref(r, "hub")
	return accounts.HubRequest{Actor: actor(caller), Hub: named}, err
}

// updateHub is PUT /v1/hub/{hub}.
func (a *API) updateHub(_ http.ResponseWriter, r *http.Request) (reply, error) {
	named, err := hubRequest(r)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	in := accounts.UpdateHubRequest{
		Actor: named.Actor, Hub: named.Hub,
		Name:                     body.StringPtr("name"),
		ProgramLevel:             body.BoolPtr("program_level"),
		LoginConfirmation:        body.BoolPtr("login_confirmation"),
		LoginConfirmationChannel: (*accounts.Channel)(body.IntPtr("login_confirmation_channel")),
		OfficePreview:            body.BoolPtr("office_preview"),
		PDFPreview:               body.BoolPtr("pdf_preview"),
		Support:                  body.BoolPtr("support"),
		PasswordAge:              body.IntPtr("password_age"),
		SessionLimit:             body.IntPtr("session_limit"),
		RecoveryApproval:         body.BoolPtr("recovery_approval"),
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	if err := a.mayLower(r, named, in); err != nil {
		return reply{}, err
	}
	if envelope.Conditional(r) {
		current, err := a.deps.Accounts.GetHub(r.Context(), named)
		if err != nil {
			return reply{}, err
		}
		if err := unchanged(r, a.inEachLanguage(r, current)...); err != nil {
			return reply{}, err
		}
		in.Revision = &current.Hub.ModifiedTime
	}
	hub, err := a.deps.Accounts.UpdateHub(r.Context(), in)
	if err != nil {
		return reply{}, modified(r, err)
	}
	return ok(a.composer(r).HubMembership(hub)), nil
}

// inEachLanguage are the documents of a hub, which say in words how long it
// lasts: the client may have read it in another language than it writes in.
func (a *API) inEachLanguage(r *http.Request, hub accounts.HubMembership) (documents []any) {
	c := a.composer(r)
	for _, c.Language = range []i18n.Language{i18n.German, i18n.English} {
		documents = append(documents, c.HubMembership(hub))
	}
	return documents
}

// mayLower asks for a recent login of whoever takes away what stands before a
// login to the hub. To send what is there already takes nothing away.
func (a *API) mayLower(r *http.Request, named accounts.HubRequest, in accounts.UpdateHubRequest) error {
	off := func(b *bool) bool { return b != nil && !*b }
	if !off(in.RecoveryApproval) && !off(in.LoginConfirmation) {
		return nil
	}
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return err
	}
	stale := caller.Fresh(r.Context())
	if stale == nil {
		return nil
	}
	current, err := a.deps.Accounts.GetHub(r.Context(), named)
	if err != nil {
		return err
	}
	if off(in.RecoveryApproval) && current.Hub.Policies.RecoveryApproval || off(in.LoginConfirmation) && current.Hub.Settings.LoginConfirmation {
		return stale
	}
	return nil
}
