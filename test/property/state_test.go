package property_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// The roles that the rules speak of.
const (
	roleUser          = 2
	roleAdministrator = 3
	roleTechnical     = 4
	roleOwner         = 5
)

// row is a row of a table, column by column, as text.
type row map[string]string

// state is all that the calls may read or change, as the databases have it: by
// table and key.
type state map[string]map[string]row

// tables are what is looked at, and what makes a row the same row.
var tables = []struct{ database, name, columns, key string }{
	{"accounts", "users", "id, hash, first_name, last_name, email, alias, status, language, login_confirmation, deletion_time", "id"},
	{"accounts", "hubs", "id, hash, name, session_limit, password_age, login_confirmation", "id"},
	{"accounts", "memberships", "hub_id, user_id, hash, role, joined_time, impersonation, first_name", "hub_id || '/' || user_id"},
	{"accounts", "credentials", "user_id, modified_time", "user_id"},
	{"accounts", "images", "id, hash, user_id", "id"},
	{"accounts", "factors", "id, hash, user_id", "id"},
	{"sessions", "sessions", "id, hash, user_id, hub_id, scope, parent_id, ended_time", "id"},
	{"sessions", "access_tokens", "id, hash, user_id, name", "id"},
}

// databases are the world's, opened beside the running services.
type databases map[string]*db.DB

func openDatabases(t *testing.T, s *system.System) databases {
	t.Helper()
	all := databases{}
	for _, name := range []string{"accounts", "sessions"} {
		d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(s.DataDir, name+".db"), db.Options{
			Service: name, Registry: obs.Nop().Registry, Tracer: obs.Nop().Tracer, Logger: obs.Nop().Logger,
		})
		require.NoError(t, err)
		t.Cleanup(func() { _ = d.Close() })
		all[name] = d
	}
	return all
}

// read takes the state of now.
func (d databases) read(t *testing.T) state {
	t.Helper()
	s := state{}
	for _, table := range tables {
		s[table.name] = d.rows(t, table.database, table.name, table.key, strings.Split(table.columns, ", "))
	}
	return s
}

func (d databases) rows(t *testing.T, database, table, key string, columns []string) map[string]row {
	t.Helper()
	query := `SELECT ` + key + `, ` + strings.Join(columns, ", ") + ` FROM ` + table
	rows, err := d[database].Query(context.WithoutCancel(t.Context()), query)
	require.NoError(t, err, query)
	defer func() { _ = rows.Close() }()
	found := map[string]row{}
	for rows.Next() {
		var id string
		values := make([]*string, len(columns))
		into := []any{&id}
		for i := range values {
			into = append(into, &values[i])
		}
		require.NoError(t, rows.Scan(into...))
		r := row{}
		for i, name := range columns {
			if values[i] != nil {
				r[name] = *values[i]
			}
		}
		found[id] = r
	}
	require.NoError(t, rows.Err())
	return found
}

// role is a joined member's role in a hub; 0 of everybody else.
func (s state) role(hub, user string) int {
	m, ok := s["memberships"][hub+"/"+user]
	if !ok || m["joined_time"] == "" {
		return 0
	}
	return int(m["role"][0] - '0')
}

// joined tells whether somebody is a member of a hub, in whatever role.
func (s state) joined(hub, user string) bool {
	return s["memberships"][hub+"/"+user]["joined_time"] != ""
}

// listed tells whether somebody is in a hub, joined or not.
func (s state) listed(hub, user string) bool {
	_, ok := s["memberships"][hub+"/"+user]
	return ok
}

// owners counts the active members of a hub that own it.
func (s state) owners(hub string) (n int) {
	for _, m := range s["memberships"] {
		if m["hub_id"] == hub && m["joined_time"] != "" && m["role"] == "5" && s["users"][m["user_id"]]["status"] == "1" {
			n++
		}
	}
	return n
}

// open counts the full sessions that a user has in a hub, impersonations apart.
func (s state) open(user, hub string) (n int) {
	for _, session := range s["sessions"] {
		if session["user_id"] == user && session["hub_id"] == hub && session["scope"] == "*" &&
			session["ended_time"] == "" && session["parent_id"] == "" {
			n++
		}
	}
	return n
}

// change is a row that is not as it was; before or after is nil if it is new or
// gone.
type change struct {
	table, key    string
	before, after row
}

// of gives a column of the row, from whichever side has it.
func (c change) of(column string) string {
	if c.before != nil {
		return c.before[column]
	}
	return c.after[column]
}

func changes(before, after state) (all []change) {
	for table, rows := range before {
		for key, r := range rows {
			if now, ok := after[table][key]; !ok {
				all = append(all, change{table, key, r, nil})
			} else if !equal(r, now) {
				all = append(all, change{table, key, r, now})
			}
		}
		for key, r := range after[table] {
			if _, ok := rows[key]; !ok {
				all = append(all, change{table, key, nil, r})
			}
		}
	}
	return all
}

func equal(a, b row) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}
