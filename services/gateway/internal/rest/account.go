package rest

import (
	"encoding/json"
	"net/http"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/compose"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

// exportAccount is GET /v1/account/export. The file is complete or there is
// none.
func (a *API) exportAccount(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	ctx := r.Context()
	export := compose.AccountExport{ExportedTime: compose.Time(a.deps.Clock.Now())}
	account, err := a.deps.Accounts.ExportAccount(ctx, accounts.ActorRequest{Actor: actor(caller)})
	if err != nil {
		return reply{}, err
	}
	export.Account = account.Data
	export.Sessions, err = all(func(p api.Page) ([]compose.OpenSession, int, error) {
		found, err := a.deps.Sessions.List(ctx, sessions.ListRequest{User: caller.Session.User, Page: p})
		documents := each(found.Sessions, func(o sessions.Opened) compose.OpenSession {
			return compose.OpenSessionOf(o, caller.Session.ID)
		})
		return documents, found.Total, err
	})
	if err != nil {
		return reply{}, err
	}
	export.Tokens, err = all(func(p api.Page) ([]compose.AccessToken, int, error) {
		found, err := a.deps.Sessions.ListAccessTokens(ctx, sessions.ListRequest{User: caller.Session.User, Page: p})
		return each(found.Tokens, compose.AccessTokenOf), found.Total, err
	})
	if err != nil {
		return reply{}, err
	}
	consents, err := a.deps.OAuth.ListConsents(ctx, oauth.SubjectRequest{Subject: caller.Session.UserHash})
	if err != nil {
		return reply{}, err
	}
	export.Consents = each(consents.Consents, compose.ConsentOf)

	text, err := json.MarshalIndent(export, "", "  ")
	if err != nil {
		return reply{}, err
	}
	attach(w.Header(), "application/json", "account-"+a.today()+".json")
	_, _ = w.Write(append(text, '\n')) // the client went away; nothing to tell it
	return sent, nil
}

// all reads a list to its end.
func all[T any](read func(api.Page) ([]T, int, error)) ([]T, error) {
	everything := []T{}
	for p := (api.Page{Number: 1, Size: api.MaxPageSize}); ; p.Number++ {
		items, total, err := read(p)
		if err != nil {
			return nil, err
		}
		everything = append(everything, items...)
		if len(items) == 0 || len(everything) >= total {
			return everything, nil
		}
	}
}

// requestDeletion is POST /v1/account/deletion.
func (a *API) requestDeletion(w http.ResponseWriter, r *http.Request) (reply, error) {
	caller, password, err := withPassword(r)
	if err != nil {
		return reply{}, err
	}
	pending, err := a.deps.Accounts.RequestDeletion(r.Context(), accounts.RequestDeletionRequest{
		Actor: actor(caller), Password: password,
	})
	if err != nil {
		return reply{}, err
	}
	a.forget(w, caller) // its session ends like all others
	return ok(compose.Deletion{DeletionTime: compose.Time(pending.DeletionTime)}), nil
}

// cancelDeletion is DELETE /v1/account/deletion.
func (a *API) cancelDeletion(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.CancelDeletion(r.Context(), accounts.ActorRequest{Actor: actor(caller)})
	return done(err)
}

// identities is GET /v1/identity.
func (a *API) identities(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.FullSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	found, err := a.deps.Accounts.ListIdentities(r.Context(), accounts.ActorRequest{Actor: actor(caller)})
	if err != nil {
		return reply{}, err
	}
	return ok(each(found.Identities, compose.IdentityOf)), nil
}

// unlinkIdentity is DELETE /v1/identity/{identity}.
func (a *API) unlinkIdentity(_ http.ResponseWriter, r *http.Request) (reply, error) {
	caller, err := edge.SecureSession(r.Context())
	if err != nil {
		return reply{}, err
	}
	named, err := ref(r, "identity")
	if err != nil {
		return reply{}, err
	}
	_, err = a.deps.Accounts.UnlinkIdentity(r.Context(), accounts.UnlinkIdentityRequest{Actor: actor(caller), Identity: named})
	return done(err)
}
