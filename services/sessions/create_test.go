package sessions

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	claims := map[string]any{}
	require.NoError(t, json.Unmarshal(raw, &claims))
	return claims
}

func TestClaimsOfASession(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, nil)
		request.Origin.UserAgent = "Mozilla/5.0"
		token := f.open(request)
		claims := claimsOf(t, token.Token)
		assert.Equal(t, "id.example.org", claims["iss"])
		assert.Equal(t, []any{"id.example.org"}, claims["aud"])
		assert.Equal(t, olliHash, claims["sub"])
		assert.InDelta(t, float64(token.Session.ID), claims["ses"], 0)
		assert.Equal(t, "82aa6a482bd276cff149740478a603a5fe834840", claims["hsu"])
		assert.InDelta(t, 30.0, claims["ttl"], 0)
		assert.Equal(t, "*", claims["scp"])
		for _, name := range []string{"hub", "mfa"} {
			value, present := claims[name]
			assert.True(t, present && value == nil, name)
		}
		assert.NotContains(t, claims, "pat")
	})
}

func TestRememberedSessionLivesThirtyDays(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, nil)
		request.Remember = true
		token := f.open(request)
		assert.Equal(t, 43200, token.TTL)
		f.clock.Advance(30*24*time.Hour - time.Second)
		f.good(token)
		f.clock.Advance(3 * time.Second)
		f.over(token)
	})
}

func TestNarrowSessionOnlyKeepsRememberInMind(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		for _, scope := range sessions.Scopes()[1:] {
			request := login(olli, nil)
			request.Scope, request.Remember = scope, true
			token := f.open(request)
			assert.Equal(t, 30, token.TTL)
			assert.True(t, token.Session.Remember)
			assert.Equal(t, string(scope), claimsOf(t, token.Token)["scp"])
		}
	})
}

func TestLimitEndsTheOldest(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		hub, other := login(olli, ref(1)), login(olli, ref(2))
		hub.Limit, other.Limit = 2, 2
		hubless, somebody, narrow := login(olli, nil), login(mia, ref(1)), login(olli, ref(1))
		hubless.Limit, somebody.Limit = 2, 2
		narrow.Scope, narrow.Limit = sessions.ScopeCode, 1
		bystanders := []sessions.Token{f.open(other), f.open(hubless), f.open(somebody), f.open(narrow)}

		first, second := f.open(hub), f.open(hub)
		f.good(first, second)
		bystanders = append(bystanders, f.open(narrow))
		third := f.open(hub)
		f.over(first)
		f.good(second, third)

		hub.Limit = 1 // has been lowered
		fourth := f.open(hub)
		f.over(second, third)
		f.good(fourth)
		hub.Limit = 0
		f.good(f.open(hub), f.open(hub), fourth)
		f.good(bystanders...)
	})
}

func TestHublessSessionsHaveALimitOfTheirOwn(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		hubless, hub := login(olli, nil), login(olli, ref(1))
		hubless.Limit, hub.Limit = 1, 1
		inHub, first := f.open(hub), f.open(hubless)
		f.good(f.open(hubless), inHub)
		f.over(first)
	})
}

// An expired session takes nobody's place, and is not revoked either.
func TestExpiredSessionsDoNotCount(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, nil)
		request.Limit = 1
		f.open(request)
		f.clock.Advance(time.Hour)
		f.open(request)
		assert.Zero(t, f.count(`SELECT COUNT(*) FROM sessions WHERE ended_time IS NOT NULL`))
	})
}

func TestLoginsAtOnceKeepTheLimit(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		const limit, logins = 3, 16
		replicas := []*Service{f.Service, f.replica()}
		tokens := make([]sessions.Token, logins)
		var all sync.WaitGroup
		for i := range logins {
			all.Go(func() {
				request := login(olli, ref(1))
				request.Limit = limit
				var err error
				tokens[i], err = replicas[i%2].Create(t.Context(), request)
				assert.NoError(t, err)
			})
		}
		all.Wait()
		good := 0
		for _, token := range tokens {
			if _, err := f.resolve(token.Token); err == nil {
				good++
			}
		}
		assert.Equal(t, limit, good)
	})
}

func TestOriginsThatNoColumnTakes(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		request := login(olli, nil)
		request.Origin = api.Origin{Address: strings.Repeat("f", 500), UserAgent: "a\x00b\xff" + strings.Repeat("ü", 500)}
		f.good(f.open(request))
		assert.LessOrEqual(t, f.count(`SELECT LENGTH(address) FROM sessions`), int64(64))
		assert.LessOrEqual(t, f.count(`SELECT LENGTH(user_agent) FROM sessions`), int64(512))
	})
}

func TestEachAlgorithm(t *testing.T) {
	t.Parallel()
	for _, alg := range []keyring.Alg{keyring.HS512, keyring.ES256, keyring.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			onEach(t, func(t *testing.T, f *fixture) {
				f.good(f.open(login(olli, nil)))
			}, func(c *Config) { c.Algorithm = alg })
		})
	}
}
