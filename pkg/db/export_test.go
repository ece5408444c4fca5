package db

import (
	"context"
	"net"
	"time"
)

// TakesWrites is one beat of the pulse.
func (d *DB) TakesWrites(ctx context.Context) error { return d.takesWrites(ctx) }

// SetLimit changes how long what begins and ends a transaction may take.
func (d *DB) SetLimit(limit time.Duration) { d.limit = limit }

// Dial makes a connection as to PostgreSQL.
func Dial(ctx context.Context, address string) (net.Conn, error) {
	config, err := postgresConfig("postgres://localhost/shop", "shop")
	if err != nil {
		return nil, err
	}
	return config.DialFunc(ctx, "tcp", address)
}
