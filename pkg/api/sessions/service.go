package sessions

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// Service is what the sessions service does for others. All errors are faults.
type Service interface {
	// Create opens a session and gives its first token.
	Create(context.Context, CreateRequest) (Token, error)
	// Resolve checks a token and its session. Unauthenticated if the token is
	// malformed, forged, expired or of an ended session.
	Resolve(context.Context, ResolveRequest) (Resolved, error)
	// Refresh gives a fresh token; errors as Resolve.
	Refresh(context.Context, RefreshRequest) (Token, error)
	// End ends a session; ending an ended one succeeds.
	End(context.Context, EndRequest) (Ended, error)
	// EndAll ends all sessions of a user that match.
	EndAll(context.Context, EndAllRequest) (api.Nothing, error)
	// Revocations is the feed with which the edge keeps its cache true.
	Revocations(context.Context, RevocationsRequest) (Revocations, error)

	Managing
	AccessTokens
	Operating
}

// Name of the service in discovery, metrics and certificates.
const Name = api.Sessions

// The routes.
var (
	create      = rpc.Route[CreateRequest, Token]{Service: Name, Method: "Create", Callers: []string{api.Gateway}}
	resolve     = rpc.Route[ResolveRequest, Resolved]{Service: Name, Method: "Resolve", Callers: []string{api.Gateway}, Idempotent: true}
	refresh     = rpc.Route[RefreshRequest, Token]{Service: Name, Method: "Refresh", Callers: []string{api.Gateway}}
	end         = rpc.Route[EndRequest, Ended]{Service: Name, Method: "End", Callers: []string{api.Gateway}, Idempotent: true}
	endAll      = rpc.Route[EndAllRequest, api.Nothing]{Service: Name, Method: "EndAll", Callers: []string{api.Gateway, api.Accounts}, Idempotent: true}
	revocations = rpc.Route[RevocationsRequest, Revocations]{Service: Name, Method: "Revocations", Callers: []string{api.Gateway}, Idempotent: true, Timeout: time.Second}
)

// Mount serves s on the server.
func Mount(server *rpc.Server, s Service) {
	rpc.Handle(server, create, s.Create)
	rpc.Handle(server, resolve, s.Resolve)
	rpc.Handle(server, refresh, s.Refresh)
	rpc.Handle(server, end, s.End)
	rpc.Handle(server, endAll, s.EndAll)
	rpc.Handle(server, revocations, s.Revocations)
	mountManaging(server, s)
	mountAccessTokens(server, s)
	mountOperating(server, s)
}

// NewClient is the service behind the connection.
func NewClient(c rpc.Conn) Service { return client{c} }

type client struct{ conn rpc.Conn }

func (c client) Create(ctx context.Context, r CreateRequest) (Token, error) {
	return rpc.Call(ctx, c.conn, create, r)
}

func (c client) Resolve(ctx context.Context, r ResolveRequest) (Resolved, error) {
	return rpc.Call(ctx, c.conn, resolve, r)
}

func (c client) Refresh(ctx context.Context, r RefreshRequest) (Token, error) {
	return rpc.Call(ctx, c.conn, refresh, r)
}

func (c client) End(ctx context.Context, r EndRequest) (Ended, error) {
	return rpc.Call(ctx, c.conn, end, r)
}

func (c client) EndAll(ctx context.Context, r EndAllRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, endAll, r)
}

func (c client) Revocations(ctx context.Context, r RevocationsRequest) (Revocations, error) {
	return rpc.Call(ctx, c.conn, revocations, r)
}
