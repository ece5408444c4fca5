package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Recoveries].
var (
	initiateRecoveryRoute = rpc.Route[InitiateResetRequest, api.Nothing]{Service: Name, Method: "InitiateRecovery", Callers: []string{api.Gateway}}
	confirmRecoveryRoute  = rpc.Route[ConfirmLinkRequest, api.Nothing]{Service: Name, Method: "ConfirmRecovery", Callers: []string{api.Gateway}}
	listRecoveriesRoute   = rpc.Route[ListRequest, RecoveryList]{Service: Name, Method: "ListRecoveries", Callers: []string{api.Gateway}, Idempotent: true}
	decideRecoveryRoute   = rpc.Route[DecideRecoveryRequest, api.Nothing]{Service: Name, Method: "DecideRecovery", Callers: []string{api.Gateway}}
)

func mountRecoveries(server *rpc.Server, s Recoveries) {
	rpc.Handle(server, initiateRecoveryRoute, s.InitiateRecovery)
	rpc.Handle(server, confirmRecoveryRoute, s.ConfirmRecovery)
	rpc.Handle(server, listRecoveriesRoute, s.ListRecoveries)
	rpc.Handle(server, decideRecoveryRoute, s.DecideRecovery)
}

func (c client) InitiateRecovery(ctx context.Context, r InitiateResetRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, initiateRecoveryRoute, r)
}

func (c client) ConfirmRecovery(ctx context.Context, r ConfirmLinkRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, confirmRecoveryRoute, r)
}

func (c client) ListRecoveries(ctx context.Context, r ListRequest) (RecoveryList, error) {
	return rpc.Call(ctx, c.conn, listRecoveriesRoute, r)
}

func (c client) DecideRecovery(ctx context.Context, r DecideRecoveryRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, decideRecoveryRoute, r)
}
