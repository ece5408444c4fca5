package db

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"
)

const (
	// pulseEvery is how often the database is asked whether it is there.
	pulseEvery = 5 * time.Second
	// pulseTakes is how long it may take to answer.
	pulseTakes = 3 * time.Second
)

// Pulse asks the database every few seconds, until ctx ends, whether it answers and
// takes writes, and keeps gatehouse_db_up. It does so of itself: where nobody can
// reach a service any more, as its database is away, nothing is asked of that which
// could fail and be counted.
func (d *DB) Pulse(ctx context.Context, clock clockwork.Clock) {
	ticker := clock.NewTicker(pulseEvery)
	defer ticker.Stop()
	for {
		err := d.takesWrites(ctx)
		if ctx.Err() != nil {
			return
		}
		d.metrics.answers(err == nil)
		select {
		case <-ticker.Chan():
		case <-ctx.Done():
			return
		}
	}
}

func (d *DB) takesWrites(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pulseTakes)
	defer cancel()
	return d.backend.takesWrites(ctx, d.probed)
}
