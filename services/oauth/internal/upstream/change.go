package upstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// A hub's provider is known in two services, and changes in one moment: when the
// accounts service takes a change, by its revision.
//
//	propose ─▶ a change, beside what is in force
//	              │ SetSignIn: the highest revision wins
//	              ▼
//	settle ──▶ in force, in the place of the former
//
// Whoever comes in between finds the change by the revision that the accounts
// service has, and settles it; so nothing is lost with a process, and of two at
// once the whole of one is in force.

// staleAfter is how old a change is that no request is busy with any more.
const staleAfter = time.Hour

var errModified = fault.New(fault.Conflict, "fault.modified")

// propose stores a change and gives its revision, which is higher than all before.
func (s store) propose(ctx context.Context, r hubRow, now time.Time) (revision int64, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var last int64
		err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(revision), 0) FROM (
			SELECT revision FROM hub_provider_changes WHERE hub = $1 AND name = $2
			UNION ALL SELECT revision FROM hub_providers WHERE hub = $1 AND name = $2) AS known`, r.Hub, r.Name).Scan(&last)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `INSERT INTO hub_provider_changes
			(hub, name, revision, hash, title, issuer, client_id, secret, created_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (hub, name, revision) DO NOTHING RETURNING revision`,
			r.Hub, r.Name, max(last+1, db.Micros(now)), r.Hash, r.Title, r.Issuer, r.ClientID, r.Secret, db.Micros(now)).Scan(&revision)
	})
	if errors.Is(err, db.ErrNoRows) { // another took the revision
		return 0, errModified
	}
	if err != nil {
		return 0, fmt.Errorf("upstream: propose: %w", err)
	}
	return revision, nil
}

// settle puts a change into force that the accounts service has taken, and
// forgets those before it; errModified if a later one is in force by now.
func (s store) settle(ctx context.Context, r hubRow, now time.Time) (put hubRow, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		put, err = scanHubRow(tx.QueryRow(ctx, `INSERT INTO hub_providers
			(hash, hub, name, title, issuer, client_id, secret, created_time, modified_time, revision)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
			ON CONFLICT (hub, name) DO UPDATE SET hash = $1, title = $4, issuer = $5, client_id = $6, secret = $7, revision = $9,
				modified_time = CASE WHEN hub_providers.modified_time < $8 THEN $8 ELSE hub_providers.modified_time + 1 END
			WHERE hub_providers.revision < $9
			RETURNING `+hubColumns,
			r.Hash, r.Hub, r.Name, r.Title, r.Issuer, r.ClientID, r.Secret, db.Micros(now), r.Revision))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM hub_provider_changes WHERE hub = $1 AND name = $2 AND revision <= $3`, r.Hub, r.Name, r.Revision)
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return put, errModified
	}
	if err != nil {
		return put, fmt.Errorf("upstream: settle: %w", err)
	}
	return put, nil
}

// withdraw forgets a change that was refused.
func (s store) withdraw(ctx context.Context, r hubRow) error {
	_, err := s.db.Exec(ctx, `DELETE FROM hub_provider_changes WHERE hub = $1 AND name = $2 AND revision = $3`, r.Hub, r.Name, r.Revision)
	return err
}

const changeColumns = `0, hash, hub, name, title, issuer, client_id, secret, created_time, created_time, revision`

// changes lists those of a hub that are under way, or were left there.
func (s store) changes(ctx context.Context, hub int64) ([]hubRow, error) {
	rows, err := s.db.Query(ctx, `SELECT `+changeColumns+` FROM hub_provider_changes WHERE hub = $1 ORDER BY name, revision`, hub)
	return collectHubRows(rows, err)
}

// stale lists changes from before a time, of all hubs.
func (s store) stale(ctx context.Context, before time.Time) ([]hubRow, error) {
	rows, err := s.db.Query(ctx, `SELECT `+changeColumns+` FROM hub_provider_changes WHERE created_time <= $1
		ORDER BY created_time, hub, name, revision LIMIT $2`, db.Micros(before), sweepBatch)
	return collectHubRows(rows, err)
}

func collectHubRows(rows *db.Rows, err error) ([]hubRow, error) {
	if err != nil {
		return nil, fmt.Errorf("upstream: list: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	var all []hubRow
	for rows.Next() {
		r, err := scanHubRow(rows)
		if err != nil {
			return nil, fmt.Errorf("upstream: list: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// catchUp settles what the accounts service has taken and nobody has settled yet.
func (l *Logins) catchUp(ctx context.Context, hub int64, used accounts.SignInList) error {
	changes, err := l.store.changes(ctx, hub)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if s := find(used, c.Name); s == nil || s.Revision != c.Revision {
			continue
		}
		if _, err := l.store.settle(ctx, c, l.o.Clock.Now()); err != nil && !errors.Is(err, errModified) {
			return err
		}
	}
	return nil
}

// current is a row of a hub as it is in force.
func (l *Logins) current(ctx context.Context, row hubRow) (hubRow, error) {
	changes, err := l.store.changes(ctx, row.Hub)
	if err != nil || len(changes) == 0 {
		return row, err
	}
	used, err := l.o.Accounts.ListSignIns(ctx, accounts.ListSignInsRequest{Hub: row.Hub})
	if err != nil {
		return row, err
	}
	if err := l.catchUp(ctx, row.Hub, used); err != nil {
		return row, err
	}
	return l.store.hubProvider(ctx, row.Hub, row.Name)
}

// sweepChanges forgets changes that were never taken, and tells how many.
func (l *Logins) sweepChanges(ctx context.Context, now time.Time) (swept int64, _ error) {
	stale, err := l.store.stale(ctx, now.Add(-staleAfter))
	if err != nil {
		return 0, err
	}
	for _, c := range stale {
		used, err := l.o.Accounts.ListSignIns(ctx, accounts.ListSignInsRequest{Hub: c.Hub})
		if err == nil {
			err = l.catchUp(ctx, c.Hub, used)
		}
		if err == nil {
			err = l.store.withdraw(ctx, c)
		}
		if err != nil {
			return swept, err
		}
		swept++
	}
	return swept, nil
}
