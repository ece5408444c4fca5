package token

import (
	"context"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Lifetimes are how long things are good for.
type Lifetimes struct {
	Access time.Duration
	ID     time.Duration
	// Refresh is how long a refresh token may lie unused.
	Refresh time.Duration
	// Grant ends even a family of refresh tokens that is in use.
	Grant time.Duration
	// Grace is how long after its replacement a refresh token may be
	// presented again.
	Grace time.Duration
}

// Minter makes tokens. It stores nothing, so what it made may be thrown away
// if another request won.
type Minter struct {
	Access    bearer.Access
	Refresh   bearer.Refresh
	IDTokens  *keys.Signer
	Lifetimes Lifetimes
}

// order is what to mint for a grant.
type order struct {
	scopes     []string // of the access token
	generation int64    // of the refresh token, 0 for none
	nonce      string
	now        time.Time
	expires    time.Time // of the grant
}

// minted are the tokens of one answer.
type minted struct {
	access, refresh, id string
	scopes              []string
	expiresIn           time.Duration
}

// ofGrant mints a user's tokens.
func (m *Minter) ofGrant(ctx context.Context, g *grant.Grant, o order) (minted, error) {
	answer, err := m.access(bearer.AccessToken{Grant: g.ID, Client: g.Client, Scopes: o.scopes}, o.now, o.expires)
	if err != nil {
		return minted{}, err
	}
	if o.generation > 0 {
		answer.refresh = m.Refresh.Make(g.ID, o.generation)
	}
	if scope.Missing([]string{scope.OpenID}, o.scopes) != "" {
		return answer, nil
	}
	answer.id, err = m.IDTokens.Sign(ctx, keys.IDToken{
		Issuer: m.IDTokens.Issuer, Subject: g.Subject, Audience: g.Client,
		Issued: o.now.Unix(), Expires: o.now.Add(m.Lifetimes.ID).Unix(),
		AuthTime: g.Details.AuthenticatedTime.Unix(), Nonce: o.nonce,
		ACR: keys.ACR, AMR: g.Details.Methods, Session: g.Session,
		AccessTokenHash: keys.AccessTokenHash(answer.access),
	})
	return answer, err
}

// ofClient mints a client's own token.
func (m *Minter) ofClient(client string, scopes []string, now time.Time) (minted, error) {
	return m.access(bearer.AccessToken{Client: client, Scopes: scopes}, now, now.Add(m.Lifetimes.Access))
}

// access mints an access token that ends no later than limit.
func (m *Minter) access(t bearer.AccessToken, now, limit time.Time) (minted, error) {
	t.ID = bearer.NewTokenID()
	t.Issued = now.Truncate(time.Second)
	t.Expires = t.Issued.Add(m.Lifetimes.Access)
	if t.Expires.After(limit) {
		t.Expires = limit.Truncate(time.Second)
	}
	text, err := m.Access.Seal(t)
	return minted{access: text, scopes: t.Scopes, expiresIn: t.Expires.Sub(t.Issued)}, err
}

// into puts the tokens into the answer.
func (t minted) into(responder fosite.AccessResponder) {
	responder.SetAccessToken(t.access)
	responder.SetTokenType("Bearer")
	responder.SetExpiresIn(t.expiresIn)
	responder.SetScopes(t.scopes)
	if t.refresh != "" {
		responder.SetExtra("refresh_token", t.refresh)
	}
	if t.id != "" {
		responder.SetExtra("id_token", t.id)
	}
}
