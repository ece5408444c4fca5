package introspection

import (
	"context"
	"net/http"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/wire"
)

// mediaType asks for an answer as a JWT (RFC 9701 section 4).
const mediaType = "application/token-introspection+jwt"

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

// signed is an answer as a JWT (RFC 9701 section 5). It has neither sub nor exp,
// lest it pass for an access token.
type signed struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Issued   int64  `json:"iat"`
	Token    answer `json:"token_introspection"`
}

func (e *Endpoint) describe(asker *client.Client, kind fosite.TokenUse, request fosite.AccessRequester) answer {
	session, _ := request.GetSession().(*grant.Session)
	a := answer{
		Active: true, Issuer: e.Signer.Issuer,
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
		a.AuthTime, a.ACR, a.AMR, a.Actor = login.AuthTime, login.ACR, login.AMR, session.Actor
	}
	return a
}

// write answers in the form that was asked for.
func (e *Endpoint) write(ctx context.Context, w http.ResponseWriter, r *http.Request, asker *client.Client, a answer) error {
	w.Header().Add("Vary", "Accept")
	if !wire.Accepts(r, mediaType) {
		wire.JSON(w, http.StatusOK, a)
		return nil
	}
	text, err := e.Signer.Sign(ctx, asker.IntrospectionAlg, keys.TypeIntrospection, signed{
		Issuer: e.Signer.Issuer, Audience: asker.ID, Issued: e.Clock.Now().Unix(), Token: a,
	})
	if err != nil {
		return err
	}
	wire.JWT(w, mediaType, text)
	return nil
}
