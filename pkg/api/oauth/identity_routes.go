package oauth

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// upstreamTimeout leaves room for a slow provider: metadata, code and keys.
const upstreamTimeout = 15 * time.Second

// The routes of [Identities].
var (
	providersRoute      = rpc.Route[ProvidersRequest, ProviderList]{Service: Name, Method: "Providers", Callers: []string{api.Gateway}, Idempotent: true}
	beginIdentityRoute  = rpc.Route[BeginIdentityRequest, IdentityState]{Service: Name, Method: "BeginIdentity", Callers: []string{api.Gateway}, Timeout: upstreamTimeout}
	finishIdentityRoute = rpc.Route[FinishIdentityRequest, ProvedIdentity]{Service: Name, Method: "FinishIdentity", Callers: []string{api.Gateway}, Timeout: upstreamTimeout}
)

func mountIdentities(server *rpc.Server, s Identities) {
	rpc.Handle(server, providersRoute, s.Providers)
	rpc.Handle(server, beginIdentityRoute, s.BeginIdentity)
	rpc.Handle(server, finishIdentityRoute, s.FinishIdentity)
}

func (c client) Providers(ctx context.Context, r ProvidersRequest) (ProviderList, error) {
	return rpc.Call(ctx, c.conn, providersRoute, r)
}

func (c client) BeginIdentity(ctx context.Context, r BeginIdentityRequest) (IdentityState, error) {
	return rpc.Call(ctx, c.conn, beginIdentityRoute, r)
}

func (c client) FinishIdentity(ctx context.Context, r FinishIdentityRequest) (ProvedIdentity, error) {
	return rpc.Call(ctx, c.conn, finishIdentityRoute, r)
}
