package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"github.com/gatehouse-id/gatehouse/pkg/config"
)

// Provider is the setting of one upstream provider.
type Provider struct {
	Name         string `json:"name"`  // in paths: letters, digits, hyphens
	Title        string `json:"title"` // for people; the name if empty
	Issuer       string `json:"issuer"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	// Scopes that are asked for; openid, email and profile if empty.
	Scopes []string `json:"scopes"`
	// RedirectURIs are those the provider knows; the first is the default.
	RedirectURIs []string `json:"redirect_uris"`
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
		bad(!secureURL(provider.Issuer), "issuer must be an https address, or http on this machine")
		bad(provider.ClientID == "", "client_id is missing")
		bad(len(provider.RedirectURIs) == 0, "redirect_uris is empty")
		bad(slices.ContainsFunc(provider.RedirectURIs, func(u string) bool { return !absolute(u) }),
			"redirect_uris must be absolute and have no fragment")
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
