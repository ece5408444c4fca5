package upstream

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// hubRow is a provider as a hub uses it. Without an issuer it is the
// installation's with that name.
type hubRow struct {
	ID                            int64
	Hash                          string
	Hub                           int64
	Name, Title, Issuer, ClientID string
	Secret                        []byte // sealed
	Created, Modified             time.Time
	// Revision of what is in force, or is to be.
	Revision int64
}

func (r hubRow) own() bool { return r.Issuer != "" }

const hubSealPurpose = "oauth.hub_provider"

// seal binds a secret to the row, and to whom it is sent: whoever could change
// the issuer alone would have the secret sent to them.
func (r *hubRow) seal(ring *keyring.Ring, secret string) (err error) {
	r.Secret, err = ring.Seal(hubSealPurpose, []byte(secret), r.bound())
	if err != nil {
		return fmt.Errorf("upstream: seal: %w", err)
	}
	return nil
}

func (r hubRow) open(ring *keyring.Ring) (string, error) {
	secret, err := ring.Open(hubSealPurpose, r.Secret, r.bound())
	if err != nil {
		return "", fmt.Errorf("upstream: open: %w", err)
	}
	return string(secret), nil
}

func (r hubRow) bound() []byte { return fmt.Appendf(nil, "%s %q %q", r.Hash, r.Issuer, r.ClientID) }

const hubColumns = `id, hash, hub, name, title, issuer, client_id, secret, created_time, modified_time, revision`

func scanHubRow(row db.Scanner) (r hubRow, err error) {
	var created, modified int64
	err = row.Scan(&r.ID, &r.Hash, &r.Hub, &r.Name, &r.Title, &r.Issuer, &r.ClientID, &r.Secret, &created, &modified, &r.Revision)
	r.Created, r.Modified = db.FromMicros(created), db.FromMicros(modified)
	return r, err
}

// hubProviders lists those of a hub by name.
func (s store) hubProviders(ctx context.Context, hub int64) ([]hubRow, error) {
	rows, err := s.db.Query(ctx, `SELECT `+hubColumns+` FROM hub_providers WHERE hub = $1 ORDER BY name`, hub)
	return collectHubRows(rows, err)
}

// hubProvider finds one by its name in the hub; [db.ErrNoRows] if there is none.
func (s store) hubProvider(ctx context.Context, hub int64, name string) (hubRow, error) {
	return scanHubRow(s.db.QueryRow(ctx, `SELECT `+hubColumns+` FROM hub_providers WHERE hub = $1 AND name = $2`, hub, name))
}

// ownProvider finds one that a hub has brought along by its hash;
// [db.ErrNoRows] if there is none.
func (s store) ownProvider(ctx context.Context, hash string) (hubRow, error) {
	return scanHubRow(s.db.QueryRow(ctx, `SELECT `+hubColumns+` FROM hub_providers WHERE hash = $1 AND issuer <> ''`, hash))
}

// deleteHubProvider tells whether there was one.
func (s store) deleteHubProvider(ctx context.Context, hub int64, name string) (bool, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM hub_providers WHERE hub = $1 AND name = $2`, hub, name)
	if err != nil {
		return false, fmt.Errorf("upstream: delete: %w", err)
	}
	return n > 0, nil
}

// Sealed is where the secrets of hubs' providers are kept.
func Sealed() keyring.Column {
	return keyring.Column{
		Table: "hub_providers", Name: "secret", Bound: []string{"hash", "issuer", "client_id"},
		Opens: func(bound []string) (purpose string, aad []byte) {
			return hubSealPurpose, hubRow{Hash: bound[0], Issuer: bound[1], ClientID: bound[2]}.bound()
		},
	}
}
