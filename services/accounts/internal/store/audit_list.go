package store

import (
	"context"
	"database/sql"
	"encoding/json"
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
	User   *api.Ref
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
			WHERE hub_id = $%[1]d AND user_id = $%[2]d AND role >= $%[3]d)`, f.Hub, f.Reader, f.Role)
	}
	switch {
	case strings.HasSuffix(f.Kind, "."):
		where("substr(audit.kind, 1, $%d) = $%d", len(f.Kind), f.Kind)
	case f.Kind != "":
		where("audit.kind = $%d", f.Kind)
	}
	switch {
	case f.User == nil:
	case f.User.ID != 0: // of whom there may be nothing else left
		where("audit.user_id = $%d", f.User.ID)
	default:
		where("audit.user_id = (SELECT id FROM users WHERE hash = $%d)", f.User.Hash)
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

// People gives the users of the ids that are still there. For the
// administrators of a hub, which is 0 for anybody else, only those have a name
// who are or were in it: whom it has merely invited may be known by another
// name elsewhere.
func People(ctx context.Context, q db.Queryer, hub int64, users []int64) (map[int64]accounts.Person, error) {
	people := map[int64]accounts.Person{}
	if len(users) == 0 {
		return people, nil
	}
	args, places := []any{hub}, make([]string, len(users))
	for i, user := range users {
		args = append(args, user)
		places[i] = fmt.Sprintf("$%d", len(args))
	}
	rows, err := q.Query(ctx, `SELECT users.id, users.hash, users.first_name, users.last_name, CAST($1 AS BIGINT) = 0
			OR EXISTS (SELECT 1 FROM memberships WHERE hub_id = $1 AND user_id = users.id)
			OR EXISTS (SELECT 1 FROM audit WHERE user_id = users.id AND hub_id = $1
				AND kind IN ('`+string(LoginSucceeded)+`', '`+string(MemberLeft)+`', '`+string(InvitationAccepted)+`'))
		FROM users WHERE users.id IN (`+strings.Join(places, ", ")+`)`, args...)
	all, err := collect(rows, err, func(row db.Scanner) (p accounts.Person, err error) {
		var named bool
		err = row.Scan(&p.ID, &p.Hash, &p.FirstName, &p.LastName, &named)
		if !named {
			p.FirstName, p.LastName = "", ""
		}
		return p, err
	})
	for _, p := range all {
		people[p.ID] = p
	}
	return people, err
}
