package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// stage is a gateway in front of doubles.
type stage struct {
	*gateway.Service
	clock    *clockwork.FakeClock
	accounts *gatewaytest.Accounts
	sessions *gatewaytest.Sessions
	mail     *gatewaytest.Mail
	oauth    *gatewaytest.OAuth
	obs      *obs.Obs
	public   http.HandlerFunc // the oauth service
}

type option func(*gateway.Config, *stage)

// settings sets settings.
func settings(change func(*gateway.Config)) option {
	return func(c *gateway.Config, _ *stage) { change(c) }
}

// newStage makes a gateway with the default settings at https://id.example.org.
func newStage(tb testing.TB, options ...option) *stage {
	tb.Helper()
	var c gateway.Config
	require.NoError(tb, config.Load(&c, []string{"GATEHOUSE_PUBLIC_URL=https://id.example.org"}))
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.January, 2, 15, 4, 5, 0, time.UTC))
	s := &stage{
		clock:    clock,
		accounts: gatewaytest.NewAccounts(clock.Now()),
		sessions: gatewaytest.NewSessions(clock),
		mail:     &gatewaytest.Mail{},
		oauth:    gatewaytest.NewOAuth(),
		obs:      obs.Nop(),
		public:   http.NotFound,
	}
	for _, o := range options {
		o(&c, s)
	}
	service, err := gateway.New(tb.Context(), c, gateway.Deps{
		Obs: s.obs, Clock: s.clock, Accounts: s.accounts, Sessions: s.sessions, Mail: s.mail, OAuth: s.oauth,
		OAuthPublic: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.public(w, r) }),
	})
	require.NoError(tb, err)
	s.Service = service
	return s
}

// full opens a full session in the first hub and gives its token.
func (s *stage) full() string {
	hub := int64(1)
	return s.sessions.Open(sessions.ScopeFull, &hub).Token
}

// waiting opens a session that waits for a code, and gives its token.
func (s *stage) waiting() string {
	challenge := int64(7)
	return s.sessions.OpenFor(sessions.CreateRequest{Scope: sessions.ScopeCode, MFA: &challenge}).Token
}

// program opens a session by a personal access token, and gives its token.
func (s *stage) program(readOnly bool) string {
	hub, pat := int64(1), int64(9)
	return s.sessions.OpenFor(sessions.CreateRequest{Scope: sessions.ScopeFull, Hub: &hub, PAT: &pat, ReadOnly: readOnly}).Token
}

// acting opens a session in which its user is acted for, and gives its token.
func (s *stage) acting(tb testing.TB) string {
	tb.Helper()
	data := s.do(tb, request{method: http.MethodPost, path: "/v1/auth/impersonation/2", token: s.full()}).succeeds(http.StatusOK)
	var answered struct{ Token string }
	require.NoError(tb, json.Unmarshal(data, &answered))
	return answered.Token
}

// logIn logs in by password and gives the token, of whatever scope.
func (s *stage) logIn(tb testing.TB) string {
	tb.Helper()
	data := s.do(tb, request{method: http.MethodPost, path: "/v1/auth", body: login}).succeeds(http.StatusOK)
	var answered struct{ Token string }
	require.NoError(tb, json.Unmarshal(data, &answered))
	return answered.Token
}

// request is one request; the zero value of a field leaves it out.
type request struct {
	method, path string
	body         string
	header       map[string]string
	token        string
	cookie       string
	from         string // the socket's peer
}

func (q request) with(body string) request {
	q.body = body
	return q
}

func (q request) build() *http.Request {
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r := httptest.NewRequest(q.method, "https://id.example.org"+q.path, body)
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	if q.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-gatehouse_session", Value: q.cookie})
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	if q.from != "" {
		r.RemoteAddr = q.from
	}
	return r
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

func (s *stage) do(tb testing.TB, q request) answer {
	tb.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, q.build())
	return answer{w, tb}
}

type envelope struct {
	Success   *bool           `json:"success"`
	Hash      string          `json:"hash"`
	Data      json.RawMessage `json:"data"`
	Meta      json.RawMessage `json:"meta"`
	Timestamp json.Number     `json:"timestamp"`
	Error     *failure        `json:"error"`
}

type failure struct {
	Status  int                 `json:"status"`
	Message string              `json:"message"`
	Errors  map[string][]string `json:"errors"`
	ID      string              `json:"id"`
}

func (a answer) envelope() envelope {
	a.t.Helper()
	var e envelope
	decoder := json.NewDecoder(bytes.NewReader(a.Body.Bytes()))
	decoder.DisallowUnknownFields()
	require.NoError(a.t, decoder.Decode(&e), "body: %s", a.Body)
	require.NotNil(a.t, e.Success, "body: %s", a.Body)
	return e
}

// fails checks that the answer is a failure in every respect and gives it.
func (a answer) fails(status int) failure {
	a.t.Helper()
	require.Equal(a.t, status, a.Code, "body: %s", a.Body)
	e := a.envelope()
	assert.False(a.t, *e.Success)
	require.NotNil(a.t, e.Error)
	assert.Equal(a.t, status, e.Error.Status)
	assert.NotEmpty(a.t, e.Error.Message)
	assert.NotContains(a.t, e.Error.Message, "fault.", "a text that is missing")
	assert.Empty(a.t, e.Hash)
	assert.Equal(a.t, status == http.StatusUnprocessableEntity, e.Error.Errors != nil, "errors with 422 only")
	for _, texts := range e.Error.Errors {
		assert.NotContains(a.t, strings.Join(texts, " "), "validation.", "a text that is missing")
	}
	assert.Equal(a.t, status == http.StatusInternalServerError, e.Error.ID != "", "id with 500 only")
	if status == http.StatusUnauthorized {
		assert.Contains(a.t, a.Header().Get("WWW-Authenticate"), "Bearer")
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		assert.Regexp(a.t, `^[1-9]\d*$`, a.Header().Get("Retry-After"))
	}
	a.common()
	return *e.Error
}

// succeeds checks that the answer is a success in every respect and gives its
// data.
func (a answer) succeeds(status int) json.RawMessage {
	a.t.Helper()
	require.Equal(a.t, status, a.Code, "body: %s", a.Body)
	e := a.envelope()
	assert.True(a.t, *e.Success)
	assert.Nil(a.t, e.Error)
	assert.Equal(a.t, sha1Hex(e.Data), e.Hash)
	a.common()
	return e.Data
}

// common is what every answer of /v1 has.
func (a answer) common() {
	a.t.Helper()
	h := a.Header()
	assert.Equal(a.t, "application/json; charset=utf-8", h.Get("Content-Type"))
	assert.Contains(a.t, []string{"de", "en"}, h.Get("Content-Language"))
	assert.NotEmpty(a.t, h.Get("X-Request-Id"))
	assert.Regexp(a.t, `^\d+$`, h.Get("X-RateLimit-Limit"))
	assert.Regexp(a.t, `^\d+$`, h.Get("X-RateLimit-Remaining"))
	assert.NotEmpty(a.t, h.Get("Cache-Control"))
}
