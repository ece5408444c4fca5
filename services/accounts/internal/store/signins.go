package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

const signInColumns = `provider, own, mode, title, issuer, domains, revision, created_time, modified_time`

func scanSignIn(row db.Scanner) (s accounts.SignIn, err error) {
	var domains string
	var created, modified int64
	if err := row.Scan(&s.Provider, &s.Own, &s.Mode, &s.Title, &s.Issuer, &domains, &s.Revision, &created, &modified); err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(domains), &s.Domains); err != nil {
		return s, fmt.Errorf("store: domains of %s: %w", s.Provider, err)
	}
	s.CreatedTime, s.ModifiedTime = db.FromMicros(created), db.FromMicros(modified)
	return s, nil
}

// SignInsOf lists how a hub uses providers, by provider.
func SignInsOf(ctx context.Context, q db.Queryer, hub int64) ([]accounts.SignIn, error) {
	rows, err := q.Query(ctx, `SELECT `+signInColumns+` FROM sign_ins WHERE hub_id = $1 ORDER BY provider`, hub)
	return collect(rows, err, scanSignIn)
}

// SignInOf is how a hub uses a provider; [db.ErrNoRows] if it says nothing.
func SignInOf(ctx context.Context, q db.Queryer, hub int64, provider string) (accounts.SignIn, error) {
	return scanSignIn(q.QueryRow(ctx, `SELECT `+signInColumns+` FROM sign_ins WHERE hub_id = $1 AND provider = $2`, hub, provider))
}

// PutSignIn adds one or changes it; [db.ErrNoRows] if a later change was faster.
// The hub must be locked.
func PutSignIn(ctx context.Context, tx *db.Tx, hub int64, s accounts.SignIn, now time.Time) (accounts.SignIn, error) {
	domains, err := json.Marshal(append([]string{}, s.Domains...))
	if err != nil {
		return s, fmt.Errorf("store: %w", err)
	}
	return scanSignIn(tx.QueryRow(ctx, `INSERT INTO sign_ins (hub_id, provider, own, mode, title, issuer, domains, created_time, modified_time, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
		ON CONFLICT (hub_id, provider) DO UPDATE SET own = $3, mode = $4, title = $5, issuer = $6, domains = $7, modified_time = $8, revision = $9
			WHERE sign_ins.revision < $9 OR sign_ins.revision = $9 AND ($9 = 0
				OR sign_ins.own = $3 AND sign_ins.mode = $4 AND sign_ins.title = $5 AND sign_ins.issuer = $6 AND sign_ins.domains = $7)
		RETURNING `+signInColumns,
		hub, s.Provider, s.Own, string(s.Mode), s.Title, s.Issuer, string(domains), db.Micros(now), s.Revision))
}

// DeleteSignIn tells whether there was one.
func DeleteSignIn(ctx context.Context, tx *db.Tx, hub int64, provider string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM sign_ins WHERE hub_id = $1 AND provider = $2`, hub, provider)
	return n > 0, err
}

// DropIdentities removes what counts for the hub alone of a provider, and gives
// the users who had it.
func DropIdentities(ctx context.Context, tx *db.Tx, hub int64, provider string) (users []int64, _ error) {
	if _, err := tx.Exec(ctx, `DELETE FROM assigned_identities WHERE hub_id = $1 AND provider = $2`, hub, provider); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `DELETE FROM identities WHERE hub_id = $1 AND provider = $2 RETURNING user_id`, hub, provider)
	return collect(rows, err, func(row db.Scanner) (user int64, err error) {
		err = row.Scan(&user)
		return user, err
	})
}

// DropIdentitiesOf removes what counts for the hub alone of one of its members;
// of one provider, or of all if it is empty.
func DropIdentitiesOf(ctx context.Context, tx *db.Tx, hub, user int64, provider string) (dropped int64, _ error) {
	for _, table := range []string{"identities", "assigned_identities"} {
		n, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE hub_id = $1 AND user_id = $2 AND ($3 = '' OR provider = $3)`, hub, user, provider)
		if err != nil {
			return 0, err
		}
		dropped += n
	}
	return dropped, nil
}

// AssignByEmail says who a member will be at a provider; it is false if that is
// another member already.
func AssignByEmail(ctx context.Context, tx *db.Tx, hub, user int64, provider, email, key string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO assigned_identities (hub_id, user_id, provider, email, email_key, created_time)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, hub, user, provider, email, key, db.Micros(now))
	return n == 1, err
}

// Unassign removes what others have said of who a member is in the hub, and tells
// whether they could log in by that, or by an address alone.
func Unassign(ctx context.Context, tx *db.Tx, hub, user int64) (known bool, err error) {
	if _, err := tx.Exec(ctx, `DELETE FROM assigned_identities WHERE hub_id = $1 AND user_id = $2`, hub, user); err != nil {
		return false, err
	}
	dropped, err := tx.Exec(ctx, `DELETE FROM identities WHERE hub_id = $1 AND user_id = $2 AND assigned`, hub, user)
	if err != nil || dropped > 0 {
		return dropped > 0, err
	}
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM identities WHERE hub_id = $1 AND user_id = $2 AND recognised)`, hub, user).Scan(&known)
	return known, err
}

// AssignedTo is whose the address is at a provider, as the hub says;
// [db.ErrNoRows] if nobody's.
func AssignedTo(ctx context.Context, q db.Queryer, hub int64, provider, key string) (user int64, err error) {
	err = q.QueryRow(ctx, `SELECT user_id FROM assigned_identities WHERE hub_id = $1 AND provider = $2 AND email_key = $3`,
		hub, provider, key).Scan(&user)
	return user, err
}

// Assigned removes what was said of a member who has come.
func Assigned(ctx context.Context, tx *db.Tx, hub, user int64, provider string) error {
	_, err := tx.Exec(ctx, `DELETE FROM assigned_identities WHERE hub_id = $1 AND user_id = $2 AND provider = $3`, hub, user, provider)
	return err
}
