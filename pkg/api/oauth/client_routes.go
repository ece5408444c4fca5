package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Clients].
var (
	createClientRoute            = rpc.Route[CreateClientRequest, CreatedClient]{Service: Name, Method: "CreateClient", Callers: []string{api.Gateway, api.Operator}}
	listClientsRoute             = rpc.Route[ListClientsRequest, ClientList]{Service: Name, Method: "ListClients", Callers: []string{api.Gateway, api.Operator}, Idempotent: true}
	getClientRoute               = rpc.Route[ClientRequest, Client]{Service: Name, Method: "GetClient", Callers: []string{api.Gateway, api.Operator}, Idempotent: true}
	updateClientRoute            = rpc.Route[UpdateClientRequest, Client]{Service: Name, Method: "UpdateClient", Callers: []string{api.Gateway, api.Operator}}
	deleteClientRoute            = rpc.Route[ClientRequest, api.Nothing]{Service: Name, Method: "DeleteClient", Callers: []string{api.Gateway, api.Operator}}
	rotateSecretRoute            = rpc.Route[RotateSecretRequest, CreatedClient]{Service: Name, Method: "RotateSecret", Callers: []string{api.Gateway, api.Operator}}
	createRegistrationTokenRoute = rpc.Route[CreateRegistrationTokenRequest, CreatedRegistrationToken]{Service: Name, Method: "CreateRegistrationToken", Callers: []string{api.Gateway, api.Operator}}
	listRegistrationTokensRoute  = rpc.Route[ListRegistrationTokensRequest, RegistrationTokenList]{Service: Name, Method: "ListRegistrationTokens", Callers: []string{api.Gateway, api.Operator}, Idempotent: true}
	deleteRegistrationTokenRoute = rpc.Route[RegistrationTokenRequest, api.Nothing]{Service: Name, Method: "DeleteRegistrationToken", Callers: []string{api.Gateway, api.Operator}}
)

func mountClients(server *rpc.Server, s Clients) {
	rpc.Handle(server, createClientRoute, s.CreateClient)
	rpc.Handle(server, listClientsRoute, s.ListClients)
	rpc.Handle(server, getClientRoute, s.GetClient)
	rpc.Handle(server, updateClientRoute, s.UpdateClient)
	rpc.Handle(server, deleteClientRoute, s.DeleteClient)
	rpc.Handle(server, rotateSecretRoute, s.RotateSecret)
	rpc.Handle(server, createRegistrationTokenRoute, s.CreateRegistrationToken)
	rpc.Handle(server, listRegistrationTokensRoute, s.ListRegistrationTokens)
	rpc.Handle(server, deleteRegistrationTokenRoute, s.DeleteRegistrationToken)
}

func (c client) CreateClient(ctx context.Context, r CreateClientRequest) (CreatedClient, error) {
	return rpc.Call(ctx, c.conn, createClientRoute, r)
}

func (c client) ListClients(ctx context.Context, r ListClientsRequest) (ClientList, error) {
	return rpc.Call(ctx, c.conn, listClientsRoute, r)
}

func (c client) GetClient(ctx context.Context, r ClientRequest) (Client, error) {
	return rpc.Call(ctx, c.conn, getClientRoute, r)
}

func (c client) UpdateClient(ctx context.Context, r UpdateClientRequest) (Client, error) {
	return rpc.Call(ctx, c.conn, updateClientRoute, r)
}

func (c client) DeleteClient(ctx context.Context, r ClientRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, deleteClientRoute, r)
}

func (c client) RotateSecret(ctx context.Context, r RotateSecretRequest) (CreatedClient, error) {
	return rpc.Call(ctx, c.conn, rotateSecretRoute, r)
}

func (c client) CreateRegistrationToken(ctx context.Context, r CreateRegistrationTokenRequest) (CreatedRegistrationToken, error) {
	return rpc.Call(ctx, c.conn, createRegistrationTokenRoute, r)
}

func (c client) ListRegistrationTokens(ctx context.Context, r ListRegistrationTokensRequest) (RegistrationTokenList, error) {
	return rpc.Call(ctx, c.conn, listRegistrationTokensRoute, r)
}

func (c client) DeleteRegistrationToken(ctx context.Context, r RegistrationTokenRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, deleteRegistrationTokenRoute, r)
}
