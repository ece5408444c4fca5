package sessions

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/sessions/internal/store"
)

func (f *fixture) switchHub(session int64, hub *int64) sessions.Token {
	f.t.Helper()
	token, err := f.SwitchHub(f.t.Context(), sessions.SwitchHubRequest{Session: session, Hub: hub, Origin: browser})
	require.NoError(f.t, err)
	return token
}

func (f *fixture) refresh(token sessions.Token) sessions.Token {
	f.t.Helper()
	fresh, err := f.Refresh(f.t.Context(), sessions.RefreshRequest{Token: token.Token, Origin: browser})
	require.NoError(f.t, err)
	return fresh
}

// The clock stands still: all tokens are of the same microsecond.
func TestTokensFromBeforeAChangeOfHubAreVoid(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.clock.Advance(time.Microsecond)
		first := f.open(login(olli, ref(1)))
		old := []sessions.Token{first, f.refresh(first)}
		for _, hub := range []*int64{ref(2), nil, ref(2), ref(2)} {
			next := f.switchHub(first.Session.ID, hub)
			assert.Equal(t, hub, next.Session.Hub)
			f.over(old...)
			f.good(next)
			_, err := f.Refresh(t.Context(), sessions.RefreshRequest{Token: old[len(old)-1].Token})
			requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
			fresh := f.refresh(next)
			f.good(next, fresh)
			claims := claimsOf(t, fresh.Token)
			if hub == nil {
				assert.Nil(t, claims["hub"])
			} else {
				assert.InDelta(t, float64(*hub), claims["hub"], 0)
			}
			old = append(old, next, fresh)
		}
	})
}

// Another process, whose clock is ahead, gave the last token.
func TestAChangeOfHubVoidsTokensOfAClockThatIsAhead(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		first := f.open(login(olli, ref(1)))
		f.clock.Advance(700 * time.Millisecond)
		ahead := f.refresh(first)
		behind := *f.Service
		behind.clock = testClockAt(f.clock.Now().Add(-700 * time.Millisecond))
		next, err := behind.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: first.Session.ID, Hub: ref(2)})
		require.NoError(t, err)
		f.over(first, ahead)
		f.good(next)
		_, err = behind.Resolve(t.Context(), sessions.ResolveRequest{Token: next.Token})
		require.NoError(t, err, "the token is good already for the clock that is behind")
		fresh, err := behind.Refresh(t.Context(), sessions.RefreshRequest{Token: next.Token})
		require.NoError(t, err)
		f.good(fresh)
		f.clock.Advance(time.Second)
		last := f.switchHub(first.Session.ID, ref(3))
		f.over(next, fresh)
		f.good(last)
	})
}

func TestAChangeOfHubExtendsTheSession(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, ref(1)))
		f.clock.Advance(20 * time.Minute)
		next, err := f.SwitchHub(t.Context(), sessions.SwitchHubRequest{
			Session: token.Session.ID, Origin: api.Origin{Address: "198.51.100.1", UserAgent: "Other/1"},
		})
		require.NoError(t, err)
		assert.Equal(t, 30, next.TTL)
		assert.True(t, next.ExpirationTime.Equal(f.clock.Now().Add(shortLife)))
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM sessions WHERE address = '198.51.100.1' AND user_agent = 'Browser/1'`))
	})
}

func TestAChangeOfHubKeepsTheLimitThere(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		moving := f.open(login(olli, ref(1))) // the oldest of all, and yet it stays
		stays := f.open(login(olli, ref(1)))
		first, second := f.open(login(olli, ref(2))), f.open(login(olli, ref(2)))
		child := f.impersonateIn(first, mia, 2)
		next, err := f.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: moving.Session.ID, Hub: ref(2), Limit: 2})
		require.NoError(t, err)
		f.good(next, second, stays)
		f.over(first, child)
		next, err = f.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: moving.Session.ID, Limit: 1})
		require.NoError(t, err)
		f.good(next, second, stays)
	})
}

func TestWhoMayNotChangeTheHub(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		parent, narrow := f.open(login(olli, ref(1))), f.open(step(sessions.ScopeCode))
		child := f.impersonate(parent, mia)
		_, err := f.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: narrow.Session.ID, Hub: ref(2)})
		requireFault(t, err, fault.Forbidden, "fault.scope")
		_, err = f.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: child.Session.ID, Hub: ref(2)})
		requireFault(t, err, fault.Forbidden, "fault.impersonating")
		_, err = f.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: parent.Session.ID, Limit: -1})
		requireFault(t, err, fault.Invalid, "fault.invalid")
		f.good(parent, narrow, child)

		_, err = f.End(t.Context(), sessions.EndRequest{Session: parent.Session.ID})
		require.NoError(t, err)
		for _, id := range []int64{parent.Session.ID, 987654} {
			_, err = f.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: id})
			requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
		}
	})
}

func TestTheFeedTellsOfAChangeUntilTheSessionEnds(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, ref(1)))
		require.Empty(t, f.revoked(time.Time{}).Changed)
		f.switchHub(token.Session.ID, ref(2))
		first := f.revoked(time.Time{})
		require.Len(t, first.Changed, 1)
		assert.Equal(t, token.Session.ID, first.Changed[0].Session)
		require.Empty(t, first.Sessions)
		assert.Equal(t, first.Changed, f.revoked(first.Now).Changed, "repeated as it was")
		f.switchHub(token.Session.ID, ref(1))
		second := f.revoked(first.Now).Changed
		require.Len(t, second, 1)
		assert.True(t, second[0].Time.After(first.Changed[0].Time), "even in the same microsecond")

		f.clock.Advance(overlap + time.Second)
		require.Empty(t, f.revoked(f.clock.Now()).Changed)
		f.switchHub(token.Session.ID, ref(2))
		_, err := f.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
		require.NoError(t, err)
		last := f.revoked(time.Time{})
		assert.Equal(t, []int64{token.Session.ID}, last.Sessions)
		assert.Empty(t, last.Changed)
	})
}

// The refresh had found its token good before the change was committed.
func TestARefreshThatAChangeOvertookGivesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, ref(1)))
		claims, _, err := f.check(t.Context(), token.Token, f.clock.Now())
		require.NoError(t, err)
		next := f.switchHub(token.Session.ID, ref(2))
		late := store.Extension{
			Session: token.Session.ID, Now: f.clock.Now().Add(time.Minute), Cutoff: f.clock.Now(),
			Expiration: f.clock.Now().Add(time.Hour), Issued: &claims.IssuedAt.Time,
		}
		err = f.db.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			_, err := store.Extend(ctx, tx, late)
			return err
		})
		require.ErrorIs(t, err, db.ErrNoRows)
		f.good(next)
	})
}

// However they interleave, of the tokens given one is good in the end: the last
// one, and what was refreshed from it.
func TestChangesOfHubAndRefreshesRace(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for range 5 {
			first := f.open(login(olli, ref(1)))
			var mu sync.Mutex
			tokens := []sessions.Token{first}
			keep := func(token sessions.Token, err error) {
				if err != nil {
					assert.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				tokens = append(tokens, token)
			}
			var all sync.WaitGroup
			for i := range 3 {
				all.Go(func() {
					keep(f.SwitchHub(t.Context(), sessions.SwitchHubRequest{Session: first.Session.ID, Hub: ref(int64(i + 2))}))
				})
				all.Go(func() { keep(f.Refresh(t.Context(), sessions.RefreshRequest{Token: first.Token})) })
			}
			all.Wait()
			good := map[int64]int{}
			for _, token := range tokens {
				if got, err := f.resolve(token.Token); err == nil {
					require.Equal(t, token.Session.Hub, got.Session.Hub)
					good[*got.Session.Hub]++
				}
			}
			assert.Len(t, good, 1)
			assert.NotContains(t, good, int64(1))
		}
	})
}
