package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// store is the table. While a message is leased, due_at is when the lease ends,
// so that one column, and one index, says what may be claimed.
type store struct {
	db     *db.DB
	topics []string
	lanes  bool // the table has them
}

// candidate is a message that can be claimed.
type candidate struct {
	id   int64
	lane string
}

// claimed is a message that this process has the lease of.
type claimed struct {
	id         int64
	topic, key string
	sealed     []byte
	trace      string
	attempt    int
	created    time.Time
	lease      string
	until      time.Time // when the lease ends, unless it is renewed
}

func (s store) add(ctx context.Context, tx *db.Tx, m Message, sealed []byte, trace string, now time.Time) (bool, error) {
	columns, values := "topic, key, payload, trace, due_at, created_at", "$1, $2, $3, $4, $5, $5"
	args := []any{m.Topic, m.Key, sealed, trace, db.Micros(now)}
	if s.lanes {
		columns, values, args = columns+", lane", values+", $6", append(args, m.Lane)
	}
	n, err := tx.Exec(ctx, "INSERT INTO outbox ("+columns+") VALUES ("+values+") ON CONFLICT (topic, key) DO NOTHING", args...)
	return n > 0, err
}

// due lists what can be claimed outside of the full lanes, the longest due first.
func (s store) due(ctx context.Context, now time.Time, limit int, full []string) (list []candidate, err error) {
	if len(s.topics) == 0 {
		return nil, nil
	}
	mine, args := s.mine(full, db.Micros(now), limit)
	lane := "''"
	if s.lanes {
		lane = "lane"
	}
	rows, err := s.db.Query(ctx, `
		SELECT id, `+lane+` FROM outbox WHERE state = 'pending' AND due_at <= $1 AND `+mine+`
		ORDER BY due_at, id LIMIT $2`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c candidate
		if err := rows.Scan(&c.id, &c.lane); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// next is when the next message outside of the full lanes will be due; false if
// there is none.
func (s store) next(ctx context.Context, full []string) (time.Time, bool, error) {
	if len(s.topics) == 0 {
		return time.Time{}, false, nil
	}
	mine, args := s.mine(full)
	var due sql.NullInt64
	err := s.db.QueryRow(ctx, `SELECT min(due_at) FROM outbox WHERE state = 'pending' AND `+mine, args...).Scan(&due)
	return db.FromMicros(due.Int64), due.Valid, err
}

// mine is the condition that a message is of the topics and in no full lane, and
// args followed by its arguments.
func (s store) mine(full []string, args ...any) (string, []any) {
	list := func(values []string) string {
		places := make([]string, len(values))
		for i, value := range values {
			args = append(args, value)
			places[i] = fmt.Sprintf("$%d", len(args))
		}
		return strings.Join(places, ", ")
	}
	condition := "topic IN (" + list(s.topics) + ")"
	if len(full) > 0 {
		condition += " AND lane NOT IN (" + list(full) + ")"
	}
	return condition, args
}

// claim takes the lease unless somebody else has; then it returns false.
func (s store) claim(ctx context.Context, id int64, lease string, now, until time.Time) (claimed, bool, error) {
	m := claimed{id: id, lease: lease, until: until}
	var created int64
	err := s.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return tx.QueryRow(ctx, `
			UPDATE outbox SET lease = $2, due_at = $4, attempts = attempts + 1
			WHERE id = $1 AND state = 'pending' AND due_at <= $3
			RETURNING topic, key, payload, trace, attempts, created_at`,
			id, lease, db.Micros(now), db.Micros(until)).
			Scan(&m.topic, &m.key, &m.sealed, &m.trace, &m.attempt, &created)
	})
	if errors.Is(err, db.ErrNoRows) {
		return claimed{}, false, nil
	}
	m.created = db.FromMicros(created)
	return m, err == nil, err
}

// held is the condition, and $1 and $2, of every write by the holder of a lease.
const held = " WHERE id = $1 AND lease = $2 AND state = 'pending'"

func (s store) renew(ctx context.Context, m claimed, until time.Time) (bool, error) {
	return s.update(ctx, "UPDATE outbox SET due_at = $3"+held, m.id, m.lease, db.Micros(until))
}

func (s store) delivered(ctx context.Context, m claimed, now time.Time) (bool, error) {
	return s.update(ctx, "UPDATE outbox SET state = 'delivered', payload = NULL, lease = '', error = '', finished_at = $3"+held,
		m.id, m.lease, db.Micros(now))
}

func (s store) later(ctx context.Context, m claimed, due time.Time, reason string) (bool, error) {
	return s.update(ctx, "UPDATE outbox SET lease = '', due_at = $3, error = $4"+held,
		m.id, m.lease, db.Micros(due), reason)
}

// release undoes the claim.
func (s store) release(ctx context.Context, m claimed, now time.Time) (bool, error) {
	return s.update(ctx, "UPDATE outbox SET lease = '', due_at = $3, attempts = attempts - 1"+held,
		m.id, m.lease, db.Micros(now))
}

func (s store) dead(ctx context.Context, m claimed, now time.Time, reason string) (bool, error) {
	return s.update(ctx, "UPDATE outbox SET state = 'dead', lease = '', finished_at = $3, error = $4"+held,
		m.id, m.lease, db.Micros(now), reason)
}

// revive makes a dead message pending again.
func (s store) revive(ctx context.Context, id int64, now time.Time) (bool, error) {
	return s.update(ctx, `
		UPDATE outbox SET state = 'pending', attempts = 0, due_at = $2, finished_at = NULL
		WHERE id = $1 AND state = 'dead'`, id, db.Micros(now))
}

func (s store) update(ctx context.Context, query string, args ...any) (bool, error) {
	n, err := s.db.Exec(ctx, query, args...)
	return n > 0, err
}

func (s store) listDead(ctx context.Context, limit int) (list []Dead, err error) {
	rows, err := s.db.Query(ctx, `
		SELECT id, topic, key, attempts, created_at, finished_at, error FROM outbox
		WHERE state = 'dead' ORDER BY finished_at, id LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var d Dead
		var created, failed int64
		if err := rows.Scan(&d.ID, &d.Topic, &d.Key, &d.Attempts, &created, &failed, &d.Error); err != nil {
			return nil, err
		}
		d.Created, d.Failed = db.FromMicros(created), db.FromMicros(failed)
		list = append(list, d)
	}
	return list, rows.Err()
}

// prune deletes what came to the state, delivered or dead, before the time.
// The state is written out, for the planner to find its partial index.
func (s store) prune(ctx context.Context, state string, before time.Time) (int64, error) {
	const batch = 500
	return db.DeleteInBatches(ctx, s.db, "outbox", "id", "state = '"+state+"' AND finished_at < $1", batch, db.Micros(before))
}

// backlog is what the gauges show.
type backlog struct {
	pending, dead int64
	oldest        *time.Time // of the pending
}

func (s store) backlog(ctx context.Context) (b backlog, err error) {
	var oldest sql.NullInt64
	err = s.db.QueryRow(ctx, "SELECT count(*), min(created_at) FROM outbox WHERE state = 'pending'").Scan(&b.pending, &oldest)
	if err != nil {
		return backlog{}, err
	}
	b.oldest = db.FromNullMicros(oldest)
	err = s.db.QueryRow(ctx, "SELECT count(*) FROM outbox WHERE state = 'dead'").Scan(&b.dead)
	return b, err
}
