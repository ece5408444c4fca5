package db_test

import (
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// TestAPoolerThatRefusesIsNoAbsence: PgBouncer takes no parameters that it does not
// know. Waiting for it would hide why.
func TestAPoolerThatRefusesIsNoAbsence(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			pooler := pgproto3.NewBackend(conn, conn)
			if _, err := pooler.ReceiveStartupMessage(); err == nil {
				pooler.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: statement_timeout"})
				_ = pooler.Flush() // whom it refuses may be gone
			}
			_ = conn.Close()
		}
	}()
	_, err = db.Open(t.Context(), "postgres://user:s3cret@"+listener.Addr().String()+"/shop?sslmode=disable", db.Options{Service: "shop"})
	require.ErrorContains(t, err, "unsupported startup parameter: statement_timeout")
	assert.False(t, fault.Is(err, fault.Unavailable), "%v", err)
}
