package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Passwords].
var (
	initiateResetRoute  = rpc.Route[InitiateResetRequest, api.Nothing]{Service: Name, Method: "InitiateReset", Callers: []string{api.Gateway}}
	finishResetRoute    = rpc.Route[FinishResetRequest, Identity]{Service: Name, Method: "FinishReset", Callers: []string{api.Gateway}}
	changePasswordRoute = rpc.Route[ChangePasswordRequest, Identity]{Service: Name, Method: "ChangePassword", Callers: []string{api.Gateway}}
)

func mountPasswords(server *rpc.Server, s Passwords) {
	rpc.Handle(server, initiateResetRoute, s.InitiateReset)
	rpc.Handle(server, finishResetRoute, s.FinishReset)
	rpc.Handle(server, changePasswordRoute, s.ChangePassword)
}

func (c client) InitiateReset(ctx context.Context, r InitiateResetRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, initiateResetRoute, r)
}

func (c client) FinishReset(ctx context.Context, r FinishResetRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, finishResetRoute, r)
}

func (c client) ChangePassword(ctx context.Context, r ChangePasswordRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, changePasswordRoute, r)
}
