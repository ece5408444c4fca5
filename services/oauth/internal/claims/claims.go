// Package userinfo tells relying parties who a user is (OpenID Connect Core
// 1.0 section 5.3).
package userinfo

import (
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Claims are what UserInfo answers. A claim that nobody asked for by a scope,
// or that has no value, is left out.
type Claims struct {
	Subject           string `json:"sub"`
	Name              string `json:"name,omitempty"`
	GivenName         string `json:"given_name,omitempty"`
	FamilyName        string `json:"family_name,omitempty"`
	PreferredUsername string `json:"preferred_username,omitempty"`
	Locale            string `json:"locale,omitempty"`
	UpdatedAt         int64  `json:"updated_at,omitempty"` // seconds since 1970
	Email             string `json:"email,omitempty"`
	EmailVerified     *bool  `json:"email_verified,omitempty"`
	Hub               *Hub   `json:"hub,omitempty"`
}

// Hub is the hub the user's session was in. Roles and features are those of
// the JSON API.
type Hub struct {
	Hash     string            `json:"hash"`
	Name     string            `json:"name"`
	Role     accounts.Role     `json:"role"`
	Features accounts.Features `json:"features"`
}

// Names lists all claims of ID tokens and UserInfo, for discovery.
func Names() []string {
	return []string{
		"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash",
		"name", "given_name", "family_name", "preferred_username", "locale", "updated_at",
		"email", "email_verified", "hub",
	}
}

// Select takes from an account what the scopes ask for.
func Select(a accounts.Account, scopes []string) Claims {
	u := a.User
	c := Claims{Subject: u.Hash}
	if slices.Contains(scopes, scope.Profile) {
		c.Name = strings.TrimSpace(u.FirstName + " " + u.LastName)
		c.GivenName, c.FamilyName, c.PreferredUsername = u.FirstName, u.LastName, u.Alias
		c.Locale = locale(u.Language)
		c.UpdatedAt = u.ModifiedTime.Unix()
	}
	if slices.Contains(scopes, scope.Email) {
		c.Email, c.EmailVerified = u.Email, &u.EmailVerified
	}
	if slices.Contains(scopes, scope.Hub) && a.Hub != nil {
		c.Hub = &Hub{Hash: a.Hub.Hash, Name: a.Hub.Name, Role: a.Role, Features: a.Features}
	}
	return c
}

func locale(l accounts.Language) string {
	if l == accounts.German {
		return "de"
	}
	return "en"
}
