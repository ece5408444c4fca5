package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/input"
)

// Actor says on whose behalf something happened.
type Actor string

// The actors.
const (
	ActorUser     Actor = "user"     // somebody at the edge; ActorID if it is known who
	ActorOperator Actor = "operator" // whoever runs the installation
	ActorSystem   Actor = "system"   // the service by itself
)

// Event is one entry of the audit record.
type Event struct {
	Kind    EventKind
	User    *int64 // whose account it is about
	Hub     *int64
	Actor   Actor
	ActorID *int64
	// Impersonator acted in the actor's name.
	Impersonator *int64
	Origin       api.Origin
	// Detail holds more, never a secret and nothing that somebody typed who
	// did not prove who they are: people type passwords into any field.
	Detail map[string]any
	Time   time.Time
}

// Did is an event that a logged-in user has caused, about themselves unless
// User is set to somebody else.
func Did(kind EventKind, a api.Actor, now time.Time) Event {
	return Event{
		Kind: kind, User: &a.User, Hub: a.Hub, Actor: ActorUser, ActorID: &a.User,
		Impersonator: a.Impersonator, Origin: a.Origin, Time: now,
	}
}

// CountAbout counts the events of a kind about a user since a time.
func CountAbout(ctx context.Context, tx *db.Tx, user int64, kind EventKind, since time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE user_id = $1 AND kind = $2 AND created_time > $3`,
		user, kind, db.Micros(since)).Scan(&n)
	return n, err
}

// CountMails counts the mails that registrations of a user's address have made
// since a time: each that is not throttled makes one. The user must be locked,
// as [TouchInvited] does, for two at once to count each other.
func CountMails(ctx context.Context, tx *db.Tx, user int64, since time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE user_id = $1 AND kind IN ($2, $3) AND created_time > $4`,
		user, ActivationInitiated, ActivationRefused, db.Micros(since)).Scan(&n)
	return n, err
}

// Record writes an event, in the transaction of what it tells of.
func Record(ctx context.Context, tx *db.Tx, e Event) error {
	_, err := record(ctx, tx, e, sql.NullString{})
	return err
}

// RecordOnce writes an event unless one with the key is there already. It tells
// whether it did.
func RecordOnce(ctx context.Context, tx *db.Tx, key string, e Event) (bool, error) {
	return record(ctx, tx, e, sql.NullString{String: key, Valid: true})
}

func record(ctx context.Context, tx *db.Tx, e Event, key sql.NullString) (bool, error) {
	detail := []byte("{}")
	if len(e.Detail) > 0 {
		var err error
		if detail, err = json.Marshal(e.Detail); err != nil {
			return false, fmt.Errorf("encoding the detail of %s: %w", e.Kind, err)
		}
	}
	origin := input.Origin(e.Origin)
	// The conflict is that of the key. It is not named because where the table is
	// partitioned the key is unique together with the time, which tells events apart as well.
	n, err := tx.Exec(ctx, `INSERT INTO audit
		(kind, user_id, hub_id, actor, actor_id, impersonator_id, address, user_agent, detail, created_time, event_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
		e.Kind, nullID(e.User), nullID(e.Hub), e.Actor, nullID(e.ActorID), nullID(e.Impersonator),
		origin.Address, origin.UserAgent, string(detail), db.Micros(e.Time), key)
	if err != nil || n == 1 {
		return n == 1, err
	}
	var there bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM audit WHERE event_key = $1)`, key).Scan(&there)
	if err == nil && !there {
		err = fmt.Errorf("an event of kind %s was not recorded: its number is taken", e.Kind)
	}
	return false, err
}
