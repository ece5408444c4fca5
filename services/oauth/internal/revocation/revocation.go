// Package revocation lets clients end their tokens (RFC 7009).
package revocation

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/evidence"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Revoker ends tokens. A user's token of either kind ends the whole grant,
// also a refresh token that was replaced meanwhile: the client wants to be
// logged out. A client's own access token ends alone, and so does one that was
// got for another client's by an exchange: the grant is not its client's to end.
type Revoker struct {
	Grants  *grant.Store
	Access  bearer.Access
	Refresh bearer.Refresh
	Metrics *metrics.Metrics
	Clock   clockwork.Clock
}

var _ fosite.RevocationHandler = (*Revoker)(nil)

var errForeign = fosite.ErrUnauthorizedClient.WithDescription("The token was issued to another client.").WithHint("")

// RevokeToken ends the token, whatever kind it is of. A token that is not good
// for anything is fine as it is. Another client's is refused.
func (v *Revoker) RevokeToken(ctx context.Context, token string, _ fosite.TokenType, client fosite.Client) error {
	t, err := v.Access.Open(ctx, token)
	if err == nil {
		return v.access(ctx, t, client)
	}
	if !errors.Is(err, bearer.ErrToken) {
		return err
	}
	if id, _, ok := v.Refresh.Parse(token); ok {
		own, err := v.grant(ctx, id, client)
		if err == nil && !own {
			return errForeign
		}
		return err
	}
	return v.commit(ctx, nil)
}

func (v *Revoker) access(ctx context.Context, t bearer.AccessToken, client fosite.Client) error {
	if t.Client != client.GetID() {
		return errForeign
	}
	if t.HasGrant() {
		if own, err := v.grant(ctx, t.Grant, client); own || err != nil {
			return err
		}
	}
	if !v.Clock.Now().Before(t.Expires) {
		return v.commit(ctx, nil)
	}
	return v.commit(ctx, func(ctx context.Context, q db.Queryer) error {
		return v.Grants.RevokeToken(ctx, q, t.ID[:], t.Expires)
	})
}

// grant ends the grant; own is false, and nothing ends, if it is another
// client's.
func (v *Revoker) grant(ctx context.Context, id grant.ID, client fosite.Client) (own bool, err error) {
	g, err := v.Grants.ByID(ctx, id)
	if errors.Is(err, grant.ErrNotFound) {
		return true, v.commit(ctx, nil)
	}
	if err != nil {
		return false, err
	}
	if g.Client != client.GetID() {
		return false, nil
	}
	if g.Revoked != nil {
		return true, v.commit(ctx, nil)
	}
	if err := v.commit(ctx, func(ctx context.Context, q db.Queryer) error {
		return v.Grants.Revoke(ctx, q, id, v.Clock.Now())
	}); err != nil {
		return true, err
	}
	v.Metrics.Revoked(metrics.ByClient)
	return true, nil
}

// commit ends what there is to end; the client's assertion is used up with it,
// or alone.
func (v *Revoker) commit(ctx context.Context, effect func(context.Context, db.Queryer) error) error {
	return evidence.Commit(ctx, v.Grants.DB, effect)
}

// Endpoint serves POST /oauth2/revoke.
type Endpoint struct {
	Provider fosite.OAuth2Provider
	Logger   *slog.Logger
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := e.revoke(w, r); err != nil {
		wire.Log(r.Context(), e.Logger, "revoke", err)
		wire.Fail(w, wire.FailureOf(err))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (e *Endpoint) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := wire.ReadForm(w, r)
	if err != nil {
		return err
	}
	if form.Get("token") == "" {
		return fosite.ErrInvalidRequest.WithHint("The token is missing.")
	}
	return e.Provider.NewRevocationRequest(r.Context(), r)
}
