package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Logouts].
var (
	beginLogoutRoute    = rpc.Route[LogoutRequest, Logout]{Service: Name, Method: "BeginLogout", Callers: []string{api.Gateway}, Idempotent: true}
	sessionClientsRoute = rpc.Route[SessionClientsRequest, SessionClientList]{Service: Name, Method: "SessionClients", Callers: []string{api.Gateway}, Idempotent: true}
	sessionsEndedRoute  = rpc.Route[SessionsEndedRequest, api.Nothing]{Service: Name, Method: "SessionsEnded", Callers: []string{api.Sessions}, Idempotent: true}
)

func mountLogouts(server *rpc.Server, s Logouts) {
	rpc.Handle(server, beginLogoutRoute, s.BeginLogout)
	rpc.Handle(server, sessionClientsRoute, s.SessionClients)
	rpc.Handle(server, sessionsEndedRoute, s.SessionsEnded)
}

func (c client) BeginLogout(ctx context.Context, r LogoutRequest) (Logout, error) {
	return rpc.Call(ctx, c.conn, beginLogoutRoute, r)
}

func (c client) SessionClients(ctx context.Context, r SessionClientsRequest) (SessionClientList, error) {
	return rpc.Call(ctx, c.conn, sessionClientsRoute, r)
}

func (c client) SessionsEnded(ctx context.Context, r SessionsEndedRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, sessionsEndedRoute, r)
}
