package logo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

// row is what is known of a client's logo; without data there was none when it was
// tried.
type row struct {
	oauth.Logo

	tried time.Time // zero: never
}

// due tells whether it is time to look again.
func (r row) due(now time.Time) bool {
	wait := missedFor
	if len(r.Data) > 0 {
		wait = freshFor
	}
	return !now.Before(r.tried.Add(wait))
}

func (r row) shown() (oauth.Logo, error) {
	if len(r.Data) == 0 {
		return oauth.Logo{}, errNone
	}
	return r.Logo, nil
}

// kept is what was had from the client's present address.
func (l *Logos) kept(ctx context.Context, c *client.Client) (row, error) {
	var r row
	var tried int64
	err := l.o.DB.QueryRow(ctx, `SELECT mime, data, tried_time FROM client_logos WHERE client_id = $1 AND uri = $2`, c.ID, c.LogoURI).
		Scan(&r.MIME, &r.Data, &tried)
	if errors.Is(err, db.ErrNoRows) {
		return row{}, nil
	}
	if err != nil {
		return row{}, fmt.Errorf("logo: find: %w", err)
	}
	r.tried = db.FromMicros(tried)
	return r, nil
}

// keep writes down what was had. A client that is gone by now, or has another
// address, loses nothing by it.
func (l *Logos) keep(ctx context.Context, c *client.Client, r row) error {
	var data any
	if len(r.Data) > 0 {
		data = r.Data
	}
	_, err := l.o.DB.Exec(ctx, `INSERT INTO client_logos (client_id, uri, mime, data, tried_time)
		SELECT id, $2, $3, $4, $5 FROM clients WHERE id = $1
		ON CONFLICT (client_id) DO UPDATE SET uri = excluded.uri, mime = excluded.mime, data = excluded.data,
			tried_time = excluded.tried_time`, c.ID, c.LogoURI, r.MIME, data, db.Micros(r.tried))
	if err != nil {
		return fmt.Errorf("logo: keep: %w", err)
	}
	return nil
}
