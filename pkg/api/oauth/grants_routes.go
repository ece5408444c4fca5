package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Grants].
var (
	listConsentsRoute  = rpc.Route[SubjectRequest, ConsentList]{Service: Name, Method: "ListConsents", Callers: []string{api.Gateway}, Idempotent: true}
	revokeConsentRoute = rpc.Route[RevokeConsentRequest, api.Nothing]{Service: Name, Method: "RevokeConsent", Callers: []string{api.Gateway}, Idempotent: true}
	forgetRoute        = rpc.Route[SubjectRequest, api.Nothing]{Service: Name, Method: "Forget", Callers: []string{api.Accounts}, Idempotent: true}
)

func mountGrants(server *rpc.Server, s Grants) {
	rpc.Handle(server, listConsentsRoute, s.ListConsents)
	rpc.Handle(server, revokeConsentRoute, s.RevokeConsent)
	rpc.Handle(server, forgetRoute, s.Forget)
}

func (c client) ListConsents(ctx context.Context, r SubjectRequest) (ConsentList, error) {
	return rpc.Call(ctx, c.conn, listConsentsRoute, r)
}

func (c client) RevokeConsent(ctx context.Context, r RevokeConsentRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, revokeConsentRoute, r)
}

func (c client) Forget(ctx context.Context, r SubjectRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, forgetRoute, r)
}
