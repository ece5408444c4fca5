package oauth

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeissuer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/upstream"
)

const upstreamCallback = "https://app.example/upstream"

func eachUpstream(t *testing.T, test func(t *testing.T, h *harness, issuer *fakeissuer.Issuer)) {
	t.Helper()
	each(t, func(t *testing.T, h *harness) {
		issuer := fakeissuer.New(t, h.clock)
		h.config.Providers = upstream.Providers{{
			Name: "example", Issuer: issuer.URL, ClientID: fakeissuer.ClientID, ClientSecret: fakeissuer.ClientSecret,
			RedirectURIs: []string{upstreamCallback, "https://app.example/other"},
		}}
		h.restart()
		test(t, h, issuer)
	})
}

func (h *harness) begin() oauth.IdentityState {
	h.t.Helper()
	s, err := h.service.BeginIdentity(h.t.Context(), oauth.BeginIdentityRequest{Provider: "example", Binding: "caller"})
	require.NoError(h.t, err)
	return s
}

func (h *harness) finish(state, code string) (oauth.ProvedIdentity, error) {
	return h.service.FinishIdentity(h.t.Context(), oauth.FinishIdentityRequest{
		Provider: "example", State: state, Code: code, Binding: "caller",
	})
}

func TestUpstreamLoginProvesAnIdentity(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		state := h.begin()
		require.Regexp(t, `^[0-9a-f]{40}$`, state.State)
		require.Len(t, state.Challenge, 43)
		proved, err := h.finish(state.State, issuer.Authorize(t, state.URL))
		require.NoError(t, err)
		require.Equal(t, oauth.ProvedIdentity{
			Provider: "example", Issuer: issuer.URL, Subject: "upstream-subject",
			Email: "robin@example.org", EmailVerified: true, Name: "Robin Example",
		}, proved)

		// A client that builds the request itself knows no nonce.
		state = h.begin()
		_, err = h.finish(state.State, issuer.Authorize(t, issuer.Request(state.State, state.Challenge, upstreamCallback)))
		require.NoError(t, err)
	})
}

func TestUpstreamStateWorksOnceForItsCallerInTime(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		ctx := t.Context()
		state := h.begin()
		code := issuer.Authorize(t, state.URL)
		_, err := h.service.FinishIdentity(ctx, oauth.FinishIdentityRequest{
			Provider: "example", State: state.State, Code: code, Binding: "somebody else",
		})
		requireField(t, err, "state")
		_, err = h.finish(state.State, code)
		require.NoError(t, err, "somebody else has not used it up")
		_, err = h.finish(state.State, issuer.Authorize(t, state.URL))
		requireField(t, err, "state")

		state = h.begin()
		h.clock.Advance(10 * time.Minute)
		_, err = h.finish(state.State, issuer.Authorize(t, state.URL))
		requireField(t, err, "state")
		n, err := h.service.upstream.Sweep(ctx, h.clock.Now())
		require.NoError(t, err)
		require.EqualValues(t, 1, n)

		_, err = h.finish("", "")
		requireField(t, err, "state")
		requireField(t, err, "code")
		_, err = h.service.BeginIdentity(ctx, oauth.BeginIdentityRequest{Provider: "example", Binding: "caller", RedirectURI: "https://evil.example/"})
		requireField(t, err, "redirect_uri")
		_, err = h.service.BeginIdentity(ctx, oauth.BeginIdentityRequest{Provider: "unknown", Binding: "caller"})
		require.True(t, fault.Is(err, fault.NotFound))
	})
}

func TestUpstreamStateWorksOnceAtOnce(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		state := h.begin()
		var succeeded atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			code := issuer.Authorize(t, state.URL)
			group.Go(func() {
				if _, err := h.finish(state.State, code); err == nil {
					succeeded.Add(1)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, succeeded.Load())
	})
}

func TestUpstreamProvidersThatLieProveNothing(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]func(*fakeissuer.Issuer){
		"signature":        func(i *fakeissuer.Issuer) { i.ForeignKey = true },
		"client secret":    func(i *fakeissuer.Issuer) { i.WithSecret = true },
		"no signature":     func(i *fakeissuer.Issuer) { i.Unsigned = true },
		"issuer":           func(i *fakeissuer.Issuer) { i.Claims["iss"] = "https://other.example" },
		"audience":         func(i *fakeissuer.Issuer) { i.Claims["aud"] = "another" },
		"azp missing":      func(i *fakeissuer.Issuer) { i.Claims["aud"] = []string{"another", fakeissuer.ClientID} },
		"azp":              func(i *fakeissuer.Issuer) { i.Claims["azp"] = "another" },
		"nonce":            func(i *fakeissuer.Issuer) { i.Claims["nonce"] = "another login's" },
		"expired":          func(i *fakeissuer.Issuer) { i.Claims["exp"] = 1 },
		"no subject":       func(i *fakeissuer.Issuer) { i.Claims["sub"] = nil },
		"no ID token":      func(i *fakeissuer.Issuer) { i.NoIDToken = true },
		"refuses the code": func(i *fakeissuer.Issuer) { i.Status = 400 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
				lie(issuer)
				state := h.begin()
				_, err := h.finish(state.State, issuer.Authorize(t, state.URL))
				require.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
				require.NotContains(t, h.log.String(), fakeissuer.ClientSecret)
			})
		})
	}
}

func TestUpstreamProviderThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		state := h.begin()
		issuer.Status = 502
		_, err := h.finish(state.State, issuer.Authorize(t, state.URL))
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		issuer.Stop()
		state = h.begin() // its metadata is known
		_, err = h.finish(state.State, "code")
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		h.restart()
		_, err = h.service.BeginIdentity(t.Context(), oauth.BeginIdentityRequest{Provider: "example", Binding: "caller"})
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	})
}

func TestEmailOfAnUpstreamProviderIsVerifiedOnlyIfItSaysSo(t *testing.T) {
	t.Parallel()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		for value, want := range map[any]bool{true: true, "true": true, false: false, "false": false, 1: false} {
			issuer.Claims["email_verified"] = value
			state := h.begin()
			proved, err := h.finish(state.State, issuer.Authorize(t, state.URL))
			require.NoError(t, err)
			require.Equal(t, want, proved.EmailVerified, "%v", value)
		}
	})
}

func requireField(t *testing.T, err error, field string) {
	t.Helper()
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	require.Contains(t, fault.From(err).Fields, field)
}
