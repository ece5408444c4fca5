package sessions

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Managing].
var (
	switchHubRoute         = rpc.Route[SwitchHubRequest, Token]{Service: Name, Method: "SwitchHub", Callers: []string{api.Gateway}}
	impersonateRoute       = rpc.Route[ImpersonateRequest, Token]{Service: Name, Method: "Impersonate", Callers: []string{api.Gateway}}
	stopImpersonationRoute = rpc.Route[StopImpersonationRequest, Token]{Service: Name, Method: "StopImpersonation", Callers: []string{api.Gateway}}
	elevateRoute           = rpc.Route[ElevateRequest, Token]{Service: Name, Method: "Elevate", Callers: []string{api.Gateway}}
	listRoute              = rpc.Route[ListRequest, SessionList]{Service: Name, Method: "List", Callers: []string{api.Gateway}, Idempotent: true}
	forgetRoute            = rpc.Route[ForgetRequest, api.Nothing]{Service: Name, Method: "Forget", Callers: []string{api.Accounts}, Idempotent: true}
)

func mountManaging(server *rpc.Server, s Managing) {
	rpc.Handle(server, switchHubRoute, s.SwitchHub)
	rpc.Handle(server, impersonateRoute, s.Impersonate)
	rpc.Handle(server, stopImpersonationRoute, s.StopImpersonation)
	rpc.Handle(server, elevateRoute, s.Elevate)
	rpc.Handle(server, listRoute, s.List)
	rpc.Handle(server, forgetRoute, s.Forget)
}

func (c client) SwitchHub(ctx context.Context, r SwitchHubRequest) (Token, error) {
	return rpc.Call(ctx, c.conn, switchHubRoute, r)
}

func (c client) Impersonate(ctx context.Context, r ImpersonateRequest) (Token, error) {
	return rpc.Call(ctx, c.conn, impersonateRoute, r)
}

func (c client) StopImpersonation(ctx context.Context, r StopImpersonationRequest) (Token, error) {
	return rpc.Call(ctx, c.conn, stopImpersonationRoute, r)
}

func (c client) Elevate(ctx context.Context, r ElevateRequest) (Token, error) {
	return rpc.Call(ctx, c.conn, elevateRoute, r)
}

func (c client) List(ctx context.Context, r ListRequest) (SessionList, error) {
	return rpc.Call(ctx, c.conn, listRoute, r)
}

func (c client) Forget(ctx context.Context, r ForgetRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, forgetRoute, r)
}
