package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Operating].
var (
	setStatusRoute = rpc.Route[SetStatusRequest, User]{Service: Name, Method: "SetStatus", Callers: []string{api.Operator}}
	deadWorkRoute  = rpc.Route[DeadWorkRequest, DeadWorkList]{Service: Name, Method: "DeadWork", Callers: []string{api.Operator}, Idempotent: true}
	retryWorkRoute = rpc.Route[RetryWorkRequest, api.Nothing]{Service: Name, Method: "RetryWork", Callers: []string{api.Operator}}
)

func mountOperating(server *rpc.Server, s Operating) {
	rpc.Handle(server, setStatusRoute, s.SetStatus)
	rpc.Handle(server, deadWorkRoute, s.DeadWork)
	rpc.Handle(server, retryWorkRoute, s.RetryWork)
}

func (c client) SetStatus(ctx context.Context, r SetStatusRequest) (User, error) {
	return rpc.Call(ctx, c.conn, setStatusRoute, r)
}

func (c client) DeadWork(ctx context.Context, r DeadWorkRequest) (DeadWorkList, error) {
	return rpc.Call(ctx, c.conn, deadWorkRoute, r)
}

func (c client) RetryWork(ctx context.Context, r RetryWorkRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, retryWorkRoute, r)
}
