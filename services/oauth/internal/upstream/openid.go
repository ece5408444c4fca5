package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// leeway is how far others' clocks may be from ours.
const leeway = 30 * time.Second

// dialect is what an OpenID provider does otherwise than the others. What is nil
// is as the standard has it.
type dialect struct {
	// metadata is where the metadata is, and of which issuer.
	metadata func(Provider) (at, issuer string)
	// issuer is whose an ID token with these claims has to be.
	issuer func(Provider, claims) (string, error)
	// verified tells whether the address is its user's.
	verified func(claims) bool
	// secret makes the client secret, and says when to make the next one.
	secret func(p Provider, issuer string, now time.Time) (string, time.Time, error)
	// options go into the authorization request.
	options []oauth2.AuthCodeOption
}

// openIDParty is an OpenID provider.
type openIDParty struct {
	*connection
	dialect

	metadata metadata
	verifier *oidc.IDTokenVerifier
	provider *oidc.Provider

	mu     sync.Mutex
	secret string // that was made
	until  time.Time
}

// openID connects to OpenID providers of a dialect.
func openID(d dialect) func(context.Context, *connection) (party, error) {
	return func(ctx context.Context, c *connection) (party, error) {
		at, issuer := c.settings.Issuer, c.settings.Issuer
		if d.metadata != nil {
			at, issuer = d.metadata(c.settings)
		}
		m, err := c.discover(ctx, at, issuer)
		if err != nil {
			return nil, err
		}
		// The context is kept for fetching keys later: it must not end with the request.
		ctx = oidc.ClientContext(context.WithoutCancel(ctx), c.client)
		provider := (&oidc.ProviderConfig{
			IssuerURL: m.Issuer, AuthURL: m.AuthURL, TokenURL: m.TokenURL, UserInfoURL: m.UserInfoURL, JWKSURL: m.JWKSURL,
		}).NewProvider(ctx)
		return &openIDParty{
			connection: c, dialect: d, metadata: m, provider: provider,
			verifier: oidc.NewVerifier(m.Issuer, keySet{oidc.NewRemoteKeySet(ctx, m.JWKSURL)}, &oidc.Config{
				ClientID: c.settings.ClientID, Now: func() time.Time { return c.clock.Now().Add(-leeway) },
				SkipIssuerCheck: true, // identity does it
				// Asymmetric ones only: the client secret is no signing key.
				SupportedSigningAlgs: []string{
					oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512,
					oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
				},
			}),
		}, nil
	}
}

func (p *openIDParty) config(b begun) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.settings.ClientID, ClientSecret: p.settings.ClientSecret, RedirectURL: b.RedirectURI, Scopes: p.settings.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: p.metadata.AuthURL, TokenURL: p.metadata.TokenURL, AuthStyle: p.metadata.authStyle()},
	}
}

func (p *openIDParty) request(b begun, state string) string {
	options := append([]oauth2.AuthCodeOption{oidc.Nonce(b.Secrets.Nonce), oauth2.S256ChallengeOption(b.Secrets.Verifier)}, p.options...)
	return p.config(b).AuthCodeURL(state, options...)
}

// check holds iss against the issuer. A client of the JSON API may know nothing
// of it; our own page passes on all there is.
func (p *openIDParty) check(b begun, issuer string) error {
	switch {
	case issuer == "" && (!p.metadata.NamesIssuer || b.RedirectURI != p.hosted):
		return nil
	case issuer != p.metadata.Issuer:
		return refused("the response is of another issuer: %.200q", issuer)
	}
	return nil
}

func (p *openIDParty) redeem(ctx context.Context, b begun, code string) (none oauth.ProvedIdentity, _ error) {
	config := p.config(b)
	if p.dialect.secret != nil {
		made, err := p.madeSecret()
		if err != nil {
			return none, err
		}
		config.ClientSecret, config.Endpoint.AuthStyle = made, oauth2.AuthStyleInParams
	}
	token, err := p.token(ctx, config, b, code)
	if err != nil {
		return none, err
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return none, refused("there is no ID token")
	}
	var unreachable error
	idToken, err := p.verifier.Verify(context.WithValue(ctx, keysFailed{}, &unreachable), raw)
	if unreachable != nil {
		return none, fmt.Errorf("upstream: keys of %s: %w", p.settings.Name, unreachable)
	}
	if err != nil {
		return none, refused("%w", err)
	}
	c, err := p.claims(idToken, b.Secrets.Nonce)
	if err != nil {
		return none, err
	}
	if err := p.complete(ctx, &c, token); err != nil {
		return none, err
	}
	return p.identity(c), nil
}

// complete asks UserInfo for what the ID token does not tell (OpenID Connect
// Core section 5.4), if it could.
func (p *openIDParty) complete(ctx context.Context, c *claims, token *oauth2.Token) error {
	if c.Email != "" || p.metadata.UserInfoURL == "" {
		return nil
	}
	info, err := p.provider.UserInfo(oidc.ClientContext(ctx, p.client), oauth2.StaticTokenSource(token))
	if err != nil {
		// Who somebody is has been proved; the rest is an extra.
		p.logger.WarnContext(ctx, "an upstream provider does not tell about a user",
			slog.String("provider", p.settings.Name), slog.String("error", fmt.Sprintf("%.200s", err)))
		return nil
	}
	if info.Subject != c.Subject {
		return refused("UserInfo is about another subject") // section 5.3.2
	}
	more := claims{}
	if err := info.Claims(&more); err != nil {
		return refused("decoding UserInfo: %w", err)
	}
	c.Email, c.EmailVerified, c.HostedDomain = more.Email, more.EmailVerified, more.HostedDomain
	if c.Name == "" {
		c.Name = more.Name
	}
	return nil
}

// madeSecret is the client secret that the dialect makes.
func (p *openIDParty) madeSecret() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if p.secret == "" || !now.Before(p.until) {
		made, until, err := p.dialect.secret(p.settings, p.metadata.Issuer, now)
		if err != nil {
			return "", err
		}
		p.secret, p.until = made, until
	}
	return p.secret, nil
}

// keySet says apart from the verifier, which keeps no causes, that the keys could
// not be fetched.
type keySet struct{ remote *oidc.RemoteKeySet }

type keysFailed struct{}

func (k keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, token)
	if failed, ok := ctx.Value(keysFailed{}).(*error); ok && isFetching(err) {
		*failed = err
	}
	return payload, err
}

// isFetching tells a key set's failure to fetch from one to verify, which it has
// no other mark for.
func isFetching(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "fetching keys") }
