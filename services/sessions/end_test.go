package sessions

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func (f *fixture) endAll(r sessions.EndAllRequest) {
	f.t.Helper()
	_, err := f.EndAll(f.t.Context(), r)
	require.NoError(f.t, err)
}

func (f *fixture) revoked(since time.Time) sessions.Revocations {
	f.t.Helper()
	feed, err := f.Revocations(f.t.Context(), sessions.RevocationsRequest{Since: since})
	require.NoError(f.t, err)
	return feed
}

func TestEndAllEndsWhatMatches(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		narrow := login(olli, ref(1))
		narrow.Scope = sessions.ScopePasswordUpdate
		inHub, inOther, hubless := f.open(login(olli, ref(1))), f.open(login(olli, ref(2))), f.open(login(olli, nil))
		inScope, others := f.open(narrow), f.open(login(mia, ref(1)))

		f.endAll(sessions.EndAllRequest{User: olli, Hub: ref(1), Except: &inHub.Session.ID})
		f.over(inScope)
		f.good(inHub, inOther, hubless, others)
		f.endAll(sessions.EndAllRequest{User: olli, Hub: ref(1)})
		f.over(inHub)
		f.good(inOther, hubless, others)
		f.endAll(sessions.EndAllRequest{User: olli, Except: &hubless.Session.ID})
		f.over(inOther)
		f.good(hubless, others)
		f.endAll(sessions.EndAllRequest{User: olli})
		f.over(hubless)
		f.good(others)
	})
}

// A password change is relayed by an outbox: late, and perhaps twice.
func TestRelayedEndAllSparesWhatCameAfterItsCause(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		before := f.open(login(olli, nil))
		f.clock.Advance(time.Second)
		cause := f.clock.Now()
		after := f.open(login(olli, nil))
		f.clock.Advance(time.Minute)
		for range 2 {
			f.endAll(sessions.EndAllRequest{User: olli, Before: cause})
			f.over(before)
			f.good(after)
		}
	})
}

func TestProofFromBeforeTheEndOpensNothing(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		proved := f.clock.Now()
		f.clock.Advance(time.Second)
		changed := f.clock.Now()
		f.clock.Advance(time.Second)
		f.endAll(sessions.EndAllRequest{User: olli, Before: changed})
		f.endAll(sessions.EndAllRequest{User: olli, Before: proved.Add(-time.Hour)}) // a late one takes nothing back

		late := login(olli, nil)
		late.AuthenticatedTime = proved
		_, err := f.Create(t.Context(), late)
		requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
		late.User = mia
		f.good(f.open(late))
		late.User, late.AuthenticatedTime = olli, changed
		token := f.open(late)
		assert.True(t, token.Session.AuthenticatedTime.Equal(changed))
		f.good(token, f.open(login(olli, nil)))
	})
}

// A gateway whose clock is ahead cannot vouch for what is yet to come.
func TestProofIsNotOfTheFuture(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, nil)
		request.AuthenticatedTime = f.clock.Now().Add(time.Minute)
		token := f.open(request)
		assert.True(t, token.Session.AuthenticatedTime.Equal(f.clock.Now()))
		f.clock.Advance(time.Second)
		f.endAll(sessions.EndAllRequest{User: olli, Before: f.clock.Now()})
		f.over(token)
	})
}

// Leaving one hub says nothing about the proofs for others.
func TestEndAllInAHubRefusesNoProof(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, ref(2))
		request.AuthenticatedTime = f.clock.Now()
		f.clock.Advance(time.Second)
		f.endAll(sessions.EndAllRequest{User: olli, Hub: ref(1)})
		f.good(f.open(request))
	})
}

// Whichever comes first, no session of the old proof is left.
func TestLoginRacesAPasswordChange(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for range 10 {
			stale := login(olli, nil)
			stale.AuthenticatedTime = f.clock.Now()
			f.clock.Advance(time.Second)
			changed := f.clock.Now()
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() { _, _ = f.Create(t.Context(), stale) })
			}
			all.Go(func() {
				_, err := f.EndAll(t.Context(), sessions.EndAllRequest{User: olli, Before: changed})
				assert.NoError(t, err)
			})
			all.Wait()
			require.Zero(t, f.count(`SELECT COUNT(*) FROM sessions WHERE ended_time IS NULL`))
		}
	})
}

func TestRevocationsOverlap(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		hub := login(olli, nil)
		hub.Limit = 1
		surplus := f.open(hub)
		ended := f.open(hub)
		expired := f.open(login(mia, nil))
		require.Equal(t, []int64{surplus.Session.ID}, f.revoked(time.Time{}).Sessions)
		_, err := f.End(t.Context(), sessions.EndRequest{Session: ended.Session.ID})
		require.NoError(t, err)
		first := f.revoked(time.Time{})
		require.ElementsMatch(t, []int64{surplus.Session.ID, ended.Session.ID}, first.Sessions)

		f.clock.Advance(overlap)
		second := f.revoked(first.Now)
		require.Len(t, second.Sessions, 2, "the answer reaches back further by the overlap")
		third := f.revoked(second.Now)
		require.Len(t, third.Sessions, 2)
		f.clock.Advance(time.Microsecond)
		require.Empty(t, f.revoked(f.clock.Now()).Sessions)
		f.clock.Advance(time.Minute - time.Microsecond)
		require.Len(t, f.revoked(time.Time{}).Sessions, 2, "the last minute, and the overlap")
		f.clock.Advance(time.Microsecond)
		require.Empty(t, f.revoked(time.Time{}).Sessions)

		f.clock.Advance(58 * time.Minute)
		f.over(expired)
		require.Len(t, f.revoked(first.Now).Sessions, 2)
		f.clock.Advance(time.Hour)
		require.Empty(t, f.revoked(first.Now).Sessions, "an hour is as far as it goes")
	})
}

func TestEndOfAnEndedSessionIsNoNews(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, nil))
		request := sessions.EndRequest{Session: token.Session.ID}
		_, err := f.End(t.Context(), request)
		require.NoError(t, err)
		f.clock.Advance(5 * time.Minute)
		_, err = f.End(t.Context(), request)
		require.NoError(t, err)
		f.endAll(sessions.EndAllRequest{User: olli})
		require.Empty(t, f.revoked(time.Time{}).Sessions)
	})
}

// TestTheFeedReachesAcrossWrongClocks asks from the time of a replica whose clock
// is half a minute ahead of the one that ends the session.
func TestTheFeedReachesAcrossWrongClocks(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, ref(1)))
		_, err := f.End(t.Context(), sessions.EndRequest{Session: token.Session.ID})
		require.NoError(t, err)
		assert.Contains(t, f.revoked(f.clock.Now().Add(30*time.Second)).Sessions, token.Session.ID)
	})
}
