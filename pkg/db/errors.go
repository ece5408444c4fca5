package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// SQLite's result codes, as https://www.sqlite.org/rescode.html numbers them. The
// low byte of an extended code is the primary one.
const (
	sqliteBusy                 = 5
	sqliteLocked               = 6
	sqliteReadOnly             = 8
	sqliteInterrupt            = 9
	sqliteIOErr                = 10
	sqliteFull                 = 13
	sqliteCantOpen             = 14
	sqliteProtocol             = 15
	sqliteConstraintPrimaryKey = 1555
	sqliteConstraintUnique     = 2067
	sqliteConstraintRowID      = 2579
)

// sqliteError is the error of SQLite's driver, which need not be linked.
type sqliteError interface {
	error
	Code() int
}

// IsUnique tells whether err is a broken unique constraint or primary key.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505" // unique_violation
	}
	var lite sqliteError
	if !errors.As(err, &lite) {
		return false
	}
	switch lite.Code() {
	case sqliteConstraintUnique, sqliteConstraintPrimaryKey, sqliteConstraintRowID:
		return true
	}
	return false
}

// errNoAnswer is why a context of [bounded] ends that the caller set no end to.
var errNoAnswer = errors.New("the database does not answer")

// mapError is where every error of a driver passes on its way out. ctx is the
// statement's.
func mapError(ctx context.Context, err error) error {
	var known *fault.Fault
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return sql.ErrNoRows
	case errors.Is(context.Cause(ctx), errNoAnswer):
		return fault.New(fault.Unavailable, "").Because(fmt.Errorf("db: %w: %w", errNoAnswer, err))
	case errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil:
		// database/sql had rolled back because the context ended.
		return fmt.Errorf("db: %w", ctx.Err())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		// A deadline that is not the caller's is that of a connection which was not
		// made in time, so the server is away.
		return fmt.Errorf("db: %w", err)
	case isAway(err):
		return fault.New(fault.Unavailable, "").Because(fmt.Errorf("db: %w", err))
	case isReadOnly(err):
		return fmt.Errorf("db: Query and QueryRow on a DB only read, a Tx writes: %w", err)
	}
	if safe := withoutValues(err); safe != "" {
		return errors.New("db: " + safe)
	}
	return fmt.Errorf("db: %w", err)
}

// isAway tells whether the same statement may work later, on a new connection.
func isAway(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return stateIsAway(pg.Code)
	}
	var lite sqliteError
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqliteBusy, sqliteLocked, sqliteInterrupt, sqliteProtocol,
			sqliteCantOpen, sqliteIOErr, sqliteFull:
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// stateIsAway sorts PostgreSQL's SQLSTATE codes (its manual, appendix A).
func stateIsAway(code string) bool {
	switch code {
	case "25006", // read_only_sql_transaction: a standby, during a failover
		"25P03",          // idle_in_transaction_session_timeout
		"40001", "40P01", // serialization_failure, deadlock_detected
		"55P03", // lock_not_available
		"57014": // query_canceled, also by statement_timeout
		return true
	}
	if code == "08P01" {
		return false // protocol_violation: also a pooler's refusal of our parameters
	}
	for _, class := range []string{
		"08",  // connection exceptions
		"53",  // out of disk, memory or connections
		"57P", // shutdown, crash, not yet up
		"58",  // errors of the system beneath
	} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

func isReadOnly(err error) bool {
	var lite sqliteError
	return errors.As(err, &lite) && lite.Code()&0xff == sqliteReadOnly
}

// withoutValues rephrases the errors whose text repeats an argument or a
// column's value; for the others it returns "". They are mistakes of the
// program, but what they would spill into the log may be a secret.
func withoutValues(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if strings.HasPrefix(pg.Code, "22") { // data exceptions
			return "PostgreSQL refused a value (SQLSTATE " + pg.Code + ")"
		}
		return ""
	}
	text := err.Error()
	for _, marker := range []struct{ prefix, until string }{
		{"failed to encode args[", ":"},              // pgx
		{"sql: Scan error on column index ", "\": "}, // database/sql: …index 0, name "x": …
		{"sql: converting argument ", ":"},
	} {
		if strings.HasPrefix(text, marker.prefix) {
			before, _, _ := strings.Cut(text, marker.until)
			return strings.TrimSuffix(before, `"`) + " (the value does not fit)"
		}
	}
	return ""
}
