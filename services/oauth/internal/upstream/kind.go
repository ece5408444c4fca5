package upstream

import (
	"cmp"
	"context"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// The kinds of providers.
const (
	KindOpenID    = "oidc"
	KindGoogle    = "google"
	KindMicrosoft = "microsoft"
	KindApple     = "apple"
	KindGitHub    = "github"
)

// kind is what differs between them.
type kind struct {
	title, issuer string
	scopes        []string
	// problem is what is wrong with the settings; nil: nothing more.
	problem func(Provider) string
	// connect finds the provider's endpoints.
	connect func(context.Context, *connection) (party, error)
}

// party is a provider whose endpoints are known.
type party interface {
	// request is the authorization request.
	request(b begun, state string) string
	// check holds the issuer of a response against who was asked (RFC 9207).
	check(b begun, issuer string) error
	// redeem exchanges the code for who the provider says that it is. Its error is
	// errRefused, or that of a provider that cannot be reached.
	redeem(ctx context.Context, b begun, code string) (oauth.ProvedIdentity, error)
}

var openIDScopes = []string{oidc.ScopeOpenID, "email", "profile"}

func kindOf(s string) (kind, bool) {
	switch s {
	case "", KindOpenID:
		return kind{scopes: openIDScopes, connect: openID(dialect{})}, true
	case KindGoogle:
		return google(), true
	case KindMicrosoft:
		return microsoft(), true
	case KindApple:
		return apple(), true
	case KindGitHub:
		return github(), true
	}
	return kind{}, false
}

// complete fills in what the kind knows.
func (k kind) complete(p Provider) Provider {
	p.Kind = cmp.Or(p.Kind, KindOpenID)
	p.Title = cmp.Or(p.Title, k.title, p.Name)
	p.Issuer = cmp.Or(p.Issuer, k.issuer)
	if len(p.Scopes) == 0 {
		p.Scopes = slices.Clone(k.scopes)
	}
	return p
}
