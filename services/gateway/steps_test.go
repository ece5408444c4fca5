package gateway_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// object checks that an answer succeeded and gives its data.
func (a answer) object(status int) map[string]any {
	a.t.Helper()
	var data map[string]any
	require.NoError(a.t, json.Unmarshal(a.succeeds(status), &data))
	return data
}

func keys(m any) []string {
	object, _ := m.(map[string]any)
	return slices.Sorted(maps.Keys(object))
}

var briefKeys = []string{"email", "first_name", "hash", "id", "language", "last_name", "model", "name", "settings", "status"}

// Until somebody is in they are told no more than an opened link tells.
func TestStepDocuments(t *testing.T) {
	t.Parallel()
	for step, scope := range map[accounts.Step]sessions.Scope{
		accounts.StepCode: sessions.ScopeCode, accounts.StepFactor: sessions.ScopeFactorUpdate,
		accounts.StepPassword: sessions.ScopePasswordUpdate, accounts.StepTerms: sessions.ScopeTermsConfirm,
	} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.accounts.Demand(step)
			data := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login}).object(http.StatusOK)
			want := []string{"name", "scope", "session", "token", "ttl", "user"}
			if step == accounts.StepCode {
				want = append(want, "login_confirmation", "login_confirmation_channel")
				assert.Equal(t, true, data["login_confirmation"])
				assert.EqualValues(t, 1, data["login_confirmation_channel"])
			}
			assert.ElementsMatch(t, want, keys(data))
			assert.Equal(t, briefKeys, keys(data["user"]))
			assert.EqualValues(t, scope, data["scope"])
			assert.Equal(t, "Nordantech", data["name"])
			assert.EqualValues(t, 30, data["ttl"])
		})
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.accounts.Demand(accounts.StepCode)
	token := s.logIn(t)
	confirm := request{method: http.MethodPost, path: "/v1/auth/code", token: token, body: `{"code": "` + gatewaytest.Code + `"}`}
	assert.Equal(t, "This code is wrong or has expired.", s.do(t, confirm.with(`{"code": "999999"}`)).fails(http.StatusUnauthorized).Message)
	send := request{method: http.MethodPost, path: "/v1/auth/code/send", token: token}
	s.do(t, send).succeeds(http.StatusOK)
	s.do(t, send.with(`{"channel": 2}`)).succeeds(http.StatusOK)
	s.do(t, send.with(`{"channel": null}`)).succeeds(http.StatusOK)
	for _, bad := range []string{`{"channel": 0}`, `{"channel": 4}`, `{"channel": "1"}`, `{"code": "1"}`} {
		s.do(t, send.with(bad)).fails(http.StatusUnprocessableEntity)
	}
	second, _ := s.accounts.Asked("SendCode")[1].(accounts.SendCodeRequest)
	assert.Equal(t, accounts.ChannelSMS, second.Channel)
	assert.EqualValues(t, 7, second.Challenge)

	// A full session has no question open.
	assert.Equal(t, "Your token does not allow this.", s.do(t, request{
		method: confirm.method, path: confirm.path, body: confirm.body, token: s.full(),
	}).fails(http.StatusForbidden).Message)

	var all sync.WaitGroup
	codes := make([]int, 8)
	for i := range codes {
		all.Go(func() { codes[i] = s.do(t, confirm).Code })
	}
	all.Wait()
	slices.Sort(codes)
	assert.Equal(t, http.StatusOK, codes[0])
	assert.Equal(t, slices.Repeat([]int{http.StatusUnauthorized}, 7), codes[1:], "one token, one session")
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).fails(http.StatusUnauthorized)
}

func TestFactorsThatLetIn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.accounts.Demand(accounts.StepFactor, accounts.StepTerms)
	token := s.logIn(t)
	enrolled := s.do(t, request{method: http.MethodPost, path: "/v1/mfa", token: token, body: `{"channel": 3}`}).object(http.StatusCreated)
	factorKeys := []string{"channel", "confirmed", "created_time", "hash", "id", "last_used_time", "model", "modified_time", "number"}
	assert.ElementsMatch(t, append([]string{"secret", "otpauth", "qr"}, factorKeys...), keys(enrolled))
	listed := s.do(t, request{method: http.MethodGet, path: "/v1/mfa", token: token}).object(http.StatusOK)
	assert.Equal(t, []string{"factors", "recovery_codes"}, keys(listed))
	assert.EqualValues(t, 9, listed["recovery_codes"])

	confirm := request{method: http.MethodPut, path: "/v1/mfa/3", token: token, body: `{"code": "` + gatewaytest.Code + `"}`}
	step := s.do(t, confirm).object(http.StatusOK)
	assert.ElementsMatch(t, []string{"factor", "name", "recovery_codes", "scope", "session", "token", "ttl", "user"}, keys(step))
	assert.Equal(t, factorKeys, keys(step["factor"]))

	s = newStage(t)
	confirm.token = s.sessions.Open(sessions.ScopeFactorUpdate, nil).Token
	in := s.do(t, confirm).object(http.StatusOK)
	assert.ElementsMatch(t, []string{"factor", "features", "recovery_codes", "session", "token", "ttl", "user"}, keys(in))

	confirm.token = s.full()
	alone := s.do(t, confirm).object(http.StatusOK)
	assert.ElementsMatch(t, append([]string{"recovery_codes"}, factorKeys...), keys(alone))
	codes := s.do(t, request{method: http.MethodPost, path: "/v1/mfa/recovery", token: confirm.token}).object(http.StatusOK)
	assert.Equal(t, map[string]any{"codes": []any{gatewaytest.RecoveryCode}}, codes)
	s.do(t, request{
		method: http.MethodDelete, path: "/v1/mfa/3", token: confirm.token, body: `{"password": "` + gatewaytest.Password + `"}`,
	}).succeeds(http.StatusOK)
}

func TestPasswordsAndTerms(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	token := s.full()
	body := `{"current_password": "` + gatewaytest.Password + `", ` + longEnough + `}`
	changed := s.do(t, request{method: http.MethodPut, path: "/v1/password", token: token, body: body}).matches("auth.200", http.StatusOK)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: token}).fails(http.StatusUnauthorized)
	token, _ = changed["token"].(string)
	asked, _ := s.accounts.Asked("ChangePassword")[0].(accounts.ChangePasswordRequest)
	assert.False(t, asked.Forced)
	s.do(t, request{method: http.MethodPut, path: "/v1/auth/terms", token: token, body: `{"terms": true}`}).matches("auth.200", http.StatusOK)

	narrow := s.sessions.Open(sessions.ScopePasswordUpdate, nil)
	s.do(t, request{method: http.MethodPut, path: "/v1/password", token: narrow.Token, body: `{` + longEnough + `}`}).
		matches("auth_hubless.200", http.StatusOK)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: narrow.Token}).fails(http.StatusUnauthorized)
}

// Links whose sessions do one thing, and end with it.
func TestLinksThatDoOneThing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for link, q := range map[string]request{
		gatewaytest.EmailLink:    {method: http.MethodPut, path: "/v1/auth/email"},
		gatewaytest.RecoveryLink: {method: http.MethodPost, path: "/v1/auth/recovery/confirm"},
	} {
		opened := s.do(t, request{method: http.MethodPost, path: "/v1/auth/verification/" + link}).object(http.StatusOK)
		assert.ElementsMatch(t, []string{"name", "session", "token", "ttl", "user"}, keys(opened))
		q.token, _ = opened["token"].(string)
		s.do(t, q).matches("auth_recovery_initiate.200", http.StatusOK)
		s.do(t, q).fails(http.StatusUnauthorized)
	}
	unlock := request{method: http.MethodPost, path: "/v1/auth/unlock/" + gatewaytest.UnlockLink}
	s.do(t, unlock).succeeds(http.StatusOK)
	s.do(t, unlock).fails(http.StatusGone)
	unlock.path = "/v1/auth/unlock/" + strings.Repeat("f", 40)
	s.do(t, unlock).fails(http.StatusNotFound)
}

// A browser that came with its cookie goes on by the next token.
func TestCookiesFollowTheSession(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, path, body string
		steps              []accounts.Step
		follows            bool
	}{
		"hub":               {http.MethodPost, "/v1/auth/hub/2", "", nil, true},
		"hub with a step":   {http.MethodPost, "/v1/auth/hub/2", "", []accounts.Step{accounts.StepCode}, false},
		"hubless":           {http.MethodDelete, "/v1/auth/hub", "", nil, true},
		"impersonation":     {http.MethodPost, "/v1/auth/impersonation/2", "", nil, true},
		"password":          {http.MethodPut, "/v1/password", `{"current_password": "` + gatewaytest.Password + `", ` + longEnough + `}`, nil, true},
		"terms":             {http.MethodPut, "/v1/auth/terms", `{"terms": true}`, nil, true},
		"somebody else's":   {http.MethodPost, "/v1/auth", login, nil, false},
		"a present session": {http.MethodGet, "/v1/auth", "", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.accounts.Demand(tt.steps...)
			q := request{method: tt.method, path: tt.path, body: tt.body, cookie: s.full(), header: sameOrigin}
			a := s.do(t, q)
			a.succeeds(http.StatusOK)
			assert.Equal(t, tt.follows, a.Header().Get("Set-Cookie") != "")
			q.cookie, q.token = "", s.full()
			s.accounts.Demand(tt.steps...)
			assert.Empty(t, s.do(t, q).Header().Get("Set-Cookie"), "no cookie was used")
		})
	}
}

// Where codes, passwords and links can be guessed, a session does not lift the
// limit of the address.
func TestGuessesOfAllKindsAreTheAddresses(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{
		"POST /v1/auth/code", "POST /v1/auth/code/send", "POST /v1/auth/unlock/x", "POST /v1/auth/recovery/initiate", "POST /v1/auth/recovery/confirm",
		"POST /v1/auth/identity/company", "POST /v1/auth/identity/company/state", "PUT /v1/activation/x/finish", "POST /v1/password/reset/initiate",
		"POST /v1/password/reset/x/finish", "PUT /v1/password", "POST /v1/mfa", "PUT /v1/mfa/3", "DELETE /v1/mfa/3", "POST /v1/account/deletion",
		"POST /v1/user", "PUT /v1/user/2", "POST /v1/user/2/invitation", "POST /v1/auth/passkey", "POST /reset/x", "POST /unlock/x",
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, settings(func(c *gateway.Config) { c.RateAddress = 1 }))
			method, path, _ := strings.Cut(endpoint, " ")
			q := request{method: method, path: path, token: s.full(), header: sameOrigin}
			assert.NotEqual(t, http.StatusTooManyRequests, s.do(t, q).Code)
			a := s.do(t, q)
			assert.Equal(t, http.StatusTooManyRequests, a.Code)
			assert.NotEmpty(t, a.Header().Get("Retry-After"))
		})
	}
}

func TestThrottledServicesSayWhenAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, err := range []error{fault.New(fault.Throttled, ""), fault.New(fault.Throttled, "fault.locked").After(90 * 1e9)} {
		s.accounts.Fail("Authenticate", err)
		s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login}).fails(http.StatusTooManyRequests)
	}
}
