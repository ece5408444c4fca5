package bearer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

// Login is what an access token in the form of a JWT says of the user beside
// their name.
type Login struct {
	AuthTime int64    `json:"auth_time,omitempty"` // seconds since 1970
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
}

// accessClaims are RFC 9068 section 2.2.
type accessClaims struct {
	Issuer   string              `json:"iss"`
	Subject  string              `json:"sub"`
	Audience jwt.Audience        `json:"aud"`
	Client   string              `json:"client_id"`
	Expires  int64               `json:"exp"`
	Issued   int64               `json:"iat"`
	ID       string              `json:"jti"`
	Scope    string              `json:"scope,omitempty"`
	Confirm  *grant.Confirmation `json:"cnf,omitempty"`
	Actor    *grant.Actor        `json:"act,omitempty"` // RFC 8693 section 4.1
	// Grant is ours: with the grant the token ends before its time.
	Grant string `json:"grant_id,omitempty"`
	Login
}

// Sign makes a JWT (RFC 9068) with the algorithm. Its audience is the issuer if
// it is for no resource in particular, and its subject the client if it has no
// user.
func (a Access) Sign(ctx context.Context, t AccessToken, login Login, algorithm string) (string, error) {
	claims := accessClaims{
		Issuer: a.Signer.Issuer, Subject: t.Subject, Audience: t.Audience, Client: t.Client,
		Expires: t.Expires.Unix(), Issued: t.Issued.Unix(), ID: t.ID.String(),
		Scope: strings.Join(t.Scopes, " "), Confirm: t.Confirmation, Actor: t.Actor, Login: login,
	}
	if len(t.Audience) == 0 {
		claims.Audience = jwt.Audience{a.Signer.Issuer}
	}
	if t.HasGrant() {
		claims.Grant = encoding.EncodeToString(t.Grant[:])
	} else {
		claims.Subject = t.Client
	}
	token, err := a.Signer.Sign(ctx, algorithm, keys.TypeAccessToken, claims)
	if err != nil {
		return "", fmt.Errorf("sign an access token: %w", err)
	}
	return token, nil
}

// verify reads a JWT.
func (a Access) verify(ctx context.Context, token string) (AccessToken, error) {
	var claims accessClaims
	err := a.Signer.Verify(ctx, token, keys.TypeAccessToken, &claims)
	if errors.Is(err, keys.ErrToken) {
		return AccessToken{}, ErrToken
	}
	if err != nil {
		return AccessToken{}, err
	}
	t := AccessToken{
		Client: claims.Client, Scopes: strings.Fields(claims.Scope), Audience: claims.Audience,
		Confirmation: claims.Confirm, Actor: claims.Actor,
		Issued: time.Unix(claims.Issued, 0).UTC(), Expires: time.Unix(claims.Expires, 0).UTC(),
	}
	if slices.Equal(t.Audience, []string{a.Signer.Issuer}) {
		t.Audience = nil
	}
	id, err := encoding.DecodeString(claims.ID)
	if err != nil || len(id) != len(t.ID) || claims.Issuer != a.Signer.Issuer {
		return AccessToken{}, ErrToken
	}
	t.ID = TokenID(id)
	if claims.Grant != "" {
		id, err := encoding.DecodeString(claims.Grant)
		if err != nil || len(id) != grant.IDSize {
			return AccessToken{}, ErrToken
		}
		t.Grant, t.Subject = grant.ID(id), claims.Subject
	}
	return t, nil
}
