package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Hubs].
var (
	listHubsRoute  = rpc.Route[ListHubsRequest, HubList]{Service: Name, Method: "ListHubs", Callers: []string{api.Gateway}, Idempotent: true}
	createHubRoute = rpc.Route[CreateHubRequest, HubMembership]{Service: Name, Method: "CreateHub", Callers: []string{api.Gateway}}
	getHubRoute    = rpc.Route[HubRequest, HubMembership]{Service: Name, Method: "GetHub", Callers: []string{api.Gateway}, Idempotent: true}
	updateHubRoute = rpc.Route[UpdateHubRequest, HubMembership]{Service: Name, Method: "UpdateHub", Callers: []string{api.Gateway}}
	setPlanRoute   = rpc.Route[SetPlanRequest, Hub]{Service: Name, Method: "SetPlan", Callers: []string{api.Operator}}
)

func mountHubs(server *rpc.Server, s Hubs) {
	rpc.Handle(server, listHubsRoute, s.ListHubs)
	rpc.Handle(server, createHubRoute, s.CreateHub)
	rpc.Handle(server, getHubRoute, s.GetHub)
	rpc.Handle(server, updateHubRoute, s.UpdateHub)
	rpc.Handle(server, setPlanRoute, s.SetPlan)
}

func (c client) ListHubs(ctx context.Context, r ListHubsRequest) (HubList, error) {
	return rpc.Call(ctx, c.conn, listHubsRoute, r)
}

func (c client) CreateHub(ctx context.Context, r CreateHubRequest) (HubMembership, error) {
	return rpc.Call(ctx, c.conn, createHubRoute, r)
}

func (c client) GetHub(ctx context.Context, r HubRequest) (HubMembership, error) {
	return rpc.Call(ctx, c.conn, getHubRoute, r)
}

func (c client) UpdateHub(ctx context.Context, r UpdateHubRequest) (HubMembership, error) {
	return rpc.Call(ctx, c.conn, updateHubRoute, r)
}

func (c client) SetPlan(ctx context.Context, r SetPlanRequest) (Hub, error) {
	return rpc.Call(ctx, c.conn, setPlanRoute, r)
}
