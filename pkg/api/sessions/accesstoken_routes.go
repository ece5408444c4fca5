package sessions

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [AccessTokens].
var (
	createAccessTokenRoute = rpc.Route[CreateAccessTokenRequest, CreatedAccessToken]{Service: Name, Method: "CreateAccessToken", Callers: []string{api.Gateway}}
	listAccessTokensRoute  = rpc.Route[ListRequest, AccessTokenList]{Service: Name, Method: "ListAccessTokens", Callers: []string{api.Gateway}, Idempotent: true}
	deleteAccessTokenRoute = rpc.Route[DeleteAccessTokenRequest, api.Nothing]{Service: Name, Method: "DeleteAccessToken", Callers: []string{api.Gateway}}
	useAccessTokenRoute    = rpc.Route[UseAccessTokenRequest, AccessToken]{Service: Name, Method: "UseAccessToken", Callers: []string{api.Gateway}, Idempotent: true}
)

func mountAccessTokens(server *rpc.Server, s AccessTokens) {
	rpc.Handle(server, createAccessTokenRoute, s.CreateAccessToken)
	rpc.Handle(server, listAccessTokensRoute, s.ListAccessTokens)
	rpc.Handle(server, deleteAccessTokenRoute, s.DeleteAccessToken)
	rpc.Handle(server, useAccessTokenRoute, s.UseAccessToken)
}

func (c client) CreateAccessToken(ctx context.Context, r CreateAccessTokenRequest) (CreatedAccessToken, error) {
	return rpc.Call(ctx, c.conn, createAccessTokenRoute, r)
}

func (c client) ListAccessTokens(ctx context.Context, r ListRequest) (AccessTokenList, error) {
	return rpc.Call(ctx, c.conn, listAccessTokensRoute, r)
}

func (c client) DeleteAccessToken(ctx context.Context, r DeleteAccessTokenRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, deleteAccessTokenRoute, r)
}

func (c client) UseAccessToken(ctx context.Context, r UseAccessTokenRequest) (AccessToken, error) {
	return rpc.Call(ctx, c.conn, useAccessTokenRoute, r)
}
