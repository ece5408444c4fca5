package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Activations].
var (
	initiateActivationRoute = rpc.Route[InitiateActivationRequest, api.Nothing]{Service: Name, Method: "InitiateActivation", Callers: []string{api.Gateway}}
	openLinkRoute           = rpc.Route[OpenLinkRequest, OpenedLink]{Service: Name, Method: "OpenLink", Callers: []string{api.Gateway}}
	finishActivationRoute   = rpc.Route[FinishActivationRequest, Identity]{Service: Name, Method: "FinishActivation", Callers: []string{api.Gateway}}
	confirmEmailRoute       = rpc.Route[ConfirmLinkRequest, api.Nothing]{Service: Name, Method: "ConfirmEmail", Callers: []string{api.Gateway}}
	inviteRoute             = rpc.Route[InviteRequest, Invitation]{Service: Name, Method: "Invite", Callers: []string{api.Operator}}
)

func mountActivations(server *rpc.Server, s Activations) {
	rpc.Handle(server, initiateActivationRoute, s.InitiateActivation)
	rpc.Handle(server, openLinkRoute, s.OpenLink)
	rpc.Handle(server, finishActivationRoute, s.FinishActivation)
	rpc.Handle(server, confirmEmailRoute, s.ConfirmEmail)
	rpc.Handle(server, inviteRoute, s.Invite)
}

func (c client) InitiateActivation(ctx context.Context, r InitiateActivationRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, initiateActivationRoute, r)
}

func (c client) OpenLink(ctx context.Context, r OpenLinkRequest) (OpenedLink, error) {
	return rpc.Call(ctx, c.conn, openLinkRoute, r)
}

func (c client) FinishActivation(ctx context.Context, r FinishActivationRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, finishActivationRoute, r)
}

func (c client) ConfirmEmail(ctx context.Context, r ConfirmLinkRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, confirmEmailRoute, r)
}

func (c client) Invite(ctx context.Context, r InviteRequest) (Invitation, error) {
	return rpc.Call(ctx, c.conn, inviteRoute, r)
}
