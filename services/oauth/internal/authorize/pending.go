package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
)

// pendingFor is how long a request waits for its user.
const pendingFor = time.Hour

// Pending keeps requests that wait for their user, under the hash of an id
// that nobody can guess.
type Pending struct {
	DB *db.DB
	// Limit is how many requests of one client wait at a time.
	Limit int
}

// waiting is a stored request. Of an ID token hint only its subject is kept.
type waiting struct {
	Form          url.Values `json:"form"`
	HintedSubject string     `json:"hinted_subject,omitempty"`
	// asked is the user whom the consent page was shown to.
	asked   string
	created time.Time
}

var errGone = fault.New(fault.Gone, "")

// errFull is for the client to hear, so it is no failure of ours: its status is
// not 503.
var errFull = &fosite.RFC6749Error{
	ErrorField:       fosite.ErrTemporarilyUnavailable.ErrorField,
	DescriptionField: "Too many authorization requests of this client wait for their users. Please try again later.",
	CodeField:        http.StatusTooManyRequests,
}

// room is errFull if as many requests of the client wait as may. It walks the
// client's index no further than the limit, and takes no lock: of requests that
// arrive at once a few more may come in. Rows not yet swept count.
func (p *Pending) room(ctx context.Context, client string) error {
	var one int
	err := p.DB.QueryRow(ctx, "SELECT 1 FROM authorization_requests WHERE client_id = $1 LIMIT 1 OFFSET $2",
		client, p.Limit-1).Scan(&one)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("authorize: count requests: %w", err)
	}
	return errFull
}

// add stores a request and gives its id; errFull if too many of its client's
// wait.
func (p *Pending) add(ctx context.Context, r *Request, asked string, now time.Time) (string, error) {
	if err := p.room(ctx, r.Client.ID); err != nil {
		return "", err
	}
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
