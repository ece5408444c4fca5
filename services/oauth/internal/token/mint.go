package token

import (
	"context"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/acr"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
)

// Minter makes tokens. It stores nothing, so what it made may be thrown away
// if another request won.
type Minter struct {
	Access    bearer.Access
	Refresh   bearer.Refresh
	Signer    *keys.Signer
	Names     *subject.Names
	Accounts  Accounts
	Lifetimes Lifetimes // the installation's; see [Lifetimes.Of]
}

// order is what to mint.
type order struct {
	client *client.Client
	// grant is what the tokens are of; nil for a client's own access token.
	grant    *grant.Grant
	scopes   []string // of the access token
	audience []string // of the access token (RFC 8707); empty: none in particular
	// confirmation binds the access token to a key; nil: whoever bears it. mint
	// finds it out.
	confirmation *grant.Confirmation
	actor        *grant.Actor // who acts for the user; nil: who does by the grant
	jwt          bool         // the access token, whatever the client's format is
	generation   int64        // of the refresh token, 0 for none
	nonce        string
	now          time.Time
	expires      time.Time // of the access token at the latest
}

// minted are the tokens of one answer.
type minted struct {
	access, refresh, id string
	tokenType           string
	confirmation        *grant.Confirmation // of the access token
	scopes              []string
	expiresIn           time.Duration
}

// The token_type of an access token.
const (
	Bearer = "Bearer" // RFC 6750
	DPoP   = "DPoP"   // RFC 9449: bound to a key
)

// TypeOf is the token_type of an access token with that confirmation.
func TypeOf(c *grant.Confirmation) string {
	if c != nil && c.KeyThumbprint != "" {
		return DPoP
	}
	return Bearer
}

// mint makes all tokens of an answer.
func (m *Minter) mint(ctx context.Context, o order) (minted, error) {
	answer, err := m.access(ctx, o)
	if err != nil || o.grant == nil {
		return answer, err
	}
	if o.generation > 0 {
		answer.refresh = m.Refresh.Make(o.grant.ID, o.generation)
	}
	if scope.Missing([]string{scope.OpenID}, o.scopes) != "" {
		return answer, nil
	}
	answer.id, err = m.IDToken(ctx, IDToken{
		Client: o.client, Grant: o.grant, Nonce: o.nonce, AccessToken: answer.access, Now: o.now,
	})
	return answer, err
}

// access mints an access token.
func (m *Minter) access(ctx context.Context, o order) (minted, error) {
	var err error
	if o.confirmation, err = confirm(ctx, o.client); err != nil {
		return minted{}, err
	}
	t := bearer.AccessToken{
		ID: bearer.NewTokenID(), Client: o.client.ID, Scopes: o.scopes, Audience: o.audience, Confirmation: o.confirmation,
		Issued: o.now.Truncate(time.Second),
	}
	var login bearer.Login
	if o.grant != nil {
		t.Grant, t.Subject = o.grant.ID, m.Names.Of(o.client, o.grant.Subject)
		login = LoginOf(o.grant)
		t.Actor = o.grant.Details.Actor
	}
	if o.actor != nil {
		t.Actor = o.actor
	}
	t.Expires = t.Issued.Add(m.Lifetimes.Of(o.client).Access)
	if t.Expires.After(o.expires) {
		t.Expires = o.expires.Truncate(time.Second)
	}
	text, err := m.text(ctx, o, t, login)
	return minted{
		access: text, tokenType: TypeOf(o.confirmation), confirmation: o.confirmation, scopes: t.Scopes, expiresIn: t.Expires.Sub(t.Issued),
	}, err
}

// text is the token in the client's format, unless it has to be a JWT.
func (m *Minter) text(ctx context.Context, o order, t bearer.AccessToken, login bearer.Login) (string, error) {
	if o.jwt || o.client.AccessTokenFormat == client.JWT {
		return m.Access.Sign(ctx, t, login, o.client.IDTokenAlg)
	}
	return m.Access.Seal(t)
}

// LoginOf is how and when the user of a grant logged in. Where nobody did, as
// with a grant on somebody's word, it says nothing.
func LoginOf(g *grant.Grant) bearer.Login {
	d := g.Details
	login := bearer.Login{AMR: d.Methods}
	if !d.AuthenticatedTime.IsZero() {
		login.AuthTime, login.ACR = d.AuthenticatedTime.Unix(), acr.Of(d.Methods)
	}
	return login
}

// into puts the tokens into the answer.
func (t minted) into(responder fosite.AccessResponder) {
	responder.SetAccessToken(t.access)
	responder.SetTokenType(t.tokenType)
	responder.SetExpiresIn(t.expiresIn)
	responder.SetScopes(t.scopes)
	if t.refresh != "" {
		responder.SetExtra("refresh_token", t.refresh)
	}
	if t.id != "" {
		responder.SetExtra("id_token", t.id)
	}
}
