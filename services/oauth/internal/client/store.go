package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Store keeps clients. It is fosite's storage too: fosite's own handlers, which
// would need more, are not used.
type Store struct{ DB *db.DB }

var _ fosite.Storage = (*Store)(nil)

const columns = `id, name, public, secret_hash, auth_method, redirect_uris, grant_types, scopes,
	first_party, pkce_optional, resource_server, created_time, number, hash, hub, metadata, modified_time,
	secret_time, former_secret_hash, former_secret_expiration_time, registration_hash, registration, any_secret, hub_hash`

// GetClient finds a client, or returns fosite.ErrNotFound.
func (s *Store) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	return s.find(ctx, "id = $1", id)
}

// Find finds a client by its number or its hash, or returns fosite.ErrNotFound.
func (s *Store) Find(ctx context.Context, named api.Ref) (fosite.Client, error) {
	if named.Hash != "" {
		return s.find(ctx, "hash = $1", named.Hash)
	}
	return s.find(ctx, "number = $1", named.ID)
}

func (s *Store) find(ctx context.Context, where string, value any) (fosite.Client, error) {
	c, err := scan(s.DB.QueryRow(ctx, "SELECT "+columns+" FROM clients WHERE "+where, value))
	if errors.Is(err, db.ErrNoRows) {
		return nil, fosite.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("client: find: %w", err)
	}
	return c, nil
}

// Insert adds a client. Its error is a Conflict fault if the id is taken.
func (s *Store) Insert(ctx context.Context, q db.Queryer, c *Client) error {
	e, err := encode(c)
	if err != nil {
		return err
	}
	n, err := q.Exec(ctx, "INSERT INTO clients ("+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
		ON CONFLICT (id) DO NOTHING`,
		c.ID, c.Name, c.Public(), c.SecretHash, c.AuthMethod, e.redirectURIs, e.grantTypes, e.scopes,
		c.FirstParty, c.PKCEOptional, c.ResourceServer, db.Micros(c.CreatedTime), c.Number, c.Hash, c.Hub, e.metadata, db.Micros(c.ModifiedTime),
		db.NullMicros(c.SecretTime), c.FormerSecretHash, db.NullMicros(c.FormerSecretExpirationTime), c.RegistrationHash, c.Registration, c.AnySecret, c.HubHash)
	if err != nil {
		return fmt.Errorf("client: insert: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "")
	}
	c.Vetted = !c.SelfMade()
	return nil
}

// Rehash replaces the hash of an unchanged secret.
func (s *Store) Rehash(ctx context.Context, id string, old, fresh []byte) error {
	_, err := s.DB.Exec(ctx, "UPDATE clients SET secret_hash = $3 WHERE id = $1 AND secret_hash = $2", id, old, fresh)
	if err != nil {
		return fmt.Errorf("client: rehash: %w", err)
	}
	return nil
}

// ClientAssertionJWTValid refuses: fosite is not asked about assertions, which the
// [Authenticator] judges and remembers.
func (s *Store) ClientAssertionJWTValid(context.Context, string) error {
	return fosite.ErrInvalidClient
}

// SetClientAssertionJWT refuses, for the same reason.
func (s *Store) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrInvalidClient
}
