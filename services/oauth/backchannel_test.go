package oauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
)

// listener is an app's back-channel logout endpoint.
type listener struct {
	url string

	mu     sync.Mutex
	status int
	tokens []string
}

// listen lets apps on this machine hear of logouts.
func (h *harness) listen() *listener {
	h.t.Helper()
	l := &listener{status: http.StatusOK}
	server := httptest.NewServer(l)
	h.t.Cleanup(server.Close)
	l.url = server.URL + "/logout"
	h.config.FetchAllow = []config.Network{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}
	h.restart()
	return l
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, r.PostFormValue("logout_token"))
	w.WriteHeader(l.status)
}

// heard gives the tokens so far, and forgets them.
func (h *harness) heard(l *listener) []string {
	h.t.Helper()
	require.NoError(h.t, h.service.notices.Drain(h.t.Context()))
	l.mu.Lock()
	defer l.mu.Unlock()
	tokens := l.tokens
	l.tokens = nil
	return tokens
}

func (l *listener) answer(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

func (l *listener) of(r *oauth.CreateClientRequest) { r.BackchannelLogoutURI = l.url }

// claims verifies a JWT with the published keys.
func (h *harness) claims(token string) (header jose.Header, claims map[string]any) {
	h.t.Helper()
	var set jose.JSONWebKeySet
	require.NoError(h.t, json.Unmarshal([]byte(h.do(httptest.NewRequest(http.MethodGet, "/oauth2/jwks", http.NoBody)).body), &set))
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
	require.NoError(h.t, err)
	header = parsed.Headers[0]
	require.Len(h.t, set.Key(header.KeyID), 1)
	require.NoError(h.t, parsed.Claims(set.Key(header.KeyID)[0], &claims))
	return header, claims
}

func (h *harness) endOf(logins ...*oauth.Login) {
	h.t.Helper()
	r := oauth.SessionsEndedRequest{}
	for _, login := range logins {
		r.Sessions = append(r.Sessions, login.Session)
	}
	h.ended(r)
}

func TestALogoutToken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
			c := h.web(l.of, pairwise, func(r *oauth.CreateClientRequest) { r.IDTokenAlg = alg })
			login := h.in(alg)
			tokens := h.tokensOf(c, login)
			_, id := h.claims(tokens.text("id_token"))
			h.endOf(login)
			h.clock.Advance(5 * time.Minute) // delivered late, it is still good
			heard := h.heard(l)
			require.Len(t, heard, 1)
			header, claims := h.claims(heard[0])
			assert.Equal(t, alg, header.Algorithm)
			assert.Equal(t, "logout+jwt", header.ExtraHeaders[jose.HeaderType])
			now := h.clock.Now()
			assert.Regexp(t, "^[0-9a-f]{40}$", claims["jti"])
			delete(claims, "jti")
			assert.Equal(t, map[string]any{
				"iss": testOrigin, "aud": c.Client.ID, "sub": id["sub"], "sid": id["sid"],
				"iat": seconds(now), "exp": seconds(now.Add(2 * time.Minute)),
				"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
			}, claims)
			assert.NotEqual(t, alice, claims["sub"], "as the client knows her")
			assert.NotEqual(t, login.Session, claims["sid"], "by which others could tell that they have her in common")
		}
	})
}

func TestOnlyAppsOfTheSessionHearOfItsEndOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		c, other, deaf := h.web(l.of), h.web(l.of), h.web()
		one, two := h.in("1"), h.in("2")
		for _, login := range []*oauth.Login{one, one, two} {
			h.tokensOf(c, login)
		}
		h.tokensOf(other, two)
		h.tokensOf(deaf, one)
		for range 2 {
			h.endOf(one)
		}
		heard := h.heard(l)
		require.Len(t, heard, 1)
		_, claims := h.claims(heard[0])
		assert.Equal(t, one.Session, claims["sid"])
		assert.Equal(t, c.Client.ID, claims["aud"])

		h.endOf(one, two)
		audiences := map[any]string{}
		for _, token := range h.heard(l) {
			_, claims := h.claims(token)
			audiences[claims["aud"]], _ = claims["sid"].(string)
		}
		assert.Equal(t, map[any]string{c.Client.ID: two.Session, other.Client.ID: two.Session}, audiences)
	})
}

func TestAnAppThatIsDownHearsOfItLater(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		c := h.web(l.of)
		h.tokensOf(c, h.in("1"))
		h.endOf(h.in("1"))
		ids := map[any]bool{}
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusFound, http.StatusNotFound, http.StatusNoContent} {
			l.answer(status)
			heard := h.heard(l)
			require.Len(t, heard, 1, "%d", status)
			_, claims := h.claims(heard[0])
			assert.InDelta(t, seconds(h.clock.Now()), claims["iat"], 0)
			ids[claims["jti"]] = true
			h.clock.Advance(time.Hour)
		}
		assert.Len(t, ids, 1, "an app can tell that it is the same")
		assert.Empty(t, h.heard(l))
	})
}

func TestAnAppsLastWordIsTaken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		c := h.web(l.of)
		h.tokensOf(c, h.in("1"))
		h.endOf(h.in("1"))
		l.answer(http.StatusBadRequest)
		token := h.heard(l)[0]
		dead := h.dead()
		require.Len(t, dead, 1)
		assert.Equal(t, "logout: "+c.Client.ID+" refuses the logout token", dead[0].Error)
		assert.NotContains(t, h.log.String(), token)
		h.clock.Advance(24 * time.Hour)
		assert.Empty(t, h.heard(l))

		l.answer(http.StatusOK)
		require.NoError(t, h.service.notices.Retry(t.Context(), dead[0].ID))
		assert.Len(t, h.heard(l), 1, "the operator may insist")
	})
}

func (h *harness) dead() []outbox.Dead {
	h.t.Helper()
	dead, err := h.service.notices.Dead(h.t.Context(), 10)
	require.NoError(h.t, err)
	return dead
}

// Nobody calls an address inside for a client.
func TestNoLogoutTokenGoesInside(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		c := h.web(l.of)
		h.tokensOf(c, h.in("1"))
		h.config.FetchAllow = nil
		h.restart()
		h.endOf(h.in("1"))
		assert.Empty(t, h.heard(l))
		require.Len(t, h.dead(), 1)
	})
}

func TestAClientThatIsGoneIsToldNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		c := h.web(l.of)
		h.tokensOf(c, h.in("1"))
		h.tokensOf(c, h.in("2"))
		h.endOf(h.in("1"))
		_, err := h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: c.Client.ID})
		require.NoError(t, err)
		h.endOf(h.in("2"))
		assert.Empty(t, h.heard(l))
		assert.Empty(t, h.dead())
	})
}

// The edge may believe in a session for a second after its end.
func TestNothingComesOfASessionThatHasEnded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		c := h.web(l.of)
		login := h.in("1")
		h.endOf(login)
		a := h.authorize(form(c), login)
		require.NotNil(t, a.Login, "%+v", a)
		assert.Equal(t, oauth.PromptLogin, a.Login.Prompt)
		assert.Equal(t, "login_required", redirected(t, h.authorize(form(c, "prompt", "none"), login)).Get("error"))
		resumed, err := h.service.Resume(t.Context(), oauth.ResumeRequest{ID: a.Login.ID, Login: h.in("2")})
		require.NoError(t, err)
		assert.NotEmpty(t, redirected(t, resumed).Get("code"))

		h.clock.Advance(time.Hour)
		_, err = h.service.sessions.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		assert.Equal(t, []string{h.in("2").Session}, h.column("SELECT session FROM login_sessions"))
		h.clock.Advance(401 * 24 * time.Hour)
		_, err = h.service.sessions.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		assert.Empty(t, h.column("SELECT session FROM login_sessions UNION SELECT session FROM session_clients"))
	})
}

// An app that somebody has not been at for long is forgotten by itself.
func TestOneForgottenAppTakesNoOtherWithIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		hears := func(r *oauth.CreateClientRequest) { r.BackchannelLogoutURI = "https://app.example/logout" }
		old, recent := h.web(hears), h.web(hears)
		h.tokensOf(old, h.in("1"))
		h.clock.Advance(300 * 24 * time.Hour)
		h.tokensOf(recent, h.in("1"))
		h.clock.Advance(101 * 24 * time.Hour)
		_, err := h.service.sessions.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		assert.Equal(t, []string{recent.Client.ID}, h.column("SELECT client_id FROM session_clients"))
	})
}

func (h *harness) column(query string) []string {
	h.t.Helper()
	rows, err := h.db.Query(h.t.Context(), query)
	require.NoError(h.t, err)
	defer func() { assert.NoError(h.t, rows.Close()) }()
	var all []string
	for rows.Next() {
		var s string
		require.NoError(h.t, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(h.t, rows.Err())
	return all
}

// Whichever comes first, no grant of an ended session is left.
func TestACodeRacesTheEndOfItsSession(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		for i := range 10 {
			login := h.in(string(rune('a' + i)))
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					_, err := h.service.Authorize(t.Context(), oauth.AuthorizeRequest{Form: form(c, "scope", online), Login: login})
					assert.NoError(t, err)
				})
			}
			all.Go(func() {
				_, err := h.service.SessionsEnded(t.Context(), oauth.SessionsEndedRequest{Sessions: []string{login.Session}})
				assert.NoError(t, err)
			})
			all.Wait()
		}
		assert.Empty(t, h.column("SELECT session FROM grants WHERE revoked_time IS NULL"))
	})
}

func TestWhoIsForgottenIsSignedOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		l := h.listen()
		c := h.web(l.of)
		h.tokensOf(c, h.in("1"))
		_, err := h.service.Forget(t.Context(), oauth.SubjectRequest{Subject: alice})
		require.NoError(t, err)
		assert.Len(t, h.heard(l), 1)
		assert.Empty(t, h.column("SELECT session FROM session_clients"))
	})
}

func TestFramesOfASession(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		framed := func(address string, named bool) func(*oauth.CreateClientRequest) {
			return func(r *oauth.CreateClientRequest) {
				r.FrontchannelLogoutURI, r.FrontchannelLogoutSession = address, named
			}
		}
		plain := h.web(framed("https://app.example/out", false))
		named := h.web(framed("https://app.example/out?x=1", true))
		h.web(framed("https://app.example/unused", true))
		login := h.in("1")
		for _, c := range []oauth.CreatedClient{plain, named, h.web()} {
			h.tokensOf(c, login)
		}
		frames := func(session string) []string {
			list, err := h.service.SessionClients(t.Context(), oauth.SessionClientsRequest{Session: session})
			require.NoError(t, err)
			require.NotNil(t, list.Frontchannel)
			return slices.Sorted(slices.Values(list.Frontchannel))
		}
		assert.Equal(t, []string{
			"https://app.example/out", "https://app.example/out?x=1&iss=https%3A%2F%2Fid.example&sid=" + login.Session,
		}, frames(login.Session))
		assert.Empty(t, frames(h.in("2").Session))
		h.endOf(login)
		assert.Empty(t, frames(login.Session))
	})
}
