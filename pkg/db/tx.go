package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// errNested is a mistake of the program, and would be a deadlock on SQLite.
var errNested = errors.New("db: a write beside the open transaction of the same context; use its Tx")

// Tx is an open transaction. It belongs to the function it was given to and
// must not be used after that returns, nor by several goroutines at once.
type Tx struct {
	db *DB
	tx *sql.Tx

	mu       sync.Mutex
	failure  error
	onCommit []func()
	done     atomic.Bool
}

type txKey struct{ db *DB }

// Tx runs fn in a transaction and commits if it returns nil. An error or a
// panic rolls back, and is passed on as it is; so does a statement that
// failed, even if fn ignored that.
//
// On SQLite the transaction owns the write lock from its start (BEGIN
// IMMEDIATE), so what it has read cannot change before it writes. On
// PostgreSQL it is READ COMMITTED, so guard a write by what it depends on:
// UPDATE … WHERE state = 'open', and look at the rows affected.
//
// If the context ends or the connection breaks during the commit, or the server
// does not answer it in time, the error leaves open whether it happened.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if err := d.refuseNested(ctx); err != nil {
		return err
	}
	tx, err := d.transact(ctx, fn)
	if err != nil {
		return err
	}
	for _, f := range tx.onCommit {
		f()
	}
	return nil
}

// transact is Tx up to the commit, after which the writer lock is free again.
func (d *DB) transact(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) (*Tx, error) {
	unlock, err := d.lockWriter(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	started := time.Now()
	outcome := outcomeRollback
	defer func() { d.metrics.transaction(ctx, outcome, time.Since(started)) }()

	life, end := context.WithCancelCause(ctx) // database/sql commits and rolls back under it, too
	defer end(nil)
	var raw *sql.Tx
	err = d.within(ctx, end, func() (err error) { raw, err = d.write.BeginTx(life, nil); return err })
	if err != nil {
		outcome = outcomeError
		return nil, mapError(life, err)
	}
	tx := &Tx{db: d, tx: raw}
	defer func() {
		tx.done.Store(true)
		// Does nothing after a commit. A rollback that fails leaves a broken
		// connection, which the pool drops; the first error is the one to tell.
		_ = d.within(ctx, end, raw.Rollback)
	}()

	if err := fn(context.WithValue(ctx, txKey{d}, tx), tx); err != nil {
		if fault.Is(tx.failure, fault.Unavailable) {
			outcome = outcomeError
		}
		return nil, err
	}
	if tx.failure != nil {
		return nil, fmt.Errorf("db: nothing was committed, as a statement had failed: %w", tx.failure)
	}
	if err := d.within(ctx, end, raw.Commit); err != nil {
		outcome = outcomeError
		return nil, mapError(life, err)
	}
	outcome = outcomeCommit
	return tx, nil
}

// within gives a part of a transaction the limit of a statement: unless the caller
// set an end to ctx, the transaction's life ends then.
func (d *DB) within(ctx context.Context, end context.CancelCauseFunc, do func() error) error {
	if _, ok := ctx.Deadline(); !ok {
		timer := time.AfterFunc(d.limit, func() { end(errNoAnswer) })
		defer timer.Stop()
	}
	return do()
}

// OnCommit has f called once the transaction is committed, in the order of the
// calls and outside the writer lock; never after a rollback.
func (t *Tx) OnCommit(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.onCommit = append(t.onCommit, f)
}

// DB is where the transaction runs.
func (t *Tx) DB() *DB { return t.db }

// Query runs a statement that yields rows, in the transaction.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	if err := t.usable(); err != nil {
		return nil, err
	}
	return run(ctx, t.tx, query, args, t.fail)
}

// QueryRow runs a statement that yields a row, in the transaction.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *Row {
	if err := t.usable(); err != nil {
		return &Row{err: err}
	}
	return runRow(ctx, t.tx, query, args, t.fail)
}

// Exec runs a statement in the transaction.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := t.usable(); err != nil {
		return 0, err
	}
	return exec(ctx, t.tx, query, args, t.fail)
}

func (t *Tx) usable() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure != nil {
		return fmt.Errorf("db: the transaction is void, as a statement had failed: %w", t.failure)
	}
	return nil
}

func (t *Tx) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure == nil {
		t.failure = err
	}
}

func (d *DB) refuseNested(ctx context.Context) error {
	if tx, ok := ctx.Value(txKey{d}).(*Tx); ok && !tx.done.Load() {
		return errNested
	}
	return nil
}

// writerLock lets one writer in at a time, first come first served. Unlike a
// mutex it stops waiting when the context ends.
type writerLock struct{ held chan struct{} }

func newWriterLock() *writerLock { return &writerLock{held: make(chan struct{}, 1)} }

// lockWriter waits for the right to write; on PostgreSQL there is no wait.
func (d *DB) lockWriter(ctx context.Context) (unlock func(), err error) {
	if d.writer == nil {
		return func() {}, nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	select {
	case d.writer.held <- struct{}{}:
		return func() { <-d.writer.held }, nil
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "").Because(
			fmt.Errorf("db: waiting for another writer: %w", ctx.Err()))
	}
}
