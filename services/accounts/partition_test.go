package accounts

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// TestAPartitionedRecord partitions the audit record by the statements of the
// capacity guide, and goes on as ever.
func TestAPartitionedRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t, testkit.OpenDB(t, db.Postgres, accounts.Name, Migrations))
	user := f.register(olliMail)
	f.record("member.before", user, 3)

	guide, err := os.ReadFile("../../docs/capacity.md")
	require.NoError(t, err)
	statements := regexp.MustCompile("(?s)```sql\n(BEGIN;.*?ALTER TABLE accounts.audit RENAME.*?COMMIT;)\n```").FindSubmatch(guide)
	require.NotNil(t, statements)
	f.exec(string(statements[1]))
	require.NoError(t, f.db.Migrate(t.Context()), "nothing is left to be done")

	for _, year := range []int{2026, 2027, 2031} { // the table of before, the new one, and the one for what was forgotten
		f.clock.Advance(time.Date(year, time.May, 1, 0, 0, 0, 0, time.UTC).Sub(f.clock.Now()))
		event := accounts.RecordEventRequest{
			Key: f.clock.Now().String(), Kind: "token.created", User: user.User.ID, Origin: browser, Time: f.clock.Now(),
		}
		for _, err := range atOnce(2, func(int) error { _, err := f.local(api.Sessions).RecordEvent(t.Context(), event); return err }) {
			require.NoError(t, err)
		}
	}
	require.EqualValues(t, 3, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'token.created'`), "each once")
	require.EqualValues(t, 3, f.count(`SELECT COUNT(DISTINCT tableoid) FROM audit WHERE kind = 'token.created'`))
	require.Equal(t, f.count(`SELECT COUNT(*) FROM audit`), f.count(`SELECT COUNT(DISTINCT id) FROM audit`))
	shown := kinds(f.events(accounts.ListEventsRequest{Actor: api.Actor{User: user.User.ID}, Own: true}))
	require.Equal(t, []string{"token.created", "token.created", "token.created", "member.before"}, shown[:4], "newest first")

	require.NoError(t, f.sweep(t.Context()))
	require.EqualValues(t, 1, f.count(`SELECT COUNT(*) FROM audit`), "of the last year")
}
