//go:build !linux

package db

import "syscall"

// boundUnacknowledged does nothing: the limits of statements, and of what begins and
// ends a transaction, have to do.
func boundUnacknowledged(string, string, syscall.RawConn) error { return nil }
