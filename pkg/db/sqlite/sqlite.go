// Package sqlite links SQLite into a program: package db opens "sqlite:" URLs in
// programs that import this one, and in no others. The services of a cluster work
// on PostgreSQL alone, and are ten megabytes smaller for it.
package sqlite

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite" // registers itself with database/sql
)

// backuper is the driver's connection.
type backuper interface {
	NewBackup(path string) (*sqlite.Backup, error)
}

// pagesAtOnce bounds how long the end of the context goes unnoticed.
const pagesAtOnce = 4096

// BackUp copies the database that a connection of SQLite's driver is connected to
// into an empty file, as the connection's transaction sees it.
func BackUp(ctx context.Context, driverConn any, path string) (err error) {
	source, ok := driverConn.(backuper)
	if !ok {
		return fmt.Errorf("sqlite: a %T cannot be copied", driverConn)
	}
	backup, err := source.NewBackup(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backup.Finish()) }()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = backup.Step(pagesAtOnce); err != nil {
			return err
		}
	}
	return nil
}
