package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [SignIns].
var (
	listSignInsRoute      = rpc.Route[ListSignInsRequest, SignInList]{Service: Name, Method: "ListSignIns", Callers: []string{api.OAuth}, Idempotent: true}
	setSignInRoute        = rpc.Route[SetSignInRequest, SignIn]{Service: Name, Method: "SetSignIn", Callers: []string{api.OAuth}}
	removeSignInRoute     = rpc.Route[SignInRequest, api.Nothing]{Service: Name, Method: "RemoveSignIn", Callers: []string{api.OAuth}}
	assignIdentityRoute   = rpc.Route[AssignIdentityRequest, AssignedIdentity]{Service: Name, Method: "AssignIdentity", Callers: []string{api.Gateway}}
	unassignIdentityRoute = rpc.Route[UnassignIdentityRequest, api.Nothing]{Service: Name, Method: "UnassignIdentity", Callers: []string{api.Gateway}}
)

func mountSignIns(server *rpc.Server, s SignIns) {
	rpc.Handle(server, listSignInsRoute, s.ListSignIns)
	rpc.Handle(server, setSignInRoute, s.SetSignIn)
	rpc.Handle(server, removeSignInRoute, s.RemoveSignIn)
	rpc.Handle(server, assignIdentityRoute, s.AssignIdentity)
	rpc.Handle(server, unassignIdentityRoute, s.UnassignIdentity)
}

func (c client) ListSignIns(ctx context.Context, r ListSignInsRequest) (SignInList, error) {
	return rpc.Call(ctx, c.conn, listSignInsRoute, r)
}

func (c client) SetSignIn(ctx context.Context, r SetSignInRequest) (SignIn, error) {
	return rpc.Call(ctx, c.conn, setSignInRoute, r)
}

func (c client) RemoveSignIn(ctx context.Context, r SignInRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, removeSignInRoute, r)
}

func (c client) AssignIdentity(ctx context.Context, r AssignIdentityRequest) (AssignedIdentity, error) {
	return rpc.Call(ctx, c.conn, assignIdentityRoute, r)
}

func (c client) UnassignIdentity(ctx context.Context, r UnassignIdentityRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, unassignIdentityRoute, r)
}
