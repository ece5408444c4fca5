package accounts

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *team) list(change func(*accounts.ListMembersRequest)) (emails []string, total int) {
	f.t.Helper()
	r := accounts.ListMembersRequest{Actor: f.by(accounts.RoleUser), Page: firstPage}
	change(&r)
	got, err := f.ListMembers(f.t.Context(), r)
	require.NoError(f.t, err)
	for _, m := range got.Members {
		emails = append(emails, m.User.Email)
	}
	return emails, got.Total
}

func TestListingMembers(t *testing.T) {
	onTeam(t, func(f *team) {
		for i, name := range []string{"Anna", "ÄNNE", "ben_100%", "Ben\\x"} {
			r := adding(f.by(accounts.RoleOwner), fmt.Sprintf("Listed%d@example.com", i), false)
			r.FirstName, r.LastName = name, ""
			_, err := f.AddMember(t.Context(), r)
			require.NoError(f.t, err)
		}
		other := f.elsewhere() // called Olli, listed as Zoe
		r := adding(f.by(accounts.RoleOwner), "Elsewhere@example.com", false)
		r.FirstName, r.LastName = "Zoe", ""
		_, err := f.AddMember(t.Context(), r)
		require.NoError(f.t, err)
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, f.admin.User.ID)
		f.exec(`UPDATE users SET status = 0 WHERE id = $1`, other.User.ID)

		for name, tt := range map[string]struct {
			change func(*accounts.ListMembersRequest)
			want   []string
			total  int
		}{
			"by name": {func(r *accounts.ListMembersRequest) { r.Page.Size = 3 },
				[]string{"Listed0@example.com", "Listed2@example.com", "Listed3@example.com"}, 10},
			"a part of a name":           {func(r *accounts.ListMembersRequest) { r.Query = "NN" }, []string{"Listed0@example.com", "Listed1@example.com"}, 2},
			"whatever its case":          {func(r *accounts.ListMembersRequest) { r.Query = "änn" }, []string{"Listed1@example.com"}, 1},
			"no wildcard %":              {func(r *accounts.ListMembersRequest) { r.Query = "%" }, []string{"Listed2@example.com"}, 1},
			"no wildcard _":              {func(r *accounts.ListMembersRequest) { r.Query = "n_1" }, []string{"Listed2@example.com"}, 1},
			"no escape":                  {func(r *accounts.ListMembersRequest) { r.Query = `\` }, []string{"Listed3@example.com"}, 1},
			"a part of an address":       {func(r *accounts.ListMembersRequest) { r.Query = "USER@" }, []string{"user@example.com"}, 1},
			"of one not joined":          {func(r *accounts.ListMembersRequest) { r.Query = "LISTED3@" }, []string{"Listed3@example.com"}, 1},
			"first and last name":        {func(r *accounts.ListMembersRequest) { r.Query = " olli  kahn "; r.Role = to(accounts.RoleUser) }, []string{"user@example.com"}, 1},
			"a name the hub cannot know": {func(r *accounts.ListMembersRequest) { r.Query = "olli"; r.Status = to(accounts.Invited) }, nil, 0},
			"by role":                    {func(r *accounts.ListMembersRequest) { r.Role = to(accounts.RoleOwner) }, []string{"owner@example.com"}, 1},
			"disabled":                   {func(r *accounts.ListMembersRequest) { r.Status = to(accounts.Disabled) }, []string{"admin@example.com"}, 1},
			"an account's status the hub cannot know": {func(r *accounts.ListMembersRequest) { r.Status = to(accounts.Invited); r.Query = "zoe" },
				[]string{"Elsewhere@example.com"}, 1},
			"beyond the end": {func(r *accounts.ListMembersRequest) { r.Page.Number = 2 }, nil, 10},
		} {
			got, total := f.list(tt.change)
			require.Equal(f.t, tt.total, total, name)
			require.ElementsMatch(f.t, tt.want, got, name)
		}
		for _, a := range []api.Actor{f.by(accounts.RolePassive), hubless(f.owner)} {
			_, err := f.ListMembers(t.Context(), accounts.ListMembersRequest{Actor: a, Page: firstPage})
			require.Equal(f.t, fault.Forbidden, fault.From(err).Kind)
		}
		_, err = f.ListMembers(t.Context(), accounts.ListMembersRequest{
			Actor: f.by(accounts.RoleUser), Page: api.Page{Number: -1, Size: 101}, Role: to(accounts.Role(-1)), Status: to(accounts.Status(3)), Query: "\x00",
		})
		require.Equal(f.t, map[string][]string{
			"page": {"validation.between"}, "per_page": {"validation.between"}, "role": {"validation.one_of"},
			"status": {"validation.one_of"}, "query": {"validation.control_characters"},
		}, messageIDs(requireFault(f.t, err, fault.Invalid, "fault.invalid")))
	})
}

// TestPagesHaveEverybodyOnce among members of one name, and finds a page by the
// index, however many members there are.
func TestPagesHaveEverybodyOnce(t *testing.T) {
	onTeam(t, func(f *team) {
		const many = 250
		f.crowd(many)
		seen := map[string]bool{}
		for page := 1; ; page++ {
			emails, total := f.list(func(r *accounts.ListMembersRequest) { r.Page = api.Page{Number: page, Size: 40} })
			require.Equal(f.t, many+5, total)
			for _, email := range emails {
				require.False(f.t, seen[email], "%s is on two pages", email)
				seen[email] = true
			}
			if len(emails) == 0 {
				break
			}
		}
		require.Len(f.t, seen, many+5)
	})
}

// crowd adds active members of the same name.
func (f *team) crowd(n int) {
	f.t.Helper()
	require.NoError(f.t, f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		for i := range n {
			_, err := tx.Exec(ctx, `INSERT INTO users (hash, first_name, email, email_key, status, language, locale, created_time, modified_time)
				VALUES ($1, 'Crowd', $1, $1, 1, 0, 0, 1, 1)`, fmt.Sprintf("crowd%d@example.com", i))
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO memberships (hub_id, user_id, number, hash, name_key, role, joined_time, created_time, modified_time)
			SELECT $1, id, id, hash, 'crowd', 2, 1, 1, 1 FROM users WHERE first_name = 'Crowd'`, f.hub)
		return err
	}))
}
