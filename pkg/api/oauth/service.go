package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// Service is what the oauth service does for the edge and for operators. All
// errors are faults; RFC 6749 errors are inside the answers.
type Service interface {
	// Authorize starts an authorization request.
	Authorize(context.Context, AuthorizeRequest) (Authorization, error)
	// Resume goes on with one. Gone if it has been answered or has expired.
	Resume(context.Context, ResumeRequest) (Authorization, error)
	// Pending shows one without changing it. Gone as Resume.
	Pending(context.Context, PendingRequest) (Interaction, error)

	Clients
	Devices
	Logos
	Logouts
	HubProviders
	Identities
	Grants
	Operating
}

// Name of the service in discovery, metrics and certificates.
const Name = api.OAuth

// The routes.
var (
	authorize = rpc.Route[AuthorizeRequest, Authorization]{Service: Name, Method: "Authorize", Callers: []string{api.Gateway}}
	resume    = rpc.Route[ResumeRequest, Authorization]{Service: Name, Method: "Resume", Callers: []string{api.Gateway}}
	pending   = rpc.Route[PendingRequest, Interaction]{Service: Name, Method: "Pending", Callers: []string{api.Gateway}, Idempotent: true}
)

// Mount serves s on the server.
func Mount(server *rpc.Server, s Service) {
	rpc.Handle(server, authorize, s.Authorize)
	rpc.Handle(server, resume, s.Resume)
	rpc.Handle(server, pending, s.Pending)
	mountClients(server, s)
	mountDevices(server, s)
	mountLogos(server, s)
	mountLogouts(server, s)
	mountHubProviders(server, s)
	mountIdentities(server, s)
	mountGrants(server, s)
	mountOperating(server, s)
}

// NewClient is the service behind the connection.
func NewClient(c rpc.Conn) Service { return client{c} }

type client struct{ conn rpc.Conn }

func (c client) Authorize(ctx context.Context, r AuthorizeRequest) (Authorization, error) {
	return rpc.Call(ctx, c.conn, authorize, r)
}

func (c client) Resume(ctx context.Context, r ResumeRequest) (Authorization, error) {
	return rpc.Call(ctx, c.conn, resume, r)
}

func (c client) Pending(ctx context.Context, r PendingRequest) (Interaction, error) {
	return rpc.Call(ctx, c.conn, pending, r)
}
