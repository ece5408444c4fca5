package accounts

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// actor is the user in their hub.
func actor(i accounts.Identity) api.Actor {
	return api.Actor{User: i.User.ID, Hub: &i.Hub.ID, Session: 7, Origin: browser}
}

// join makes a new active user a member of a hub.
func (f *fixture) join(email string, hub int64, role accounts.Role) accounts.Identity {
	f.t.Helper()
	i := f.register(email)
	f.exec(`DELETE FROM memberships WHERE user_id = $1`, i.User.ID)
	require.NoError(f.t, f.db.Tx(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		return store.Join(ctx, tx, hub, store.User{User: i.User}, role, f.clock.Now())
	}))
	i.Hub = &accounts.Hub{ID: hub}
	return i
}

// record writes down n events of a kind about a user, in their hub.
func (f *fixture) record(kind string, i accounts.Identity, n int) {
	f.t.Helper()
	for range n {
		f.clock.Advance(time.Second)
		_, err := f.RecordEvent(f.t.Context(), accounts.RecordEventRequest{
			Key: fmt.Sprintf("%s/%d", kind, f.clock.Now().UnixNano()), Kind: kind, User: i.User.ID, Hub: &i.Hub.ID,
			ActorUser: &i.User.ID, Origin: browser, Time: f.clock.Now(),
		})
		require.NoError(f.t, err)
	}
}

func (f *fixture) events(r accounts.ListEventsRequest) accounts.EventList {
	f.t.Helper()
	list, err := f.ListEvents(f.t.Context(), r)
	require.NoError(f.t, err)
	return list
}

func kinds(list accounts.EventList) (all []string) {
	for _, e := range list.Events {
		all = append(all, e.Kind)
	}
	return all
}

func TestEventsAreListedNewestFirst(t *testing.T) {
	onEach(t, func(f *fixture) {
		owner := f.register(olliMail)
		f.exec(`DELETE FROM audit`)
		f.record("token.created", owner, 1)
		from := f.clock.Now()
		f.record("token.deleted", owner, 2)
		f.record("login_x.tried", owner, 1)
		to := f.clock.Now()
		a := actor(owner)
		all := f.events(accounts.ListEventsRequest{Actor: a})
		require.Equal(f.t, []string{"login_x.tried", "token.deleted", "token.deleted", "token.created"}, kinds(all))
		require.Equal(f.t, 4, all.Total)
		person := accounts.Person{ID: owner.User.ID, Hash: owner.User.Hash, FirstName: "Olli", LastName: "Kahn"}
		require.Empty(f.t, cmp.Diff(accounts.Event{
			ID: all.Events[0].ID, Kind: "login_x.tried", User: &person, Hub: a.Hub, Actor: "user", ActorUser: &person,
			Address: browser.Address, UserAgent: browser.UserAgent, Detail: map[string]any{}, CreatedTime: to,
		}, all.Events[0]))

		second, unknown := all.Events[1].ID, api.Ref{Hash: "0000000000000000000000000000000000000000"}
		for name, tt := range map[string]struct {
			r     accounts.ListEventsRequest
			want  []string
			total int
		}{
			"kind":         {accounts.ListEventsRequest{Kind: "token.deleted"}, []string{"token.deleted", "token.deleted"}, 2},
			"prefix":       {accounts.ListEventsRequest{Kind: "token."}, []string{"token.deleted", "token.deleted", "token.created"}, 3},
			"other prefix": {accounts.ListEventsRequest{Kind: "tokens."}, nil, 0},
			"no wildcard":  {accounts.ListEventsRequest{Kind: "______."}, nil, 0},
			"no kind":      {accounts.ListEventsRequest{Kind: "token\x00"}, nil, 0},
			"user":         {accounts.ListEventsRequest{User: &api.Ref{Hash: owner.User.Hash}, Kind: "token.created"}, []string{"token.created"}, 1},
			"user's id":    {accounts.ListEventsRequest{User: &api.Ref{ID: owner.User.ID}, Kind: "token.created"}, []string{"token.created"}, 1},
			"nobody":       {accounts.ListEventsRequest{User: &unknown}, nil, 0},
			"somebody":     {accounts.ListEventsRequest{User: &api.Ref{ID: owner.User.ID + 1}}, nil, 0},
			"from, to":     {accounts.ListEventsRequest{From: &from, To: &to}, []string{"token.deleted", "token.deleted", "token.created"}, 3},
			"page":         {accounts.ListEventsRequest{Page: api.Page{Number: 2, Size: 3}}, []string{"token.created"}, 4},
			"past the end": {accounts.ListEventsRequest{Page: api.Page{Number: 9, Size: 3}}, nil, 4},
			"before":       {accounts.ListEventsRequest{Before: second, Page: api.Page{Number: 9, Size: 1}}, []string{"token.deleted"}, 0},
		} {
			tt.r.Actor = a
			got := f.events(tt.r)
			require.Equal(f.t, tt.want, kinds(got), name)
			require.Equal(f.t, tt.total, got.Total, name)
			tt.r.Own = true
			got = f.events(tt.r)
			require.Equal(f.t, tt.want, kinds(got), "own, %s", name)
		}
	})
}

func TestWhoMayListEvents(t *testing.T) {
	onEach(t, func(f *fixture) {
		owner := f.register(olliMail)
		user := f.join("user@example.com", owner.Hub.ID, accounts.RoleUser)
		admin := f.join("admin@example.com", owner.Hub.ID, accounts.RoleAdministrator)
		stranger := f.register("stranger@example.com")
		f.exec(`DELETE FROM audit`)
		f.record("token.created", user, 1)
		f.record("token.deleted", owner, 1)
		f.record("token.hidden", stranger, 1)

		for name, a := range map[string]api.Actor{
			"a user":   actor(user),
			"stranger": {User: stranger.User.ID, Hub: &owner.Hub.ID},
		} {
			_, err := f.ListEvents(t.Context(), accounts.ListEventsRequest{Actor: a})
			require.Equal(f.t, fault.Forbidden, fault.From(err).Kind, name)
		}
		_, err := f.ListEvents(t.Context(), accounts.ListEventsRequest{Actor: api.Actor{User: owner.User.ID}})
		requireFault(f.t, err, fault.Forbidden, "fault.hub_required")

		require.Equal(f.t, []string{"token.deleted", "token.created"}, kinds(f.events(accounts.ListEventsRequest{Actor: actor(admin)})))
		require.Equal(f.t, []string{"token.created"}, kinds(f.events(accounts.ListEventsRequest{Actor: actor(user), Own: true})))
		require.Equal(f.t, []string{"token.hidden"}, kinds(f.events(accounts.ListEventsRequest{Actor: api.Actor{User: stranger.User.ID}, Own: true})))
		require.Empty(f.t, f.events(accounts.ListEventsRequest{Actor: actor(user), Own: true, User: &api.Ref{ID: owner.User.ID}}).Events)
	})
}

// TestAHubDoesNotLearnWhomItInvites: the account may be somebody's who is known
// elsewhere.
func TestAHubDoesNotLearnWhomItInvites(t *testing.T) {
	onEach(t, func(f *fixture) {
		owner, stranger := f.register(olliMail), f.register("stranger@example.com")
		f.exec(`DELETE FROM audit`)
		stranger.Hub = owner.Hub
		f.record("invitation.sent", stranger, 1)
		shown := func(user api.Ref) *accounts.Person {
			list := f.events(accounts.ListEventsRequest{Actor: actor(owner), User: &user})
			if len(list.Events) == 0 {
				return nil
			}
			require.Equal(f.t, list.Events[0].User, f.events(accounts.ListEventsRequest{Actor: actor(owner)}).Events[0].User)
			return list.Events[0].User
		}
		account := accounts.Person{ID: stranger.User.ID, Hash: stranger.User.Hash, FirstName: "Olli", LastName: "Kahn"}
		byID, byHash := api.Ref{ID: stranger.User.ID}, api.Ref{Hash: stranger.User.Hash}
		require.Nil(f.t, f.events(accounts.ListEventsRequest{Actor: actor(owner)}).Events[0].User, "not listed")
		require.Nil(f.t, shown(byID))
		require.Nil(f.t, shown(byHash))

		listed := accounts.Person{ID: 4711, Hash: "1daa7da5ba074972eb3d4552414928f5201541f3", FirstName: "Uli"}
		f.exec(`INSERT INTO memberships (hub_id, user_id, number, hash, first_name, role, created_time, modified_time)
			VALUES ($1, $2, $3, $4, $5, 2, 1, 1)`, owner.Hub.ID, stranger.User.ID, listed.ID, listed.Hash, listed.FirstName)
		require.Equal(f.t, &listed, shown(api.Ref{ID: listed.ID}))
		require.Equal(f.t, &listed, shown(api.Ref{Hash: listed.Hash}))
		require.Nil(f.t, shown(byID))
		require.Nil(f.t, shown(byHash))

		f.exec(`DELETE FROM memberships WHERE user_id = $1 AND number = 4711`, stranger.User.ID)
		f.record("member.left", stranger, 1)
		require.Equal(f.t, &account, shown(byID), "was in it")
		require.Equal(f.t, &account, shown(byHash), "was in it")
		require.Equal(f.t, &account, f.events(accounts.ListEventsRequest{Actor: actor(stranger), Own: true}).Events[0].User)
	})
}

func TestAnEventIsRecordedOncePerKey(t *testing.T) {
	onEach(t, func(f *fixture) {
		user := f.register(olliMail)
		before := len(f.mail.to(olliMail))
		r := accounts.RecordEventRequest{
			Key: "t/1", Kind: "token.created", User: user.User.ID, ActorUser: &user.User.ID, Origin: browser,
			Detail: map[string]any{"name": "CI"}, Time: f.clock.Now(), Notify: true,
		}
		s := f.local(api.Sessions)
		for _, err := range atOnce(4, func(int) error { _, err := s.RecordEvent(t.Context(), r); return err }) {
			require.NoError(f.t, err)
		}
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE kind = 'token.created'`))
		f.deliver()
		sent := f.mail.to(olliMail)[before:]
		require.Len(f.t, sent, 1)
		require.Equal(f.t, mail.SecurityNotice, sent[0].Template)
		require.Equal(f.t, map[string]string{
			"event": "token_created", "time": f.clock.Now().Format(time.RFC3339), "subject": "CI",
			"address": browser.Address, "device": browser.UserAgent,
		}, sent[0].Data)

		for i, change := range []func(*accounts.RecordEventRequest){
			func(r *accounts.RecordEventRequest) { r.User += 1000 },
			func(r *accounts.RecordEventRequest) { r.Kind = "unheard.of" },
			func(r *accounts.RecordEventRequest) { r.User, r.ActorUser = 0, nil },
		} {
			other := r
			other.Key = fmt.Sprint("other/", i)
			change(&other)
			_, err := s.RecordEvent(t.Context(), other)
			require.NoError(f.t, err)
		}
		f.deliver()
		require.Len(f.t, f.mail.to(olliMail)[before:], 1, "no notice of these")
		require.EqualValues(f.t, 3, f.count(`SELECT COUNT(*) FROM audit WHERE event_key LIKE 'other/%'`))
		require.EqualValues(f.t, 1, f.count(`SELECT COUNT(*) FROM audit WHERE actor = 'system' AND user_id IS NULL AND event_key LIKE 'other/%'`))
	})
}

func TestWrongEventsAreRefused(t *testing.T) {
	onEach(t, func(f *fixture) {
		for name, r := range map[string]accounts.RecordEventRequest{
			"no key": {Kind: "a.b"}, "long key": {Key: fmt.Sprintf("%201d", 1), Kind: "a.b"}, "no text": {Key: "\xff", Kind: "a.b"},
			"no kind": {Key: "k"}, "a prefix": {Key: "k", Kind: "a."}, "a sentence": {Key: "k", Kind: "a.b c"}, "three parts": {Key: "k", Kind: "a.b.c"},
		} {
			_, err := f.RecordEvent(t.Context(), r)
			require.Equal(f.t, fault.Invalid, fault.From(err).Kind, name)
		}
		require.Zero(f.t, f.count(`SELECT COUNT(*) FROM audit`))
	})
}
