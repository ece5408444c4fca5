package oauth

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ory/fosite"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// between is a provider that has something happen between the decision about a
// request and the grant.
type between struct {
	fosite.OAuth2Provider

	done atomic.Bool
	do   func()
}

func (b *between) NewAuthorizeResponse(ctx context.Context, r fosite.AuthorizeRequester, s fosite.Session) (fosite.AuthorizeResponder, error) {
	response, err := b.OAuth2Provider.NewAuthorizeResponse(ctx, r, s)
	if b.done.CompareAndSwap(false, true) {
		b.do()
	}
	return response, err
}

// meanwhile has it happen during the next request that is granted.
func (h *harness) meanwhile(do func()) {
	h.service.flow.Provider = &between{OAuth2Provider: h.service.flow.Provider, do: do}
}

// withdraw takes back what Alice has allowed the client.
func (h *harness) withdraw(c oauth.CreatedClient) {
	h.t.Helper()
	for _, consent := range h.consents(alice) {
		if consent.Client == c.Client.ID {
			_, err := h.service.RevokeConsent(h.t.Context(), oauth.RevokeConsentRequest{Subject: alice, Consent: api.Ref{ID: consent.ID}})
			require.NoError(h.t, err)
		}
	}
}

const alive = "grants WHERE revoked_time IS NULL"

// What was allowed before counts up to the moment in which something is granted.
func TestNoGrantOnAConsentThatWasWithdrawnMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for name, test := range map[string]struct {
			prompt string
			again  bool // allowed anew, though less
		}{
			"asked again": {}, "nobody to ask": {prompt: "none"}, "another consent": {again: true},
		} {
			c := h.web(thirdParty)
			h.consented(c)
			before := h.rows("grants")
			h.meanwhile(func() {
				h.withdraw(c)
				if test.again {
					a := h.authorize(form(c, "scope", "openid"), h.login())
					require.NotNil(t, a.Consent, name)
					require.NotEmpty(t, redirected(t, h.resume(a.Consent.ID, h.login(), allow)).Get("code"), name)
					before++
				}
			})
			a := h.authorize(form(c, "prompt", test.prompt), h.login())
			if test.prompt == "" {
				assert.NotNil(t, a.Consent, name)
			} else {
				assert.Equal(t, "consent_required", redirected(t, a).Get("error"), name)
			}
			assert.Equal(t, before, h.rows("grants"), name)
		}
	})
}

// A request that has waited for a login goes on to ask, and is still there to.
func TestAWaitingRequestOutlivesAConsentWithdrawnMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		h.consented(c)
		waiting := h.authorize(form(c), nil)
		require.NotNil(t, waiting.Login)
		h.meanwhile(func() { h.withdraw(c) })
		a := h.resume(waiting.Login.ID, h.loginNow(), nil)
		require.NotNil(t, a.Consent)
		assert.Zero(t, h.rows(alive))
		assert.NotEmpty(t, redirected(t, h.resume(a.Consent.ID, h.loginNow(), allow)).Get("code"))
		assert.Equal(t, 1, h.rows(alive))
		assert.Len(t, h.consents(alice), 1)
	})
}

// Whichever of the two comes first, no grant is left of an app that the user does
// not see any more.
func TestWithdrawalAndGrantAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		for range 20 {
			h.consented(c)
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					_, err := h.service.Authorize(t.Context(), oauth.AuthorizeRequest{Form: form(c), Login: h.login()})
					assert.NoError(t, err)
				})
			}
			all.Go(func() { h.withdraw(c) })
			all.Wait()
			assert.Zero(t, h.rows(alive))
			assert.Empty(t, h.consents(alice))
		}
		a := h.authorize(form(c), h.login())
		require.NotNil(t, a.Consent)
	})
}

// A yes that is given while an earlier one is withdrawn leaves either nothing or all
// of what it allows.
func TestWithdrawalAndConsentAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		for range 20 {
			h.consented(c)
			a := h.authorize(form(c, "prompt", "consent"), h.login())
			require.NotNil(t, a.Consent)
			var all sync.WaitGroup
			all.Go(func() {
				_, err := h.service.Resume(t.Context(), oauth.ResumeRequest{ID: a.Consent.ID, Login: h.login(), Decision: allow})
				assert.NoError(t, err)
			})
			all.Go(func() { h.withdraw(c) })
			all.Wait()
			if list := h.consents(alice); len(list) == 0 {
				assert.Zero(t, h.rows(alive))
			} else {
				assert.Len(t, list[0].Scopes, 5)
				assert.Equal(t, 1, h.rows(alive))
			}
			h.withdraw(c)
			require.Zero(t, h.rows(alive))
		}
	})
}

// Nothing but the transaction that grants is dearer for it.
//
//nolint:tparallel // one database after the other, as with testkit.EachDB
func TestWhatAnEarlierConsentCosts(t *testing.T) {
	t.Parallel()
	eachCounted(t, func(t *testing.T, h *harness, count func(func()) cost) {
		c := h.web(thirdParty)
		h.consented(c)
		own := h.web()
		granted := func(c oauth.CreatedClient) func() {
			return func() {
				ctx, span := h.obs.Tracer.Tracer("test").Start(t.Context(), "request")
				defer span.End()
				a, err := h.service.Authorize(ctx, oauth.AuthorizeRequest{Form: form(c), Login: h.login()})
				require.NoError(t, err)
				require.NotEmpty(t, redirected(t, a).Get("code"))
			}
		}
		plain := count(granted(own))
		require.Positive(t, plain.writes)
		plain.reads++  // what was allowed
		plain.writes++ // and still is
		assert.Equal(t, plain, count(granted(c)))
	})
}
