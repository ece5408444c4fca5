package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/room"
)

const (
	// pendingFor is how long a request waits for its user.
	pendingFor = time.Hour
	// PushedFor is how long a pushed request waits for its browser.
	PushedFor = 90 * time.Second
)

// Pending keeps requests that wait for their user, under the hash of an id
// that nobody can guess.
type Pending struct {
	DB *db.DB
	// Limit is how many requests of one client wait at a time.
	Limit   int
	Metrics *metrics.Metrics
}

// waiting is a stored request. Of an ID token hint only its subject is kept.
type waiting struct {
	Form          url.Values `json:"form"`
	HintedSubject string     `json:"hinted_subject,omitempty"`
	source
	client string
	// asked is the user whom the consent page was shown to.
	asked string
	// unable is who has said not to reach which class, in two words.
	unable string
	// created is when the browser arrived, or the push if none has.
	created  time.Time
	unopened bool
}

// source is how a request came, which its client may have to obey.
type source struct {
	Pushed bool `json:"pushed,omitempty"` // RFC 9126
	Signed bool `json:"signed,omitempty"` // RFC 9101
}

var errGone = fault.New(fault.Gone, "")

// errFull is for the client to hear, so it is no failure of ours: its status is
// not 503.
var errFull = &fosite.RFC6749Error{
	ErrorField:       fosite.ErrTemporarilyUnavailable.ErrorField,
	DescriptionField: "Too many authorization requests of this client wait for their users. Please try again later.",
	CodeField:        http.StatusTooManyRequests,
}

// room makes room for one more request of the client that waits for its user or,
// unopened, for a browser; errFull if there is none to be made. Each has room of its
// own, and so have those that the client has vouched for by authenticating when it
// pushed them: what strangers do in its name does not touch these. Rows not yet swept
// count.
func (p *Pending) room(ctx context.Context, client string, unopened, vouched bool) error {
	waiting := metrics.WaitingAuthorization
	if unopened {
		waiting = metrics.WaitingPushed
	}
	err := room.Room{
		Table: "authorization_requests", Key: "id_hash", Age: "created_time",
		Where: "client_id = $1 AND unopened = $2 AND vouched = $3", Args: []any{client, unopened, vouched}, Limit: p.Limit,
		GaveWay: func(n int64) { p.Metrics.GaveWay(waiting, n) },
	}.Make(ctx, p.DB)
	if errors.Is(err, room.ErrFull) {
		return errFull
	}
	return err
}

// vouched tells whether the request is one that its client, having authenticated, has
// pushed.
func (r *Request) vouched() bool { return r.source.Pushed && !r.Client.Public() }

// add stores a request that waits for its user and gives its id; errFull if too
// many of its client's wait.
func (p *Pending) add(ctx context.Context, r *Request, asked string, now time.Time) (string, error) {
	if err := p.room(ctx, r.Client.ID, false, false); err != nil {
		return "", err
	}
	return p.insert(ctx, p.DB, r, asked, now, now.Add(pendingFor))
}

// push stores a request that waits for its browser and gives its id.
func (p *Pending) push(ctx context.Context, tx *db.Tx, r *Request, now time.Time) (string, error) {
	return p.insert(ctx, tx, r, "", now, now.Add(PushedFor))
}

func (p *Pending) insert(ctx context.Context, q db.Queryer, r *Request, asked string, now, expires time.Time) (string, error) {
	text, err := json.Marshal(waiting{Form: r.form, HintedSubject: r.HintedSubject, source: r.source})
	if err != nil {
		return "", fmt.Errorf("authorize: encode a request: %w", err)
	}
	id := bearer.Random()
	_, err = q.Exec(ctx, `INSERT INTO authorization_requests
		(id_hash, client_id, request, asked_subject, created_time, expiration_time, unopened, vouched) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		bearer.Hash(id), r.Client.ID, string(text), asked, db.Micros(now), db.Micros(expires), r.source.Pushed, r.vouched())
	if err != nil {
		return "", fmt.Errorf("authorize: store a request: %w", err)
	}
	return id, nil
}

// find gives a request that still waits for its user; Gone if none does.
func (p *Pending) find(ctx context.Context, id string, now time.Time) (waiting, error) {
	w, err := p.read(ctx, id, now)
	if err == nil && w.unopened {
		return waiting{}, errGone // its id is a client's to know, and names no page yet
	}
	return w, err
}

// pushed gives a pushed request of the client that still waits for its browser
// or its user; Gone if there is none.
func (p *Pending) pushed(ctx context.Context, id, client string, now time.Time) (waiting, error) {
	w, err := p.read(ctx, id, now)
	if err == nil && (!w.Pushed || w.client != client) {
		return waiting{}, errGone
	}
	return w, err
}

func (p *Pending) read(ctx context.Context, id string, now time.Time) (waiting, error) {
	var w waiting
	var text string
	var created int64
	err := p.DB.QueryRow(ctx, `SELECT client_id, request, asked_subject, unable, created_time, unopened FROM authorization_requests
		WHERE id_hash = $1 AND expiration_time > $2`, bearer.Hash(id), db.Micros(now)).
		Scan(&w.client, &text, &w.asked, &w.unable, &created, &w.unopened)
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

// open has a pushed request wait for its user from now on. Whoever opens it
// again changes nothing but whom the consent page is shown to. Gone if it no
// longer waits; errFull as add.
func (p *Pending) open(ctx context.Context, r *Request, id, asked string, now time.Time) error {
	if err := p.room(ctx, r.Client.ID, false, r.vouched()); err != nil {
		return err
	}
	n, err := p.DB.Exec(ctx, `UPDATE authorization_requests SET asked_subject = $2, unopened = FALSE,
		created_time = CASE WHEN unopened THEN $3 ELSE created_time END,
		expiration_time = CASE WHEN unopened THEN $4 ELSE expiration_time END
		WHERE id_hash = $1 AND expiration_time > $3`,
		bearer.Hash(id), asked, db.Micros(now), db.Micros(now.Add(pendingFor)))
	if err != nil {
		return fmt.Errorf("authorize: open a request: %w", err)
	}
	if n == 0 {
		return errGone
	}
	return nil
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

// note keeps that the user cannot reach the class. Gone if the request no longer
// waits.
func (p *Pending) note(ctx context.Context, id, subject, class string) error {
	n, err := p.DB.Exec(ctx, "UPDATE authorization_requests SET unable = $2 WHERE id_hash = $1", bearer.Hash(id), subject+" "+class)
	if err != nil {
		return fmt.Errorf("authorize: note a limit: %w", err)
	}
	if n == 0 {
		return errGone
	}
	return nil
}

// unableOf is the class that the user has said not to reach, "" if they have
// not.
func (w *waiting) unableOf(subject string) string {
	who, class, _ := strings.Cut(w.unable, " ")
	if who != subject {
		return ""
	}
	return class
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
