package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// guarded is an endpoint that needs a session, and of which kind.
type guarded struct {
	endpoint string
	scopes   []sessions.Scope // nil: a full one
	secure   bool             // by the user in person only
	hub      bool             // in a hub only
}

func orFull(s sessions.Scope) []sessions.Scope { return []sessions.Scope{s, sessions.ScopeFull} }

var guardedEndpoints = []guarded{
	{endpoint: "GET /v1/auth"},
	{endpoint: "PUT /v1/auth"},
	{endpoint: "DELETE /v1/auth", scopes: sessions.Scopes()},
	{endpoint: "POST /v1/auth/code", scopes: orFull(sessions.ScopeCode)},
	{endpoint: "POST /v1/auth/code/send", scopes: []sessions.Scope{sessions.ScopeCode}},
	{endpoint: "PUT /v1/auth/terms", scopes: orFull(sessions.ScopeTermsConfirm)},
	{endpoint: "PUT /v1/auth/email", scopes: []sessions.Scope{sessions.ScopeEmailConfirm}},
	{endpoint: "POST /v1/auth/recovery/confirm", scopes: []sessions.Scope{sessions.ScopeRecoveryConfirm}},
	{endpoint: "POST /v1/auth/hub/1"},
	{endpoint: "DELETE /v1/auth/hub"},
	{endpoint: "POST /v1/auth/impersonation/2", secure: true, hub: true},
	{endpoint: "DELETE /v1/auth/impersonation"},
	{endpoint: "PUT /v1/activation/" + gatewaytest.ActivationID + "/finish", scopes: []sessions.Scope{
		sessions.ScopeActivationFinish, sessions.ScopeInvitationFinish,
	}},
	{endpoint: "PUT /v1/password", scopes: orFull(sessions.ScopePasswordUpdate), secure: true},
	{endpoint: "GET /v1/mfa", scopes: orFull(sessions.ScopeFactorUpdate), secure: true},
	{endpoint: "POST /v1/mfa", scopes: orFull(sessions.ScopeFactorUpdate), secure: true},
	{endpoint: "PUT /v1/mfa/3", scopes: orFull(sessions.ScopeFactorUpdate), secure: true},
	{endpoint: "DELETE /v1/mfa/3", secure: true},
	{endpoint: "POST /v1/mfa/recovery", secure: true},
	{endpoint: "GET /v1/token", secure: true},
	{endpoint: "POST /v1/token", secure: true},
	{endpoint: "DELETE /v1/token/1", secure: true},
	{endpoint: "GET /v1/session"},
	{endpoint: "DELETE /v1/session", secure: true},
	{endpoint: "DELETE /v1/session/1", secure: true},
	{endpoint: "GET /v1/recovery", hub: true},
	{endpoint: "POST /v1/recovery/4/approval", secure: true, hub: true},
	{endpoint: "DELETE /v1/recovery/4/approval", secure: true, hub: true},
}

// ask is a request that gets no further than to what it is asked for: its body,
// where one is read, is nonsense.
func (g guarded) ask(token string) request {
	method, path, _ := strings.Cut(g.endpoint, " ")
	q := request{method: method, path: path, token: token}
	if method != http.MethodGet {
		q.body = "nonsense"
	}
	return q
}

func (g guarded) opens(s sessions.Scope) bool {
	if g.scopes == nil {
		return s == sessions.ScopeFull
	}
	return slices.Contains(g.scopes, s)
}

func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	for _, g := range guardedEndpoints {
		t.Run(g.endpoint, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, settings(unlimited))
			hub := int64(1)
			a := s.do(t, g.ask(""))
			a.fails(http.StatusUnauthorized)
			assert.Equal(t, "Bearer", a.Header().Get("WWW-Authenticate"))
			expired := s.full()
			s.clock.Advance(31 * time.Minute)
			s.do(t, g.ask(expired)).fails(http.StatusUnauthorized)

			for _, scope := range sessions.Scopes() {
				a := s.do(t, g.ask(s.sessions.Open(scope, &hub).Token))
				if g.opens(scope) {
					assert.NotContains(t, []int{http.StatusUnauthorized, http.StatusInternalServerError}, a.Code, "%s: %s", scope, a.Body)
					assert.NotContains(t, a.Body.String(), "Your token does not allow this.", scope)
					continue
				}
				assert.Equal(t, "Your token does not allow this.", a.fails(http.StatusForbidden).Message, scope)
				assert.Equal(t, `Bearer error="insufficient_scope"`, a.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestWhatOnlyThePersonMayDo(t *testing.T) {
	t.Parallel()
	for _, g := range guardedEndpoints {
		t.Run(g.endpoint, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, settings(unlimited))
			acting := s.do(t, g.ask(s.acting(t)))
			program := s.do(t, g.ask(s.program(false)))
			if !g.secure {
				assert.NotContains(t, program.Body.String(), "with a personal access token")
				return
			}
			assert.Equal(t, "This is not possible while you act as somebody else.", acting.fails(http.StatusForbidden).Message)
			assert.Equal(t, "This is not possible with a personal access token.", program.fails(http.StatusForbidden).Message)
		})
	}
}

func TestWhatHappensInHubsOnly(t *testing.T) {
	t.Parallel()
	for _, g := range guardedEndpoints {
		if !g.hub {
			continue
		}
		t.Run(g.endpoint, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			q := g.ask(s.sessions.Open(sessions.ScopeFull, nil).Token)
			q.body = ""
			assert.Equal(t, "Please enter a hub first.", s.do(t, q).fails(http.StatusForbidden).Message)
		})
	}
}

// A program that may only read changes nothing, whatever the endpoint, but may
// refresh and end its own session.
func TestProgramsThatMayOnlyRead(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	token := s.program(true)
	for _, g := range guardedEndpoints {
		q := g.ask(token)
		q.body = ""
		if q.method == http.MethodGet || q.path == "/v1/auth" {
			continue
		}
		assert.Equal(t, "Your personal access token may only read.", s.do(t, q).fails(http.StatusForbidden).Message, g.endpoint)
	}
	s.do(t, request{method: http.MethodPost, path: "/v1/nonsense", token: token}).fails(http.StatusForbidden)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).succeeds(http.StatusOK)
	s.do(t, request{method: http.MethodGet, path: "/v1/session", token: token}).succeeds(http.StatusOK)
	s.do(t, request{method: http.MethodPut, path: "/v1/auth", token: token}).succeeds(http.StatusOK)
	s.do(t, request{method: http.MethodDelete, path: "/v1/auth", token: token}).succeeds(http.StatusOK)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).fails(http.StatusUnauthorized)
}

func TestPersonalAccessTokensAreNoSessionTokens(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	text := s.sessions.Mint(sessions.AccessToken{Scopes: []sessions.TokenScope{sessions.TokenFull}})
	for _, q := range []request{
		{method: http.MethodGet, path: "/v1/auth"}, {method: http.MethodGet, path: "/v1/token"}, {method: http.MethodDelete, path: "/v1/auth"},
	} {
		q.token = text
		a := s.do(t, q)
		assert.Contains(t, a.fails(http.StatusUnauthorized).Message, "POST /v1/auth")
		assert.Equal(t, `Bearer error="invalid_token"`, a.Header().Get("WWW-Authenticate"))
	}
	assert.Zero(t, s.sessions.Calls("Resolve"), "nobody has to be asked")
}

// Objects are named by number or hash, and by nothing else.
func TestObjectsThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	unknown := strings.Repeat("f", 40)
	for pattern, body := range map[string]string{
		"POST /v1/auth/hub/*": "", "POST /v1/auth/impersonation/*": "", "PUT /v1/mfa/*": `{"code": "013120"}`,
		"DELETE /v1/mfa/*": `{"password": "` + gatewaytest.Password + `"}`, "DELETE /v1/token/*": "", "DELETE /v1/session/*": "",
		"POST /v1/recovery/*/approval": "", "DELETE /v1/recovery/*/approval": "",
	} {
		method, path, _ := strings.Cut(pattern, " ")
		for _, name := range []string{
			"0", "-1", "+1", "01", "1.0", "9223372036854775807", "9223372036854775808", unknown, strings.ToUpper(unknown), unknown[1:], "me", "%00", "1%2f2",
			"a%20b", "%ff", strings.Repeat("1", 4000),
		} {
			q := request{method: method, path: strings.Replace(path, "*", name, 1), body: body, token: s.full()}
			s.do(t, q).fails(http.StatusNotFound)
		}
	}
}

func TestListsAreAskedForStrictly(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	for _, path := range []string{"/v1/session", "/v1/token", "/v1/recovery"} {
		for query, field := range map[string]string{
			"page=0": "page", "per_page=101": "per_page", "page=1&page=2": "page", "sort=name": "sort", "page=%ff": "page", "page=1;a": "query",
		} {
			f := s.do(t, request{method: http.MethodGet, path: path + "?" + query, token: s.full()}).fails(http.StatusUnprocessableEntity)
			assert.Contains(t, f.Errors, field, "%s?%s", path, query)
		}
		a := s.do(t, request{method: http.MethodGet, path: path + "?page=1&per_page=5", token: s.full()})
		assert.Contains(t, a.Body.String(), `"meta":{"page":1,"per_page":5,`, path)
	}
}
