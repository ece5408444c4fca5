package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Logins].
var (
	authenticateRoute = rpc.Route[AuthenticateRequest, Identity]{Service: Name, Method: "Authenticate", Callers: []string{api.Gateway}}
	admitRoute        = rpc.Route[AdmitRequest, Admission]{Service: Name, Method: "Admit", Callers: []string{api.Gateway}}
	sendCodeRoute     = rpc.Route[SendCodeRequest, Challenge]{Service: Name, Method: "SendCode", Callers: []string{api.Gateway}}
	confirmCodeRoute  = rpc.Route[ConfirmCodeRequest, Confirmation]{Service: Name, Method: "ConfirmCode", Callers: []string{api.Gateway}}
	stepUpRoute       = rpc.Route[StepUpRequest, Challenge]{Service: Name, Method: "StepUp", Callers: []string{api.Gateway}}
	acceptTermsRoute  = rpc.Route[AcceptTermsRequest, Identity]{Service: Name, Method: "AcceptTerms", Callers: []string{api.Gateway}}
	unlockRoute       = rpc.Route[OpenLinkRequest, api.Nothing]{Service: Name, Method: "Unlock", Callers: []string{api.Gateway}}
)

func mountLogins(server *rpc.Server, s Logins) {
	rpc.Handle(server, authenticateRoute, s.Authenticate)
	rpc.Handle(server, admitRoute, s.Admit)
	rpc.Handle(server, sendCodeRoute, s.SendCode)
	rpc.Handle(server, confirmCodeRoute, s.ConfirmCode)
	rpc.Handle(server, stepUpRoute, s.StepUp)
	rpc.Handle(server, acceptTermsRoute, s.AcceptTerms)
	rpc.Handle(server, unlockRoute, s.Unlock)
}

func (c client) Authenticate(ctx context.Context, r AuthenticateRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, authenticateRoute, r)
}

func (c client) Admit(ctx context.Context, r AdmitRequest) (Admission, error) {
	return rpc.Call(ctx, c.conn, admitRoute, r)
}

func (c client) SendCode(ctx context.Context, r SendCodeRequest) (Challenge, error) {
	return rpc.Call(ctx, c.conn, sendCodeRoute, r)
}

func (c client) ConfirmCode(ctx context.Context, r ConfirmCodeRequest) (Confirmation, error) {
	return rpc.Call(ctx, c.conn, confirmCodeRoute, r)
}

func (c client) StepUp(ctx context.Context, r StepUpRequest) (Challenge, error) {
	return rpc.Call(ctx, c.conn, stepUpRoute, r)
}

func (c client) AcceptTerms(ctx context.Context, r AcceptTermsRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, acceptTermsRoute, r)
}

func (c client) Unlock(ctx context.Context, r OpenLinkRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, unlockRoute, r)
}
