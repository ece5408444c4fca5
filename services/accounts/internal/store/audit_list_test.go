package store

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

// TestListsOfEventsFollowAnIndex holds for SQLite, which tells its plan without
// rows to judge by: a hub may have millions of events.
func TestListsOfEventsFollowAnIndex(t *testing.T) {
	t.Parallel()
	d := testkit.OpenDB(t, db.SQLite, "accounts", os.DirFS("../../migrations"))
	hub := EventFilter{Hub: 1, Reader: 2, Role: accounts.RoleAdministrator}
	for name, tt := range map[string]struct {
		change func(*EventFilter)
		index  string
	}{
		"hub":               {func(*EventFilter) {}, "audit_hub "},
		"hub, before":       {func(f *EventFilter) { f.Before = 5 }, "audit_hub "},
		"hub, kind":         {func(f *EventFilter) { f.Kind = "token.created" }, "audit_hub_kind "},
		"hub, kind, before": {func(f *EventFilter) { f.Kind, f.Before = "token.created", 5 }, "audit_hub_kind "},
		"hub, prefix":       {func(f *EventFilter) { f.Kind = "token." }, "audit_hub "},
		"own":               {func(f *EventFilter) { f.Own = 2 }, "audit_own "},
		"own, before":       {func(f *EventFilter) { f.Own, f.Before = 2, 5 }, "audit_own "},
	} {
		f := hub
		tt.change(&f)
		query, args := listEvents(f, 0, 10)
		rows, err := d.Query(t.Context(), `EXPLAIN QUERY PLAN `+query, args...)
		steps, err := collect(rows, err, func(row db.Scanner) (step string, err error) {
			var id, parent, unused int
			err = row.Scan(&id, &parent, &unused, &step)
			return step, err
		})
		require.NoError(t, err)
		plan := strings.Join(steps, "\n")
		require.Contains(t, plan, fmt.Sprintf("USING INDEX %s(", tt.index), "%s:\n%s", name, plan)
		require.NotContains(t, plan, "SCAN", "%s:\n%s", name, plan)
		require.NotContains(t, plan, "TEMP B-TREE", "%s: sorted\n%s", name, plan)
	}
}
