package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Passkeys].
var (
	beginPasskeyRoute       = rpc.Route[ActorRequest, PasskeyCeremony]{Service: Name, Method: "BeginPasskey", Callers: []string{api.Gateway}}
	finishPasskeyRoute      = rpc.Route[FinishPasskeyRequest, Passkey]{Service: Name, Method: "FinishPasskey", Callers: []string{api.Gateway}}
	listPasskeysRoute       = rpc.Route[ActorRequest, PasskeyList]{Service: Name, Method: "ListPasskeys", Callers: []string{api.Gateway}, Idempotent: true}
	removePasskeyRoute      = rpc.Route[RemovePasskeyRequest, api.Nothing]{Service: Name, Method: "RemovePasskey", Callers: []string{api.Gateway}}
	beginPasskeyLoginRoute  = rpc.Route[BeginPasskeyLoginRequest, PasskeyCeremony]{Service: Name, Method: "BeginPasskeyLogin", Callers: []string{api.Gateway}}
	finishPasskeyLoginRoute = rpc.Route[FinishPasskeyLoginRequest, Identity]{Service: Name, Method: "FinishPasskeyLogin", Callers: []string{api.Gateway}}
)

func mountPasskeys(server *rpc.Server, s Passkeys) {
	rpc.Handle(server, beginPasskeyRoute, s.BeginPasskey)
	rpc.Handle(server, finishPasskeyRoute, s.FinishPasskey)
	rpc.Handle(server, listPasskeysRoute, s.ListPasskeys)
	rpc.Handle(server, removePasskeyRoute, s.RemovePasskey)
	rpc.Handle(server, beginPasskeyLoginRoute, s.BeginPasskeyLogin)
	rpc.Handle(server, finishPasskeyLoginRoute, s.FinishPasskeyLogin)
}

func (c client) BeginPasskey(ctx context.Context, r ActorRequest) (PasskeyCeremony, error) {
	return rpc.Call(ctx, c.conn, beginPasskeyRoute, r)
}

func (c client) FinishPasskey(ctx context.Context, r FinishPasskeyRequest) (Passkey, error) {
	return rpc.Call(ctx, c.conn, finishPasskeyRoute, r)
}

func (c client) ListPasskeys(ctx context.Context, r ActorRequest) (PasskeyList, error) {
	return rpc.Call(ctx, c.conn, listPasskeysRoute, r)
}

func (c client) RemovePasskey(ctx context.Context, r RemovePasskeyRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, removePasskeyRoute, r)
}

func (c client) BeginPasskeyLogin(ctx context.Context, r BeginPasskeyLoginRequest) (PasskeyCeremony, error) {
	return rpc.Call(ctx, c.conn, beginPasskeyLoginRoute, r)
}

func (c client) FinishPasskeyLogin(ctx context.Context, r FinishPasskeyLoginRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, finishPasskeyLoginRoute, r)
}
