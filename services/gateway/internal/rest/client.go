package rest

import (
	"context"
	"net/http"
	"regexp"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/envelope"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/jsonbody"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/query"
)

// clientRoutes are the endpoints of a hub's OAuth clients. All are for its
// technical administrators in person, which the service finds out.
func (a *API) clientRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET /v1/client":                  a.clients,
		"POST /v1/client":                 a.createClient,
		"GET /v1/client/{client}":         a.client,
		"PUT /v1/client/{client}":         a.updateClient,
		"DELETE /v1/client/{client}":      a.deleteClient,
		"POST /v1/client/{client}/secret": a.rotateSecret,

		"GET /v1/registration-token":            a.registrationTokens,
		"POST /v1/registration-token":           a.createRegistrationToken,
		"DELETE /v1/registration-token/{token}": a.deleteRegistrationToken,
	}
}

// hubPerson is who manages what is their hub's, in person.
func hubPerson(ctx context.Context) (edge.Caller, error) {
	caller, err := edge.HubSession(ctx)
	if err != nil {
		return edge.Caller{}, err
	}
	return caller, caller.Secure()
}

// freshHubPerson is hubPerson for what makes a key that outlives the session, for
// what decides where an app's answers go and whose they are, and for what cannot be
// had back. To take a key back needs no recent login: it may have to
// be done at once, and whoever does it with somebody's session gains nothing.
func freshHubPerson(ctx context.Context) (edge.Caller, error) {
	if _, err := hubPerson(ctx); err != nil {
		return edge.Caller{}, err
	}
	return edge.FreshSession(ctx)
}

// clients is GET /v1/client.
func (a *API) clients(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := hubPerson(r.Context())
	if err != nil {
		return reply{}, err
	}
	who := actor(caller)
	q := query.Read(r)
	in := oauth.ListClientsRequest{Actor: &who, Page: q.Page(), Query: q.Text("query")}
	if err := q.Err(); err != nil {
		return reply{}, err
	}
	found, err := a.deps.OAuth.ListClients(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return list(each(found.Clients, compose.ClientOf), in.Page, found.Total), nil
}

// createClient is POST /v1/client.
func (a *API) createClient(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := freshHubPerson(r.Context())
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	body.Refuse("client_id", operatorOnly)
	chosen := readClient(body)
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	who := actor(caller)
	in := oauth.CreateClientRequest{Actor: &who}
	if in.Metadata, err = chosen.metadata(); err != nil {
		return reply{}, err
	}
	made, err := a.deps.OAuth.CreateClient(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(compose.CreatedClient(made)), nil
}

// client is GET /v1/client/{client}.
func (a *API) client(_ http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := clientRequest(r, hubPerson)
	if err != nil {
		return reply{}, err
	}
	found, err := a.deps.OAuth.GetClient(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return ok(compose.ClientOf(found)), nil
}

// clientName is the form of a client_id, of which numbers and hashes are a part.
var clientName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$`)

// clientRequest reads which client the path names, by number, hash or client_id.
func clientRequest(r *http.Request, session func(context.Context) (edge.Caller, error)) (oauth.ClientRequest, error) {
	caller, err := session(r.Context())
	if err != nil {
		return oauth.ClientRequest{}, err
	}
	name := r.PathValue("client")
	if !clientName.MatchString(name) {
		return oauth.ClientRequest{}, fault.New(fault.NotFound, "")
	}
	who := actor(caller)
	return oauth.ClientRequest{Actor: &who, ID: name}, nil
}

// updateClient is PUT /v1/client/{client}.
func (a *API) updateClient(_ http.ResponseWriter, r *http.Request) (reply, error) {
	named, err := clientRequest(r, freshHubPerson)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.Read(r)
	if err != nil {
		return reply{}, err
	}
	chosen := readClient(body)
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	in := oauth.UpdateClientRequest{Actor: named.Actor, ID: named.ID}
	if in.Changes, err = chosen.object(); err != nil {
		return reply{}, err
	}
	if envelope.Conditional(r) {
		current, err := a.deps.OAuth.GetClient(r.Context(), named)
		if err != nil {
			return reply{}, err
		}
		if err := unchanged(r, compose.ClientOf(current)); err != nil {
			return reply{}, err
		}
		in.Revision = &current.ModifiedTime
	}
	updated, err := a.deps.OAuth.UpdateClient(r.Context(), in)
	if err != nil {
		return reply{}, modified(r, err)
	}
	return ok(compose.ClientOf(updated)), nil
}

// deleteClient is DELETE /v1/client/{client}.
func (a *API) deleteClient(_ http.ResponseWriter, r *http.Request) (reply, error) {
	in, err := clientRequest(r, freshHubPerson)
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.OAuth.DeleteClient(r.Context(), in)
	return done(err)
}

// rotateSecret is POST /v1/client/{client}/secret.
func (a *API) rotateSecret(_ http.ResponseWriter, r *http.Request) (reply, error) {
	named, err := clientRequest(r, freshHubPerson)
	if err != nil {
		return reply{}, err
	}
	body, err := jsonbody.ReadOptional(r)
	if err != nil {
		return reply{}, err
	}
	in := oauth.RotateSecretRequest{Actor: named.Actor, ID: named.ID}
	if seconds := body.IntPtr("overlap"); seconds != nil {
		in.Overlap = int64(*seconds)
	}
	if err := body.Err(); err != nil {
		return reply{}, err
	}
	rotated, err := a.deps.OAuth.RotateSecret(r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	return created(compose.CreatedClient(rotated)), nil
}
