package gateway_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// listed checks that an answer is a page of a list and gives its items.
func (a answer) listed(meta string) []map[string]any {
	a.t.Helper()
	var items []map[string]any
	require.NoError(a.t, json.Unmarshal(a.succeeds(http.StatusOK), &items))
	assert.JSONEq(a.t, meta, string(a.envelope().Meta))
	return items
}

func TestSessions(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first, second, own := s.full(), s.full(), s.full()
	list := request{method: http.MethodGet, path: "/v1/session", token: own}
	items := s.do(t, list).listed(`{"page": 1, "per_page": 25, "total": 3, "last_page": 1}`)
	require.Len(t, items, 3)
	assert.Equal(t, true, items[0]["current"])
	assert.Equal(t, false, items[1]["current"])
	assert.Equal(t, "Firefox, Linux", items[0]["device"])
	assert.ElementsMatch(t, []string{
		"address", "created_time", "current", "device", "expiration_time", "hash", "hub", "id", "last_used_time", "model", "modified_time",
		"remember", "user_agent",
	}, keys(items[0]))
	list.path = "/v1/session?page=9"
	assert.Empty(t, s.do(t, list).listed(`{"page": 9, "per_page": 25, "total": 3, "last_page": 1}`))

	hash, _ := items[1]["hash"].(string)
	lists := s.sessions.Calls("List")
	s.do(t, request{method: http.MethodDelete, path: "/v1/session/" + hash, token: own}).succeeds(http.StatusOK)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: second}).fails(http.StatusUnauthorized)
	assert.Equal(t, lists, s.sessions.Calls("List"), "nobody looks through them")
	s.do(t, request{method: http.MethodDelete, path: "/v1/session/" + hash, token: own}).fails(http.StatusNotFound)
	s.do(t, request{method: http.MethodDelete, path: "/v1/session", token: own}).succeeds(http.StatusOK)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: first}).fails(http.StatusUnauthorized)
	s.do(t, request{method: http.MethodGet, path: "/v1/auth", token: own}).succeeds(http.StatusOK)

	a := s.do(t, request{method: http.MethodDelete, path: "/v1/session/54908", cookie: own, header: sameOrigin})
	a.succeeds(http.StatusOK)
	assert.Contains(t, a.Header().Get("Set-Cookie"), "Max-Age=0", "one's own")
	s.do(t, list).fails(http.StatusUnauthorized)
}

func TestPersonalAccessTokens(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	own := s.full()
	create := request{method: http.MethodPost, path: "/v1/token", token: own}
	made := s.do(t, create.with(`{"name": "backup", "scopes": ["read"], "expiration_time": "2027-01-01T00:00:00Z"}`)).object(http.StatusCreated)
	tokenKeys := []string{"created_time", "expiration_time", "hash", "id", "last_used_time", "model", "modified_time", "name", "scopes"}
	assert.ElementsMatch(t, append([]string{"token"}, tokenKeys...), keys(made))
	assert.Equal(t, "2027-01-01T00:00:00.000000Z", made["expiration_time"])
	s.do(t, create.with(`{"name": "more", "scopes": null, "expiration_time": null}`)).object(http.StatusCreated)
	minted := s.sessions.Minted()
	assert.Equal(t, gatewaytest.UserHash, minted[0].UserHash)
	assert.Nil(t, minted[1].Scopes)

	items := s.do(t, request{method: http.MethodGet, path: "/v1/token", token: own}).listed(`{"page": 1, "per_page": 25, "total": 2, "last_page": 1}`)
	assert.ElementsMatch(t, tokenKeys, keys(items[1]))

	text, _ := made["token"].(string)
	enter := request{method: http.MethodPost, path: "/v1/auth", body: `{"token": "` + text + `"}`}
	in := s.do(t, enter).matches("auth.200", http.StatusOK)
	program, _ := in["token"].(string)
	s.do(t, request{method: http.MethodPost, path: "/v1/auth/hub/2", token: program}).fails(http.StatusForbidden)
	s.do(t, enter.with(`{"token": "`+text+`", "hub": false}`)).matches("auth_hubless.200", http.StatusOK)

	s.do(t, request{method: http.MethodDelete, path: "/v1/token/1", token: own}).succeeds(http.StatusOK)
	s.do(t, enter).fails(http.StatusUnauthorized)
}

func TestAnExpiredPersonalAccessToken(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	soon := s.clock.Now().Add(time.Minute)
	text := s.sessions.Mint(sessions.AccessToken{Scopes: []sessions.TokenScope{sessions.TokenFull}, ExpirationTime: &soon})
	s.clock.Advance(time.Minute)
	a := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: `{"token": "` + text + `"}`})
	assert.Equal(t, "These credentials do not match our records.", a.fails(http.StatusUnauthorized).Message)
}

func TestRecoveries(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	items := s.do(t, request{method: http.MethodGet, path: "/v1/recovery", token: s.full()}).
		listed(`{"page": 1, "per_page": 25, "total": 1, "last_page": 1}`)
	require.Len(t, items, 1)
	assert.ElementsMatch(t, []string{
		"address", "confirmed_time", "created_time", "hash", "id", "model", "modified_time", "user", "user_agent",
	}, keys(items[0]))
	assert.Equal(t, briefKeys, keys(items[0]["user"]))
	for method, approve := range map[string]bool{http.MethodPost: true, http.MethodDelete: false} {
		s.do(t, request{method: method, path: "/v1/recovery/4/approval", token: s.full()}).succeeds(http.StatusOK)
		all := s.accounts.Asked("DecideRecovery")
		decided, _ := all[len(all)-1].(accounts.DecideRecoveryRequest)
		assert.Equal(t, approve, decided.Approve)
	}
}

func TestUpstreamIdentities(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var providers []map[string]any
	require.NoError(t, json.Unmarshal(s.do(t, request{method: http.MethodGet, path: "/v1/auth/identity"}).succeeds(http.StatusOK), &providers))
	assert.Equal(t, []map[string]any{
		{"name": "company", "title": "Company account", "kind": "oidc", "mode": nil, "model": "IdentityProvider"},
	}, providers)

	begin := request{method: http.MethodPost, path: "/v1/auth/identity/company/state"}
	answer := func(token string) string {
		q := begin
		q.token = token
		state, _ := s.do(t, q).object(http.StatusOK)["state"].(string)
		return `{"state": "` + state + `", "code": "` + gatewaytest.UpstreamCode + `"}`
	}
	finish := request{method: http.MethodPost, path: "/v1/auth/identity/company"}
	s.do(t, finish.with(answer(""))).matches("auth.200", http.StatusOK)

	own := s.full()
	link := finish
	link.token = own
	s.do(t, link.with(answer(own))).matches("auth_current.200", http.StatusOK)
	assert.Len(t, s.accounts.Asked("LinkIdentity"), 1)
	s.do(t, link.with(answer(""))).fails(http.StatusUnprocessableEntity)

	link.token = "eyJ0eXAiOiJKV1QifQ.e30.expired"
	s.do(t, link.with(answer(""))).fails(http.StatusUnauthorized)
	link.token = s.program(false)
	s.do(t, link.with(answer(""))).fails(http.StatusForbidden)
	link.token = s.waiting()
	s.do(t, link.with(answer(""))).fails(http.StatusForbidden)

	s.do(t, begin.with(`{"redirect_uri": "https://evil.example/"}`)).fails(http.StatusUnprocessableEntity)
	for _, path := range []string{"/v1/auth/identity/nobody/state", "/v1/auth/identity/%00/state"} {
		s.do(t, request{method: http.MethodPost, path: path}).fails(http.StatusNotFound)
	}
}
