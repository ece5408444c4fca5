package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/jonboulle/clockwork"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// metadataLife is how long a provider's metadata is believed (OpenID Connect
// Discovery). Its keys are fetched anew whenever a token names an unknown one.
const metadataLife = time.Hour

// errRefused is an answer that proves nothing.
var errRefused = errors.New("upstream: refused")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errRefused}, args...)...)
}

// connection is the way to a provider.
type connection struct {
	settings Provider
	clock    clockwork.Clock
	client   *http.Client

	mu      sync.Mutex
	known   *party
	fetched time.Time // or tried
	failure error     // of the last try
}

// party is a provider whose metadata is known.
type party struct {
	*connection
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
}

// party asks for the metadata unless it is known. If asking fails, what was
// known before is better than nothing, and nobody asks again for a while: a
// provider that is down must not make everybody wait for it in turn.
func (c *connection) party(ctx context.Context) (*party, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	believed := metadataLife
	if c.failure != nil {
		believed = retryAfter
	}
	if c.fetched.IsZero() || c.clock.Since(c.fetched) >= believed {
		found, err := c.discover(ctx)
		c.fetched, c.failure = c.clock.Now(), err
		if err == nil {
			c.known = found
		}
	}
	if c.known == nil {
		return nil, c.failure
	}
	return c.known, nil
}

func (c *connection) discover(ctx context.Context) (*party, error) {
	// The context is kept for fetching keys later: it must not end with the request.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), c.client), c.settings.Issuer)
	if err != nil {
		return nil, fmt.Errorf("upstream: metadata of %s: %w", c.settings.Name, err)
	}
	return &party{
		connection: c, provider: provider,
		verifier: provider.Verifier(&oidc.Config{
			ClientID: c.settings.ClientID, Now: c.clock.Now,
			// Asymmetric ones only: the client secret is no signing key.
			SupportedSigningAlgs: []string{
				oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512,
				oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
			},
		}),
	}, nil
}

func (p *party) config(redirectURI string) *oauth2.Config {
	scopes := p.settings.Scopes
	if len(scopes) == 0 {
		scopes = []string{oidc.ScopeOpenID, "email", "profile"}
	}
	return &oauth2.Config{
		ClientID: p.settings.ClientID, ClientSecret: p.settings.ClientSecret,
		Endpoint: p.provider.Endpoint(), RedirectURL: redirectURI, Scopes: scopes,
	}
}

// exchange redeems the code and checks the ID token. Its error is errRefused, or
// that of a provider that cannot be reached.
func (p *party) exchange(ctx context.Context, login begun, code string) (none oauth.ProvedIdentity, _ error) {
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.config(login.RedirectURI).Exchange(ctx, code, oauth2.VerifierOption(login.Secrets.Verifier))
	var failure *oauth2.RetrieveError
	if errors.As(err, &failure) && failure.Response != nil && failure.Response.StatusCode < http.StatusInternalServerError {
		// The body may quote the code or the secret; the error's code cannot.
		return none, refused("the token endpoint answered %d %.64s", failure.Response.StatusCode, failure.ErrorCode)
	}
	if err != nil {
		return none, errors.New("upstream: the token endpoint gave no usable answer")
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return none, refused("there is no ID token")
	}
	idToken, err := p.verifier.Verify(ctx, raw)
	var unreachable *url.Error // fetching the keys
	if errors.As(err, &unreachable) {
		return none, fmt.Errorf("upstream: keys of %s: %w", p.settings.Name, err)
	}
	if err != nil {
		return none, refused("%w", err)
	}
	return p.identity(idToken, login.Secrets.Nonce)
}

// claims are what is read of an ID token. Some providers write email_verified
// as a string.
type claims struct {
	AuthorizedParty string          `json:"azp"`
	Email           string          `json:"email"`
	EmailVerified   json.RawMessage `json:"email_verified"`
	Name            string          `json:"name"`
}

// identity checks what the verifier leaves to us (OpenID Connect Core section
// 3.1.3.7, points 4, 5 and 11).
func (p *party) identity(t *oidc.IDToken, nonce string) (none oauth.ProvedIdentity, _ error) {
	var c claims
	if err := t.Claims(&c); err != nil {
		return none, refused("decoding the claims: %w", err)
	}
	switch {
	case t.Nonce != "" && t.Nonce != nonce:
		return none, refused("the nonce is another login's")
	case len(t.Audience) > 1 && c.AuthorizedParty == "", c.AuthorizedParty != "" && c.AuthorizedParty != p.settings.ClientID:
		return none, refused("the ID token is for another client")
	case t.Subject == "" || len(t.Subject) > maxSubject:
		return none, refused("the subject is unusable")
	}
	verified := string(c.EmailVerified)
	return oauth.ProvedIdentity{
		Provider: p.settings.Name, Issuer: t.Issuer, Subject: t.Subject, Email: c.Email, Name: c.Name,
		EmailVerified: c.Email != "" && (verified == "true" || verified == `"true"`),
	}, nil
}
