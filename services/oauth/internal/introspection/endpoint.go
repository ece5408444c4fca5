package introspection

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/subject"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// Endpoint serves POST /oauth2/introspect.
//
// Who asks has to prove who they are, so public clients cannot ask. A client
// learns about its own tokens of both kinds, and a resource server about the
// access tokens of everybody. To all others a token is inactive, as if it did
// not exist.
type Endpoint struct {
	Provider     fosite.OAuth2Provider
	Authenticate func(context.Context, *http.Request, url.Values) (fosite.Client, error)
	Names        *subject.Names
	Issuer       string
	Logger       *slog.Logger
}

// answer is RFC 7662 section 2.2.
type answer struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expires   int64    `json:"exp,omitempty"`
	Issued    int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	TokenID   string   `json:"jti,omitempty"`

	Confirm *grant.Confirmation `json:"cnf,omitempty"` // RFC 7800
	// RFC 9470 section 6.2, and how the user logged in
	AuthTime int64    `json:"auth_time,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	// Actor is who acts for the subject (RFC 8693 section 4.1).
	Actor *grant.Actor `json:"act,omitempty"`
}

func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := e.answer(w, r)
	if err != nil {
		wire.Log(r.Context(), e.Logger, "introspect", err)
		wire.Fail(w, wire.FailureOf(err))
		return
	}
	wire.JSON(w, http.StatusOK, a)
}

func (e *Endpoint) answer(w http.ResponseWriter, r *http.Request) (answer, error) {
	form, err := wire.ReadForm(w, r)
	if err != nil {
		return answer{}, err
	}
	found, err := e.Authenticate(r.Context(), r, form)
	if err != nil {
		return answer{}, err
	}
	asker := client.Of(found)
	if asker.Public() {
		return answer{}, fosite.ErrInvalidClient.WithHint("Only a client with a secret may ask.")
	}
	text := form.Get("token")
	if text == "" {
		return answer{}, fosite.ErrInvalidRequest.WithHint("The token is missing.")
	}
	kind, request, err := e.Provider.IntrospectToken(r.Context(), text, "", &grant.Session{})
	if err != nil {
		if failure := wire.FailureOf(err); failure.Status >= http.StatusInternalServerError {
			return answer{}, err
		}
		return answer{}, nil
	}
	if !visible(asker, kind, request.GetClient().GetID()) {
		return answer{}, nil
	}
	return e.describe(asker, kind, request), nil
}

func visible(asker *client.Client, kind fosite.TokenUse, owner string) bool {
	return asker.ID == owner || asker.ResourceServer && kind == fosite.AccessToken
}

func (e *Endpoint) describe(asker *client.Client, kind fosite.TokenUse, request fosite.AccessRequester) answer {
	session, _ := request.GetSession().(*grant.Session)
	a := answer{
		Active: true, Issuer: e.Issuer,
		Scope:    scope.Join(request.GetGrantedScopes()),
		ClientID: request.GetClient().GetID(),
		Subject:  session.GetSubject(),
		Audience: request.GetGrantedAudience(),
		Expires:  session.GetExpiresAt(kind).Unix(),
		Confirm:  session.Confirmation,
	}
	switch {
	case kind == fosite.AccessToken:
		a.TokenType, a.Issued, a.TokenID = token.TypeOf(session.Confirmation), session.Issued.Unix(), session.TokenID
	case session.Grant != nil: // only its own client sees a refresh token
		a.Subject = e.Names.Of(asker, session.Grant.Subject)
	}
	if g := session.Grant; g != nil {
		login := token.LoginOf(g)
		a.AuthTime, a.ACR, a.AMR, a.Actor = login.AuthTime, login.ACR, login.AMR, login.Actor
	}
	return a
}
