package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Factors].
var (
	listFactorsRoute        = rpc.Route[ActorRequest, FactorList]{Service: Name, Method: "ListFactors", Callers: []string{api.Gateway}, Idempotent: true}
	enrolFactorRoute        = rpc.Route[EnrolFactorRequest, Enrolment]{Service: Name, Method: "EnrolFactor", Callers: []string{api.Gateway}}
	drawFactorRoute         = rpc.Route[DrawFactorRequest, Enrolment]{Service: Name, Method: "DrawFactor", Callers: []string{api.Gateway}, Idempotent: true}
	confirmFactorRoute      = rpc.Route[ConfirmFactorRequest, ConfirmedFactor]{Service: Name, Method: "ConfirmFactor", Callers: []string{api.Gateway}}
	removeFactorRoute       = rpc.Route[RemoveFactorRequest, api.Nothing]{Service: Name, Method: "RemoveFactor", Callers: []string{api.Gateway}}
	renewRecoveryCodesRoute = rpc.Route[ActorRequest, RecoveryCodes]{Service: Name, Method: "RenewRecoveryCodes", Callers: []string{api.Gateway}}
)

func mountFactors(server *rpc.Server, s Factors) {
	rpc.Handle(server, listFactorsRoute, s.ListFactors)
	rpc.Handle(server, enrolFactorRoute, s.EnrolFactor)
	rpc.Handle(server, drawFactorRoute, s.DrawFactor)
	rpc.Handle(server, confirmFactorRoute, s.ConfirmFactor)
	rpc.Handle(server, removeFactorRoute, s.RemoveFactor)
	rpc.Handle(server, renewRecoveryCodesRoute, s.RenewRecoveryCodes)
}

func (c client) ListFactors(ctx context.Context, r ActorRequest) (FactorList, error) {
	return rpc.Call(ctx, c.conn, listFactorsRoute, r)
}

func (c client) EnrolFactor(ctx context.Context, r EnrolFactorRequest) (Enrolment, error) {
	return rpc.Call(ctx, c.conn, enrolFactorRoute, r)
}

func (c client) DrawFactor(ctx context.Context, r DrawFactorRequest) (Enrolment, error) {
	return rpc.Call(ctx, c.conn, drawFactorRoute, r)
}

func (c client) ConfirmFactor(ctx context.Context, r ConfirmFactorRequest) (ConfirmedFactor, error) {
	return rpc.Call(ctx, c.conn, confirmFactorRoute, r)
}

func (c client) RemoveFactor(ctx context.Context, r RemoveFactorRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, removeFactorRoute, r)
}

func (c client) RenewRecoveryCodes(ctx context.Context, r ActorRequest) (RecoveryCodes, error) {
	return rpc.Call(ctx, c.conn, renewRecoveryCodesRoute, r)
}
