package sessions

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const miaHash = "2b0e2e8d9b7f4a5c1d3e6f708192a3b4c5d6e7f8"

func (f *fixture) impersonate(parent sessions.Token, user int64) sessions.Token {
	f.t.Helper()
	return f.impersonateIn(parent, user, 1)
}

func (f *fixture) impersonateIn(parent sessions.Token, user, hub int64) sessions.Token {
	f.t.Helper()
	token, err := f.Impersonate(f.t.Context(), asMember(parent.Session.ID, user, hub))
	require.NoError(f.t, err)
	return token
}

func asMember(parent, user, hub int64) sessions.ImpersonateRequest {
	return sessions.ImpersonateRequest{Session: parent, User: user, UserHash: miaHash, Hub: hub, Origin: browser}
}

func (f *fixture) end(session int64) {
	f.t.Helper()
	_, err := f.End(f.t.Context(), sessions.EndRequest{Session: session})
	require.NoError(f.t, err)
}

func TestAnImpersonationIsASessionOfTheOtherUser(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, ref(1))
		request.Remember, request.MFA = true, ref(3)
		parent := f.open(request)
		f.clock.Advance(time.Hour)
		child := f.impersonate(parent, mia)
		f.good(parent, child)
		assert.Equal(t, mia, child.Session.User)
		assert.Equal(t, parent.Session.ID, *child.Session.Parent)
		assert.Equal(t, olli, *child.Session.Impersonator)
		assert.Equal(t, parent.Session.Methods, child.Session.Methods)
		assert.True(t, child.Session.AuthenticatedTime.Equal(parent.Session.AuthenticatedTime))
		assert.Equal(t, 30, child.TTL)
		claims := claimsOf(t, child.Token)
		assert.Equal(t, miaHash, claims["sub"])
		assert.Nil(t, claims["mfa"], "the user has confirmed nothing")
		resolved, err := f.resolve(child.Token)
		require.NoError(t, err)
		assert.Equal(t, child.Session, resolved.Session)
	})
}

func TestAnImpersonationNeverOutlivesItsParent(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		parent := f.open(login(olli, ref(1)))
		f.clock.Advance(20 * time.Minute)
		child := f.impersonate(parent, mia)
		assert.True(t, child.ExpirationTime.Equal(parent.ExpirationTime))
		assert.Equal(t, 10, child.TTL)
		f.clock.Advance(5 * time.Minute)
		child = f.refresh(child)
		assert.True(t, child.ExpirationTime.Equal(parent.ExpirationTime))
		f.refresh(parent)
		child = f.refresh(child)
		assert.Equal(t, 30, child.TTL)
		f.clock.Advance(29 * time.Minute)
		child = f.refresh(child)
		assert.Equal(t, 1, child.TTL)
		f.clock.Advance(time.Minute + time.Second)
		f.over(child)
	})
}

func TestAnImpersonationEndsWithItsParent(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for name, end := range map[string]func(parent sessions.Token){
			"logout":      func(p sessions.Token) { f.end(p.Session.ID) },
			"all":         func(sessions.Token) { f.endAll(sessions.EndAllRequest{User: olli}) },
			"all in hub":  func(sessions.Token) { f.endAll(sessions.EndAllRequest{User: olli, Hub: ref(1)}) },
			"change":      func(p sessions.Token) { f.switchHub(p.Session.ID, ref(2)) },
			"same hub":    func(p sessions.Token) { f.switchHub(p.Session.ID, ref(1)) },
			"target":      func(sessions.Token) { f.endAll(sessions.EndAllRequest{User: mia, Hub: ref(1)}) },
			"forget":      func(sessions.Token) { _, _ = f.Forget(t.Context(), sessions.ForgetRequest{User: olli}) },
			"forgotten":   func(sessions.Token) { _, _ = f.Forget(t.Context(), sessions.ForgetRequest{User: mia}) },
			"all but its": func(p sessions.Token) { f.endAll(sessions.EndAllRequest{User: olli, Except: &p.Session.ID}) },
			"limit": func(sessions.Token) {
				request := login(olli, ref(1))
				request.Limit = 1
				f.open(request)
			},
			"user": func(sessions.Token) {
				list, err := f.List(t.Context(), sessions.ListRequest{User: mia})
				require.NoError(t, err)
				require.Equal(t, 1, list.Total)
				_, err = f.End(t.Context(), sessions.EndRequest{Session: list.Sessions[0].ID, User: mia})
				require.NoError(t, err)
			},
		} {
			f.clock.Advance(time.Minute)
			f.endAll(sessions.EndAllRequest{User: olli})
			parent := f.open(login(olli, ref(1)))
			child := f.impersonate(parent, mia)
			f.audited()
			since := f.clock.Now()
			end(parent)
			f.over(child)
			require.Contains(t, f.revoked(since).Sessions, child.Session.ID, name)
			events := f.audited()
			require.Len(t, events, 1, name)
			assert.Equal(t, accounts.RecordEventRequest{
				Kind: "impersonation.ended", User: mia, Hub: ref(1), Impersonator: ref(olli),
				Time: since, Detail: map[string]any{"session": float64(child.Session.ID)},
			}, events[0], name)
		}
	})
}

// What has nothing to do with it leaves it alone.
func TestAnImpersonationOutlivesOtherEnds(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		parent, other := f.open(login(olli, ref(1))), f.open(login(olli, ref(2)))
		own := f.open(login(mia, ref(1)))
		child := f.impersonate(parent, mia)
		request := login(mia, ref(1))
		request.Limit = 2
		second := f.open(request) // the child takes nobody's place
		f.good(own, second, child)
		f.end(other.Session.ID)
		f.endAll(sessions.EndAllRequest{User: olli, Hub: ref(2)})
		f.endAll(sessions.EndAllRequest{User: mia, Except: &child.Session.ID})
		f.good(parent, child)
		f.over(own, second)
	})
}

// The cause of an end that is relayed late lies before the impersonation.
func TestALateEndSparesALaterImpersonation(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		parent := f.open(login(olli, ref(1)))
		early := f.impersonate(parent, mia)
		f.clock.Advance(time.Second)
		cause := f.clock.Now()
		late := f.impersonate(parent, mia)
		f.clock.Advance(time.Second)
		f.endAll(sessions.EndAllRequest{User: mia, Before: cause})
		f.over(early)
		f.good(late, parent)
		f.endAll(sessions.EndAllRequest{User: olli, Except: &parent.Session.ID, Before: cause})
		f.good(late, parent)
		f.endAll(sessions.EndAllRequest{User: olli, Before: cause})
		f.over(late, parent)
	})
}

func TestWhoMayNotImpersonate(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		parent, narrow := f.open(login(olli, ref(1))), f.open(step(sessions.ScopeCode))
		child := f.impersonate(parent, mia)
		byToken := f.openWith(f.accessToken(parent, sessions.CreateAccessTokenRequest{}), ref(1))
		ended := f.open(login(olli, ref(1)))
		f.end(ended.Session.ID)
		before := f.count(`SELECT COUNT(*) FROM sessions`)
		for _, tt := range []struct {
			request sessions.ImpersonateRequest
			kind    fault.Kind
			message string
		}{
			{asMember(narrow.Session.ID, mia, 1), fault.Forbidden, "fault.scope"},
			{asMember(child.Session.ID, 9, 1), fault.Forbidden, "fault.impersonating"},
			{asMember(byToken.Session.ID, mia, 1), fault.Forbidden, "fault.personal_token"},
			{asMember(parent.Session.ID, mia, 2), fault.Forbidden, "fault.hub_required"},
			{asMember(parent.Session.ID, olli, 1), fault.Forbidden, "fault.forbidden"},
			{asMember(ended.Session.ID, mia, 1), fault.Unauthenticated, "fault.session_expired"},
			{asMember(987654, mia, 1), fault.Unauthenticated, "fault.session_expired"},
			{asMember(parent.Session.ID, 0, 1), fault.Invalid, "fault.invalid"},
		} {
			_, err := f.Impersonate(t.Context(), tt.request)
			requireFault(t, err, tt.kind, tt.message)
		}
		f.clock.Advance(time.Hour)
		_, err := f.Impersonate(t.Context(), asMember(parent.Session.ID, mia, 1))
		requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
		assert.Equal(t, before, f.count(`SELECT COUNT(*) FROM sessions`), "nothing is opened")
	})
}

func TestStoppingGivesATokenOfTheParent(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		parent := f.open(login(olli, ref(1)))
		f.clock.Advance(20 * time.Minute)
		child := f.impersonate(parent, mia)
		request := sessions.StopImpersonationRequest{Session: child.Session.ID, Origin: api.Origin{Address: "198.51.100.1"}}
		back, err := f.StopImpersonation(t.Context(), request)
		require.NoError(t, err)
		f.over(child)
		f.good(parent, back)
		assert.Equal(t, 30, back.TTL)
		assert.Equal(t, parent.Session.ID, back.Session.ID)

		events := f.audited()
		require.Len(t, events, 2)
		want := accounts.RecordEventRequest{
			Kind: "impersonation.started", User: mia, Hub: ref(1), ActorUser: ref(olli), Impersonator: ref(olli),
			Origin: browser, Time: f.clock.Now(), Detail: map[string]any{"session": float64(child.Session.ID)},
		}
		assert.Contains(t, events, want)
		want.Kind, want.Origin = "impersonation.ended", request.Origin
		assert.Contains(t, events, want)

		_, err = f.StopImpersonation(t.Context(), request)
		requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
		_, err = f.StopImpersonation(t.Context(), sessions.StopImpersonationRequest{Session: parent.Session.ID})
		requireFault(t, err, fault.Forbidden, "fault.not_impersonating")
	})
}

func TestImpersonationsRaceTheEndOfTheParent(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for range 5 {
			parent := f.open(login(olli, ref(1)))
			first := f.impersonate(parent, mia)
			var all sync.WaitGroup
			var mu sync.Mutex
			children := []sessions.Token{first}
			for range 3 {
				all.Go(func() {
					child, err := f.Impersonate(t.Context(), asMember(parent.Session.ID, mia, 1))
					if err != nil {
						assert.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					children = append(children, child)
				})
			}
			stops := 0
			for range 2 {
				all.Go(func() {
					_, err := f.StopImpersonation(t.Context(), sessions.StopImpersonationRequest{Session: first.Session.ID})
					if err != nil {
						assert.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					stops++
				})
			}
			all.Go(func() { f.end(parent.Session.ID) })
			all.Wait()
			f.over(children...)
			assert.LessOrEqual(t, stops, 1)
		}
	})
}
