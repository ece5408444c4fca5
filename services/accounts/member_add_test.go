package accounts

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestWhoMayAddMembers(t *testing.T) {
	onTeam(t, func(f *team) {
		roles := func(r accounts.Role) *accounts.Role { return &r }
		for name, tt := range map[string]struct {
			by      api.Actor
			role    *accounts.Role
			refused string
		}{
			"a user":                           {f.by(accounts.RoleUser), nil, "fault.forbidden"},
			"a passive member":                 {f.by(accounts.RolePassive), nil, "fault.no_access"},
			"without a hub":                    {hubless(f.owner), nil, "fault.hub_required"},
			"in a hub that is not theirs":      {api.Actor{User: f.elsewhere().User.ID, Hub: &f.hub}, nil, "fault.no_access"},
			"an administrator":                 {f.by(accounts.RoleAdministrator), nil, ""},
			"an administrator, their own role": {f.by(accounts.RoleAdministrator), roles(accounts.RoleAdministrator), ""},
			"an administrator, more":           {f.by(accounts.RoleAdministrator), roles(accounts.RoleTechnicalAdministrator), "fault.forbidden"},
			"a technical one":                  {f.by(accounts.RoleTechnicalAdministrator), roles(accounts.RoleTechnicalAdministrator), ""},
			"a technical one, more":            {f.by(accounts.RoleTechnicalAdministrator), roles(accounts.RoleOwner), "fault.forbidden"},
			"an owner":                         {f.by(accounts.RoleOwner), roles(accounts.RoleOwner), ""},
		} {
			before := f.count(`SELECT COUNT(*) FROM memberships`)
			r := adding(tt.by, "new"+string(rune('a'+before))+"@example.com", false)
			r.Role = tt.role
			m, err := f.AddMember(t.Context(), r)
			if tt.refused != "" {
				requireFault(f.t, err, fault.Forbidden, tt.refused)
				require.Equal(f.t, before, f.count(`SELECT COUNT(*) FROM memberships`), name)
				continue
			}
			require.NoError(f.t, err, name)
			want := accounts.RoleUser
			if tt.role != nil {
				want = *tt.role
			}
			require.Equal(f.t, want, m.Role, name)
		}
	})
}

func TestAddRefusesBadInput(t *testing.T) {
	onTeam(t, func(f *team) {
		none, six := accounts.RoleNone, accounts.Role(6)
		for _, tt := range []struct {
			change func(*accounts.AddMemberRequest)
			broken map[string][]string
		}{
			{func(r *accounts.AddMemberRequest) { r.Email = "x" }, map[string][]string{"email": {"validation.email"}}},
			{func(r *accounts.AddMemberRequest) { r.Email = "" }, map[string][]string{"email": {"validation.required"}}},
			{func(r *accounts.AddMemberRequest) { r.LastName = "a\x00" }, map[string][]string{"last_name": {"validation.control_characters"}}},
			{func(r *accounts.AddMemberRequest) { r.Language = 2 }, map[string][]string{"language": {"validation.one_of"}}},
			{func(r *accounts.AddMemberRequest) { r.Role = &none }, map[string][]string{"role": {"validation.one_of"}}},
			{func(r *accounts.AddMemberRequest) { r.Role = &six }, map[string][]string{"role": {"validation.one_of"}}},
		} {
			r := adding(f.by(accounts.RoleOwner), "new@example.com", true)
			tt.change(&r)
			_, err := f.AddMember(t.Context(), r)
			require.Equal(f.t, tt.broken, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
		}
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users WHERE status = 2`))
	})
}

// TestAddingTellsNothingOfAnAccount compares the answers, and the statements that
// they take instead of the time, for addresses with and without an account.
func TestAddingTellsNothingOfAnAccount(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{db.SQLite, db.Postgres} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			recorder := tracetest.NewSpanRecorder()
			tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
			d, err := db.Open(t.Context(), testkit.DatabaseURL(t, dialect), db.Options{
				Service: accounts.Name, Migrations: Migrations, Tracer: tracer,
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, d.Close()) })
			require.NoError(t, d.Migrate(t.Context()))

			f := newFixture(t, d)
			owner := f.register("owner@example.com")
			f.register("active@example.com")
			f.register("disabled@example.com")
			f.exec(`UPDATE users SET status = 0 WHERE email = 'disabled@example.com'`)
			f.initiate("invited@example.com")

			add := func(email string) (accounts.Member, []string) {
				recorder.Reset()
				ctx, span := tracer.Tracer("test").Start(t.Context(), "adding")
				m, err := f.AddMember(ctx, adding(actor(owner), email, true))
				span.End()
				require.NoError(t, err)
				require.Equal(t, email, m.User.Email)
				require.Greater(t, m.User.ID, int64(1<<40), "an id that tells how old the account is")
				require.Zero(t, f.count(`SELECT COUNT(*) FROM users WHERE hash = $1`, m.User.Hash))
				m.User.ID, m.User.Hash, m.User.Email = 0, "", ""
				return m, texts(recorder.Ended())
			}
			want, statements := add("new@example.com")
			require.Equal(t, []any{"Uli", "Hoeneß", accounts.Invited}, []any{want.User.FirstName, want.User.LastName, want.User.Status})
			require.Nil(t, want.JoinedTime)
			require.NotNil(t, want.InvitedTime)
			for _, email := range []string{"active@example.com", "disabled@example.com", "invited@example.com"} {
				got, took := add(email)
				require.Empty(t, cmp.Diff(want, got), email)
				require.Equal(t, statements, took, email)
			}

			f.deliver()
			for email, invited := range map[string]bool{
				"new@example.com": true, "active@example.com": true, "invited@example.com": true, "disabled@example.com": false,
			} {
				sent := f.mail.to(email)
				require.Equal(t, invited, len(sent) > 0 && sent[len(sent)-1].Template == mail.Invitation, email)
			}
			list, err := f.ListMembers(t.Context(), accounts.ListMembersRequest{Actor: actor(owner), Page: api.Page{Number: 1, Size: 10}})
			require.NoError(t, err)
			require.Equal(t, 5, list.Total)
			for _, m := range list.Members {
				if m.JoinedTime == nil {
					require.Equal(t, []any{"Uli", accounts.Invited}, []any{m.User.FirstName, m.User.Status})
				}
			}
		})
	}
}

func TestNobodyIsAddedTwice(t *testing.T) {
	onTeam(t, func(f *team) {
		by := f.by(accounts.RoleAdministrator)
		f.add(by, "new@example.com", false)
		for _, email := range []string{"new@example.com", "NEW@example.com", "owner@example.com", "passive@example.com"} {
			_, err := f.AddMember(t.Context(), adding(by, email, true))
			requireFault(f.t, err, fault.Conflict, "fault.member_exists")
		}
		requireOne(f.t, atOnce(4, func(int) error {
			_, err := f.AddMember(t.Context(), adding(by, "another@example.com", true))
			return err
		}), fault.Conflict)
		require.EqualValues(f.t, 7, f.count(`SELECT COUNT(*) FROM memberships WHERE hub_id = $1`, f.hub))
		require.EqualValues(f.t, 2, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'member.added'`))
	})
}

func TestWhoeverHasNotJoinedSeesNothing(t *testing.T) {
	onTeam(t, func(f *team) {
		other := f.elsewhere()
		listed := f.add(f.by(accounts.RoleOwner), "elsewhere@example.com", true)
		account, err := f.Describe(t.Context(), accounts.DescribeRequest{User: other.User.ID})
		require.NoError(f.t, err)
		require.Len(f.t, account.Hubs, 1)
		_, err = f.Describe(t.Context(), accounts.DescribeRequest{User: other.User.ID, Hub: &f.hub})
		requireFault(f.t, err, fault.Forbidden, "fault.forbidden")
		_, err = f.GetHub(t.Context(), accounts.HubRequest{Actor: hubless(other), Hub: api.Ref{ID: f.hub}})
		requireFault(f.t, err, fault.NotFound, "fault.not_found")
		inside := actor(other)
		inside.Hub = &f.hub
		_, err = f.ListMembers(t.Context(), accounts.ListMembersRequest{Actor: inside, Page: api.Page{Number: 1, Size: 1}})
		requireFault(f.t, err, fault.Forbidden, "fault.no_access")

		// The hub knows them by its own id and hash alone.
		for _, account := range []api.Ref{{ID: other.User.ID}, {Hash: other.User.Hash}} {
			_, err = f.GetMember(t.Context(), accounts.MemberRequest{Actor: f.by(accounts.RoleOwner), Member: account})
			requireFault(f.t, err, fault.NotFound, "fault.not_found")
		}
		require.Empty(f.t, cmp.Diff(listed, f.get(api.Ref{ID: listed.User.ID})))
		require.Empty(f.t, cmp.Diff(listed, f.get(api.Ref{Hash: listed.User.Hash})))
	})
}

func TestListedUsersAreNotSwept(t *testing.T) {
	onTeam(t, func(f *team) {
		listed := f.add(f.by(accounts.RoleOwner), "new@example.com", false)
		f.clock.Advance(2 * month)
		require.NoError(f.t, f.sweep(t.Context()))
		f.get(api.Ref{ID: listed.User.ID})
		_, err := f.RemoveMember(t.Context(), accounts.MemberRequest{Actor: f.by(accounts.RoleOwner), Member: api.Ref{ID: listed.User.ID}})
		require.NoError(f.t, err)
		require.NoError(f.t, f.sweep(t.Context()))
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM users WHERE status = 2`))
	})
}

func TestAnInvitedPersonIsInvitedInTheirLanguage(t *testing.T) {
	onTeam(t, func(f *team) {
		other := f.elsewhere()
		f.exec(`UPDATE users SET language = 0 WHERE id = $1`, other.User.ID)
		f.add(f.by(accounts.RoleOwner), "elsewhere@example.com", true)
		f.add(f.by(accounts.RoleOwner), "new@example.com", true)
		f.deliver()
		last := func(email string) mail.SendRequest {
			sent := f.mail.to(email)
			return sent[len(sent)-1]
		}
		require.Equal(f.t, int(accounts.German), last("elsewhere@example.com").Language)
		require.Equal(f.t, int(accounts.English), last("new@example.com").Language)
		require.Equal(f.t, "Nordantech", last("new@example.com").Data["hub"])
		require.Equal(f.t, f.clock.Now().Add(14*24*time.Hour).UnixMicro(),
			f.count(`SELECT MAX(expiration_time) FROM activations WHERE hub_id = $1`, f.hub))
	})
}
