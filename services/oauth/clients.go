package oauth

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// CreateClient implements [oauth.Service].
func (s *Service) CreateClient(ctx context.Context, r oauth.CreateClientRequest) (oauth.CreatedClient, error) {
	return s.registrar.Create(ctx, r)
}

// ListClients implements [oauth.Service].
func (s *Service) ListClients(ctx context.Context, _ oauth.ListClientsRequest) (oauth.ClientList, error) {
	found, err := s.clients.List(ctx)
	if err != nil {
		return oauth.ClientList{}, err
	}
	list := oauth.ClientList{Clients: make([]oauth.Client, 0, len(found)), Total: len(found)}
	for _, c := range found {
		list.Clients = append(list.Clients, c.Client)
	}
	return list, nil
}

// DeleteClient implements [oauth.Service].
func (s *Service) DeleteClient(ctx context.Context, r oauth.ClientRequest) (api.Nothing, error) {
	return api.Nothing{}, s.clients.Delete(ctx, r.ID)
}
