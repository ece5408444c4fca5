package oauth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

var (
	allow = &oauth.Decision{Allow: true}
	deny  = &oauth.Decision{}
)

func (h *harness) resume(id string, login *oauth.Login, d *oauth.Decision) oauth.Authorization {
	h.t.Helper()
	a, err := h.service.Resume(h.t.Context(), oauth.ResumeRequest{ID: id, Login: login, Decision: d})
	require.NoError(h.t, err)
	return a
}

func (h *harness) requireGone(id string) {
	h.t.Helper()
	_, err := h.service.Resume(h.t.Context(), oauth.ResumeRequest{ID: id, Login: h.login(), Decision: allow})
	require.True(h.t, fault.Is(err, fault.Gone), "%v", err)
	_, err = h.service.Pending(h.t.Context(), oauth.PendingRequest{ID: id})
	require.True(h.t, fault.Is(err, fault.Gone), "%v", err)
}

// now is a login that has just happened.
func (h *harness) loginNow() *oauth.Login {
	l := h.login()
	l.AuthenticatedTime = h.clock.Now()
	return l
}

func TestLoginThenConsentThenCode(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		a := h.authorize(form(c, "login_hint", "alice@example.org", "ui_locales", "de en"), nil)
		require.NotNil(t, a.Login)
		want := oauth.Interaction{
			ID: a.Login.ID, Prompt: "login", Client: c.Client, Scopes: []string{"openid", "profile", "email", "hub", "offline_access"},
			LoginHint: "alice@example.org", UILocales: "de en", RedirectTo: "https://app.example",
		}
		assert.Equal(t, want, *a.Login)
		assert.Len(t, a.Login.ID, 43, "256 bits")
		shown, err := h.service.Pending(t.Context(), oauth.PendingRequest{ID: a.Login.ID})
		require.NoError(t, err)
		want.Prompt = ""
		assert.Equal(t, want, shown)

		a = h.resume(a.Login.ID, nil, nil)
		require.NotNil(t, a.Login, "still nobody")
		a = h.resume(a.Login.ID, h.loginNow(), nil)
		require.NotNil(t, a.Consent)
		assert.Equal(t, "consent", a.Consent.Prompt)
		id := a.Consent.ID
		q := redirected(t, h.resume(id, h.loginNow(), allow))
		assert.NotEmpty(t, q.Get("code"))
		h.requireGone(id)
	})
}

func TestConsentIsRemembered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		ask := func(scope string, login *oauth.Login) oauth.Authorization {
			return h.authorize(form(c, "scope", scope), login)
		}
		a := ask("openid email", h.login())
		require.NotNil(t, a.Consent)
		redirected(t, h.resume(a.Consent.ID, h.login(), allow))

		redirected(t, ask("openid email", h.login()))
		redirected(t, ask("email", h.login()))
		a = ask("openid profile", h.login())
		require.NotNil(t, a.Consent, "profile is new")
		redirected(t, h.resume(a.Consent.ID, h.login(), allow))
		redirected(t, ask("openid email profile", h.login())) // both together

		bobs := h.login()
		bobs.Subject = bob
		assert.NotNil(t, ask("openid email", bobs).Consent, "Bob has not allowed anything")
		assert.Equal(t, "consent_required", redirected(t, h.authorize(form(c, "scope", "openid email", "prompt", "none"), bobs)).Get("error"))
		assert.NotEmpty(t, redirected(t, h.authorize(form(c, "scope", "openid email", "prompt", "none"), h.login())).Get("code"))
		assert.NotNil(t, h.authorize(form(c, "scope", "openid email", "prompt", "consent"), h.login()).Consent, "asked for")
		other := h.web(thirdParty)
		assert.NotNil(t, h.authorize(form(other, "scope", "openid email"), h.login()).Consent, "another client")
	})
}

func TestDenial(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		a := h.authorize(form(c), h.login())
		q := redirected(t, h.resume(a.Consent.ID, h.login(), deny))
		assert.Equal(t, "access_denied", q.Get("error"))
		assert.Equal(t, testOrigin, q.Get("iss"))
		h.requireGone(a.Consent.ID)
		assert.NotNil(t, h.authorize(form(c), h.login()).Consent, "nothing was remembered")

		a = h.authorize(form(c), nil)
		q = redirected(t, h.resume(a.Login.ID, nil, deny))
		assert.Equal(t, "access_denied", q.Get("error"), "who does not want to log in may go back")
	})
}

// Only a yes of the person who saw the question counts.
func TestConsentIsThePersonsOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		bobs := h.login()
		bobs.Subject = bob
		a := h.authorize(form(c), h.login())
		id := a.Consent.ID
		for range 2 {
			a = h.resume(id, bobs, allow)
			require.NotNil(t, a.Login, "Alice was asked, not Bob")
			assert.Equal(t, "select_account", a.Login.Prompt)
		}
		a, err := h.service.Resume(t.Context(), oauth.ResumeRequest{ID: id, Login: bobs, Selected: true})
		require.NoError(t, err)
		require.NotNil(t, a.Consent)
		redirected(t, h.resume(id, bobs, allow))

		id = h.authorize(form(c), nil).Login.ID
		login := h.loginNow()
		for range 2 {
			require.NotNil(t, h.resume(id, login, allow).Login, "nobody was asked yet, and an answer is no question")
		}
		require.NotNil(t, h.resume(id, login, nil).Consent)
		redirected(t, h.resume(id, login, allow))
	})
}

func TestNativeAppsAreAskedEveryTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		native := func(r *oauth.CreateClientRequest) {
			public(r)
			r.RedirectURIs = []string{"http://127.0.0.1/cb"}
			r.FirstParty = false
		}
		c := h.web(native)
		f := form(c, "redirect_uri", "http://127.0.0.1:4711/cb")
		for range 2 {
			a := h.authorize(f, h.login())
			require.NotNil(t, a.Consent)
			assert.Equal(t, "http://127.0.0.1:4711", a.Consent.RedirectTo)
			redirected(t, h.resume(a.Consent.ID, h.login(), allow))
		}
		// Not even the operator's own are spared, had one been registered.
		_, err := h.db.Exec(t.Context(), "UPDATE clients SET first_party = TRUE WHERE id = $1", c.Client.ID)
		require.NoError(t, err)
		assert.NotNil(t, h.authorize(f, h.login()).Consent)
		assert.Equal(t, "consent_required", redirected(t, h.authorize(set(f, "prompt", "none"), h.login())).Get("error"))
	})
}

func TestPromptsAndMaxAge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for name, change := range map[string][]string{
			"login":      {"prompt", "login"},
			"max_age 0":  {"max_age", "0"},
			"max_age 59": {"max_age", "59"},
		} {
			a := h.authorize(form(c, change...), h.login())
			require.NotNil(t, a.Login, name)
			assert.Equal(t, "login", a.Login.Prompt, name)
			id := a.Login.ID
			a = h.resume(id, h.login(), nil)
			require.NotNil(t, a.Login, "%s: the old login does not do", name)
			h.clock.Advance(5 * time.Second)
			assert.NotEmpty(t, redirected(t, h.resume(id, h.loginNow(), nil)).Get("code"), name)
		}
		assert.NotEmpty(t, redirected(t, h.authorize(form(c, "max_age", "60"), h.login())).Get("code"))
		q := redirected(t, h.authorize(form(c, "max_age", "59", "prompt", "none"), h.login()))
		assert.Equal(t, "login_required", q.Get("error"))

		ahead := h.login() // another machine's clock is ahead
		ahead.AuthenticatedTime = h.clock.Now().Add(3 * time.Second)
		assert.NotNil(t, h.authorize(form(c, "prompt", "login"), ahead).Login)
		assert.NotNil(t, h.authorize(form(c, "max_age", "0"), ahead).Login)

		third := h.web(thirdParty)
		a := h.authorize(form(third, "prompt", "login consent"), h.login())
		require.NotNil(t, a.Login)
		login := h.loginNow()
		a = h.resume(a.Login.ID, login, nil)
		require.NotNil(t, a.Consent)
		h.clock.Advance(time.Minute)
		assert.NotEmpty(t, redirected(t, h.resume(a.Consent.ID, login, allow)).Get("code"))
	})
}

func TestSelectAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		a := h.authorize(form(c, "prompt", "select_account"), h.login())
		require.NotNil(t, a.Login)
		assert.Equal(t, "select_account", a.Login.Prompt)
		id := a.Login.ID
		assert.NotNil(t, h.resume(id, h.login(), nil).Login, "nothing was selected")
		a, err := h.service.Resume(t.Context(), oauth.ResumeRequest{ID: id, Login: h.login(), Selected: true})
		require.NoError(t, err)
		require.NotNil(t, a.Consent)
		redirected(t, h.resume(id, h.login(), allow)) // the selection need not be repeated

		a = h.authorize(form(c, "prompt", "select_account", "scope", "openid"), h.login())
		other := h.loginNow()
		other.Subject = bob
		assert.NotNil(t, h.resume(a.Login.ID, other, nil).Consent, "a new login selects by itself")
		assert.Equal(t, "login", h.authorize(form(c, "prompt", "select_account"), nil).Login.Prompt)
	})
}

func TestIDTokenHint(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, other := h.web(), h.web()
		hint := h.tokens(c).text("id_token")
		bobs := h.login()
		bobs.Subject = bob
		assert.NotEmpty(t, redirected(t, h.authorize(form(c, "id_token_hint", hint, "prompt", "none"), h.login())).Get("code"))
		assert.Equal(t, "login_required", redirected(t, h.authorize(form(c, "id_token_hint", hint, "prompt", "none"), bobs)).Get("error"))
		assert.Equal(t, "invalid_request", redirected(t, h.authorize(form(other, "id_token_hint", hint), h.login())).Get("error"), "not its token")
		assert.Equal(t, "invalid_request", redirected(t, h.authorize(form(c, "id_token_hint", flip(hint)), h.login())).Get("error"))

		a := h.authorize(form(c, "id_token_hint", hint), bobs)
		require.NotNil(t, a.Login)
		require.NotNil(t, h.resume(a.Login.ID, bobs, nil).Login, "still Bob")
		assert.NotContains(t, dump(t, h.db), hint)
		h.clock.Advance(time.Second)
		bobs.AuthenticatedTime = h.clock.Now()
		q := redirected(t, h.resume(a.Login.ID, bobs, nil))
		assert.Equal(t, "login_required", q.Get("error"), "Bob again, by his own will")
		h.requireGone(a.Login.ID)

		a = h.authorize(form(c, "id_token_hint", hint), bobs)
		h.clock.Advance(time.Second)
		assert.NotEmpty(t, redirected(t, h.resume(a.Login.ID, h.loginNow(), nil)).Get("code"))
		h.clock.Advance(2 * time.Hour)
		assert.NotEmpty(t, redirected(t, h.authorize(form(c, "id_token_hint", hint), h.login())).Get("code"), "expired ones do")
	})
}

func TestWaitingRequestsExpire(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		id := h.authorize(form(c), nil).Login.ID
		h.clock.Advance(time.Hour - time.Second)
		_, err := h.service.Pending(t.Context(), oauth.PendingRequest{ID: id})
		require.NoError(t, err)
		h.clock.Advance(time.Second)
		h.requireGone(id)
		for _, unknown := range []string{"", "x", "ä\x00"} {
			h.requireGone(unknown)
		}
		_, err = h.service.Authorize(t.Context(), oauth.AuthorizeRequest{Form: form(c), Login: &oauth.Login{}})
		require.Error(t, err, "a login of nobody")
	})
}
