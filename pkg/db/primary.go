package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// How long a connection lives, at least and at most: not all end at once.
const (
	minLifetime = 25 * time.Minute
	maxLifetime = 35 * time.Minute
)

// primary has connections end in time, and those at once that lead to a server
// which has become read-only: after a failover the address leads elsewhere, but
// not connections that are open.
type primary struct {
	demotions atomic.Int64
	compared  *compared
}

// marks of a connection.
const (
	markDemotions = "gatehouse-demotions" // what was counted when it was made
	markEnd       = "gatehouse-end"
)

// connected marks a new connection.
func (p *primary) connected(ctx context.Context, conn *pgx.Conn) error {
	data := conn.PgConn().CustomData()
	data[markDemotions] = p.demotions.Load()
	data[markEnd] = time.Now().Add(minLifetime + rand.N(maxLifetime-minLifetime)) //nolint:gosec // no secret
	return p.compared.anew(ctx, conn)
}

// reset refuses a connection before it is used again; the pool makes another.
func (p *primary) reset(ctx context.Context, conn *pgx.Conn) error {
	data := conn.PgConn().CustomData()
	if demotions, _ := data[markDemotions].(int64); demotions != p.demotions.Load() {
		return driver.ErrBadConn
	}
	if end, _ := data[markEnd].(time.Time); time.Now().After(end) {
		return driver.ErrBadConn
	}
	return p.compared.again(ctx, conn)
}

// TraceQueryStart implements pgx.QueryTracer.
func (p *primary) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (p *primary) TraceQueryEnd(_ context.Context, conn *pgx.Conn, data pgx.TraceQueryEndData) {
	var refused *pgconn.PgError
	if !errors.As(data.Err, &refused) || refused.Code != "25006" { // read_only_sql_transaction
		return
	}
	// Connections that were made before this one are no better. One that was made
	// after somebody else had noticed stays: there may be no other server yet.
	noticed, _ := conn.PgConn().CustomData()[markDemotions].(int64)
	p.demotions.CompareAndSwap(noticed, noticed+1)
}
