package accounts

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

// dump is the whole content of tables, with a line per row.
func (f *fixture) dump(tables ...string) string {
	f.t.Helper()
	var b strings.Builder
	for _, table := range tables {
		columns := f.columns(table)
		require.NotEmpty(f.t, columns, "table %s", table)
		rows, err := f.db.Query(f.t.Context(), fmt.Sprintf("SELECT %s FROM %s ORDER BY 1, 2", strings.Join(columns, ", "), table))
		require.NoError(f.t, err)
		for rows.Next() {
			values, targets := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				targets[i] = &values[i]
			}
			require.NoError(f.t, rows.Scan(targets...))
			fmt.Fprintf(&b, "%s:", table)
			for i, v := range values {
				if raw, ok := v.([]byte); ok {
					v = fmt.Sprintf("%q %x", raw, raw)
				}
				fmt.Fprintf(&b, " %s=%v", columns[i], v)
			}
			b.WriteByte('\n')
		}
		require.NoError(f.t, rows.Err())
		require.NoError(f.t, rows.Close())
	}
	return b.String()
}

// tables are all of the service's.
func (f *fixture) tables() []string {
	if f.db.Dialect() == db.SQLite {
		return f.strings(`SELECT name FROM sqlite_master WHERE type = 'table'`)
	}
	return f.strings(`SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`)
}

func (f *fixture) columns(table string) []string {
	if f.db.Dialect() == db.SQLite {
		return f.strings(`SELECT name FROM pragma_table_info($1)`, table)
	}
	return f.strings(`SELECT column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1`, table)
}

func (f *fixture) strings(query string, args ...any) (all []string) {
	f.t.Helper()
	rows, err := f.db.Query(f.t.Context(), query, args...)
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, rows.Close()) }()
	for rows.Next() {
		var s string
		require.NoError(f.t, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(f.t, rows.Err())
	return all
}

// TestNoSecretIsKept looks for passwords and links in everything that stays:
// all columns of all tables, while mail waits and after it has left, and the
// log at its most talkative.
func TestNoSecretIsKept(t *testing.T) {
	onEach(t, func(f *fixture) {
		s := f.local(api.Gateway)
		_, err := s.InitiateActivation(t.Context(), registration(olliMail))
		require.NoError(f.t, err)
		invitation, err := f.local(api.Operator).Invite(t.Context(), accounts.InviteRequest{Email: "a@example.com", Mail: true})
		require.NoError(f.t, err)
		waiting := f.dump(f.tables()...)
		f.deliver()
		registered := linkOf(f.mail.to(olliMail)[0])

		opened, err := s.OpenLink(t.Context(), accounts.OpenLinkRequest{Link: registered, Origin: browser})
		require.NoError(f.t, err)
		bad := finishing(opened)
		bad.Password, bad.PasswordConfirmation = "kahn-secret-word", "kahn-secret-word"
		_, err = s.FinishActivation(t.Context(), bad)
		require.Error(f.t, err)
		_, err = s.FinishActivation(t.Context(), finishing(opened))
		require.NoError(f.t, err)
		const wrong, asLogin = "another-secret-word", "typed-into-the-wrong-field"
		for login, password := range map[string]string{olliMail: wrong, asLogin: wrong, asLogin + "@example.com": olliPassword} {
			_, err = s.Authenticate(t.Context(), accounts.AuthenticateRequest{Login: login, Password: password, Origin: browser})
			require.Error(f.t, err)
		}
		_, err = s.Authenticate(t.Context(), accounts.AuthenticateRequest{Login: olliMail, Password: olliPassword, Origin: browser})
		require.NoError(f.t, err)

		everything := map[string]string{
			"tables while mail waits": waiting, "tables": f.dump(f.tables()...), "log": f.log.String(),
		}
		for where, text := range everything {
			for what, secret := range map[string]string{
				"the password": olliPassword, "a refused password": bad.Password, "a wrong password": wrong,
				"what was typed as a login": asLogin,
				"a registration's link":     registered, "an invitation's link": invitation.URL[len(invitation.URL)-40:],
			} {
				require.NotContains(f.t, text, secret, "%s in the %s", what, where)
				require.NotContains(f.t, text, hex.EncodeToString([]byte(secret)), "%s in the %s", what, where)
			}
		}
		for _, sign := range []string{olliMail, "$argon2id$", "login.failed", opened.Activation} {
			require.Contains(f.t, everything["tables"], sign, "the dump misses something")
		}
		require.Contains(f.t, everything["log"], "call failed", "the log misses something")
	})
}

func TestTheSchemaOfTheOutboxIsItsOwn(t *testing.T) {
	t.Parallel()
	text, err := migrations.ReadFile("migrations/0002_outbox.sql")
	require.NoError(t, err)
	require.Contains(t, string(text), outbox.Schema)
}
