package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Filter chooses clients.
type Filter struct {
	Hub   *int64   // only this hub's; nil: all
	Query string   // a part of the name or the id, in any case
	Page  api.Page // zero: all
}

// List gives the clients that match, by name, and how many they are on all pages.
func (s *Store) List(ctx context.Context, f Filter) ([]*Client, int, error) {
	where, args := f.where()
	var total int
	if err := s.DB.QueryRow(ctx, "SELECT COUNT(*) FROM clients"+where, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("client: count: %w", err)
	}
	query := "SELECT " + columns + " FROM clients" + where + " ORDER BY LOWER(name), id"
	if f.Page.Size > 0 {
		query += fmt.Sprintf(" LIMIT %d OFFSET %d", f.Page.Size, f.Page.Offset())
	}
	rows, err := s.DB.Query(ctx, query, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("client: list: %w", err)
	}
	defer func() { _ = rows.Close() }() // an error while reading is in Err
	var list []*Client
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return nil, 0, fmt.Errorf("client: list: %w", err)
		}
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("client: list: %w", err)
	}
	return list, total, nil
}

func (f Filter) where() (text string, args []any) {
	var conditions []string
	if f.Hub != nil {
		args = append(args, *f.Hub)
		conditions = append(conditions, fmt.Sprintf("hub = $%d", len(args)))
	}
	if f.Query != "" {
		args = append(args, "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.Query)+"%")
		conditions = append(conditions, fmt.Sprintf(`(LOWER(name) LIKE LOWER($%[1]d) ESCAPE '\' OR LOWER(id) LIKE LOWER($%[1]d) ESCAPE '\')`, len(args)))
	}
	if conditions == nil {
		return "", nil
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

// CountHub counts the clients of a hub.
func (s *Store) CountHub(ctx context.Context, q db.Queryer, hub int64) (n int, err error) {
	if err := q.QueryRow(ctx, "SELECT COUNT(*) FROM clients WHERE hub = $1", hub).Scan(&n); err != nil {
		return 0, fmt.Errorf("client: count: %w", err)
	}
	return n, nil
}

// Update writes what can be chosen about a client, and when, if the client is
// still as it was read: it is false if somebody was quicker. Secrets that the
// method of authentication does not know any more go; a new one has to be asked
// for, by [Store.Rotate].
func (s *Store) Update(ctx context.Context, tx *db.Tx, read, changed *Client) (bool, error) {
	e, err := encode(changed)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `UPDATE clients SET name = $3, public = $4, auth_method = $5, redirect_uris = $6,
			grant_types = $7, scopes = $8, first_party = $9, pkce_optional = $10, resource_server = $11,
			metadata = $12, modified_time = $13, any_secret = $15, hub_hash = $16,
			secret_hash = CASE WHEN $14 THEN secret_hash END,
			secret_time = CASE WHEN $14 THEN secret_time END,
			former_secret_hash = CASE WHEN $14 THEN former_secret_hash END,
			former_secret_expiration_time = CASE WHEN $14 THEN former_secret_expiration_time END
		WHERE id = $1 AND modified_time = $2`,
		changed.ID, db.Micros(read.ModifiedTime), changed.Name, changed.Public(), changed.AuthMethod, e.redirectURIs,
		e.grantTypes, e.scopes, changed.FirstParty, changed.PKCEOptional, changed.ResourceServer,
		e.metadata, db.Micros(changed.ModifiedTime), KeepsSecret(changed.AuthMethod), changed.AnySecret, changed.HubHash)
	if err != nil {
		return false, fmt.Errorf("client: update: %w", err)
	}
	return n == 1, nil
}

// Delete removes a client with all that was granted to it, and gives what it
// was. NotFound.
func (s *Store) Delete(ctx context.Context, tx *db.Tx, id string) (*Client, error) {
	c, err := scan(tx.QueryRow(ctx, "DELETE FROM clients WHERE id = $1 RETURNING "+columns, id))
	if errors.Is(err, db.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "")
	}
	if err != nil {
		return nil, fmt.Errorf("client: delete: %w", err)
	}
	return c, nil
}
