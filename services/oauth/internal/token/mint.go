package token

import (
	"context"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
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

// order is what to mint.
type order struct {
	client *client.Client
	// grant is what the tokens are of; nil for a client's own access token.
	grant    *grant.Grant
	scopes   []string // of the access token
	audience []string // of the access token (RFC 8707); empty: none in particular
	// confirmation binds the access token to a key; nil: whoever bears it.
	confirmation *grant.Confirmation
	generation   int64 // of the refresh token, 0 for none
	nonce        string
	now          time.Time
	expires      time.Time // of the access token at the latest
}

// minted are the tokens of one answer.
type minted struct {
	access, refresh, id string
	scopes              []string
	expiresIn           time.Duration
}

// mint makes all tokens of an answer.
func (m *Minter) mint(ctx context.Context, o order) (minted, error) {
	answer, err := m.access(o)
	if err != nil || o.grant == nil {
		return answer, err
	}
	g := o.grant
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

// access mints an access token.
func (m *Minter) access(o order) (minted, error) {
	t := bearer.AccessToken{
		ID: bearer.NewTokenID(), Client: o.client.ID, Scopes: o.scopes, Audience: o.audience, Confirmation: o.confirmation,
		Issued: o.now.Truncate(time.Second),
	}
	if o.grant != nil {
		t.Grant = o.grant.ID
	}
	t.Expires = t.Issued.Add(m.Lifetimes.Access)
	if t.Expires.After(o.expires) {
		t.Expires = o.expires.Truncate(time.Second)
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
