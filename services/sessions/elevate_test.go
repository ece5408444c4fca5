package sessions

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestElevationAddsToTheSession(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		first := f.open(login(olli, ref(1)))
		other := f.open(login(olli, ref(1)))
		proved := first.Session.AuthenticatedTime
		f.clock.Advance(20 * time.Minute)
		next, err := f.Elevate(t.Context(), sessions.ElevateRequest{
			Session: first.Session.ID, MFA: ref(77), Methods: []sessions.Method{sessions.MethodPassword, sessions.MethodOTP, sessions.MethodMultiple},
			Origin: api.Origin{Address: "198.51.100.1"},
		})
		require.NoError(t, err)
		want := first.Session
		want.Methods, want.MFA = []sessions.Method{sessions.MethodPassword, sessions.MethodOTP, sessions.MethodMultiple}, ref(77)
		want.ExpirationTime = f.clock.Now().Add(shortLife)
		assert.Equal(t, want, next.Session, "the same session: sid, hub, time of the login")
		assert.Equal(t, int64(1), f.count(`SELECT COUNT(*) FROM sessions WHERE address = '198.51.100.1'`))
		f.over(first)
		f.good(next, other)

		f.clock.Advance(time.Minute)
		last, err := f.Elevate(t.Context(), sessions.ElevateRequest{
			Session: first.Session.ID, Methods: []sessions.Method{sessions.MethodKey, sessions.MethodMultiple}, Anew: true,
		})
		require.NoError(t, err)
		assert.Equal(t, []sessions.Method{
			sessions.MethodPassword, sessions.MethodOTP, sessions.MethodMultiple, sessions.MethodKey,
		}, last.Session.Methods)
		assert.Equal(t, ref(77), last.Session.MFA, "stays the one there was")
		assert.True(t, last.Session.AuthenticatedTime.Equal(f.clock.Now()))
		assert.True(t, proved.Before(last.Session.AuthenticatedTime))
		resolved, err := f.resolve(last.Token)
		require.NoError(t, err)
		assert.Equal(t, last.Session, resolved.Session)
	})
}

func TestTheFeedTellsOfAnElevation(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, ref(1)))
		require.Empty(t, f.revoked(time.Time{}).Changed)
		_, err := f.Elevate(t.Context(), sessions.ElevateRequest{Session: token.Session.ID, Methods: []sessions.Method{sessions.MethodOTP}})
		require.NoError(t, err)
		told := f.revoked(time.Time{})
		require.Len(t, told.Changed, 1)
		assert.Equal(t, token.Session.ID, told.Changed[0].Session)
		assert.Empty(t, told.Sessions)
	})
}

func TestWhatCannotBeElevated(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		parent, narrow := f.open(login(olli, ref(1))), f.open(step(sessions.ScopeCode))
		child := f.impersonate(parent, mia)
		byToken := login(olli, ref(1))
		created, err := f.CreateAccessToken(t.Context(), sessions.CreateAccessTokenRequest{
			Actor: actor(parent), Name: "ci", Scopes: []sessions.TokenScope{sessions.TokenFull},
		})
		require.NoError(t, err)
		byToken.PAT = &created.ID
		program := f.open(byToken)
		for message, token := range map[string]sessions.Token{
			"fault.scope": narrow, "fault.impersonating": child, "fault.personal_token": program,
		} {
			_, err := f.Elevate(t.Context(), sessions.ElevateRequest{Session: token.Session.ID, Methods: []sessions.Method{sessions.MethodOTP}})
			requireFault(t, err, fault.Forbidden, message)
		}
		f.good(parent, narrow, child, program)

		_, err = f.End(t.Context(), sessions.EndRequest{Session: parent.Session.ID})
		require.NoError(t, err)
		expired := f.open(login(mia, nil))
		f.clock.Advance(shortLife + time.Minute)
		for _, id := range []int64{parent.Session.ID, expired.Session.ID, 987654} {
			_, err = f.Elevate(t.Context(), sessions.ElevateRequest{Session: id, Methods: []sessions.Method{sessions.MethodOTP}})
			requireFault(t, err, fault.Unauthenticated, "fault.session_expired")
		}
	})
}

// Neither loses what the other has proved.
func TestTwoElevationsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.open(login(olli, ref(1)))
		proofs := []sessions.Method{sessions.MethodOTP, sessions.MethodSMS, sessions.MethodKey, sessions.MethodMail}
		var all sync.WaitGroup
		for _, m := range proofs {
			all.Go(func() {
				_, err := f.Elevate(t.Context(), sessions.ElevateRequest{Session: token.Session.ID, Methods: []sessions.Method{m}})
				assert.NoError(t, err)
			})
		}
		all.Wait()
		last, err := f.Elevate(t.Context(), sessions.ElevateRequest{Session: token.Session.ID})
		require.NoError(t, err)
		assert.ElementsMatch(t, append(proofs, sessions.MethodPassword), last.Session.Methods)
		f.over(token)
		f.good(last)
	})
}
