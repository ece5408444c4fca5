package db

import (
	"database/sql"
	"time"
)

// Micros is t as tables keep it: microseconds since 1970 in UTC.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// FromMicros is the time, in UTC, that [Micros] made the number of.
func FromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// NullMicros is [Micros] for a column that may be NULL, as it is for nil.
func NullMicros(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: Micros(*t), Valid: true}
}

// FromNullMicros is [FromMicros] for a column that may be NULL; NULL is nil.
func FromNullMicros(us sql.NullInt64) *time.Time {
	if !us.Valid {
		return nil
	}
	t := FromMicros(us.Int64)
	return &t
}
