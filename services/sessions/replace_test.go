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

// step is a request for a narrow session.
func step(scope sessions.Scope) sessions.CreateRequest {
	r := login(olli, ref(1))
	r.Scope, r.Remember = scope, true
	return r
}

func TestReplacingEndsTheNarrowSession(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		code := f.open(step(sessions.ScopeCode))
		next := step(sessions.ScopeFull)
		next.Replaces, next.Remember = &code.Session.ID, code.Session.Remember
		token := f.open(next)
		f.over(code)
		f.good(token)
		assert.Equal(t, 43200, token.TTL)
		assert.Equal(t, []int64{code.Session.ID}, f.revoked(time.Time{}).Sessions)

		_, err := f.Create(t.Context(), next)
		requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
		assert.Equal(t, int64(2), f.count(`SELECT COUNT(*) FROM sessions`), "nothing is opened")
	})
}

func TestReplacingWhatIsNotThere(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		somebody := login(mia, ref(1))
		somebody.Scope = sessions.ScopeCode
		others, expired := f.open(somebody).Session.ID, f.open(step(sessions.ScopeCode)).Session.ID
		f.clock.Advance(shortLife + time.Second)
		ended := f.open(step(sessions.ScopeCode)).Session.ID
		_, err := f.End(t.Context(), sessions.EndRequest{Session: ended})
		require.NoError(t, err)
		for name, id := range map[string]int64{"another's": others, "expired": expired, "ended": ended, "unknown": 987654} {
			next := step(sessions.ScopeFull)
			next.Replaces = &id
			_, err := f.Create(t.Context(), next)
			requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
			assert.Zero(t, f.count(`SELECT COUNT(*) FROM sessions WHERE scope = '*'`), name)
		}
	})
}

func TestOfTwoReplacementsAtOnceOneWins(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		replicas := []*Service{f.Service, f.replica()}
		for range 5 {
			narrow := f.open(step(sessions.ScopeCode))
			next := step(sessions.ScopeFull)
			next.Replaces = &narrow.Session.ID
			var won sync.Map
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					token, err := replicas[i%2].Create(t.Context(), next)
					if err == nil {
						won.Store(i, token)
						return
					}
					assert.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
				})
			}
			all.Wait()
			wins := 0
			won.Range(func(_, token any) bool {
				wins++
				f.good(token.(sessions.Token))
				return true
			})
			assert.Equal(t, 1, wins)
			f.over(narrow)
		}
	})
}

// A full session is replaced when its user confirms who they are once more.
func TestReplacingAFullSessionKeepsTheLimit(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, ref(1))
		request.Limit = 2
		other, first := f.open(request), f.open(request)
		child := f.impersonate(first, mia)
		request.Replaces = &first.Session.ID
		f.good(f.open(request), other)
		f.over(first, child)
	})
}

func TestANarrowSessionTakesNobodysPlace(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, ref(1))
		request.Limit = 1
		token := f.open(request)
		narrow := step(sessions.ScopeFactorUpdate)
		narrow.Limit = 1
		f.good(f.open(narrow), f.open(narrow), token)
	})
}
