package oauth

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

const (
	acr1 = oauth.ACRPassword
	acr2 = oauth.ACRMultiple
	acr3 = oauth.ACRPhishing
)

// unable resumes for a user who cannot do what was asked.
func (h *harness) unable(id string, login *oauth.Login) oauth.Authorization {
	h.t.Helper()
	a, err := h.service.Resume(h.t.Context(), oauth.ResumeRequest{ID: id, Login: login, Unable: true})
	require.NoError(h.t, err)
	return a
}

// by is Alice's login with those methods.
func (h *harness) by(methods ...string) *oauth.Login {
	l := h.login()
	l.Methods = methods
	return l
}

func essential(values ...string) string {
	text, _ := json.Marshal(map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true, "values": values}}})
	return string(text)
}

func TestLoginsAreSteppedUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		tests := map[string]struct {
			change  []string
			methods []string
			want    string // the class asked for, "" for a code at once
		}{
			"voluntary, met":            {[]string{"acr_values", acr2}, []string{"pwd", "otp", "mfa"}, ""},
			"voluntary, not met":        {[]string{"acr_values", acr2}, []string{"pwd"}, acr2},
			"one of them is met":        {[]string{"acr_values", acr3 + " " + acr1}, []string{"pwd"}, ""},
			"the first is preferred":    {[]string{"acr_values", acr3 + " " + acr2}, []string{"pwd"}, acr3},
			"the unknown is skipped":    {[]string{"acr_values", "urn:other " + acr2}, []string{"pwd"}, acr2},
			"unknown alone":             {[]string{"acr_values", "urn:other"}, []string{"pwd"}, ""},
			"a stronger one does":       {[]string{"acr_values", acr2}, []string{"swk"}, ""},
			"essential, met":            {[]string{"claims", essential(acr2)}, []string{"pwd", "mfa"}, ""},
			"essential, not met":        {[]string{"claims", essential(acr3)}, []string{"pwd", "mfa"}, acr3},
			"essential before values":   {[]string{"claims", essential(acr2), "acr_values", acr1}, []string{"pwd"}, acr2},
			"essential without a value": {[]string{"claims", `{"id_token":{"acr":{"essential":true}}}`}, []string{"pwd"}, ""},
			"claims, voluntary":         {[]string{"claims", `{"id_token":{"acr":{"value":"` + acr2 + `"}}}`}, []string{"pwd"}, acr2},
			"UserInfo has no acr":       {[]string{"claims", `{"userinfo":{"acr":{"essential":true,"value":"` + acr2 + `"}}}`}, []string{"pwd"}, ""},
		}
		for name, test := range tests {
			a := h.authorize(form(c, test.change...), h.by(test.methods...))
			if test.want == "" {
				assert.NotEmpty(t, redirected(t, a).Get("code"), name)
				continue
			}
			require.NotNil(t, a.Login, "%s: %+v", name, a)
			assert.Equal(t, "step_up", a.Login.Prompt, name)
			assert.Equal(t, test.want, a.Login.ACR, name)
			shown, err := h.service.Pending(t.Context(), oauth.PendingRequest{ID: a.Login.ID})
			require.NoError(t, err)
			assert.Equal(t, test.want, shown.ACR, name)
			require.NotNil(t, h.resume(a.Login.ID, h.by(test.methods...), nil).Login, "%s: nothing was done", name)
			assert.NotEmpty(t, redirected(t, h.resume(a.Login.ID, h.by("pwd", "swk", "mfa"), nil)).Get("code"), name)
		}
		a := h.authorize(form(c, "acr_values", acr2), nil)
		assert.Equal(t, "login", a.Login.Prompt)
		assert.Equal(t, acr2, a.Login.ACR, "the login may do it at once")
		h.clock.Advance(1)
		weak := h.loginNow()
		assert.Equal(t, "step_up", h.resume(a.Login.ID, weak, nil).Login.Prompt, "a new login is not enough either")

		h.alter(c, func(c *oauth.Client) { c.DefaultACRs = []string{acr2} })
		assert.Equal(t, acr2, h.authorize(form(c), h.login()).Login.ACR)
		assert.NotEmpty(t, redirected(t, h.authorize(form(c, "acr_values", acr1), h.login())).Get("code"))
	})
}

func TestWhoCannotStepUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		a := h.authorize(form(c, "acr_values", acr3+" "+acr2), h.login())
		id := a.Login.ID
		a = h.unable(id, h.login())
		require.NotNil(t, a.Login)
		assert.Equal(t, acr2, a.Login.ACR, "the next one")
		a = h.unable(id, h.login())
		require.NotNil(t, a.Consent, "it was voluntary: %+v", a)
		a = h.resume(id, h.login(), allow)
		assert.NotEmpty(t, redirected(t, a).Get("code"), "and is not asked for again")

		a = h.authorize(form(c, "acr_values", acr2), h.login())
		require.NotEmpty(t, redirected(t, h.unable(a.Login.ID, h.login())).Get("code"))
		a = h.authorize(form(c, "acr_values", acr2+" "+acr3), h.login())
		require.NotEmpty(t, redirected(t, h.unable(a.Login.ID, h.login())).Get("code"), "nor the stronger")

		a = h.authorize(form(c, "acr_values", acr2, "prompt", "consent"), h.login())
		id = a.Login.ID
		require.NotNil(t, h.unable(id, h.login()).Consent)
		bobs := h.login()
		bobs.Subject = bob
		require.Equal(t, "step_up", h.resume(id, bobs, nil).Login.Prompt, "Bob has not been asked")

		a = h.authorize(form(c, "claims", essential(acr3, acr2)), h.login())
		id = a.Login.ID
		assert.Equal(t, acr2, h.unable(id, h.login()).Login.ACR)
		q := redirected(t, h.unable(id, h.login()))
		assert.Equal(t, "unmet_authentication_requirements", q.Get("error"))
		h.requireGone(id)
		q = redirected(t, h.authorize(form(c, "claims", essential("urn:other")), h.login()))
		assert.Equal(t, "unmet_authentication_requirements", q.Get("error"), "nobody can")

		q = redirected(t, h.authorize(form(c, "claims", essential(acr2), "prompt", "none"), h.login()))
		assert.Equal(t, "unmet_authentication_requirements", q.Get("error"))
		q = redirected(t, h.authorize(form(c, "acr_values", acr2, "prompt", "none"), h.login()))
		assert.NotEmpty(t, q.Get("code"), "voluntary: %v", q)
		q = redirected(t, h.authorize(form(c, "acr_values", acr2, "prompt", "none"), nil))
		assert.Equal(t, "login_required", q.Get("error"))
	})
}

func TestClaimsNameTheUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		want := `{"id_token":{"sub":{"value":"` + alice + `"}}}`
		assert.NotEmpty(t, redirected(t, h.authorize(form(c, "claims", want), h.login())).Get("code"))
		bobs := h.login()
		bobs.Subject = bob
		a := h.authorize(form(c, "claims", want), bobs)
		require.NotNil(t, a.Login)
		q := redirected(t, h.authorize(form(c, "claims", want, "prompt", "none"), bobs))
		assert.Equal(t, "login_required", q.Get("error"))
		h.clock.Advance(1)
		bobs.AuthenticatedTime = h.clock.Now()
		assert.Equal(t, "login_required", redirected(t, h.resume(a.Login.ID, bobs, nil)).Get("error"))

		uri := h.push(c, form(c, "claims", want))
		require.NotNil(t, h.authorize(opens(c, uri), bobs).Login)
		h.clock.Advance(1)
		bobs.AuthenticatedTime = h.clock.Now()
		assert.Equal(t, "login_required", redirected(t, h.authorize(opens(c, uri), bobs)).Get("error"), "a reload is no way around")

		h.alter(c, func(c *oauth.Client) { c.SubjectType = "pairwise" })
		require.NotNil(t, h.authorize(form(c, "claims", want), h.login()).Login, "the client does not know that name")
		found, err := h.service.clients.GetClient(t.Context(), c.Client.ID)
		require.NoError(t, err)
		name := h.service.flow.Names.Of(client.Of(found), alice)
		want = `{"userinfo":{"sub":{"value":"` + name + `"}}}`
		assert.NotEmpty(t, redirected(t, h.authorize(form(c, "claims", want), h.login())).Get("code"))
		require.NotNil(t, h.authorize(form(c, "claims", want), bobs).Login)
	})
}

func TestClientsOfAHub(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		seven := int64(7)
		h.alter(c, func(c *oauth.Client) { c.Hub = &seven })
		assert.NotEmpty(t, redirected(t, h.authorize(form(c), h.login())).Get("code"))

		eight := int64(8)
		for _, hub := range []*int64{nil, &eight} {
			elsewhere := h.login()
			elsewhere.Hub = hub
			q := redirected(t, h.authorize(form(c, "prompt", "none"), elsewhere))
			assert.Equal(t, "interaction_required", q.Get("error"))
			a := h.authorize(form(c), elsewhere)
			require.NotNil(t, a.Login)
			assert.Equal(t, "hub", a.Login.Prompt)
			assert.Equal(t, &seven, a.Login.Hub)
			require.Equal(t, "hub", h.resume(a.Login.ID, elsewhere, nil).Login.Prompt)
			assert.NotEmpty(t, redirected(t, h.resume(a.Login.ID, h.login(), nil)).Get("code"))

			id := h.authorize(form(c), elsewhere).Login.ID
			assert.Equal(t, "access_denied", redirected(t, h.unable(id, elsewhere)).Get("error"))
			h.requireGone(id)
		}
		a := h.authorize(form(c, "prompt", "login"), h.login())
		assert.Equal(t, "login", h.unable(a.Login.ID, h.login()).Login.Prompt, "inability is no login")
	})
}

func TestPromptCreateAndDefaultMaxAge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for _, login := range []*oauth.Login{nil, h.login()} {
			a := h.authorize(form(c, "prompt", "create"), login)
			require.NotNil(t, a.Login)
			assert.Equal(t, "create", a.Login.Prompt)
			h.clock.Advance(1)
			assert.NotEmpty(t, redirected(t, h.resume(a.Login.ID, h.loginNow(), nil)).Get("code"))
		}
		for _, age := range []int64{0, 59} {
			h.alter(c, func(c *oauth.Client) { c.DefaultMaxAge = &age })
			assert.Equal(t, "login", h.authorize(form(c), h.login()).Login.Prompt)
			assert.NotEmpty(t, redirected(t, h.authorize(form(c, "max_age", "60"), h.login())).Get("code"), "the request's own prevails")
		}
	})
}

// grantOf is the grant that a code is of.
func (h *harness) grantOf(code string) *grant.Grant {
	h.t.Helper()
	id, ok := bearer.ParseCode(code)
	require.True(h.t, ok)
	g, err := h.service.grants.ByID(h.t.Context(), id)
	require.NoError(h.t, err)
	return g
}

func TestGrantsKeepWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		h.alter(c, func(c *oauth.Client) {
			c.Resources = []string{"https://api.example", "urn:x:y", "https://other.example/"}
		})
		f := form(c, "claims", `{"userinfo":{"email":null}}`, "dpop_jkt", challengeOf(verifier))
		f["resource"] = []string{"https://api.example", "urn:x:y", "https://api.example", ""}
		check := func(a oauth.Authorization) {
			t.Helper()
			code := redirected(t, a).Get("code")
			require.NotEmpty(t, code)
			g := h.grantOf(code)
			assert.Equal(t, []string{"https://api.example", "urn:x:y"}, g.Details.Resources)
			assert.JSONEq(t, `{"userinfo":{"email":null}}`, string(g.Details.Claims))
			require.NotNil(t, g.Details.Confirmation)
			assert.Equal(t, challengeOf(verifier), g.Details.Confirmation.KeyThumbprint)
			assert.Equal(t, int64(7), *g.Details.Hub)
		}
		check(h.authorize(f, h.login()))
		check(h.authorize(opens(c, h.push(c, f)), h.login()))
		a := h.authorize(set(f, "prompt", "login"), h.login())
		h.clock.Advance(1)
		check(h.resume(a.Login.ID, h.loginNow(), nil))

		f["resource"] = append(f["resource"], "https://api.example/")
		assert.Equal(t, "invalid_target", redirected(t, h.authorize(f, h.login())).Get("error"), "exactly")
		requireError(t, h.do(as(c, "/oauth2/par", f)), 400, "invalid_target")
	})
}
