package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Directory].
var (
	describeRoute   = rpc.Route[DescribeRequest, Account]{Service: Name, Method: "Describe", Callers: []string{api.Gateway, api.OAuth}, Idempotent: true}
	claimsRoute     = rpc.Route[ClaimsRequest, Account]{Service: Name, Method: "Claims", Callers: []string{api.OAuth}, Idempotent: true}
	statisticsRoute = rpc.Route[api.Nothing, StatisticsAnswer]{Service: Name, Method: "Statistics", Callers: []string{api.Operator}, Idempotent: true}
)

func mountDirectory(server *rpc.Server, s Directory) {
	rpc.Handle(server, describeRoute, s.Describe)
	rpc.Handle(server, claimsRoute, s.Claims)
	rpc.Handle(server, statisticsRoute, s.Statistics)
}

func (c client) Describe(ctx context.Context, r DescribeRequest) (Account, error) {
	return rpc.Call(ctx, c.conn, describeRoute, r)
}

func (c client) Claims(ctx context.Context, r ClaimsRequest) (Account, error) {
	return rpc.Call(ctx, c.conn, claimsRoute, r)
}

func (c client) Statistics(ctx context.Context, r api.Nothing) (StatisticsAnswer, error) {
	return rpc.Call(ctx, c.conn, statisticsRoute, r)
}
