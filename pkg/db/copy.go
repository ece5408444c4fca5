package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// Copy is an SQLite database and the file that shall become its copy.
type Copy struct {
	DB *DB
	To string // must not be there yet
}

// BackUp copies what a connection of the driver sees to an empty file; it is
// package db/sqlite's.
type BackUp func(ctx context.Context, driverConn any, path string) error

// CopyAll copies SQLite databases as they are at one moment, all of them at the
// same: what one has handed over, another has got. Writers are held up for that
// moment only, by this process and others; the copying itself is in nobody's way.
func CopyAll(ctx context.Context, backUp BackUp, copies ...Copy) (err error) {
	snapshots := make([]*sql.DB, len(copies))
	defer func() {
		for _, s := range snapshots {
			if s != nil {
				err = errors.Join(err, s.Close())
			}
		}
	}()
	if err := hold(ctx, copies, snapshots); err != nil && !errors.Is(err, errHeld) {
		return err
	}
	for i, c := range copies {
		if err := c.write(ctx, snapshots[i], backUp); err != nil {
			return err
		}
	}
	return nil
}

// errHeld rolls back what only held a lock.
var errHeld = errors.New("db: held")

// hold takes the write locks of all databases, one inside the other, and begins to
// read each before it lets go. No program writes to one database inside a
// transaction on another, so that nobody waits in a circle.
func hold(ctx context.Context, copies []Copy, snapshots []*sql.DB) error {
	if len(copies) > 0 {
		first := copies[0]
		if first.DB.Dialect() != SQLite {
			return errors.New("db: only SQLite's files can be copied")
		}
		return first.DB.Tx(ctx, func(ctx context.Context, _ *Tx) error {
			snapshot, err := first.DB.snapshot(ctx)
			if err != nil {
				return err
			}
			snapshots[len(snapshots)-len(copies)] = snapshot
			return hold(ctx, copies[1:], snapshots)
		})
	}
	return errHeld
}

// snapshot is a pool of one connection, in a transaction that sees this moment.
func (d *DB) snapshot(ctx context.Context) (*sql.DB, error) {
	lite, _ := d.backend.(sqliteBackend) // by Dialect
	connector, err := newSQLiteConnector(sqliteDSN(lite.path, url.Values{"_query_only": {"1"}}))
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(1)
	for _, statement := range []string{"BEGIN", "SELECT COUNT(*) FROM sqlite_master"} { // the moment is that of the first reading
		if _, err := pool.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(mapError(ctx, err), pool.Close())
		}
	}
	return pool, nil
}

func (c Copy) write(ctx context.Context, snapshot *sql.DB, backUp BackUp) error {
	// Made here, so that nobody else can ever read it; SQLite fills an empty file.
	f, err := os.OpenFile(c.To, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("db: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("db: %w", err)
	}
	conn, err := snapshot.Conn(ctx)
	if err != nil {
		return fmt.Errorf("db: %w", err)
	}
	err = conn.Raw(func(driverConn any) error { return backUp(ctx, driverConn, c.To) })
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("db: copying to %s: %w", c.To, errors.Join(err, os.Remove(c.To)))
	}
	return nil
}

// MigrationState counts the migrations that are known and missing, and those
// that were applied and are not known: by a newer version.
func (d *DB) MigrationState(ctx context.Context) (pending, unknown int, err error) {
	known, err := d.versions()
	if err != nil {
		return 0, 0, err
	}
	if pending, err = d.Pending(ctx); err != nil || pending == len(known) {
		return pending, 0, err
	}
	rows, err := d.Query(ctx, "SELECT version_id FROM "+versionTable+" WHERE is_applied AND version_id > 0")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil {
			return 0, 0, err
		}
		if !known[version] {
			unknown++
		}
	}
	return pending, unknown, rows.Err()
}
