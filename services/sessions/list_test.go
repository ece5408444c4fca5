package sessions

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *fixture) list(user int64, p api.Page) (ids []int64, total int) {
	f.t.Helper()
	list, err := f.List(f.t.Context(), sessions.ListRequest{User: user, Page: p})
	require.NoError(f.t, err)
	ids = []int64{}
	for _, s := range list.Sessions {
		ids = append(ids, s.ID)
	}
	return ids, list.Total
}

func TestListShowsOpenFullSessions(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.open(login(olli, ref(1))) // will have expired
		f.clock.Advance(shortLife)
		one, two, three := f.open(login(olli, ref(1))), f.open(login(olli, nil)), f.open(login(olli, nil))
		f.open(step(sessions.ScopeCode))
		parent := f.open(login(mia, ref(1)))
		child := f.impersonate(parent, olli)
		ended := f.open(login(olli, nil))
		f.end(ended.Session.ID)

		all := api.Page{Number: 1, Size: 100}
		ids, total := f.list(olli, all)
		assert.Equal(t, []int64{child.Session.ID, three.Session.ID, two.Session.ID, one.Session.ID}, ids, "the newest first")
		assert.Equal(t, 4, total)

		f.clock.Advance(2 * time.Second)
		f.good(two)
		f.housekeeping(t.Context()) // writes it
		f.clock.Advance(time.Second)
		f.good(one) // only in memory
		want := []int64{one.Session.ID, two.Session.ID, child.Session.ID, three.Session.ID}
		ids, _ = f.list(olli, all)
		assert.Equal(t, want, ids, "the last used first")

		for page, part := range [][]int64{want[:3], want[3:], {}} {
			ids, total = f.list(olli, api.Page{Number: page + 1, Size: 3})
			assert.Equal(t, part, ids)
			assert.Equal(t, 4, total)
		}
		ids, _ = f.list(olli, api.Page{Number: math.MaxInt, Size: math.MaxInt})
		assert.Empty(t, ids)
		ids, _ = f.list(olli, api.Page{})
		assert.Equal(t, want, ids)
		ids, total = f.list(99, all)
		assert.Empty(t, ids)
		assert.Zero(t, total)
	})
}

func TestEndOfASessionOfMine(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token, others, narrow := f.open(login(olli, ref(1))), f.open(login(mia, ref(1))), f.open(step(sessions.ScopeCode))
		expired := f.open(login(olli, nil))
		f.clock.Advance(25 * time.Minute)
		token, others = f.refresh(token), f.refresh(others)
		f.clock.Advance(5 * time.Minute)
		narrowAgain := f.open(step(sessions.ScopeCode))
		for _, id := range []int64{others.Session.ID, narrow.Session.ID, narrowAgain.Session.ID, expired.Session.ID, 987654} {
			_, err := f.End(t.Context(), sessions.EndRequest{Session: id, User: olli})
			requireFault(t, err, fault.NotFound, "fault.not_found")
		}
		f.good(token, others, narrowAgain)
		assert.Empty(t, f.audited())

		request := sessions.EndRequest{Session: token.Session.ID, User: olli, Origin: browser}
		_, err := f.End(t.Context(), request)
		require.NoError(t, err)
		f.over(token)
		_, err = f.End(t.Context(), request)
		requireFault(t, err, fault.NotFound, "fault.not_found")
		assert.Equal(t, []accounts.RecordEventRequest{{
			Kind: "session.ended", User: olli, Hub: ref(1), ActorUser: ref(olli), Origin: browser, Time: f.clock.Now(),
			Detail: map[string]any{"session": float64(token.Session.ID)},
		}}, f.audited())
	})
}

func TestForgetLeavesNothingOfTheUser(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		own, ended := f.open(login(olli, ref(1))), f.open(login(olli, ref(1)))
		f.end(ended.Session.ID)
		child := f.impersonate(own, mia)
		others := f.open(login(mia, ref(1)))
		pat, kept := f.accessToken(own, sessions.CreateAccessTokenRequest{}), f.accessToken(others, sessions.CreateAccessTokenRequest{})
		f.good(own, child, others)
		f.use(pat)
		f.writeUses(t.Context())
		for range 2 {
			_, err := f.Forget(t.Context(), sessions.ForgetRequest{User: olli})
			require.NoError(t, err)
		}
		f.over(own, child, ended)
		f.good(others)
		f.use(kept)
		feed := f.revoked(time.Time{}).Sessions
		assert.ElementsMatch(t, []int64{own.Session.ID, ended.Session.ID, child.Session.ID}, feed)
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM sessions WHERE address <> '' OR user_agent <> ''`), "mia's")
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM session_uses`))
		assert.Zero(t, f.count(`SELECT COUNT(*) FROM access_tokens WHERE user_id = $1`, olli))
		assert.Zero(t, f.count(`SELECT COUNT(*) FROM access_token_uses`))
		assert.Zero(t, f.count(`SELECT COUNT(*) FROM session_users WHERE user_id = $1`, olli))

		f.clock.Advance(retention + time.Second)
		f.housekeeping(t.Context())
		assert.Zero(t, f.count(`SELECT COUNT(*) FROM sessions WHERE user_id = $1`, olli))
		_, err := f.Forget(t.Context(), sessions.ForgetRequest{})
		requireFault(t, err, fault.Invalid, "fault.invalid")
	})
}
