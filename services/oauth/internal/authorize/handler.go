package authorize

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// Handler answers response_type=code. It finishes the grant in the session
// with an id and a code; whoever called stores the grant before the code
// leaves the house.
type Handler struct {
	CodeLifetime time.Duration
	Clock        clockwork.Clock
}

var _ fosite.AuthorizeEndpointHandler = (*Handler)(nil)

// HandleAuthorizeEndpointRequest makes the code.
func (h *Handler) HandleAuthorizeEndpointRequest(_ context.Context, request fosite.AuthorizeRequester, responder fosite.AuthorizeResponder) error {
	if !request.GetResponseTypes().ExactOne("code") {
		return nil
	}
	session, ok := request.GetSession().(*grant.Session)
	if !ok || session.Grant == nil {
		return errors.New("authorize: the session is not one of ours")
	}
	g := session.Grant
	g.Created = h.Clock.Now()
	g.ID = grant.NewID(g.Created)
	g.CodeExpires = g.Created.Add(h.CodeLifetime)
	g.Expires = g.CodeExpires // until the code is redeemed there is nothing else
	code, hash := bearer.NewCode(g.ID)
	g.CodeHash = hash
	responder.AddParameter("code", code)
	request.SetResponseTypeHandled("code")
	return nil
}
