package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/consent"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/logout"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// issue grants what was asked for and sends the code.
func (f *Flow) issue(ctx context.Context, t *turn) (oauth.Authorization, error) {
	r := t.request
	session := &grant.Session{Grant: &grant.Grant{
		Client: r.Client.ID, Subject: t.login.Subject, Session: t.login.Session, Scopes: t.grantable(r.Scopes),
		Details: grant.Details{
			RedirectURI: r.form.Get("redirect_uri"), Challenge: r.form.Get("code_challenge"), Nonce: r.form.Get("nonce"),
			Resources: r.Resources, Claims: r.claims,
			Hub: t.login.Hub, ProviderHub: t.login.ProviderHub, Meaning: t.meaning(), Methods: t.login.Methods, AuthenticatedTime: t.login.AuthenticatedTime,
		},
	}}
	if key := r.form.Get("dpop_jkt"); key != "" {
		session.Grant.Details.Confirmation = &grant.Confirmation{KeyThumbprint: key}
	}
	response, err := f.Provider.NewAuthorizeResponse(ctx, r.fosite, session)
	if err != nil {
		return f.refuse(r, err)
	}
	err = f.store(ctx, t, session.Grant)
	switch {
	case errors.Is(err, logout.ErrEnded):
		t.login = nil // a moment ago
		return f.decide(ctx, t)
	case errors.Is(err, consent.ErrRevoked):
		return f.decide(ctx, t) // which finds the consent gone
	case err != nil:
		return oauth.Authorization{}, err
	}
	f.Metrics.Authorization("ok")
	return f.answer(r, response.GetParameters()), nil
}

// store keeps the grant, and in the same transaction uses the waiting request
// up and remembers what the user has allowed. A grant on an earlier consent comes
// about before that is revoked, and is revoked with it, or not at all.
func (f *Flow) store(ctx context.Context, t *turn, g *grant.Grant) error {
	return f.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := f.Sessions.Join(ctx, tx, t.request.Client, g); err != nil {
			return err
		}
		if t.id != "" {
			if err := f.Requests.consume(ctx, tx, t.id, g.Created); err != nil {
				return err
			}
		}
		if t.earlier != nil {
			if err := f.Consents.Hold(ctx, tx, *t.earlier); err != nil {
				return err
			}
		}
		if t.allowed {
			if err := f.Consents.Remember(ctx, tx, g.Subject, g.Client, t.grantable(t.request.Revealed), g.Created); err != nil {
				return err
			}
		}
		return f.Grants.Insert(ctx, tx, g)
	})
}

// end answers a request with an error, for good if it is a stored one.
func (f *Flow) end(ctx context.Context, id string, r *Request, err error) (oauth.Authorization, error) {
	if id != "" && wire.FailureOf(err).Status < http.StatusInternalServerError {
		if err := f.Requests.consume(ctx, f.DB, id, f.Clock.Now()); err != nil {
			return oauth.Authorization{}, err
		}
	}
	return f.refuse(r, err)
}

// refuse tells the client what is wrong, or the user if it is not proven that
// the redirect URI is the client's. A failure of ours is nobody's answer.
func (f *Flow) refuse(r *Request, err error) (oauth.Authorization, error) {
	failure := wire.FailureOf(err)
	if failure.Status >= http.StatusInternalServerError {
		return oauth.Authorization{}, err
	}
	if r == nil {
		f.Metrics.Authorization("problem")
		return oauth.Authorization{Problem: &oauth.Problem{Code: failure.Code, Description: failure.Description}}, nil
	}
	f.Metrics.Authorization(failure.Code)
	answer := f.answer(r, url.Values{"error": {failure.Code}, "error_description": {failure.Description}})
	if r.stranger {
		answer.Ask = &oauth.Stranger{Client: r.Client.Client, RedirectTo: redirect.Origin(r.RedirectURI)}
	}
	return answer, nil
}

// meet finds out whether the client is a stranger to the user. An error would send
// the browser on without a page, so that anybody who registers a client could have
// links of ours lead anywhere (RFC 9700 section 4.11.2).
func (f *Flow) meet(ctx context.Context, r *Request, login *oauth.Login) error {
	if r == nil || !r.Client.SelfMade() {
		return nil
	}
	r.stranger = true
	if login == nil {
		return nil
	}
	known, err := f.Consents.Any(ctx, login.Subject, r.Client.ID)
	r.stranger = !known
	return err
}

// answer sends the browser back. Every answer says who it is from (RFC 9207), so
// that it cannot be passed off as another provider's.
func (f *Flow) answer(r *Request, parameters url.Values) oauth.Authorization {
	parameters.Set("iss", f.Issuer)
	if r.State != "" {
		parameters.Set("state", r.State)
	}
	switch r.mode {
	case ModeFormPost:
		fields := map[string]string{}
		for name := range parameters {
			fields[name] = parameters.Get(name)
		}
		return oauth.Authorization{Post: &oauth.FormPost{Action: r.RedirectURI, Fields: fields}}
	case ModeFragment:
		return oauth.Authorization{Redirect: r.RedirectURI + "#" + parameters.Encode()}
	}
	return oauth.Authorization{Redirect: redirect.With(r.RedirectURI, parameters)}
}
