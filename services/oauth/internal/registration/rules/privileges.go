package rules

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/redirect"
)

const (
	// maxIssuers and maxSubjects bound whom a client trusts.
	maxIssuers  = 20
	maxSubjects = 200
)

func (k *check) privileges() {
	// Any program on a user's device could pose as such a client (RFC 8252 section
	// 8.6): they ask for consent in any case.
	unassured := func(uri string) bool { return !redirect.Assured(uri) }
	if k.c.FirstParty && k.c.Public() && slices.ContainsFunc(k.c.RedirectURIs, unassured) {
		k.add("first_party", "validation.client_first_party")
	}
	if k.c.ResourceServer && k.c.Public() {
		k.add("resource_server", "validation.client_confidential")
	}
	if k.c.Impersonation && !k.c.May(client.TokenExchange) {
		k.add("impersonation", "validation.client_only_with", "Value", client.TokenExchange)
	}
	if len(k.c.TrustedIssuers) > maxIssuers {
		k.add("trusted_issuers", "validation.client_too_many", "Max", maxIssuers)
		return
	}
	var seen []string
	for _, issuer := range k.c.TrustedIssuers {
		if slices.Contains(seen, issuer.Issuer) {
			k.add("trusted_issuers", "validation.distinct")
		}
		seen = append(seen, issuer.Issuer)
		k.issuer(issuer)
	}
}

func (k *check) issuer(i oauth.TrustedIssuer) {
	const field = "trusted_issuers"
	for _, text := range slices.Concat([]string{i.Issuer}, i.Subjects) {
		if text == "" || len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unfit) {
			k.add(field, "validation.client_issuer", "Value", shown(i.Issuer))
			return
		}
	}
	if (len(i.JWKS) > 0) == (i.JWKSURI != "") {
		k.add(field, "validation.client_issuer_keys", "Value", shown(i.Issuer))
	}
	if len(i.Subjects) == 0 && !i.Users || len(i.Subjects) > maxSubjects {
		k.add(field, "validation.client_issuer_subjects", "Value", shown(i.Issuer), "Max", maxSubjects)
	}
	if i.JWKSURI != "" && k.Fetcher.Check(i.JWKSURI) != nil {
		k.add(field, "validation.client_fetched", "Value", shown(i.JWKSURI))
	}
	k.keySet(field, i.JWKS)
}
