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
// tried, or it is at another address now.
type row struct {
	oauth.Logo

	tried time.Time // zero: never
	moved bool
	// open tells that the try has not ended as far as is known, and there was none
	// before.
	open bool
}

// awaited tells whether somebody may be fetching it just now, for so long at most,
// by a clock that may differ.
func (r row) awaited(now time.Time, patience time.Duration) bool {
	return r.open && now.Sub(r.tried).Abs() < patience+leeway
}

// due tells whether it is time to look again.
func (r row) due(now time.Time) bool {
	wait := missedFor
	switch {
	case r.moved:
		wait = movedFor
	case len(r.Data) > 0:
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

// kept is what was had from the client's present address. When it was last tried
// counts for all of its addresses: there are as many as it likes.
func (l *Logos) kept(ctx context.Context, c *client.Client) (row, error) {
	var r row
	var uri string
	var tried int64
	err := l.o.DB.QueryRow(ctx, `SELECT uri, mime, data, tried_time, data IS NULL FROM client_logos WHERE client_id = $1`, c.ID).
		Scan(&uri, &r.MIME, &r.Data, &tried, &r.open)
	if errors.Is(err, db.ErrNoRows) {
		return row{}, nil
	}
	if err != nil {
		return row{}, fmt.Errorf("logo: find: %w", err)
	}
	r.tried = db.FromMicros(tried)
	if uri != c.LogoURI {
		return row{tried: r.tried, moved: true}, nil
	}
	return r, nil
}

// claim writes down that the logo is tried now, if nobody else has since it was read.
// Nor is there a try of a client that is gone by now.
func (l *Logos) claim(ctx context.Context, c *client.Client, kept row, now time.Time) (bool, error) {
	rows, err := l.o.DB.Exec(ctx, `INSERT INTO client_logos (client_id, uri, tried_time)
		SELECT id, $2, $3 FROM clients WHERE id = $1
		ON CONFLICT (client_id) DO UPDATE SET uri = excluded.uri, tried_time = excluded.tried_time,
			mime = CASE WHEN client_logos.uri = excluded.uri THEN client_logos.mime ELSE '' END,
			data = CASE WHEN client_logos.uri = excluded.uri AND LENGTH(client_logos.data) > 0 THEN client_logos.data END
		WHERE client_logos.tried_time = $4`, c.ID, c.LogoURI, db.Micros(now), db.Micros(kept.tried))
	if err != nil {
		return false, fmt.Errorf("logo: claim: %w", err)
	}
	return rows == 1, nil
}

// keep writes down what was had by the try of that time, unless there was another
// since.
func (l *Logos) keep(ctx context.Context, c *client.Client, had oauth.Logo, tried time.Time) error {
	_, err := l.o.DB.Exec(ctx, `UPDATE client_logos SET mime = $1, data = $2 WHERE client_id = $3 AND uri = $4 AND tried_time = $5`,
		had.MIME, had.Data, c.ID, c.LogoURI, db.Micros(tried))
	if err != nil {
		return fmt.Errorf("logo: keep: %w", err)
	}
	return nil
}

// missed writes down that there was none at the try of that time: an empty one, which
// nobody waits for.
func (l *Logos) missed(ctx context.Context, c *client.Client, tried time.Time) error {
	_, err := l.o.DB.Exec(ctx, `UPDATE client_logos SET data = $1 WHERE client_id = $2 AND uri = $3 AND tried_time = $4 AND data IS NULL`,
		[]byte{}, c.ID, c.LogoURI, db.Micros(tried))
	if err != nil {
		return fmt.Errorf("logo: miss: %w", err)
	}
	return nil
}
