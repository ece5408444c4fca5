package upstream

import (
	"encoding/json"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// claims are what is read of an ID token or of UserInfo. Some providers write
// booleans as strings.
type claims struct {
	Issuer          string          `json:"iss"`
	Subject         string          `json:"sub"`
	AuthorizedParty string          `json:"azp"`
	Email           string          `json:"email"`
	EmailVerified   json.RawMessage `json:"email_verified"`
	Name            string          `json:"name"`
	Methods         methods         `json:"amr"`
	HostedDomain    string          `json:"hd"`       // Google
	Tenant          string          `json:"tid"`      // Microsoft
	DomainOwned     json.RawMessage `json:"xms_edov"` // Microsoft
}

func (c claims) saysVerified() bool { return isTrue(c.EmailVerified) }

func isTrue(value json.RawMessage) bool {
	return slices.Contains([]string{`true`, `"true"`}, string(value))
}

// methods are a list of short names; anything else is none.
type methods []string

func (m *methods) UnmarshalJSON(text []byte) error {
	var list []string
	err := json.Unmarshal(text, &list)
	if err == nil && len(list) <= 10 && !slices.ContainsFunc(list, func(s string) bool { return len(s) > 32 }) {
		*m = list
	}
	return nil
}

// claims checks what the verifier leaves to us (OpenID Connect Core section
// 3.1.3.7, points 2, 4, 5 and 11).
func (p *openIDParty) claims(t *oidc.IDToken, nonce string) (c claims, _ error) {
	if err := t.Claims(&c); err != nil {
		return c, refused("decoding the claims: %w", err)
	}
	issuer := p.metadata.Issuer
	if p.issuer != nil {
		var err error
		if issuer, err = p.issuer(p.settings, c); err != nil {
			return c, err
		}
	}
	switch {
	case t.Issuer != issuer:
		return c, refused("the ID token is of another issuer: %.200q", t.Issuer)
	case t.Nonce != "" && t.Nonce != nonce, t.Nonce == "" && p.settings.RequireNonce:
		return c, refused("the nonce is another login's")
	case len(t.Audience) > 1 && c.AuthorizedParty == "", c.AuthorizedParty != "" && c.AuthorizedParty != p.settings.ClientID:
		return c, refused("the ID token is for another client")
	case t.Subject == "" || len(t.Subject) > maxSubject:
		return c, refused("the subject is unusable")
	}
	return c, nil
}

func (p *openIDParty) identity(c claims) oauth.ProvedIdentity {
	verified := p.verified
	if verified == nil {
		verified = claims.saysVerified
	}
	return oauth.ProvedIdentity{
		Issuer: c.Issuer, Subject: c.Subject, Email: c.Email, EmailVerified: c.Email != "" && verified(c),
		Name: c.Name, Methods: c.Methods,
	}
}
