package consent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// List lists what a subject has agreed to, by the name of the app.
func (s *Store) List(ctx context.Context, subject string) (oauth.ConsentList, error) {
	list := oauth.ConsentList{Consents: []oauth.Consented{}}
	rows, err := s.DB.Query(ctx, `SELECT consented_clients.id, consented_clients.hash, clients.id, clients.name,
			consented_clients.created_time, consented_clients.modified_time, consents.scope
		FROM consented_clients
		JOIN clients ON clients.id = consented_clients.client_id
		JOIN consents ON consents.subject = consented_clients.subject AND consents.client_id = consented_clients.client_id
		WHERE consented_clients.subject = $1
		ORDER BY clients.name, consented_clients.id, consents.scope`, subject)
	if err != nil {
		return list, fmt.Errorf("consent: list: %w", err)
	}
	defer func() { _ = rows.Close() }() // an error while reading is in Err
	for rows.Next() {
		var c oauth.Consented
		var created, modified int64
		var name string
		if err := rows.Scan(&c.ID, &c.Hash, &c.Client, &c.ClientName, &created, &modified, &name); err != nil {
			return list, fmt.Errorf("consent: list: %w", err)
		}
		if n := len(list.Consents); n > 0 && list.Consents[n-1].ID == c.ID {
			list.Consents[n-1].Scopes = append(list.Consents[n-1].Scopes, name)
			continue
		}
		c.Scopes, c.CreatedTime, c.ModifiedTime = []string{name}, db.FromMicros(created), db.FromMicros(modified)
		list.Consents = append(list.Consents, c)
	}
	if err := rows.Err(); err != nil {
		return list, fmt.Errorf("consent: list: %w", err)
	}
	return list, nil
}

// Revoke takes a consent back and revokes the grants that the app has of the
// subject, with all their tokens. NotFound if it is no consent of the subject's.
// The consent's own row comes first: whoever grants something by it holds it.
func (s *Store) Revoke(ctx context.Context, subject string, ref api.Ref, now time.Time) error {
	return s.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var client string
		err := tx.QueryRow(ctx, `DELETE FROM consented_clients WHERE subject = $1 AND (id = $2 OR hash = $3)
			RETURNING client_id`, subject, ref.ID, ref.Hash).Scan(&client)
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.NotFound, "")
		}
		if err != nil {
			return fmt.Errorf("consent: revoke: %w", err)
		}
		if _, err := tx.Exec(ctx, "DELETE FROM consents WHERE subject = $1 AND client_id = $2", subject, client); err != nil {
			return fmt.Errorf("consent: revoke: %w", err)
		}
		_, err = tx.Exec(ctx, `UPDATE grants SET revoked_time = $3
			WHERE subject = $1 AND client_id = $2 AND revoked_time IS NULL`, subject, client, db.Micros(now))
		if err != nil {
			return fmt.Errorf("consent: revoke grants: %w", err)
		}
		return nil
	})
}

// Forget deletes a subject's consents and grants. Tokens of a grant that is gone
// are worth nothing.
func (s *Store) Forget(ctx context.Context, subject string) error {
	return s.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, table := range strings.Fields("consented_clients consents grants") {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE subject = $1", subject); err != nil {
				return fmt.Errorf("consent: forget: %w", err)
			}
		}
		return nil
	})
}
