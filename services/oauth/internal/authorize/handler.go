package authorize

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/token"
)

// IDTokens makes ID tokens.
type IDTokens interface {
	IDToken(ctx context.Context, t token.IDToken) (string, error)
}

// Handler answers response_type=code and code id_token. It finishes the grant in
// the session with an id and a code; whoever called stores the grant before the
// code leaves the house.
type Handler struct {
	IDTokens     IDTokens
	CodeLifetime time.Duration
	Clock        clockwork.Clock
}

var _ fosite.AuthorizeEndpointHandler = (*Handler)(nil)

// HandleAuthorizeEndpointRequest makes the code.
func (h *Handler) HandleAuthorizeEndpointRequest(ctx context.Context, request fosite.AuthorizeRequester, responder fosite.AuthorizeResponder) error {
	hybrid := request.GetResponseTypes().Matches("code", "id_token")
	if !hybrid && !request.GetResponseTypes().ExactOne("code") {
		return nil
	}
	session, ok := request.GetSession().(*grant.Session)
	if !ok || session.Grant == nil {
		return errors.New("authorize: the session is not one of ours")
	}
	g := session.Grant
	g.Created = h.Clock.Now()
	g.ID = grant.NewID(g.Created)
	g.CodeExpires = g.Created.Add(h.codeLifetime(client.Of(request.GetClient())))
	g.Expires = g.CodeExpires // until the code is redeemed there is nothing else
	code, hash := bearer.NewCode(g.ID)
	g.CodeHash = hash
	responder.AddParameter("code", code)
	request.SetResponseTypeHandled("code")
	if !hybrid {
		return nil
	}
	// It says no more than the one that the code is good for: it passes through
	// the browser.
	text, err := h.IDTokens.IDToken(ctx, token.IDToken{
		Client: client.Of(request.GetClient()), Grant: g, Nonce: g.Details.Nonce, Code: code, Now: g.Created,
	})
	if err != nil {
		return err
	}
	responder.AddParameter("id_token", text)
	request.SetResponseTypeHandled("id_token")
	return nil
}

// codeLifetime is at most a minute for clients that are held to FAPI 2.0 (section
// 5.3.2.1).
func (h *Handler) codeLifetime(c *client.Client) time.Duration {
	if c.FAPI() {
		return min(h.CodeLifetime, time.Minute)
	}
	return h.CodeLifetime
}
