package device

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/room"
)

const (
	userCodePurpose = "oauth device user code"
	// lifetime is how long a device waits.
	lifetime = 10 * time.Minute
	// remember is for how much longer its row tells that it has expired.
	remember = 10 * time.Minute
	// interval is how long a device waits between two polls, and how much longer
	// each time that it did not.
	interval = 5 * time.Second
	// tolerance is by how much a poll may come early, for the network carries one
	// faster than the one before.
	tolerance = time.Second
)

// The states of a waiting device.
const (
	waiting = "waiting"
	allowed = "allowed"
	denied  = "denied"
)

// Store keeps waiting devices. The user code is stored under the ring's first
// root, so whoever waits while that one changes has to start again.
type Store struct {
	DB   *db.DB
	Ring *keyring.Ring
	// Limit is how many devices of one client wait at a time.
	Limit   int
	Metrics *metrics.Metrics
}

// Request is a waiting device.
type Request struct {
	CodeHash  []byte // SHA-256 of the device code
	Client    string
	Scopes    []string
	Resources []string
	Expires   time.Time

	state  string
	grant  []byte
	pace   time.Duration // between two polls
	polled time.Time
}

var (
	errNotFound = fault.New(fault.NotFound, "")
	// errFull is for the client to hear, so it is no failure of ours: its status
	// is not 503.
	errFull = &fosite.RFC6749Error{
		ErrorField:       fosite.ErrTemporarilyUnavailable.ErrorField,
		DescriptionField: "Too many devices of this client wait for their users. Please try again later.",
		CodeField:        http.StatusTooManyRequests,
	}
	// errTaken says that another waiting device has the user code.
	errTaken = errors.New("device: the user code is taken")
)

// room makes room for one more device of the client; errFull if there is none to be
// made.
func (s *Store) room(ctx context.Context, client string, now time.Time) error {
	err := room.Room{
		Table: "device_requests", Key: "code_hash", Age: "expiration_time",
		Where: "client_id = $1 AND expiration_time > $2 AND state = 'waiting'", Args: []any{client, db.Micros(now)}, Limit: s.Limit,
		GaveWay: func(n int64) { s.Metrics.GaveWay(metrics.WaitingDevice, n) },
	}.Make(ctx, s.DB)
	if errors.Is(err, room.ErrFull) {
		return errFull
	}
	return err
}

// ask notes who was shown the device. NotFound if it no longer waits.
func (s *Store) ask(ctx context.Context, r Request, subject string) error {
	n, err := s.DB.Exec(ctx, "UPDATE device_requests SET asked_subject = $2 WHERE code_hash = $1 AND state = 'waiting'", r.CodeHash, subject)
	if err != nil {
		return fmt.Errorf("device: note a question: %w", err)
	}
	if n == 0 {
		return errNotFound
	}
	return nil
}

// insert adds a waiting device. It is errTaken if another one has its user code.
func (s *Store) insert(ctx context.Context, q db.Queryer, r Request, code UserCode) error {
	n, err := q.Exec(ctx, `INSERT INTO device_requests
		(code_hash, user_code_mac, client_id, scopes, resources, poll_interval, expiration_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_code_mac) DO NOTHING`,
		r.CodeHash, s.mac(code), r.Client, strings.Join(r.Scopes, " "), strings.Join(r.Resources, " "),
		interval.Microseconds(), db.Micros(r.Expires))
	if err != nil {
		return fmt.Errorf("device: insert: %w", err)
	}
	if n == 0 {
		return errTaken
	}
	return nil
}

func (s *Store) mac(code UserCode) []byte { return s.Ring.MAC(userCodePurpose, []byte(code)) }

const columns = `code_hash, client_id, scopes, resources, state, grant_id, poll_interval, polled_time, expiration_time`

func scan(row *db.Row) (Request, error) {
	var r Request
	var scopes, resources string
	var pace, polled, expires int64
	err := row.Scan(&r.CodeHash, &r.Client, &scopes, &resources, &r.state, &r.grant, &pace, &polled, &expires)
	if errors.Is(err, db.ErrNoRows) {
		return r, errNotFound
	}
	if err != nil {
		return r, fmt.Errorf("device: find: %w", err)
	}
	r.Scopes, r.Resources = strings.Fields(scopes), strings.Fields(resources)
	r.pace, r.polled, r.Expires = time.Duration(pace)*time.Microsecond, db.FromMicros(polled), db.FromMicros(expires)
	return r, nil
}

// find gives the device that waits with the user code; NotFound.
func (s *Store) find(ctx context.Context, code UserCode, now time.Time) (Request, error) {
	return scan(s.DB.QueryRow(ctx, "SELECT "+columns+` FROM device_requests
		WHERE user_code_mac = $1 AND expiration_time > $2 AND state = 'waiting'`, s.mac(code), db.Micros(now)))
}

// decide answers a waiting device; granted is nil if the user denies. NotFound
// if it has been answered or has expired.
func (s *Store) decide(ctx context.Context, q db.Queryer, r Request, granted *grant.ID, now time.Time) error {
	state, id := denied, []byte(nil)
	if granted != nil {
		state, id = allowed, granted[:]
	}
	n, err := q.Exec(ctx, `UPDATE device_requests SET state = $2, grant_id = $3
		WHERE code_hash = $1 AND expiration_time > $4 AND state = 'waiting'`, r.CodeHash, state, id, db.Micros(now))
	if err != nil {
		return fmt.Errorf("device: decide: %w", err)
	}
	if n == 0 {
		return errNotFound
	}
	return nil
}

// Poll gives the grant of a device whose user has allowed it. Else it is the
// error of RFC 8628 section 3.5 that the device has to hear. A poll that finds
// nothing new writes when it was, and nothing else ever writes.
func (s *Store) Poll(ctx context.Context, client, code string, now time.Time) (grant.ID, error) {
	if !bearer.IsDeviceCode(code) {
		return grant.ID{}, errCode
	}
	r, err := scan(s.DB.QueryRow(ctx, "SELECT "+columns+" FROM device_requests WHERE code_hash = $1", bearer.Hash(code)))
	switch {
	case errors.Is(err, errNotFound):
		return grant.ID{}, errCode
	case err != nil:
		return grant.ID{}, err
	case r.Client != client:
		return grant.ID{}, errCode
	case !now.Before(r.Expires):
		return grant.ID{}, errExpired
	case r.state == denied:
		return grant.ID{}, errDenied
	case r.state == allowed && len(r.grant) == grant.IDSize:
		return grant.ID(r.grant), nil
	}
	return grant.ID{}, s.wait(ctx, r, now)
}

// wait is authorization_pending, or slow_down if the device polls too soon after
// the last time. Of two polls at once the second is too soon; it is told so, and
// the pace is left as it is.
func (s *Store) wait(ctx context.Context, r Request, now time.Time) error {
	early := now.Before(r.polled.Add(r.pace - tolerance))
	if early {
		r.pace += interval
	}
	n, err := s.DB.Exec(ctx, `UPDATE device_requests SET polled_time = $2, poll_interval = $3
		WHERE code_hash = $1 AND polled_time = $4`,
		r.CodeHash, db.Micros(now), r.pace.Microseconds(), db.Micros(r.polled))
	switch {
	case err != nil:
		return fmt.Errorf("device: poll: %w", err)
	case early || n == 0:
		return errSlowDown
	}
	return errPending
}

// Sweep deletes devices whose time was over a while ago.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int64, error) {
	n, err := db.DeleteInBatches(ctx, s.DB, "device_requests", "code_hash", "expiration_time <= $1", 500, db.Micros(now.Add(-remember)))
	if err != nil {
		return n, fmt.Errorf("device: sweep: %w", err)
	}
	return n, nil
}
