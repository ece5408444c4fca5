package db

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
)

const (
	// compareEvery is how often a clock is compared with the server's, at most.
	compareEvery = 5 * time.Second
	// rightWithin is how far off a clock may be that counts as right.
	rightWithin = time.Second
)

// Clock is own, set by that of the database's server if it is off by more than a
// second: what all processes go by that judge the same rows. It takes
// [Options.Clock]; without that, and on SQLite, which one process has for itself,
// it is own.
func (d *DB) Clock(own clockwork.Clock) clockwork.Clock {
	if d.compared == nil {
		return own
	}
	return agreed{own, d.compared}
}

// ClockOffset is how far the server's clock is ahead of [Options.Clock]; 0 if it is
// not more than a second ahead or behind.
func (d *DB) ClockOffset() time.Duration {
	if d.compared == nil {
		return 0
	}
	return time.Duration(d.compared.offset.Load())
}

// agreed tells the server's time. Its timers run as ever.
type agreed struct {
	clockwork.Clock
	compared *compared
}

// Now implements clockwork.Clock.
func (a agreed) Now() time.Time {
	return a.Clock.Now().Add(time.Duration(a.compared.offset.Load()))
}

// Since implements clockwork.Clock.
func (a agreed) Since(t time.Time) time.Duration { return a.Now().Sub(t) }

// Until implements clockwork.Clock.
func (a agreed) Until(t time.Time) time.Duration { return t.Sub(a.Now()) }

// compared is a clock and the server's. It asks on connections that are about to
// be used anyway.
type compared struct {
	own    clockwork.Clock
	logger *slog.Logger
	offset atomic.Int64 // of the server's clock, in nanoseconds
	next   atomic.Int64 // when to ask again, in nanoseconds since base
	base   time.Time
}

// newCompared is nil without a clock.
func newCompared(own clockwork.Clock, logger *slog.Logger) *compared {
	if own == nil {
		return nil
	}
	return &compared{own: own, logger: logger, base: time.Now()}
}

// anew asks on a new connection: its server may be another one.
func (c *compared) anew(ctx context.Context, conn *pgx.Conn) error {
	if c == nil {
		return nil
	}
	c.next.Store(int64(time.Since(c.base) + compareEvery))
	return c.ask(ctx, conn)
}

// again asks if it is time to.
func (c *compared) again(ctx context.Context, conn *pgx.Conn) error {
	if c == nil {
		return nil
	}
	due, now := c.next.Load(), int64(time.Since(c.base))
	if now < due || !c.next.CompareAndSwap(due, now+int64(compareEvery)) {
		return nil
	}
	return c.ask(ctx, conn)
}

// ask asks the server for its time: that of the middle of the question.
func (c *compared) ask(ctx context.Context, conn *pgx.Conn) error {
	var micros int64
	asked, began := c.own.Now(), time.Now()
	const query = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
	if err := conn.QueryRow(ctx, query).Scan(&micros); err != nil {
		return driver.ErrBadConn // another one is made, which tells why
	}
	took := time.Since(began)
	offset := FromMicros(micros).Sub(asked.Add(took / 2))
	known := time.Duration(c.offset.Load())
	if took > rightWithin && (offset-known).Abs() <= rightWithin+took/2 {
		return nil // a slow answer tells no more than that what is known is far off
	}
	if offset.Abs() <= rightWithin {
		offset = 0
	}
	before := time.Duration(c.offset.Swap(int64(offset)))
	if (offset - before).Abs() > rightWithin {
		c.logger.WarnContext(ctx, "this machine's clock and the database's differ; set both right",
			slog.Duration("database_ahead", offset.Round(time.Millisecond)))
	}
	return nil
}
