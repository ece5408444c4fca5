package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/config"
)

// Provider is the setting of one upstream provider.
type Provider struct {
	Name  string `json:"name"`  // in paths: letters, digits, hyphens
	Title string `json:"title"` // for people; the kind's or the name if empty
	Kind  string `json:"kind"`  // google, microsoft, apple, github or oidc, which is the default
	// Issuer is needed with oidc; of the other kinds it is known, unless it is a
	// server of one's own (GitHub Enterprise).
	Issuer       string `json:"issuer"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	// TeamID, KeyID and PrivateKey (PEM) make the client secret of apple.
	TeamID     string `json:"team_id"`
	KeyID      string `json:"key_id"`
	PrivateKey string `json:"private_key"`
	// Tenants are those of microsoft whose users are let in; none: all.
	Tenants []string `json:"tenants"`
	// Scopes that are asked for; the kind's if empty.
	Scopes []string `json:"scopes"`
	// RedirectURIs are those of JSON clients that the provider knows; the first is
	// the default. That of the hosted page is always there.
	RedirectURIs []string `json:"redirect_uris"`
	// RequireNonce refuses ID tokens without our nonce. Clients that build the
	// authorization request themselves know none.
	RequireNonce bool `json:"require_nonce"`
	// AllowedDomains are those of verified addresses that are let in; none: all.
	AllowedDomains []string `json:"allowed_domains"`
	// TrustEmail believes the provider that an address is its user's; LinkByEmail
	// lets whoever has the address of an account into it by that.
	TrustEmail  bool `json:"trust_email"`
	LinkByEmail bool `json:"link_by_email"`
}

// Providers is a list of settings, as JSON.
type Providers []Provider

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// UnmarshalText reads a JSON list.
func (p *Providers) UnmarshalText(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		*p = nil
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var list []Provider
	if err := decoder.Decode(&list); err != nil {
		// The text holds secrets, which an error of the decoder may quote.
		return errors.New("it is no JSON list of providers with the documented keys")
	}
	*p = list
	return nil
}

// Validate finds what is wrong with the settings.
func (p Providers) Validate(setting string) []string {
	var problems []string
	seen := map[string]bool{}
	for i, provider := range p {
		bad := func(wrong bool, what string) {
			if wrong {
				problems = append(problems, fmt.Sprintf("%s: provider %d: %s", setting, i+1, what))
			}
		}
		bad(!name.MatchString(provider.Name), "name must consist of lower-case letters, digits and hyphens")
		bad(seen[provider.Name], "its name is taken by another one")
		seen[provider.Name] = true
		kind, known := kindOf(provider.Kind)
		if !known {
			bad(true, "kind must be google, microsoft, apple, github or oidc")
			continue
		}
		provider = kind.complete(provider)
		bad(!secureURL(provider.Issuer), "issuer must be an https address, or http on this machine")
		bad(provider.ClientID == "", "client_id is missing")
		bad(slices.ContainsFunc(provider.RedirectURIs, func(u string) bool { return !absolute(u) }),
			"redirect_uris must be absolute and have no fragment")
		bad(slices.ContainsFunc(provider.AllowedDomains, func(d string) bool { return !domain(d) }),
			"allowed_domains must be names such as example.org, in lower case")
		bad(provider.LinkByEmail && !provider.TrustEmail, "link_by_email takes trust_email")
		bad(len(provider.Tenants) > 0 && provider.Kind != KindMicrosoft, "tenants are only for microsoft")
		bad(slices.ContainsFunc(provider.Tenants, func(t string) bool { return !tenantID.MatchString(t) }),
			"tenants must be ids such as 9188040d-6c67-4c5b-b112-36a304b66dad")
		apple := provider.TeamID + provider.KeyID + provider.PrivateKey
		bad(apple != "" && provider.Kind != KindApple, "team_id, key_id and private_key are only for apple")
		if kind.problem != nil {
			what := kind.problem(provider)
			bad(what != "", what)
		}
	}
	return problems
}

func secureURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return config.OriginProblem("", u.Scheme+"://"+u.Host) == ""
}

func absolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "") && u.Fragment == ""
}

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

func domain(s string) bool { return len(s) <= 253 && domainName.MatchString(s) }

// in tells whether an address is in one of the domains, not below it.
func in(domains []string, address string) bool {
	_, host, ok := strings.Cut(address, "@")
	return ok && slices.Contains(domains, strings.ToLower(host))
}
