package oauth

import (
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeissuer"
)

func (h *harness) changes() (n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.QueryRow(h.t.Context(), "SELECT COUNT(*) FROM hub_provider_changes").Scan(&n))
	return n
}

// inForce is the client that logins at the hub's provider name.
func (h *harness) inForce(provider string) string {
	h.t.Helper()
	begun, err := h.service.BeginIdentity(h.t.Context(), oauth.BeginIdentityRequest{Provider: provider, Binding: "caller"})
	require.NoError(h.t, err)
	u, err := url.Parse(begun.URL)
	require.NoError(h.t, err)
	return u.Query().Get("client_id")
}

func TestOfTwoChangesOfAProviderOneIsInForceAsAWhole(t *testing.T) {
	t.Parallel()
	eachHub(t, func(t *testing.T, h *harness, s *fakeSignIns, issuer *fakeissuer.Issuer) {
		for round := range 5 {
			var wait sync.WaitGroup
			errs := make([]error, 2)
			for i := range errs {
				wait.Go(func() {
					r := putting(issuer)
					r.Title, r.ClientID = fmt.Sprint(round, i), fmt.Sprint(round, i)
					_, errs[i] = h.service.PutHubProvider(t.Context(), r)
				})
			}
			wait.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
					continue
				}
				require.True(t, fault.Is(err, fault.Conflict), "%v", err)
			}
			require.Positive(t, won)
			listed, err := h.service.ListHubProviders(t.Context(), oauth.HubProvidersRequest{Actor: actorIn(7)})
			require.NoError(t, err)
			require.Len(t, listed.Providers, 1)
			p := listed.Providers[0]
			assert.Equal(t, s.hubs[7]["corp"].Title, p.ClientID, "half of one and half of the other")
			assert.Equal(t, p.ClientID, h.inForce(p.Hash))
			h.clock.Advance(time.Second)
		}
	})
}

func TestAChangeOfAProviderSurvivesItsRequest(t *testing.T) {
	t.Parallel()
	eachHub(t, func(t *testing.T, h *harness, s *fakeSignIns, issuer *fakeissuer.Issuer) {
		put, err := h.service.PutHubProvider(t.Context(), putting(issuer))
		require.NoError(t, err)
		require.Zero(t, h.changes())
		r := putting(issuer)
		r.ClientID = "another"

		// It ends before the accounts service hears of it: as if nothing had been.
		s.err = fault.New(fault.Unavailable, "")
		hub := int64(7)
		s.failSet = true
		_, err = h.service.PutHubProvider(t.Context(), r)
		require.True(t, fault.Is(err, fault.Unavailable))
		s.err, s.failSet = nil, false
		assert.Equal(t, 1, h.changes())
		assert.Equal(t, fakeissuer.ClientID, h.inForce(put.Hash))

		// It ends after: whoever comes next finds it in force.
		s.lost = fault.New(fault.Unavailable, "")
		_, err = h.service.PutHubProvider(t.Context(), r)
		require.True(t, fault.Is(err, fault.Unavailable))
		s.lost = nil
		assert.Equal(t, 2, h.changes())
		assert.Equal(t, "another", h.inForce(put.Hash))
		assert.Zero(t, h.changes(), "and settles it")

		// So it is for one that is new.
		r.Name, s.lost = "new", fault.New(fault.Unavailable, "")
		_, err = h.service.PutHubProvider(t.Context(), r)
		require.True(t, fault.Is(err, fault.Unavailable))
		s.lost = nil
		offered, err := h.service.Providers(t.Context(), oauth.ProvidersRequest{Hub: &hub})
		require.NoError(t, err)
		assert.Len(t, offered.Providers, 3)
		assert.Zero(t, h.changes())

		// What is refused leaves nothing.
		s.err, s.failSet = fault.New(fault.Forbidden, ""), true
		_, err = h.service.PutHubProvider(t.Context(), r)
		require.True(t, fault.Is(err, fault.Forbidden))
		s.err, s.failSet = nil, false
		assert.Zero(t, h.changes())
	})
}

func TestChangesThatCameToNothingAreSwept(t *testing.T) {
	t.Parallel()
	eachHub(t, func(t *testing.T, h *harness, s *fakeSignIns, issuer *fakeissuer.Issuer) {
		s.lost = fault.New(fault.Unavailable, "")
		_, err := h.service.PutHubProvider(t.Context(), putting(issuer))
		require.Error(t, err)
		s.lost, s.err, s.failSet = nil, fault.New(fault.Unavailable, ""), true
		r := putting(issuer)
		r.Name = "nothing"
		_, err = h.service.PutHubProvider(t.Context(), r)
		require.Error(t, err)
		s.err, s.failSet = nil, false

		_, err = h.service.upstream.Sweep(t.Context(), h.clock.Now().Add(59*time.Minute))
		require.NoError(t, err)
		require.Equal(t, 1, h.changes(), "the first was settled by the second's look")
		_, err = h.service.upstream.Sweep(t.Context(), h.clock.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Zero(t, h.changes())
		listed, err := h.service.ListHubProviders(t.Context(), oauth.HubProvidersRequest{Actor: actorIn(7)})
		require.NoError(t, err)
		require.Len(t, listed.Providers, 1)
	})
}
