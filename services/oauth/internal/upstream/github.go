package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

const gitHubIssuer = "https://github.com"

// github is no OpenID provider: who somebody is, its API says to whom it has given
// an access token. PKCE binds the code. A GitHub Enterprise Server is its own
// issuer.
func github() kind {
	return kind{
		title: "GitHub", issuer: gitHubIssuer, scopes: []string{"read:user", "user:email"},
		problem: func(p Provider) string {
			if p.RequireNonce {
				return "github has no nonce to require"
			}
			return ""
		},
		connect: func(_ context.Context, c *connection) (party, error) { return gitHubParty{c}, nil },
	}
}

type gitHubParty struct{ *connection }

func (p gitHubParty) config(b begun) *oauth2.Config {
	base := strings.TrimSuffix(p.settings.Issuer, "/")
	return &oauth2.Config{
		ClientID: p.settings.ClientID, ClientSecret: p.settings.ClientSecret, RedirectURL: b.RedirectURI, Scopes: p.settings.Scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL: base + "/login/oauth/authorize", TokenURL: base + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

func (p gitHubParty) request(b begun, state string) string {
	return p.config(b).AuthCodeURL(state, oauth2.S256ChallengeOption(b.Secrets.Verifier))
}

func (p gitHubParty) check(_ begun, issuer string) error {
	if issuer != "" && strings.TrimSuffix(issuer, "/login/oauth") != strings.TrimSuffix(p.settings.Issuer, "/") {
		return refused("the response is of another issuer: %.200q", issuer)
	}
	return nil
}

func (p gitHubParty) redeem(ctx context.Context, b begun, code string) (none oauth.ProvedIdentity, _ error) {
	token, err := p.token(ctx, p.config(b), b, code)
	if err != nil {
		return none, err
	}
	var user struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
		Name  string `json:"name"`
	}
	if err := p.ask(ctx, token, "/user", &user); err != nil {
		return none, err
	}
	if user.ID <= 0 {
		return none, refused("the user has no id")
	}
	identity := oauth.ProvedIdentity{
		Issuer: strings.TrimSuffix(p.settings.Issuer, "/"), Subject: strconv.FormatInt(user.ID, 10), Name: user.Name,
	}
	if identity.Name == "" {
		identity.Name = user.Login
	}
	var addresses []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := p.ask(ctx, token, "/user/emails", &addresses); err != nil {
		return none, err
	}
	for _, a := range addresses {
		if a.Primary {
			identity.Email, identity.EmailVerified = a.Email, a.Verified && a.Email != ""
		}
	}
	return identity, nil
}

// ask reads from the API.
func (p gitHubParty) ask(ctx context.Context, token *oauth2.Token, path string, into any) error {
	base := strings.TrimSuffix(p.settings.Issuer, "/")
	if base == gitHubIssuer {
		base = "https://api.github.com"
	} else {
		base += "/api/v3"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	answer, err := p.client.Do(r)
	if err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	switch {
	case answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("upstream: %s answered %d", path, answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return refused("%s answered %d", path, answer.StatusCode)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return refused("decoding %s: %w", path, err)
	}
	return nil
}
