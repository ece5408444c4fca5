package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
)

// pendingFor is how long a request waits for its user.
const pendingFor = time.Hour

// Pending keeps requests that wait for their user, under the hash of an id
// that nobody can guess.
type Pending struct{ DB *db.DB }

// waiting is a stored request. Of an ID token hint only its subject is kept.
type waiting struct {
	Form          url.Values `json:"form"`
	HintedSubject string     `json:"hinted_subject,omitempty"`
	// asked is the user whom the consent page was shown to.
	asked   string
	created time.Time
}

var errGone = fault.New(fault.Gone, "")

// add stores a request and gives its id.
func (p *Pending) add(ctx context.Context, r *Request, asked string, now time.Time) (string, error) {
	text, err := json.Marshal(waiting{Form: r.form, HintedSubject: r.HintedSubject})
	if err != nil {
		return "", fmt.Errorf("authorize: encode a request: %w", err)
	}
	id := bearer.Random()
	_, err = p.DB.Exec(ctx, `INSERT INTO authorization_requests
		(id_hash, client_id, request, asked_subject, created_time, expiration_time) VALUES ($1, $2, $3, $4, $5, $6)`,
		bearer.Hash(id), r.Client.ID, string(text), asked, db.Micros(now), db.Micros(now.Add(pendingFor)))
	if err != nil {
		return "", fmt.Errorf("authorize: store a request: %w", err)
	}
	return id, nil
}

// find gives a request that still waits; Gone if none does.
func (p *Pending) find(ctx context.Context, id string, now time.Time) (waiting, error) {
	var w waiting
	var text string
	var created int64
	err := p.DB.QueryRow(ctx, `SELECT request, asked_subject, created_time FROM authorization_requests
		WHERE id_hash = $1 AND expiration_time > $2`, bearer.Hash(id), db.Micros(now)).Scan(&text, &w.asked, &created)
	if errors.Is(err, db.ErrNoRows) {
		return waiting{}, errGone
	}
	if err != nil {
		return waiting{}, fmt.Errorf("authorize: find a request: %w", err)
	}
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return waiting{}, fmt.Errorf("authorize: decode a request: %w", err)
	}
	w.created = db.FromMicros(created)
	return w, nil
}

// ask notes whom the consent page is shown to. Gone if the request no longer
// waits.
func (p *Pending) ask(ctx context.Context, id, subject string) error {
	n, err := p.DB.Exec(ctx, "UPDATE authorization_requests SET asked_subject = $2 WHERE id_hash = $1", bearer.Hash(id), subject)
	if err != nil {
		return fmt.Errorf("authorize: note a question: %w", err)
	}
	if n == 0 {
		return errGone
	}
	return nil
}

// consume takes the request for its one answer. Gone if another answer came
// first.
func (p *Pending) consume(ctx context.Context, q db.Queryer, id string, now time.Time) error {
	n, err := q.Exec(ctx, "DELETE FROM authorization_requests WHERE id_hash = $1 AND expiration_time > $2",
		bearer.Hash(id), db.Micros(now))
	if err != nil {
		return fmt.Errorf("authorize: answer a request: %w", err)
	}
	if n == 0 {
		return errGone
	}
	return nil
}

// Sweep deletes requests that nobody answered in time.
func (p *Pending) Sweep(ctx context.Context, now time.Time) (int64, error) {
	n, err := db.DeleteInBatches(ctx, p.DB, "authorization_requests", "id_hash", "expiration_time <= $1", 500, db.Micros(now))
	if err != nil {
		return n, fmt.Errorf("authorize: sweep: %w", err)
	}
	return n, nil
}
