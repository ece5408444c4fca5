package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
)

// Member is somebody a hub lists, who may not have joined it.
type Member struct {
	User User // the account, which the hub sees only once it has joined
	Hub  int64
	// Number and Hash are how the hub calls the member: like the account once it
	// has joined.
	Number int64
	Hash   string
	// What the hub has written down of somebody who has not joined.
	Email     string
	FirstName string
	LastName  string
	Language  accounts.Language

	Role          accounts.Role
	Impersonation bool
	JoinedTime    *time.Time
	// InvitedTime is when the open invitation was mailed last, and Resends how
	// often that happened by itself.
	InvitedTime  *time.Time
	Resends      int
	CreatedTime  time.Time
	ModifiedTime time.Time
}

// Joined tells whether the member has.
func (m Member) Joined() bool { return m.JoinedTime != nil }

// MayAct tells whether the member may act as others, who have no higher role.
func (m Member) MayAct() bool {
	return m.Role >= accounts.RoleTechnicalAdministrator || m.Impersonation
}

// Revision is when the member was modified last, as the hub sees it.
func (m Member) Revision() time.Time {
	if m.Joined() && m.User.ModifiedTime.After(m.ModifiedTime) {
		return m.User.ModifiedTime
	}
	return m.ModifiedTime
}

// Later is the time of a change after the last one: now, or just after it if the
// clock has not moved.
func Later(now, last time.Time) time.Time {
	if db.Micros(now) > db.Micros(last) {
		return now
	}
	return last.Add(time.Microsecond)
}

const memberColumns = `memberships.hub_id, memberships.number, memberships.hash, memberships.email,
	memberships.first_name, memberships.last_name, memberships.language, memberships.role, memberships.impersonation,
	memberships.joined_time, memberships.invited_time, memberships.resends, memberships.created_time, memberships.modified_time`

const (
	memberSelect = `SELECT ` + userColumns + `, ` + memberColumns + ` FROM `
	memberFrom   = ` CROSS JOIN ` + usersFrom + ` WHERE users.id = memberships.user_id `
	memberQuery  = memberSelect + `memberships` + memberFrom + `AND memberships.hub_id = $1 `
)

// MemberByRef finds a member by how the hub calls them; [db.ErrNoRows] if there
// is none.
func MemberByRef(ctx context.Context, q db.Queryer, hub int64, ref api.Ref) (Member, error) {
	if ref.Hash != "" {
		return scanMember(q.QueryRow(ctx, memberQuery+`AND memberships.hash = $2`, hub, ref.Hash))
	}
	return scanMember(q.QueryRow(ctx, memberQuery+`AND memberships.number = $2`, hub, ref.ID))
}

// MemberOf finds a member by the account; [db.ErrNoRows] if it is none.
func MemberOf(ctx context.Context, q db.Queryer, hub, user int64) (Member, error) {
	return scanMember(q.QueryRow(ctx, memberQuery+`AND memberships.user_id = $2`, hub, user))
}

func scanMember(row db.Scanner) (m Member, err error) {
	var joined, invited sql.NullInt64
	var created, modified int64
	m.User, err = scanUser(row, &m.Hub, &m.Number, &m.Hash, &m.Email,
		&m.FirstName, &m.LastName, &m.Language, &m.Role, &m.Impersonation,
		&joined, &invited, &m.Resends, &created, &modified)
	m.JoinedTime, m.InvitedTime = db.FromNullMicros(joined), db.FromNullMicros(invited)
	m.CreatedTime, m.ModifiedTime = db.FromMicros(created), db.FromMicros(modified)
	return m, err
}

// MemberFilter is what members have to match; what is empty matches all.
type MemberFilter struct {
	Needle string // a folded part of the name or the address
	Role   *accounts.Role
	Status *accounts.Status // as the hub sees it
}

// ListMembers lists a page of a hub's members by name, and counts them all.
func ListMembers(ctx context.Context, q db.Queryer, hub int64, f MemberFilter, page api.Page) (_ []Member, total int, _ error) {
	from, args := f.from(hub)
	if err := q.QueryRow(ctx, `SELECT COUNT(*) `+from, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	// The page is found by the index alone, before anything is joined to it.
	const order = ` ORDER BY memberships.name_key, memberships.number`
	query := fmt.Sprintf(memberSelect+`(SELECT memberships.* %s`+order+` LIMIT %d OFFSET %d) memberships`+memberFrom+order,
		from, page.Size, page.Offset())
	rows, err := q.Query(ctx, query, args...)
	members, err := collect(rows, err, scanMember)
	return members, total, err
}

func (f MemberFilter) from(hub int64) (text string, args []any) {
	text, args = `FROM memberships `, []any{hub}
	conditions := []string{`memberships.hub_id = $1`}
	where := func(condition string, arg any) {
		args = append(args, arg)
		conditions = append(conditions, strings.ReplaceAll(condition, "$n", fmt.Sprintf("$%d", len(args))))
	}
	if f.Needle != "" || f.Status != nil {
		text += `JOIN users ON users.id = memberships.user_id `
	}
	if f.Needle != "" {
		where(`(memberships.name_key LIKE $n ESCAPE '\' OR CASE WHEN memberships.joined_time IS NULL
			THEN LOWER(memberships.email) ELSE users.email_key END LIKE $n ESCAPE '\')`, containing(f.Needle))
	}
	if f.Role != nil {
		where(`memberships.role = $n`, *f.Role)
	}
	if f.Status != nil {
		where(`CASE WHEN memberships.joined_time IS NULL THEN 2 ELSE users.status END = $n`, *f.Status)
	}
	return text + `WHERE ` + strings.Join(conditions, ` AND `), args
}

// containing is the LIKE pattern of texts that have the needle in them.
func containing(needle string) string {
	return `%` + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(needle) + `%`
}

// numberFrom is above all ids of users, which members that have joined have as
// their number; numberTo is the last that every JSON reader can take.
const (
	numberFrom = 1 << 40
	numberTo   = 1 << 53
)

// InsertMember lists somebody in a hub who has not joined it. It is false if
// the hub lists them already. Number and Hash are not used.
func InsertMember(ctx context.Context, tx *db.Tx, m Member, now time.Time) (bool, error) {
	number, err := rand.Int(rand.Reader, big.NewInt(numberTo-numberFrom))
	if err != nil {
		return false, fmt.Errorf("drawing a number: %w", err)
	}
	n, err := tx.Exec(ctx, `INSERT INTO memberships
		(hub_id, user_id, number, hash, email, first_name, last_name, language, name_key, role, created_time, modified_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) ON CONFLICT (hub_id, user_id) DO NOTHING`,
		m.Hub, m.User.ID, numberFrom+number.Int64(), ids.New(), m.Email, m.FirstName, m.LastName, m.Language,
		NameKey(m.FirstName, m.LastName), m.Role, db.Micros(now))
	return n == 1, err
}

// UpdateMember writes the role, the grant and the names that the hub has written
// down. The hub must be locked.
func UpdateMember(ctx context.Context, tx *db.Tx, m Member, now time.Time) error {
	key := NameKey(m.FirstName, m.LastName)
	if m.Joined() {
		key = NameKey(m.User.FirstName, m.User.LastName)
	}
	_, err := tx.Exec(ctx, `UPDATE memberships SET role = $3, impersonation = $4, first_name = $5, last_name = $6, name_key = $7,
		modified_time = $8 WHERE hub_id = $1 AND user_id = $2`,
		m.Hub, m.User.ID, m.Role, m.Impersonation, m.FirstName, m.LastName, key, db.Micros(now))
	return err
}

// SetInvited notes that a member who has not joined was invited, or with nil
// that no invitation is open.
func SetInvited(ctx context.Context, tx *db.Tx, m Member, invited *time.Time, resends int, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE memberships SET invited_time = $3, resends = $4, modified_time = $5
		WHERE hub_id = $1 AND user_id = $2 AND joined_time IS NULL`,
		m.Hub, m.User.ID, db.NullMicros(invited), resends, db.Micros(now))
	return err
}

// SetInvitedRole gives somebody a role who is listed in a hub but has not joined.
func SetInvitedRole(ctx context.Context, tx *db.Tx, hub, user int64, role accounts.Role, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE memberships SET role = $3, modified_time = $4
		WHERE hub_id = $1 AND user_id = $2 AND joined_time IS NULL`, hub, user, role, db.Micros(now))
	return err
}

// DeleteMember ends a membership.
func DeleteMember(ctx context.Context, tx *db.Tx, hub, user int64) error {
	if _, err := DropIdentitiesOf(ctx, tx, hub, user, ""); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM memberships WHERE hub_id = $1 AND user_id = $2`, hub, user)
	return err
}

// ManyListed tells whether a hub lists at least so many people who have not joined
// it.
func ManyListed(ctx context.Context, q db.Queryer, hub int64, many int) (bool, error) {
	var n int
	err := q.QueryRow(ctx, `SELECT COUNT(*) FROM (
		SELECT 1 FROM memberships WHERE hub_id = $1 AND joined_time IS NULL LIMIT $2) listed`, hub, many).Scan(&n)
	return n >= many, err
}

// OpenInvitations counts a hub's.
func OpenInvitations(ctx context.Context, q db.Queryer, hub int64) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM memberships
		WHERE hub_id = $1 AND joined_time IS NULL AND invited_time IS NOT NULL`, hub).Scan(&n)
	return n, err
}

// InOtherHub tells whether any other hub lists the user.
func InOtherHub(ctx context.Context, q db.Queryer, hub, user int64) (bool, error) {
	var n int
	err := q.QueryRow(ctx, `SELECT COUNT(*) FROM memberships WHERE user_id = $1 AND hub_id <> $2`, user, hub).Scan(&n)
	return n > 0, err
}

// InvitedBefore lists members, without their accounts, whose open invitation was
// mailed last before a time or at it; the first ones first.
func InvitedBefore(ctx context.Context, q db.Queryer, before time.Time) ([]Member, error) {
	rows, err := q.Query(ctx, fmt.Sprintf(`SELECT hub_id, user_id FROM memberships
		WHERE invited_time IS NOT NULL AND invited_time <= $1 ORDER BY invited_time LIMIT %d`, sweepBatch), db.Micros(before))
	return collect(rows, err, func(row db.Scanner) (m Member, err error) {
		err = row.Scan(&m.Hub, &m.User.ID)
		return m, err
	})
}
