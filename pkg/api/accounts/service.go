package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// Service is what the accounts service does for others. All errors are faults.
type Service interface {
	// Authenticate checks a password. Unauthenticated whoever is unknown,
	// disabled or wrong, after the same time.
	Authenticate(context.Context, AuthenticateRequest) (Identity, error)
	// Describe gives the account as seen from a hub. NotFound if there is no
	// such active user; Forbidden if the user is no member of the hub.
	Describe(context.Context, DescribeRequest) (Account, error)
	// InitiateActivation registers a person and mails a link. It answers the
	// same whether or not the address has an account.
	InitiateActivation(context.Context, InitiateActivationRequest) (api.Nothing, error)
	// OpenLink uses a mailed link up. NotFound if unknown, Gone if used,
	// superseded or expired.
	OpenLink(context.Context, OpenLinkRequest) (OpenedLink, error)
	// FinishActivation sets the password, accepts the terms and creates or
	// joins the hub, once. NotFound if it is not this user's activation or is
	// finished or expired; Invalid names every broken rule.
	FinishActivation(context.Context, FinishActivationRequest) (Identity, error)
	// Invite makes an invitation on behalf of the operator.
	Invite(context.Context, InviteRequest) (Invitation, error)
	// Claims gives the account of a subject for ID tokens and UserInfo.
	// NotFound if there is no such active user. A hub the user has left is
	// left out.
	Claims(context.Context, ClaimsRequest) (Account, error)
	// Statistics counts users.
	Statistics(context.Context, api.Nothing) (StatisticsAnswer, error)
}

// Name of the service in discovery, metrics and certificates.
const Name = api.Accounts

// The routes.
var (
	authenticate       = rpc.Route[AuthenticateRequest, Identity]{Service: Name, Method: "Authenticate", Callers: []string{api.Gateway}}
	describe           = rpc.Route[DescribeRequest, Account]{Service: Name, Method: "Describe", Callers: []string{api.Gateway}, Idempotent: true}
	initiateActivation = rpc.Route[InitiateActivationRequest, api.Nothing]{Service: Name, Method: "InitiateActivation", Callers: []string{api.Gateway}}
	openLink           = rpc.Route[OpenLinkRequest, OpenedLink]{Service: Name, Method: "OpenLink", Callers: []string{api.Gateway}}
	finishActivation   = rpc.Route[FinishActivationRequest, Identity]{Service: Name, Method: "FinishActivation", Callers: []string{api.Gateway}}
	invite             = rpc.Route[InviteRequest, Invitation]{Service: Name, Method: "Invite", Callers: []string{api.Operator}}
	claims             = rpc.Route[ClaimsRequest, Account]{Service: Name, Method: "Claims", Callers: []string{api.OAuth}, Idempotent: true}
	statistics         = rpc.Route[api.Nothing, StatisticsAnswer]{Service: Name, Method: "Statistics", Callers: []string{api.Operator}, Idempotent: true}
)

// Mount serves s on the server.
func Mount(server *rpc.Server, s Service) {
	rpc.Handle(server, authenticate, s.Authenticate)
	rpc.Handle(server, describe, s.Describe)
	rpc.Handle(server, initiateActivation, s.InitiateActivation)
	rpc.Handle(server, openLink, s.OpenLink)
	rpc.Handle(server, finishActivation, s.FinishActivation)
	rpc.Handle(server, invite, s.Invite)
	rpc.Handle(server, claims, s.Claims)
	rpc.Handle(server, statistics, s.Statistics)
}

// NewClient is the service behind the connection.
func NewClient(c rpc.Conn) Service { return client{c} }

type client struct{ conn rpc.Conn }

func (c client) Authenticate(ctx context.Context, r AuthenticateRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, authenticate, r)
}

func (c client) Describe(ctx context.Context, r DescribeRequest) (Account, error) {
	return rpc.Call(ctx, c.conn, describe, r)
}

func (c client) InitiateActivation(ctx context.Context, r InitiateActivationRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, initiateActivation, r)
}

func (c client) OpenLink(ctx context.Context, r OpenLinkRequest) (OpenedLink, error) {
	return rpc.Call(ctx, c.conn, openLink, r)
}

func (c client) FinishActivation(ctx context.Context, r FinishActivationRequest) (Identity, error) {
	return rpc.Call(ctx, c.conn, finishActivation, r)
}

func (c client) Invite(ctx context.Context, r InviteRequest) (Invitation, error) {
	return rpc.Call(ctx, c.conn, invite, r)
}

func (c client) Claims(ctx context.Context, r ClaimsRequest) (Account, error) {
	return rpc.Call(ctx, c.conn, claims, r)
}

func (c client) Statistics(ctx context.Context, r api.Nothing) (StatisticsAnswer, error) {
	return rpc.Call(ctx, c.conn, statistics, r)
}
