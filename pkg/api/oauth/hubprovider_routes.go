package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [HubProviders].
var (
	listHubProvidersRoute  = rpc.Route[HubProvidersRequest, HubProviderList]{Service: Name, Method: "ListHubProviders", Callers: []string{api.Gateway}, Idempotent: true}
	putHubProviderRoute    = rpc.Route[PutHubProviderRequest, HubProvider]{Service: Name, Method: "PutHubProvider", Callers: []string{api.Gateway}}
	deleteHubProviderRoute = rpc.Route[HubProviderRequest, api.Nothing]{Service: Name, Method: "DeleteHubProvider", Callers: []string{api.Gateway}}
)

func mountHubProviders(server *rpc.Server, s HubProviders) {
	rpc.Handle(server, listHubProvidersRoute, s.ListHubProviders)
	rpc.Handle(server, putHubProviderRoute, s.PutHubProvider)
	rpc.Handle(server, deleteHubProviderRoute, s.DeleteHubProvider)
}

func (c client) ListHubProviders(ctx context.Context, r HubProvidersRequest) (HubProviderList, error) {
	return rpc.Call(ctx, c.conn, listHubProvidersRoute, r)
}

func (c client) PutHubProvider(ctx context.Context, r PutHubProviderRequest) (HubProvider, error) {
	return rpc.Call(ctx, c.conn, putHubProviderRoute, r)
}

func (c client) DeleteHubProvider(ctx context.Context, r HubProviderRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, deleteHubProviderRoute, r)
}
