package token

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/claims"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

// IDToken is what to say in an ID token.
type IDToken struct {
	Client *client.Client
	Grant  *grant.Grant
	Nonce  string
	// AccessToken, Code and State are hashed into it, if they are there: they are
	// in the same answer.
	AccessToken, Code, State string
	Now                      time.Time
}

// idClaims are OpenID Connect Core 1.0 sections 2 and 3.3.2.11. What a user is
// called is left to UserInfo, unless the request wants it here.
type idClaims struct {
	Issuer          string   `json:"iss"`
	Subject         string   `json:"sub"`
	Audience        string   `json:"aud"`
	Expires         int64    `json:"exp"`
	Issued          int64    `json:"iat"`
	AuthTime        int64    `json:"auth_time,omitempty"`
	Nonce           string   `json:"nonce,omitempty"`
	ACR             string   `json:"acr,omitempty"`
	AMR             []string `json:"amr,omitempty"`
	Session         string   `json:"sid,omitempty"`
	AccessTokenHash string   `json:"at_hash,omitempty"`
	CodeHash        string   `json:"c_hash,omitempty"`
	StateHash       string   `json:"s_hash,omitempty"` // FAPI 1.0 part 2 section 5.1
}

// IDToken makes an ID token.
func (m *Minter) IDToken(ctx context.Context, t IDToken) (string, error) {
	g, algorithm := t.Grant, t.Client.IDTokenAlg
	hash := func(value string) string {
		if value == "" {
			return ""
		}
		return keys.HalfHash(algorithm, value)
	}
	about, err := m.about(ctx, t.Client, g)
	if err != nil {
		return "", err
	}
	login := LoginOf(g)
	return m.Signer.Sign(ctx, algorithm, keys.TypeIDToken, about, idClaims{
		Issuer: m.Signer.Issuer, Subject: m.Names.Of(t.Client, g.Subject), Audience: g.Client,
		Issued: t.Now.Unix(), Expires: t.Now.Add(m.Lifetimes.Of(t.Client).ID).Unix(),
		AuthTime: login.AuthTime, Nonce: t.Nonce, ACR: login.ACR, AMR: login.AMR, Session: m.Names.Session(t.Client, g.Session),
		AccessTokenHash: hash(t.AccessToken), CodeHash: hash(t.Code), StateHash: hash(t.State),
	})
}

// about are the claims about the user that the request wants in the ID token
// (OpenID Connect Core 1.0 section 5.5).
func (m *Minter) about(ctx context.Context, c *client.Client, g *grant.Grant) (map[string]any, error) {
	request, err := claims.Parse(string(g.Details.Claims))
	if err != nil {
		return nil, err
	}
	names, ask := claims.OfGrant(g, claims.About(request.IDToken, c))
	if len(names) == 0 {
		return map[string]any{}, nil
	}
	account, err := m.Accounts.Claims(ctx, ask)
	if err != nil {
		return nil, err
	}
	return claims.Select(account, names), nil
}
