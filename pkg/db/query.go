package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrNoRows is what [Row.Scan] returns when there is none.
var ErrNoRows = sql.ErrNoRows

// statementLimit is the deadline of a statement whose context has none, and of each
// BEGIN, COMMIT and ROLLBACK. It is a little longer than PostgreSQL's
// statement_timeout, which gives the better message, and covers a server that does
// not answer at all.
const statementLimit = 35 * time.Second

// Queryer runs statements; a [DB] does it by itself, a [Tx] in a transaction.
type Queryer interface {
	// Query runs a statement that yields rows, which the caller must Close.
	Query(ctx context.Context, query string, args ...any) (*Rows, error)
	// QueryRow runs a statement that yields at most one row of interest.
	QueryRow(ctx context.Context, query string, args ...any) *Row
	// Exec runs a statement and tells how many rows it affected.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
}

// Scanner is a [Row], or [Rows] at the current one.
type Scanner interface {
	Scan(dest ...any) error
}

var (
	_ Queryer = (*DB)(nil)
	_ Queryer = (*Tx)(nil)
	_ Scanner = (*Row)(nil)
	_ Scanner = (*Rows)(nil)
)

// Query reads. On SQLite it cannot write; use [DB.Tx] for RETURNING.
func (d *DB) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	return run(ctx, d.read, query, args, nil)
}

// QueryRow reads one row. On SQLite it cannot write; use [DB.Tx] for RETURNING.
func (d *DB) QueryRow(ctx context.Context, query string, args ...any) *Row {
	return runRow(ctx, d.read, query, args, nil)
}

// Exec writes with one statement, which is its own transaction.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := d.refuseNested(ctx); err != nil {
		return 0, err
	}
	unlock, err := d.lockWriter(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	return exec(ctx, d.write, query, args, nil)
}

// Rows are the result of a Query. Close is required and may be repeated.
type Rows struct {
	rows   *sql.Rows
	ctx    context.Context // the statement's own, to tell its end from the server's
	cancel context.CancelFunc
	failed func(error)
}

// Next moves to the next row and tells whether there is one; see [Rows.Err].
func (r *Rows) Next() bool { return r.rows.Next() }

// Scan copies the current row's columns.
func (r *Rows) Scan(dest ...any) error { return r.note(r.rows.Scan(dest...)) }

// Err tells why Next returned false; nil at the end of the result.
func (r *Rows) Err() error { return r.note(r.rows.Err()) }

// Close frees the connection.
func (r *Rows) Close() error {
	defer r.cancel()
	return r.note(r.rows.Close())
}

func (r *Rows) note(err error) error { return note(r.ctx, err, r.failed) }

// Row is the result of a QueryRow. Scan must be called, and once.
type Row struct {
	row    *sql.Row
	err    error
	ctx    context.Context // as in Rows
	cancel context.CancelFunc
	failed func(error)
}

// Scan copies the row's columns, or returns [ErrNoRows].
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.cancel()
	return note(r.ctx, r.row.Scan(dest...), r.failed)
}

// runner is what *sql.DB and *sql.Tx have in common.
type runner interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func run(ctx context.Context, on runner, query string, args []any, failed func(error)) (*Rows, error) {
	if err := checkArgs(args); err != nil {
		return nil, note(ctx, err, failed)
	}
	ctx, cancel := bounded(ctx)
	rows, err := on.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the caller asks, through Rows
	if err != nil {
		cancel()
		return nil, note(ctx, err, failed)
	}
	return &Rows{rows: rows, ctx: ctx, cancel: cancel, failed: failed}, nil
}

func runRow(ctx context.Context, on runner, query string, args []any, failed func(error)) *Row {
	if err := checkArgs(args); err != nil {
		return &Row{err: note(ctx, err, failed)}
	}
	ctx, cancel := bounded(ctx)
	return &Row{row: on.QueryRowContext(ctx, query, args...), ctx: ctx, cancel: cancel, failed: failed}
}

func exec(ctx context.Context, on runner, query string, args []any, failed func(error)) (int64, error) {
	if err := checkArgs(args); err != nil {
		return 0, note(ctx, err, failed)
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	result, err := on.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, note(ctx, err, failed)
	}
	n, err := result.RowsAffected()
	return n, note(ctx, err, failed)
}

// note maps the error and tells the transaction, if there is one.
func note(ctx context.Context, err error, failed func(error)) error {
	if err == nil {
		return nil
	}
	err = mapError(ctx, err)
	if failed != nil && !errors.Is(err, ErrNoRows) {
		failed(err)
	}
	return err
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, statementLimit, errNoAnswer)
}

// checkArgs refuses what the drivers would store differently.
func checkArgs(args []any) error {
	for i, arg := range args {
		switch arg.(type) {
		case time.Time, *time.Time, sql.NullTime:
			return fmt.Errorf("argument $%d is a time; tables keep microseconds, see Micros", i+1)
		}
	}
	return nil
}
