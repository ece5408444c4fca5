package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Privacy].
var (
	exportAccountRoute   = rpc.Route[ActorRequest, Export]{Service: Name, Method: "ExportAccount", Callers: []string{api.Gateway}, Idempotent: true}
	requestDeletionRoute = rpc.Route[RequestDeletionRequest, Deletion]{Service: Name, Method: "RequestDeletion", Callers: []string{api.Gateway}}
	cancelDeletionRoute  = rpc.Route[ActorRequest, api.Nothing]{Service: Name, Method: "CancelDeletion", Callers: []string{api.Gateway}}
)

func mountPrivacy(server *rpc.Server, s Privacy) {
	rpc.Handle(server, exportAccountRoute, s.ExportAccount)
	rpc.Handle(server, requestDeletionRoute, s.RequestDeletion)
	rpc.Handle(server, cancelDeletionRoute, s.CancelDeletion)
}

func (c client) ExportAccount(ctx context.Context, r ActorRequest) (Export, error) {
	return rpc.Call(ctx, c.conn, exportAccountRoute, r)
}

func (c client) RequestDeletion(ctx context.Context, r RequestDeletionRequest) (Deletion, error) {
	return rpc.Call(ctx, c.conn, requestDeletionRoute, r)
}

func (c client) CancelDeletion(ctx context.Context, r ActorRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, cancelDeletionRoute, r)
}
