package sessions

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Operating].
var (
	deadWorkRoute    = rpc.Route[api.DeadWorkRequest, api.DeadWorkList]{Service: Name, Method: "DeadWork", Callers: []string{api.Operator}, Idempotent: true}
	signingKeysRoute = rpc.Route[api.Nothing, api.SigningKeyList]{Service: Name, Method: "SigningKeys", Callers: []string{api.Operator}, Idempotent: true}
	rotateKeysRoute  = rpc.Route[api.RotateKeysRequest, api.SigningKeyList]{Service: Name, Method: "RotateKeys", Callers: []string{api.Operator}}
	revokeKeyRoute   = rpc.Route[api.SigningKeyRequest, api.Nothing]{Service: Name, Method: "RevokeKey", Callers: []string{api.Operator}}
	retryWorkRoute   = rpc.Route[api.RetryWorkRequest, api.Nothing]{Service: Name, Method: "RetryWork", Callers: []string{api.Operator}}
)

func mountOperating(server *rpc.Server, s Operating) {
	rpc.Handle(server, deadWorkRoute, s.DeadWork)
	rpc.Handle(server, retryWorkRoute, s.RetryWork)
	rpc.Handle(server, signingKeysRoute, s.SigningKeys)
	rpc.Handle(server, rotateKeysRoute, s.RotateKeys)
	rpc.Handle(server, revokeKeyRoute, s.RevokeKey)
}

func (c client) DeadWork(ctx context.Context, r api.DeadWorkRequest) (api.DeadWorkList, error) {
	return rpc.Call(ctx, c.conn, deadWorkRoute, r)
}

func (c client) RetryWork(ctx context.Context, r api.RetryWorkRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, retryWorkRoute, r)
}

func (c client) SigningKeys(ctx context.Context, r api.Nothing) (api.SigningKeyList, error) {
	return rpc.Call(ctx, c.conn, signingKeysRoute, r)
}

func (c client) RotateKeys(ctx context.Context, r api.RotateKeysRequest) (api.SigningKeyList, error) {
	return rpc.Call(ctx, c.conn, rotateKeysRoute, r)
}

func (c client) RevokeKey(ctx context.Context, r api.SigningKeyRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, revokeKeyRoute, r)
}
