package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Identities].
var (
	findIdentityRoute   = rpc.Route[UpstreamIdentity, Identity]{Service: Name, Method: "FindIdentity", Callers: []string{api.Gateway}}
	linkIdentityRoute   = rpc.Route[LinkIdentityRequest, LinkedIdentity]{Service: Name, Method: "LinkIdentity", Callers: []string{api.Gateway}}
	listIdentitiesRoute = rpc.Route[ActorRequest, IdentityList]{Service: Name, Method: "ListIdentities", Callers: []string{api.Gateway}, Idempotent: true}
	unlinkIdentityRoute = rpc.Route[UnlinkIdentityRequest, api.Nothing]{Service: Name, Method: "UnlinkIdentity", Callers: []string{api.Gateway}}
)

func mountIdentities(server *rpc.Server, s Identities) {
	rpc.Handle(server, findIdentityRoute, s.FindIdentity)
	rpc.Handle(server, linkIdentityRoute, s.LinkIdentity)
	rpc.Handle(server, listIdentitiesRoute, s.ListIdentities)
	rpc.Handle(server, unlinkIdentityRoute, s.UnlinkIdentity)
}

func (c client) FindIdentity(ctx context.Context, r UpstreamIdentity) (Identity, error) {
	return rpc.Call(ctx, c.conn, findIdentityRoute, r)
}

func (c client) LinkIdentity(ctx context.Context, r LinkIdentityRequest) (LinkedIdentity, error) {
	return rpc.Call(ctx, c.conn, linkIdentityRoute, r)
}

func (c client) ListIdentities(ctx context.Context, r ActorRequest) (IdentityList, error) {
	return rpc.Call(ctx, c.conn, listIdentitiesRoute, r)
}

func (c client) UnlinkIdentity(ctx context.Context, r UnlinkIdentityRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, unlinkIdentityRoute, r)
}
