package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// EventFilter says which events to list: all that match what is set. One of
// Own and Hub is.
type EventFilter struct {
	Own int64 // events about this user
	// Hub's events, for Reader, who has at least Role in it: otherwise there are
	// none.
	Hub    int64
	Reader int64
	Role   accounts.Role
	Kind   string // or its beginning, if it ends with a dot
	User   int64  // 0: whoever
	From   *time.Time
	To     *time.Time // exclusive
	Before int64      // only smaller ids; 0: all
}

// RecordedEvent is an event as it was recorded.
type RecordedEvent struct {
	ID int64
	Event
}

// conditions is the filter as SQL, and its arguments.
func (f EventFilter) conditions() (string, []any) {
	var all []string
	var args []any
	where := func(condition string, values ...any) {
		numbers := make([]any, len(values))
		for i := range values {
			numbers[i] = len(args) + i + 1
		}
		args = append(args, values...)
		all = append(all, fmt.Sprintf(condition, numbers...))
	}
	if f.Own != 0 {
		where("audit.user_id = $%d", f.Own)
	} else {
		where(`audit.hub_id = $%[1]d AND EXISTS (SELECT 1 FROM memberships
			WHERE hub_id = $%[1]d AND user_id = $%[2]d AND role >= $%[3]d AND joined_time IS NOT NULL)`, f.Hub, f.Reader, f.Role)
	}
	switch {
	case strings.HasSuffix(f.Kind, "."):
		where("substr(audit.kind, 1, $%d) = $%d", len(f.Kind), f.Kind)
	case f.Kind != "":
		where("audit.kind = $%d", f.Kind)
	}
	if f.User != 0 {
		where("audit.user_id = $%d", f.User)
	}
	if f.From != nil {
		where("audit.created_time >= $%d", db.Micros(*f.From))
	}
	if f.To != nil {
		where("audit.created_time < $%d", db.Micros(*f.To))
	}
	if f.Before != 0 {
		where("audit.id < $%d", f.Before)
	}
	return strings.Join(all, " AND "), args
}

// ListEvents lists events, the newest first.
func ListEvents(ctx context.Context, q db.Queryer, f EventFilter, offset, limit int) ([]RecordedEvent, error) {
	query, args := listEvents(f, offset, limit)
	rows, err := q.Query(ctx, query, args...)
	return collect(rows, err, scanEvent)
}

func listEvents(f EventFilter, offset, limit int) (string, []any) {
	where, args := f.conditions()
	query := fmt.Sprintf(`SELECT audit.id, audit.kind, audit.user_id, audit.hub_id, audit.actor, audit.actor_id,
		audit.impersonator_id, audit.address, audit.user_agent, audit.detail, audit.created_time
		FROM audit WHERE %s ORDER BY audit.id DESC LIMIT $%d OFFSET $%d`, where, len(args)+1, len(args)+2)
	return query, append(args, limit, offset)
}

// CountEvents counts all that ListEvents would list.
func CountEvents(ctx context.Context, q db.Queryer, f EventFilter) (n int, err error) {
	where, args := f.conditions()
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE `+where, args...).Scan(&n)
	return n, err
}

func scanEvent(row db.Scanner) (e RecordedEvent, err error) {
	var user, hub, actor, impersonator sql.NullInt64
	var detail string
	var created int64
	err = row.Scan(&e.ID, &e.Kind, &user, &hub, &e.Actor, &actor, &impersonator,
		&e.Origin.Address, &e.Origin.UserAgent, &detail, &created)
	if err != nil {
		return RecordedEvent{}, err
	}
	if err := json.Unmarshal([]byte(detail), &e.Detail); err != nil {
		return RecordedEvent{}, fmt.Errorf("decoding the detail of event %d: %w", e.ID, err)
	}
	e.User, e.Hub, e.ActorID, e.Impersonator = fromNullID(user), fromNullID(hub), fromNullID(actor), fromNullID(impersonator)
	e.Time = db.FromMicros(created)
	return e, nil
}

// wasIn is the condition that a user was in the hub $1, of whom there may be
// nothing else left: what only somebody does who has joined it.
const wasIn = `EXISTS (SELECT 1 FROM audit WHERE user_id = %s AND hub_id = $1
	AND kind IN ('` + string(LoginSucceeded) + `', '` + string(MemberLeft) + `', '` + string(InvitationAccepted) + `'))`

// UserInHub finds whom a hub calls by the reference: somebody in its list, or
// who was in it; else [db.ErrNoRows].
func UserInHub(ctx context.Context, q db.Queryer, hub int64, user api.Ref) (id int64, err error) {
	err = q.QueryRow(ctx, `SELECT user_id FROM memberships WHERE hub_id = $1 AND (number = $2 OR hash = $3)`,
		hub, user.ID, user.Hash).Scan(&id)
	if !errors.Is(err, db.ErrNoRows) {
		return id, err
	}
	err = q.QueryRow(ctx, `SELECT one.id FROM (SELECT CAST($2 AS BIGINT) AS id UNION SELECT id FROM users WHERE hash = $3) one
		WHERE one.id <> 0 AND `+fmt.Sprintf(wasIn, "one.id"), hub, user.ID, user.Hash).Scan(&id)
	return id, err
}

// People gives the users of the ids that are still there.
func People(ctx context.Context, q db.Queryer, users []int64) (map[int64]accounts.Person, error) {
	return people(ctx, q, `SELECT id, id, hash, first_name, last_name FROM users WHERE id IN (%s)`, nil, users)
}

// PeopleOfHub gives the users of the ids as the hub knows them: those who have
// joined it, or were in it, by their account; those who are listed in it as the
// hub has written them down. The others it does not know.
func PeopleOfHub(ctx context.Context, q db.Queryer, hub int64, users []int64) (map[int64]accounts.Person, error) {
	was := fmt.Sprintf(wasIn, "users.id")
	return people(ctx, q, `SELECT users.id, COALESCE(listed.number, users.id), COALESCE(listed.hash, users.hash),
			COALESCE(listed.first_name, users.first_name), COALESCE(listed.last_name, users.last_name)
		FROM users LEFT JOIN memberships ON memberships.hub_id = $1 AND memberships.user_id = users.id
			LEFT JOIN memberships listed ON listed.hub_id = $1 AND listed.user_id = users.id AND listed.joined_time IS NULL
		WHERE users.id IN (%s) AND (memberships.user_id IS NOT NULL OR `+was+`)`, []any{hub}, users)
}

// people runs a query that has a place for the placeholders of users, after
// args.
func people(ctx context.Context, q db.Queryer, query string, args []any, users []int64) (map[int64]accounts.Person, error) {
	found := map[int64]accounts.Person{}
	if len(users) == 0 {
		return found, nil
	}
	places := make([]string, len(users))
	for i, user := range users {
		args = append(args, user)
		places[i] = fmt.Sprintf("$%d", len(args))
	}
	rows, err := q.Query(ctx, fmt.Sprintf(query, strings.Join(places, ", ")), args...)
	_, err = collect(rows, err, func(row db.Scanner) (user int64, err error) {
		var p accounts.Person
		err = row.Scan(&user, &p.ID, &p.Hash, &p.FirstName, &p.LastName)
		found[user] = p
		return user, err
	})
	return found, err
}
