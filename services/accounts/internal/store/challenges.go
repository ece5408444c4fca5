package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
)

// Challenge is a question that only its user can answer.
type Challenge struct {
	ID      int64
	User    int64
	Factor  *int64 // that the answer confirms; nil: it confirms a login
	Channel accounts.Channel
	Minimum accounts.Channel // the weakest that will do
	MAC     []byte           // of the code that was sent; nil for an app
	Expires time.Time
}

const challengeColumns = `id, user_id, factor_id, channel, minimum, mac, expiration_time`

func scanChallenge(row db.Scanner) (c Challenge, err error) {
	var factor sql.NullInt64
	var expires int64
	err = row.Scan(&c.ID, &c.User, &factor, &c.Channel, &c.Minimum, &c.MAC, &expires)
	c.Factor, c.Expires = fromNullID(factor), db.FromMicros(expires)
	return c, err
}

// HoldUser keeps others from holding the user until the end of the transaction,
// and gives the user as they are by then: what is decided from several rows of
// the user's is decided by one transaction at a time. [db.ErrNoRows] if there is
// none.
func HoldUser(ctx context.Context, tx *db.Tx, user int64) (User, error) {
	if _, err := tx.Exec(ctx, `UPDATE users SET modified_time = modified_time WHERE id = $1`, user); err != nil {
		return User{}, err
	}
	return UserByID(ctx, tx, user)
}

// InsertChallenge adds a challenge without a code and gives its id.
func InsertChallenge(ctx context.Context, tx *db.Tx, c Challenge, now time.Time) (id int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO challenges (user_id, factor_id, channel, minimum, created_time, expiration_time)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		c.User, nullID(c.Factor), c.Channel, c.Minimum, db.Micros(now), db.Micros(c.Expires)).Scan(&id)
	return id, err
}

// SetCode has another code, sent by a channel, answer a challenge; nil for an
// app.
func SetCode(ctx context.Context, tx *db.Tx, id int64, channel accounts.Channel, mac []byte) error {
	_, err := tx.Exec(ctx, `UPDATE challenges SET channel = $2, mac = $3 WHERE id = $1`, id, channel, mac)
	return err
}

// OpenChallenge finds a challenge of the user's that confirms a login and can
// still be answered; [db.ErrNoRows] if there is none.
func OpenChallenge(ctx context.Context, tx *db.Tx, user, id int64, attempts int, now time.Time) (Challenge, error) {
	return scanChallenge(tx.QueryRow(ctx, `SELECT `+challengeColumns+` FROM challenges
		WHERE id = $1 AND user_id = $2 AND factor_id IS NULL
			AND confirmed_time IS NULL AND attempts < $3 AND expiration_time > $4`, id, user, attempts, db.Micros(now)))
}

// TakeAttempt uses up one of the attempts to answer a challenge like that of
// [OpenChallenge]; [db.ErrNoRows] if there is none left.
func TakeAttempt(ctx context.Context, tx *db.Tx, user, id int64, attempts int, now time.Time) (Challenge, error) {
	return scanChallenge(tx.QueryRow(ctx, `UPDATE challenges SET attempts = attempts + 1
		WHERE id = $1 AND user_id = $2 AND factor_id IS NULL
			AND confirmed_time IS NULL AND attempts < $3 AND expiration_time > $4
		RETURNING `+challengeColumns, id, user, attempts, db.Micros(now)))
}

// TakeFactorAttempt is TakeAttempt for the newest challenge that confirms a
// factor.
func TakeFactorAttempt(ctx context.Context, tx *db.Tx, user, factor int64, attempts int, now time.Time) (Challenge, error) {
	return scanChallenge(tx.QueryRow(ctx, `UPDATE challenges SET attempts = attempts + 1
		WHERE id = (SELECT MAX(id) FROM challenges WHERE factor_id = $2) AND user_id = $1
			AND confirmed_time IS NULL AND attempts < $3 AND expiration_time > $4
		RETURNING `+challengeColumns, user, factor, attempts, db.Micros(now)))
}

// AnswerChallenge marks an open challenge as answered, once. Replace tells that
// the user has to replace a factor.
func AnswerChallenge(ctx context.Context, tx *db.Tx, id int64, method string, replace bool, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE challenges SET confirmed_time = $4, method = $2, replace_factor = $3, mac = NULL
		WHERE id = $1 AND confirmed_time IS NULL AND expiration_time > $4`, id, method, replace, db.Micros(now))
	return n == 1, err
}

// AnsweredChallenge tells how a challenge that confirmed a login of the user's
// was answered, and whether a factor has to be replaced; [db.ErrNoRows] if it was
// not.
func AnsweredChallenge(ctx context.Context, q db.Queryer, user, id int64) (channel accounts.Channel, replace bool, err error) {
	err = q.QueryRow(ctx, `SELECT channel, replace_factor FROM challenges
		WHERE id = $1 AND user_id = $2 AND factor_id IS NULL AND confirmed_time IS NOT NULL`, id, user).Scan(&channel, &replace)
	return channel, replace, err
}

// FactorReplaced notes that what a challenge asked to be replaced has been, by a
// factor of the channel, once.
func FactorReplaced(ctx context.Context, tx *db.Tx, user, id int64, channel accounts.Channel) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE challenges SET replace_factor = FALSE, channel = $3
		WHERE id = $1 AND user_id = $2 AND factor_id IS NULL AND confirmed_time IS NOT NULL AND replace_factor`, id, user, channel)
	return n == 1, err
}

// RaiseChallenge notes that the user of an answered challenge has shown a factor
// of a channel since, unless that is a weaker one.
func RaiseChallenge(ctx context.Context, tx *db.Tx, user, id int64, channel accounts.Channel) error {
	_, err := tx.Exec(ctx, `UPDATE challenges SET channel = $3
		WHERE id = $1 AND user_id = $2 AND factor_id IS NULL AND confirmed_time IS NOT NULL AND channel < $3`, id, user, channel)
	return err
}

// EndChallenges ends the user's open challenges of a channel.
func EndChallenges(ctx context.Context, tx *db.Tx, user int64, channel accounts.Channel, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE challenges SET expiration_time = $3
		WHERE user_id = $1 AND channel = $2 AND confirmed_time IS NULL AND expiration_time > $3`, user, channel, db.Micros(now))
	return err
}

// SweepChallenges removes challenges that expired before a time; those that were
// answered, to which sessions refer, if they did before another one. It tells how
// many.
func SweepChallenges(ctx context.Context, d *db.DB, before, answeredBefore time.Time) (int64, error) {
	return db.DeleteInBatches(ctx, d, "challenges", "id",
		"expiration_time < $1 AND (confirmed_time IS NULL OR expiration_time < $2)",
		sweepBatch, db.Micros(before), db.Micros(answeredBefore))
}
