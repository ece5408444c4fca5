package flow_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/flow"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// from gives the context of a request that has passed the edge.
func from(t *testing.T, address, userAgent string) context.Context {
	t.Helper()
	var passed *http.Request
	texts, err := i18n.New()
	require.NoError(t, err)
	e, err := edge.New(edge.Options{
		Obs: obs.Nop(), Clock: clockwork.NewFakeClock(), Texts: texts, PublicURL: &url.URL{Scheme: "https", Host: "id.example.org"},
		Limits: edge.Limits{Window: time.Minute, User: 1, Address: 1, OAuthFailures: 1, Authorizations: 1, Registrations: 1, Keys: 10},
	})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.RemoteAddr = address
	r.Header.Set("User-Agent", userAgent)
	e.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { passed = r })).
		ServeHTTP(httptest.NewRecorder(), r)
	return passed.Context()
}

// A state is of use only to who began it.
func TestStatesAreBound(t *testing.T) { //nolint:tparallel // the double of the provider keeps one state
	t.Parallel()
	f := start()
	me, other := caller(f.inHub(1)), caller(f.inHub(1))
	type who struct {
		address, agent, secret string
		linker                 *edge.Caller
	}
	beginner := who{"192.0.2.7:1", "Firefox", "", nil}
	for name, tt := range map[string]struct {
		begun, finished who
		fits            bool
	}{
		"the same":                 {beginner, beginner, true},
		"on the move":              {beginner, who{"192.0.200.9:5", "Firefox", "", nil}, true},
		"elsewhere":                {beginner, who{"198.51.100.7:1", "Firefox", "", nil}, false},
		"another program":          {beginner, who{"192.0.2.7:1", "Chrome", "", nil}, false},
		"somebody who links":       {beginner, who{"192.0.2.7:1", "Firefox", "", &me}, false},
		"linked by the same":       {who{"192.0.2.7:1", "Firefox", "", &me}, who{"192.0.2.7:1", "Firefox", "", &me}, true},
		"linked by another":        {who{"192.0.2.7:1", "Firefox", "", &me}, who{"192.0.2.7:1", "Firefox", "", &other}, false},
		"not linked after all":     {who{"192.0.2.7:1", "Firefox", "", &me}, beginner, false},
		"the same browser":         {who{"192.0.2.7:1", "Firefox", "s", nil}, who{"192.0.2.7:1", "Firefox", "s", nil}, true},
		"another browser":          {who{"192.0.2.7:1", "Firefox", "s", nil}, who{"192.0.2.7:1", "Firefox", "t", nil}, false},
		"the same over IPv6":       {who{"[2001:db8:1::1]:1", "Firefox", "", nil}, who{"[2001:db8:2::2]:1", "Firefox", "", nil}, true},
		"elsewhere over IPv6":      {who{"[2001:db8:1::1]:1", "Firefox", "", nil}, who{"[2001:db9:1::1]:1", "Firefox", "", nil}, false},
		"an agent that looks like": {who{"192.0.2.7:1", `a" "b`, "", nil}, who{"192.0.2.7:1", `a`, "", nil}, false},
	} {
		t.Run(name, func(t *testing.T) {
			begun, err := f.BeginIdentity(from(t, tt.begun.address, tt.begun.agent), flow.IdentityRequest{
				Provider: gatewaytest.Provider, Linker: tt.begun.linker, Secret: tt.begun.secret,
			})
			require.NoError(t, err)
			answer := flow.IdentityAnswer{
				Provider: gatewaytest.Provider, State: begun.State, Code: gatewaytest.UpstreamCode, Secret: tt.finished.secret,
			}
			ctx := from(t, tt.finished.address, tt.finished.agent)
			if tt.finished.linker != nil {
				_, err = f.LinkIdentity(ctx, *tt.finished.linker, answer)
			} else {
				_, err = f.LogInByIdentity(ctx, answer)
			}
			if tt.fits {
				assert.NoError(t, err)
				return
			}
			require.True(t, fault.Is(err, fault.Invalid), err)
			assert.Contains(t, fault.From(err).Fields, "state")
		})
	}
}

func TestAnIdentityOfNobody(t *testing.T) {
	t.Parallel()
	f := start()
	f.oauth.Subject = "somebody-else"
	begun, err := f.BeginIdentity(t.Context(), flow.IdentityRequest{Provider: gatewaytest.Provider})
	require.NoError(t, err)
	answer := flow.IdentityAnswer{Provider: gatewaytest.Provider, State: begun.State, Code: gatewaytest.UpstreamCode}
	_, err = f.LogInByIdentity(t.Context(), answer)
	assert.Equal(t, "fault.identity_unknown", fault.From(err).Message.ID)
	_, err = f.LogInByIdentity(t.Context(), answer)
	assert.True(t, fault.Is(err, fault.Invalid), "a state works once")
	assert.Empty(t, f.sessions.Created())
}

func TestIdentitiesAreLinkedInPerson(t *testing.T) {
	t.Parallel()
	f := start()
	pat, impersonator := int64(1), int64(2)
	for _, s := range []sessions.Session{
		{Scope: sessions.ScopeFull, PAT: &pat}, {Scope: sessions.ScopeFull, Impersonator: &impersonator}, {Scope: sessions.ScopeCode},
	} {
		c := edge.Caller{Resolved: sessions.Resolved{Session: s}}
		_, err := f.LinkIdentity(t.Context(), c, flow.IdentityAnswer{Provider: gatewaytest.Provider, State: "a", Code: "b"})
		assert.True(t, fault.Is(err, fault.Forbidden))
	}
	assert.Empty(t, f.accounts.Calls())
}

func TestProvidersThatCannotBe(t *testing.T) {
	t.Parallel()
	f := start()
	for _, name := range []string{"nobody", "", "a\x00", "\xff", string(make([]byte, 101))} {
		_, err := f.BeginIdentity(t.Context(), flow.IdentityRequest{Provider: name})
		assert.True(t, fault.Is(err, fault.NotFound), name)
	}
}
