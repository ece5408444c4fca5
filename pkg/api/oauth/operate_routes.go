package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Operating].
var (
	deadWorkRoute  = rpc.Route[api.DeadWorkRequest, api.DeadWorkList]{Service: Name, Method: "DeadWork", Callers: []string{api.Operator}, Idempotent: true}
	retryWorkRoute = rpc.Route[api.RetryWorkRequest, api.Nothing]{Service: Name, Method: "RetryWork", Callers: []string{api.Operator}}
)

func mountOperating(server *rpc.Server, s Operating) {
	rpc.Handle(server, deadWorkRoute, s.DeadWork)
	rpc.Handle(server, retryWorkRoute, s.RetryWork)
}

func (c client) DeadWork(ctx context.Context, r api.DeadWorkRequest) (api.DeadWorkList, error) {
	return rpc.Call(ctx, c.conn, deadWorkRoute, r)
}

func (c client) RetryWork(ctx context.Context, r api.RetryWorkRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, retryWorkRoute, r)
}
