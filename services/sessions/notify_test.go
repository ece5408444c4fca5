package sessions

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// Every way in which a session can end comes to the apps' ears, once.
func TestWhoeverEndsASessionTells(t *testing.T) {
	t.Parallel()
	limited := login(olli, ref(1))
	limited.Limit = 1
	// Each gives the sessions that have ended by it.
	for name, end := range map[string]func(f *fixture) []sessions.Token{
		"logout": func(f *fixture) []sessions.Token {
			s := f.open(login(olli, ref(1)))
			f.end(s.Session.ID)
			f.end(s.Session.ID)
			return []sessions.Token{s}
		},
		"from the list": func(f *fixture) []sessions.Token {
			s := f.open(login(olli, ref(1)))
			_, err := f.End(f.t.Context(), sessions.EndRequest{Session: s.Session.ID, User: olli, Origin: browser})
			require.NoError(f.t, err)
			return []sessions.Token{s}
		},
		"all others": func(f *fixture) []sessions.Token {
			kept, one, two := f.open(login(olli, nil)), f.open(login(olli, nil)), f.open(login(olli, ref(1)))
			f.endAll(sessions.EndAllRequest{User: olli, Except: &kept.Session.ID})
			f.endAll(sessions.EndAllRequest{User: olli, Except: &kept.Session.ID})
			return []sessions.Token{one, two}
		},
		"the limit": func(f *fixture) []sessions.Token {
			s := f.open(limited)
			f.open(limited)
			return []sessions.Token{s}
		},
		"the limit of another hub": func(f *fixture) []sessions.Token {
			there := f.open(limited)
			here := f.open(login(olli, ref(2)))
			_, err := f.SwitchHub(f.t.Context(), sessions.SwitchHubRequest{Session: here.Session.ID, Hub: ref(1), Limit: 1})
			require.NoError(f.t, err)
			return []sessions.Token{there}
		},
		"replaced": func(f *fixture) []sessions.Token {
			s, next := f.open(login(olli, nil)), login(olli, nil)
			next.Replaces = &s.Session.ID
			f.open(next)
			return []sessions.Token{s}
		},
		"an impersonation with its parent": func(f *fixture) []sessions.Token {
			parent := f.open(login(olli, ref(1)))
			child := f.impersonate(parent, mia)
			f.end(parent.Session.ID)
			return []sessions.Token{parent, child}
		},
		"an impersonation, not its parent": func(f *fixture) []sessions.Token {
			child := f.impersonate(f.open(login(olli, ref(1))), mia)
			f.end(child.Session.ID)
			return []sessions.Token{child}
		},
		"an impersonation that is stopped": func(f *fixture) []sessions.Token {
			child := f.impersonate(f.open(login(olli, ref(1))), mia)
			_, err := f.StopImpersonation(f.t.Context(), sessions.StopImpersonationRequest{Session: child.Session.ID})
			require.NoError(f.t, err)
			return []sessions.Token{child}
		},
		"an impersonation whose parent changes its hub": func(f *fixture) []sessions.Token {
			parent := f.open(login(olli, ref(1)))
			child := f.impersonate(parent, mia)
			f.switchHub(parent.Session.ID, ref(2))
			return []sessions.Token{child}
		},
		"an impersonation with its parent beyond the limit": func(f *fixture) []sessions.Token {
			parent := f.open(limited)
			child := f.impersonate(parent, mia)
			f.open(limited)
			return []sessions.Token{parent, child}
		},
		"a personal access token": func(f *fixture) []sessions.Token {
			by := f.open(login(olli, ref(1)))
			token := f.accessToken(by, sessions.CreateAccessTokenRequest{})
			s := f.openWith(token, nil)
			_, err := f.DeleteAccessToken(f.t.Context(), sessions.DeleteAccessTokenRequest{Actor: actor(by), Token: api.Ref{ID: token.ID}})
			require.NoError(f.t, err)
			return []sessions.Token{s}
		},
		"forgotten": func(f *fixture) []sessions.Token {
			s := f.open(login(olli, nil))
			_, err := f.Forget(f.t.Context(), sessions.ForgetRequest{User: olli})
			require.NoError(f.t, err)
			return []sessions.Token{s}
		},
		"expired": func(f *fixture) []sessions.Token {
			s := f.open(login(olli, nil))
			f.clock.Advance(shortLife + time.Second)
			f.replica().housekeeping(f.t.Context())
			f.housekeeping(f.t.Context())
			f.clock.Advance(retention)
			f.housekeeping(f.t.Context())
			return []sessions.Token{s}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, f *fixture) {
				f.open(login(mia, ref(1)))
				var want, got []string
				for _, s := range end(f) {
					want = append(want, s.Session.Hash)
				}
				for _, r := range f.told() {
					assert.False(t, r.Everything)
					got = append(got, r.Sessions...)
				}
				if name == "expired" {
					require.Subset(t, got, want)
					require.Len(t, got, 2, "mia's, too")
					return
				}
				require.ElementsMatch(t, want, got)
			})
		})
	}
}

func TestNarrowSessionsAreNobodysBusiness(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		narrow := login(olli, nil)
		narrow.Scope = sessions.ScopeCode
		f.end(f.open(narrow).Session.ID)
		f.open(narrow)
		f.clock.Advance(time.Hour)
		f.housekeeping(t.Context())
		require.Empty(t, f.told())
	})
}

func TestWhatElseEndsWithAllSessions(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		cause := f.clock.Now().Add(-time.Second)
		none := []string{}
		for name, tt := range map[string]struct {
			request sessions.EndAllRequest
			want    []oauth.SessionsEndedRequest
		}{
			"nothing":           {sessions.EndAllRequest{}, nil},
			"a password change": {sessions.EndAllRequest{UserHash: olliHash, Except: ref(1), Before: cause}, nil},
			"a stolen account": {
				sessions.EndAllRequest{UserHash: olliHash, Tokens: true, Before: cause},
				[]oauth.SessionsEndedRequest{{Sessions: none, Subject: olliHash, Everything: true, Before: cause}},
			},
			"now": {
				sessions.EndAllRequest{UserHash: olliHash, Tokens: true},
				[]oauth.SessionsEndedRequest{{Sessions: none, Subject: olliHash, Everything: true, Before: f.clock.Now().UTC()}},
			},
			"a hub": {
				sessions.EndAllRequest{UserHash: olliHash, Hub: ref(3), Before: cause},
				[]oauth.SessionsEndedRequest{{Sessions: none, Subject: olliHash, Everything: true, Hub: ref(3), Before: cause}},
			},
			"nobody says whose": {sessions.EndAllRequest{Tokens: true}, nil},
		} {
			tt.request.User = olli
			f.endAll(tt.request)
			require.Equal(t, tt.want, f.told(), name)
		}
		s := f.open(login(olli, nil))
		f.endAll(sessions.EndAllRequest{User: olli, Tokens: true})
		require.Equal(t, []oauth.SessionsEndedRequest{
			{Sessions: []string{s.Session.Hash}, Subject: olliHash, Everything: true, Before: f.clock.Now().UTC()},
		}, f.told(), "a session tells whose it was")
	})
}

func TestManyEndsAreToldInPieces(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		const n = toldAtOnce + 1
		for range n {
			f.open(login(olli, nil))
		}
		f.endAll(sessions.EndAllRequest{User: olli, UserHash: olliHash, Tokens: true})
		told := f.told()
		require.Len(t, told, 2)
		require.Len(t, append(told[0].Sessions, told[1].Sessions...), n)
		require.True(t, told[0].Everything && told[1].Everything, "nothing comes of a session between the two")
	})
}

func TestManyExpireAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for range 2*expireBatch + 1 {
			f.open(login(olli, nil))
		}
		f.clock.Advance(time.Hour)
		f.housekeeping(t.Context())
		n := 0
		for _, r := range f.told() {
			n += len(r.Sessions)
		}
		require.Equal(t, 2*expireBatch+1, n)
		require.Empty(t, f.revoked(time.Time{}).Sessions, "of expired ones everybody knows")
	})
}

func TestAnEndIsToldUntilItIsHeard(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		s := f.open(login(olli, nil))
		f.apps.err = errors.New("away")
		f.end(s.Session.ID)
		require.Empty(t, f.told())
		f.clock.Advance(time.Hour)
		require.Len(t, f.told(), 1)

		f.apps.err = fault.Field("sessions", "validation.required")
		f.end(f.open(login(olli, nil)).Session.ID)
		require.Empty(t, f.told())
		dead, err := f.outbox.Dead(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, dead, 1)
	})
}
