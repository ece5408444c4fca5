package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// KeepsSecret tells whether a client that authenticates so has a secret of ours.
func KeepsSecret(method string) bool { return method == AuthBasic || method == AuthPost }

// Secrets are the hashes of the secrets that are good at that time: the present
// one, and the one before while it is still taken. There are none if the
// client's method of authentication knows no secret.
func (c *Client) Secrets(now time.Time) [][]byte {
	var hashes [][]byte
	if !KeepsSecret(c.AuthMethod) {
		return nil
	}
	if len(c.SecretHash) > 0 {
		hashes = append(hashes, c.SecretHash)
	}
	if until := c.FormerSecretExpirationTime; len(c.FormerSecretHash) > 0 && until != nil && now.Before(*until) {
		hashes = append(hashes, c.FormerSecretHash)
	}
	return hashes
}

// Rotate gives the client a new secret, by its hash. The present one becomes the
// former, which is good until the given time; nil: it is void at once. Two
// at once make two secrets, of which the later one's former is the earlier.
// NotFound; Conflict if its method of authentication knows no secret.
func (s *Store) Rotate(ctx context.Context, tx *db.Tx, id string, fresh []byte, now time.Time, until *time.Time) (*Client, error) {
	keep := until != nil
	c, err := scan(tx.QueryRow(ctx, `UPDATE clients SET secret_hash = $2, secret_time = $3,
			former_secret_hash = CASE WHEN $4 THEN secret_hash END,
			former_secret_expiration_time = CASE WHEN secret_hash IS NOT NULL THEN CAST($5 AS BIGINT) END,
			modified_time = CASE WHEN modified_time >= $3 THEN modified_time + 1 ELSE $3 END
		WHERE id = $1 AND auth_method IN ($6, $7) RETURNING `+columns,
		id, fresh, db.Micros(now), keep, db.NullMicros(until), AuthBasic, AuthPost))
	if err == nil {
		return c, nil
	}
	if !errors.Is(err, db.ErrNoRows) {
		return nil, fmt.Errorf("client: rotate: %w", err)
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM clients WHERE id = $1", id).Scan(&n); err != nil {
		return nil, fmt.Errorf("client: rotate: %w", err)
	}
	if n == 0 {
		return nil, fault.New(fault.NotFound, "")
	}
	return nil, fault.New(fault.Conflict, "fault.client_without_secret")
}
