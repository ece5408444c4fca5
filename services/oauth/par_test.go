package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

const urn = "urn:ietf:params:oauth:request_uri:"

// push sends a request ahead and gives its request_uri.
func (h *harness) push(c oauth.CreatedClient, f url.Values) string {
	h.t.Helper()
	a := h.do(as(c, "/oauth2/par", f))
	require.Equal(h.t, http.StatusCreated, a.status, a.body)
	return a.text("request_uri")
}

// opens is what the browser brings of a pushed request.
func opens(c oauth.CreatedClient, uri string) url.Values {
	return url.Values{"client_id": {c.Client.ID}, "request_uri": {uri}}
}

func requireProblem(t *testing.T, a oauth.Authorization, code string) {
	t.Helper()
	require.NotNil(t, a.Problem, "%+v", a)
	require.Equal(t, code, a.Problem.Code, a.Problem.Description)
}

func TestPushedRequestsGoAllTheWay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for _, c := range []oauth.CreatedClient{h.web(), h.web(public), h.web(postAuth)} {
			a := h.do(as(c, "/oauth2/par", form(c)))
			require.Equal(t, http.StatusCreated, a.status, a.body)
			uri := a.text("request_uri")
			assert.Equal(t, map[string]any{"request_uri": uri, "expires_in": 90.0}, a.json)
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
			assert.True(t, strings.HasPrefix(uri, urn))
			assert.Len(t, uri, len(urn)+43, "256 bits")

			// What comes beside it does not count.
			f := set(opens(c, uri), "scope", "email", "state", "forged", "redirect_uri", "https://evil.example/", "prompt", "none")
			q := redirected(t, h.authorize(f, h.login()))
			assert.Equal(t, "af0ifjsldkj", q.Get("state"))
			tokens := h.redeem(c, q.Get("code"))
			require.Equal(t, http.StatusOK, tokens.status, tokens.body)
			assert.Equal(t, "openid profile email hub offline_access", tokens.text("scope"))

			requireProblem(t, h.authorize(opens(c, uri), h.login()), "invalid_request_uri")
		}
	})
}

func TestPushedRequestsWaitForTheirUsers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty)
		uri := h.push(c, form(c))
		h.requireGone(strings.TrimPrefix(uri, urn)) // no page has been asked for yet
		h.clock.Advance(90*time.Second - 1)
		a := h.authorize(opens(c, uri), nil)
		require.NotNil(t, a.Login)
		id := a.Login.ID
		h.clock.Advance(30 * time.Minute)
		require.NotNil(t, h.authorize(opens(c, uri), nil).Login, "a reload")
		h.clock.Advance(29 * time.Minute)
		login := h.loginNow()
		require.NotNil(t, h.authorize(opens(c, uri), login).Consent, "a reload after the login")
		require.NotNil(t, h.authorize(opens(c, uri), login).Consent, "and on the consent page")
		assert.NotEmpty(t, redirected(t, h.resume(id, login, allow)).Get("code"))
		h.requireGone(id)
		requireProblem(t, h.authorize(opens(c, uri), login), "invalid_request_uri")

		uri = h.push(c, form(c))
		assert.NotEmpty(t, redirected(t, h.authorize(opens(c, uri), h.login())).Get("code"), "allowed before")
	})
}

// alter changes a client that is registered, past all rules.
func (h *harness) alter(c oauth.CreatedClient, change func(*oauth.Client)) {
	h.t.Helper()
	found, err := h.service.clients.GetClient(h.t.Context(), c.Client.ID)
	require.NoError(h.t, err)
	changed := client.Of(found).Client
	change(&changed)
	texts := make([]string, 3)
	for i, v := range []any{changed, changed.RedirectURIs, changed.Scopes} {
		text, err := json.Marshal(v)
		require.NoError(h.t, err)
		texts[i] = string(text)
	}
	_, err = h.db.Exec(h.t.Context(), `UPDATE clients SET metadata = $2, redirect_uris = $3, scopes = $4, hub = $5, auth_method = $6
		WHERE id = $1`, c.Client.ID, texts[0], texts[1], texts[2], changed.Hub, changed.AuthMethod)
	require.NoError(h.t, err)
}

// What a login is fresh for is the browser's arrival, not the push before it.
func TestPushedPromptsAskTheUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for _, change := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
			uri := h.push(c, form(c, change...))
			h.clock.Advance(time.Second)
			login := h.loginNow()
			h.clock.Advance(time.Second)
			a := h.authorize(opens(c, uri), login)
			require.NotNil(t, a.Login, "logged in before the browser came")
			require.NotNil(t, h.authorize(opens(c, uri), login).Login)
			assert.NotEmpty(t, redirected(t, h.authorize(opens(c, uri), h.loginNow())).Get("code"))
		}
		uri := h.push(c, form(c, "prompt", "none"))
		assert.Equal(t, "login_required", redirected(t, h.authorize(opens(c, uri), nil)).Get("error"))
		requireProblem(t, h.authorize(opens(c, uri), h.login()), "invalid_request_uri")

		hint := h.tokens(c).text("id_token")
		uri = h.push(c, form(c, "id_token_hint", hint))
		assert.NotContains(t, dump(t, h.db), hint)
		bobs := h.login()
		bobs.Subject = bob
		require.NotNil(t, h.authorize(opens(c, uri), bobs).Login)
	})
}

func TestRequestURIsBelongToTheirClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, other := h.web(), h.web()
		uri := h.push(c, form(c))
		requireProblem(t, h.authorize(opens(other, uri), h.login()), "invalid_request_uri")
		for name, f := range map[string]url.Values{
			"unknown":     opens(c, urn+strings.Repeat("A", 43)),
			"empty":       opens(c, urn),
			"wrong case":  opens(c, urn+strings.ToUpper(strings.TrimPrefix(uri, urn))),
			"longer":      opens(c, uri+"A"),
			"a waiting":   opens(c, urn+h.authorize(form(c), nil).Login.ID),
			"no client":   opens(oauth.CreatedClient{}, uri),
			"client case": set(opens(c, uri), "client_id", strings.ToUpper(c.Client.ID)),
		} {
			a := h.authorize(f, h.login())
			require.NotNil(t, a.Problem, name)
			assert.Equal(t, "invalid_request_uri", a.Problem.Code, name)
		}
		for name, f := range map[string]url.Values{
			"client missing":  {"request_uri": {uri}},
			"client repeated": {"request_uri": {uri}, "client_id": {c.Client.ID, c.Client.ID}},
			"uri repeated":    {"request_uri": {uri, uri}, "client_id": {c.Client.ID}},
			"two kinds":       set(opens(c, uri), "request", "x.y.z"),
			"too large":       set(opens(c, uri), "x", strings.Repeat("x", big)),
			"not UTF-8":       set(opens(c, uri), "x", "\xff"),
		} {
			a := h.authorize(f, h.login())
			require.NotNil(t, a.Problem, name)
			assert.Equal(t, "invalid_request", a.Problem.Code, name)
		}
		assert.NotEmpty(t, redirected(t, h.authorize(opens(c, uri), h.login())).Get("code"), "none of it cost the owner the request")

		uri = h.push(c, form(c))
		h.clock.Advance(90 * time.Second)
		requireProblem(t, h.authorize(opens(c, uri), h.login()), "invalid_request_uri")
		_, err := h.service.flow.Requests.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		assert.NotContains(t, dump(t, h.db), strings.TrimPrefix(uri, urn), "not even its id was stored")
	})
}

func TestPushedRequestsAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		uri := h.push(c, form(c))
		var mu sync.Mutex
		codes := 0
		together(8, func() answer {
			a, err := h.service.Authorize(t.Context(), oauth.AuthorizeRequest{Form: opens(c, uri), Login: h.login()})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				assert.False(t, fault.Is(err, fault.Gone), "the user gets a page")
			case a.Problem == nil && redirected(t, a).Get("code") != "":
				codes++
			}
			return answer{}
		})
		assert.Equal(t, 1, codes)
	})
}

func TestPushIsCheckedInFull(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, other := h.web(), h.web()
		tests := map[string]struct {
			change func(url.Values)
			code   string
		}{
			"response_type missing": {one("response_type", ""), "invalid_request"},
			"response_type token":   {one("response_type", "token"), "unsupported_response_type"},
			"redirect missing":      {one("redirect_uri", ""), "invalid_request"},
			"redirect unknown":      {one("redirect_uri", callback+"/"), "invalid_request"},
			"scope missing":         {one("scope", ""), "invalid_scope"},
			"scope unknown":         {one("scope", "root"), "invalid_scope"},
			"challenge missing":     {one("code_challenge", ""), "invalid_request"},
			"method plain":          {one("code_challenge_method", "plain"), "invalid_request"},
			"prompt unknown":        {one("prompt", "Login"), "invalid_request"},
			"max_age":               {one("max_age", "x"), "invalid_request"},
			"state huge":            {one("state", strings.Repeat("s", 1025)), "invalid_request"},
			"nonce huge":            {one("nonce", strings.Repeat("n", 513)), "invalid_request"},
			"hint":                  {one("id_token_hint", "x"), "invalid_request"},
			"repeated":              {twice("state", "x"), "invalid_request"},
			"another client":        {one("client_id", other.Client.ID), "invalid_request"},
			"pushed again":          {one("request_uri", urn+"x"), "invalid_request"},
			"registration":          {one("registration", "{}"), "registration_not_supported"},
			"all too large":         {one("login_hint", strings.Repeat("x", big)), "invalid_request"},
			"not UTF-8":             {one("state", "\xff"), "invalid_request"},
		}
		for name, test := range tests {
			f := form(c)
			test.change(f)
			a := h.do(as(c, "/oauth2/par", f))
			assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.body)
			assert.Equal(t, test.code, a.text("error"), "%s: %s", name, a.body)
		}
		wrong := c
		wrong.Secret += "x"
		requireError(t, h.do(as(wrong, "/oauth2/par", form(c))), http.StatusUnauthorized, "invalid_client")
		requireError(t, h.do(post("/oauth2/par", form(c))), http.StatusUnauthorized, "invalid_client")
		var rows int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM authorization_requests").Scan(&rows))
		assert.Zero(t, rows)

		uri := h.push(c, set(form(c), "client_id", "", "x", "means nothing"))
		assert.NotEmpty(t, redirected(t, h.authorize(opens(c, uri), h.login())).Get("code"), "who pushes has said who they are")
		assert.NotContains(t, dump(t, h.db), c.Secret)
	})
}

func TestPushesAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.PendingLimit = 2
		h.restart()
		c, other := h.web(), h.web()
		oldest := h.push(c, form(c))
		newer := h.push(c, form(c))
		h.clock.Advance(time.Second)
		h.push(other, form(other))
		require.NotEmpty(t, redirected(t, h.authorize(opens(c, oldest), h.login())).Get("code"))
		oldest = newer
		h.push(c, form(c))
		h.clock.Advance(time.Second)
		h.push(c, form(c))
		assert.NotNil(t, h.authorize(opens(c, oldest), h.login()).Problem, "the oldest gives way")
	})
}

func TestPushesCanBeRequired(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, free := h.web(), h.web()
		waits := h.authorize(form(c), nil).Login.ID
		h.alter(c, func(c *oauth.Client) { c.RequirePAR = true })
		refused := func(c oauth.CreatedClient) {
			q := redirected(t, h.authorize(form(c), h.login()))
			assert.Equal(t, "invalid_request", q.Get("error"))
			assert.NotEmpty(t, redirected(t, h.authorize(opens(c, h.push(c, form(c))), h.login())).Get("code"))
		}
		refused(c)
		q := redirected(t, h.resume(waits, h.loginNow(), nil))
		assert.Equal(t, "invalid_request", q.Get("error"), "it was not pushed")
		redirected(t, h.authorize(form(free), h.login()))
		h.config.RequirePAR = true
		h.restart()
		refused(free)
	})
}

// A client may change while its request waits; the request is what it now may
// ask for, or nothing.
func TestPushedRequestsOfChangedClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		scopes := h.push(c, form(c))
		h.alter(c, func(c *oauth.Client) { c.Scopes = []string{"openid"} })
		assert.Equal(t, "invalid_scope", redirected(t, h.authorize(opens(c, scopes), h.login())).Get("error"))
		requireProblem(t, h.authorize(opens(c, scopes), h.login()), "invalid_request_uri")

		moved := h.push(c, form(c, "scope", "openid"))
		h.alter(c, func(c *oauth.Client) { c.RedirectURIs = []string{"https://app.example/moved"} })
		requireProblem(t, h.authorize(opens(c, moved), h.login()), "invalid_request")

		gone := h.web()
		uri := h.push(gone, form(gone))
		_, err := h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: gone.Client.ID})
		require.NoError(t, err)
		requireProblem(t, h.authorize(opens(gone, uri), h.login()), "invalid_request_uri")
	})
}
