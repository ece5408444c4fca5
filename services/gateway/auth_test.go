package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

const login = `{"user": "` + gatewaytest.Email + `", "password": "` + gatewaytest.Password + `"}`

func TestLogin(t *testing.T) {
	t.Parallel()
	hub := int64(1)
	tests := map[string]struct {
		body string
		want sessions.CreateRequest
	}{
		"plain":         {login, sessions.CreateRequest{Hub: &hub, Limit: 3}},
		"hub asked for": {login[:len(login)-1] + `,"hub":true}`, sessions.CreateRequest{Hub: &hub, Limit: 3}},
		"hubless":       {login[:len(login)-1] + `,"hub":false}`, sessions.CreateRequest{}},
		"remembered":    {login[:len(login)-1] + `,"remember":true}`, sessions.CreateRequest{Hub: &hub, Limit: 3, Remember: true}},
		"nulls":         {login[:len(login)-1] + `,"remember":null,"hub":null,"token":null}`, sessions.CreateRequest{Hub: &hub, Limit: 3}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.do(t, request{
				method: http.MethodPost, path: "/v1/auth", body: tt.body,
				header: map[string]string{"User-Agent": "Firefox"}, from: "198.51.100.7:4711",
			}).succeeds(http.StatusOK)

			want := tt.want
			want.User, want.UserHash, want.Scope = 1, gatewaytest.UserHash, sessions.ScopeFull
			want.Methods = []sessions.Method{sessions.MethodPassword}
			want.AuthenticatedTime = s.clock.Now()
			want.Origin.Address, want.Origin.UserAgent = "198.51.100.7", "Firefox"
			assert.Equal(t, []sessions.CreateRequest{want}, s.sessions.Created())
		})
	}
}

func TestLoginIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, body := range map[string]string{
		"wrong password":        `{"user": "` + gatewaytest.Email + `", "password": "wrong"}`,
		"nobody":                `{"user": "nobody@example.org", "password": "` + gatewaytest.Password + `"}`,
		"unknown token":         `{"token": "pat_unknown"}`,
		"token with everything": `{"token": "pat_unknown", "hub": false, "remember": true}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: body})
			assert.Equal(t, "These credentials do not match our records.", a.fails(http.StatusUnauthorized).Message)
			assert.Equal(t, "Bearer", a.Header().Get("WWW-Authenticate"), "no token was sent")
		})
	}
	assert.Empty(t, s.sessions.Created())
}

func TestLoginOpensNoSessionThatNobodySees(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.accounts.Fail("Admit", fault.New(fault.Unavailable, ""))
	s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login}).fails(http.StatusServiceUnavailable)
	assert.Empty(t, s.sessions.Created())
}

func TestTokensThatOpenNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ended := s.sessions.Open(sessions.ScopeFull, nil)
	_, err := s.sessions.End(t.Context(), sessions.EndRequest{Session: ended.Session.ID})
	require.NoError(t, err)
	expired := s.full()
	s.clock.Advance(31 * time.Minute)
	good := s.full()

	invalid := `Bearer error="invalid_token"`
	tests := map[string]struct {
		token, challenge string
	}{
		"none":          {"", "Bearer"},
		"not a JWT":     {"nonsense", invalid},
		"two parts":     {"a.b", invalid},
		"odd bytes":     {"a.b.c{}", invalid},
		"unknown":       {"eyJ0eXAiOiJKV1QifQ.e30.unknown", invalid},
		"tampered with": {good[:len(good)-1] + "y", invalid},
		"expired":       {expired, invalid},
		"ended":         {ended.Token, invalid},
		"endless":       {"a.b." + strings.Repeat("x", 5000), invalid},
	}
	for name, tt := range tests {
		for _, endpoint := range []request{
			{method: http.MethodGet, path: "/v1/auth"},
			{method: http.MethodPut, path: "/v1/auth"},
			{method: http.MethodDelete, path: "/v1/auth"},
			{method: http.MethodPut, path: "/v1/activation/" + gatewaytest.ActivationID + "/finish", body: "{}"},
		} {
			t.Run(name+" "+endpoint.method+" "+endpoint.path, func(t *testing.T) {
				t.Parallel()
				endpoint.token = tt.token
				a := s.do(t, endpoint)
				a.fails(http.StatusUnauthorized)
				assert.Equal(t, tt.challenge, a.Header().Get("WWW-Authenticate"))
			})
		}
	}
}

func TestANarrowTokenOpensItsEndpointOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	finish := request{method: http.MethodPut, path: "/v1/activation/" + gatewaytest.ActivationID + "/finish", body: "{}"}
	opens := map[sessions.Scope]bool{sessions.ScopeActivationFinish: true, sessions.ScopeInvitationFinish: true}
	for _, scope := range sessions.Scopes() {
		token := s.sessions.Open(scope, nil).Token
		for _, endpoint := range []request{
			{method: http.MethodGet, path: "/v1/auth"}, {method: http.MethodPut, path: "/v1/auth"}, finish,
		} {
			t.Run(string(scope)+" "+endpoint.method+" "+endpoint.path, func(t *testing.T) {
				t.Parallel()
				endpoint.token = token
				a := s.do(t, endpoint)
				switch {
				case endpoint.path == finish.path && opens[scope]:
					a.fails(http.StatusUnprocessableEntity)
				case endpoint.path != finish.path && scope == sessions.ScopeFull:
					a.succeeds(http.StatusOK)
				default:
					assert.Equal(t, "Your token does not allow this.", a.fails(http.StatusForbidden).Message)
					assert.Equal(t, `Bearer error="insufficient_scope"`, a.Header().Get("WWW-Authenticate"))
				}
			})
		}
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	token := s.full()
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).succeeds(http.StatusOK)
	a := s.do(t, request{method: http.MethodDelete, path: "/v1/auth", token: token})
	assert.JSONEq(t, "{}", string(a.succeeds(http.StatusOK)))
	assert.Empty(t, a.Header().Get("Set-Cookie"), "no cookie was used")
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).fails(http.StatusUnauthorized)
}

func TestASessionOfSomebodyWhoIsGone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*accounts.Account){
		"left the hub": func(a *accounts.Account) { a.Hubs = a.Hubs[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			token := s.full()
			s.accounts.Change(change)
			s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).fails(http.StatusUnauthorized)
		})
	}
	s := newStage(t)
	s.accounts.Fail("Describe", fault.New(fault.NotFound, ""))
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: s.full()}).fails(http.StatusUnauthorized)
}

func TestServicesThatAreAway(t *testing.T) {
	t.Parallel()
	t.Run("sessions", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		token := s.full()
		s.sessions.Away()
		for _, q := range []request{
			{method: http.MethodGet, path: "/v1/auth", token: token},
			{method: http.MethodDelete, path: "/v1/auth", token: token},
			{method: http.MethodPost, path: "/v1/auth", body: login},
			{method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.ActivationLink},
		} {
			s.do(t, q).fails(http.StatusServiceUnavailable)
		}
		assert.NotContains(t, s.accounts.Calls(), "OpenLink", "a link is not spent for nothing")
	})
	t.Run("accounts", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		for _, method := range []string{"Authenticate", "Describe", "OpenLink", "InitiateActivation", "FinishActivation"} {
			s.accounts.Fail(method, fault.New(fault.Unavailable, ""))
		}
		for _, q := range []request{
			{method: http.MethodGet, path: "/v1/auth", token: s.full()},
			{method: http.MethodPost, path: "/v1/auth", body: login},
			{method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.ActivationLink},
			{method: http.MethodPost, path: "/v1/activation/initiate", body: sample(t, "activation_initiate.request")},
		} {
			s.do(t, q).fails(http.StatusServiceUnavailable)
		}
	})
}
