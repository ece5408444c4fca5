package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// metadata is what a provider says of itself (OpenID Connect Discovery section
// 3).
type metadata struct {
	Issuer      string   `json:"issuer"`
	AuthURL     string   `json:"authorization_endpoint"`
	TokenURL    string   `json:"token_endpoint"`
	JWKSURL     string   `json:"jwks_uri"`
	UserInfoURL string   `json:"userinfo_endpoint"`
	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	// NamesIssuer says that every response does (RFC 9207).
	NamesIssuer bool `json:"authorization_response_iss_parameter_supported"`
}

// errMetadata is metadata that cannot be read, or is not of who was asked.
var errMetadata = errors.New("upstream: the metadata is unusable")

// discover reads the metadata at an address, which has to be of the issuer.
func (c *connection) discover(ctx context.Context, at, issuer string) (metadata, error) {
	at = strings.TrimSuffix(at, "/") + "/.well-known/openid-configuration"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return metadata{}, fmt.Errorf("%w: %w", errMetadata, err)
	}
	r.Header.Set("Accept", "application/json")
	answer, err := c.client.Do(r)
	if err != nil {
		return metadata{}, fmt.Errorf("upstream: metadata of %s: %w", c.settings.Name, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return metadata{}, fmt.Errorf("%w: status %d", errMetadata, answer.StatusCode)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return metadata{}, fmt.Errorf("upstream: metadata of %s: %w", c.settings.Name, err)
	}
	var m metadata
	if err := json.Unmarshal(text, &m); err != nil {
		return metadata{}, fmt.Errorf("%w: %w", errMetadata, err)
	}
	if m.Issuer != issuer {
		return metadata{}, fmt.Errorf("%w: it is of the issuer %.200q", errMetadata, m.Issuer)
	}
	for _, endpoint := range []string{m.AuthURL, m.TokenURL, m.JWKSURL} {
		if !endpointURL(endpoint) {
			return metadata{}, fmt.Errorf("%w: the endpoint %.200q", errMetadata, endpoint)
		}
	}
	if m.UserInfoURL != "" && !endpointURL(m.UserInfoURL) {
		return metadata{}, fmt.Errorf("%w: the endpoint %.200q", errMetadata, m.UserInfoURL)
	}
	return m, nil
}

// endpointURL allows what an issuer may be, and a query.
func endpointURL(s string) bool {
	address, _, _ := strings.Cut(s, "?")
	return secureURL(address)
}

// authStyle is how the client authenticates. It is never found out by trying:
// the first try would use up the code.
func (m metadata) authStyle() oauth2.AuthStyle {
	if len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}
