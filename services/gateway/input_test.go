package gateway_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// badInput is a body and what is wrong with it.
type badInput struct {
	name, body string
	status     int
	fields     []string // with 422
}

// everywhere is wrong wherever a body is read, whatever its fields.
var everywhere = []badInput{
	{"blank", "   ", http.StatusBadRequest, nil},
	{"cut off", `{"user": "a"`, http.StatusBadRequest, nil},
	{"not JSON", `user=a&password=b`, http.StatusBadRequest, nil},
	{"single quotes", `{'user': 'a'}`, http.StatusBadRequest, nil},
	{"a comma too many", `{"user": "a",}`, http.StatusBadRequest, nil},
	{"a comment", `{"user": "a"} // b`, http.StatusBadRequest, nil},
	{"a list", `[]`, http.StatusBadRequest, nil},
	{"null", `null`, http.StatusBadRequest, nil},
	{"a string", `"a"`, http.StatusBadRequest, nil},
	{"a number", `1`, http.StatusBadRequest, nil},
	{"two objects", `{}{}`, http.StatusBadRequest, nil},
	{"trailing text", `{} x`, http.StatusBadRequest, nil},
	{"a byte order mark", "\ufeff{}", http.StatusBadRequest, nil},
	{"UTF-16", "\xff\xfe{\x00}\x00", http.StatusBadRequest, nil},
	{"a key twice", `{"user": "a", "user": "b"}`, http.StatusBadRequest, nil},
	{"a key twice, escaped", `{"user": "a", "us\u0065r": "b"}`, http.StatusBadRequest, nil},
	{"a key twice, deeper", `{"x": {"a": 1, "a": 2}}`, http.StatusBadRequest, nil},
	{"too deep", `{"x": ` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, http.StatusBadRequest, nil},
	{"a control character", "{\"user\": \"a\nb\"}", http.StatusBadRequest, nil},
	{"unknown fields", `{"nonsense": 1, "admin": true}`, http.StatusUnprocessableEntity, []string{"admin", "nonsense"}},
	{"a known field in capitals", `{"PASSWORD": "x"}`, http.StatusUnprocessableEntity, []string{"PASSWORD"}},
}

var badLogins = []badInput{
	{"nothing", `{}`, http.StatusUnprocessableEntity, []string{"password", "user"}},
	{"nulls", `{"user": null, "password": null}`, http.StatusUnprocessableEntity, []string{"password", "user"}},
	{"empty", `{"user": "", "password": ""}`, http.StatusUnprocessableEntity, []string{"password", "user"}},
	{"no password", `{"user": "a"}`, http.StatusUnprocessableEntity, []string{"password"}},
	{"wrong types", `{"user": 1, "password": ["a"], "hub": 1, "remember": "yes"}`, http.StatusUnprocessableEntity, []string{"hub", "password", "remember", "user"}},
	{"objects", `{"user": {"$ne": null}, "password": {}}`, http.StatusUnprocessableEntity, []string{"password", "user"}},
	{"too long", `{"user": "` + strings.Repeat("ä", 1001) + `", "password": "` + strings.Repeat("x", 1001) + `"}`, http.StatusUnprocessableEntity, []string{"password", "user"}},
	{"control characters", `{"user": "a\u0000b", "password": "x"}`, http.StatusUnprocessableEntity, []string{"user"}},
	{"not UTF-8", "{\"user\": \"a\xff\", \"password\": \"\xc3\x28\"}", http.StatusUnprocessableEntity, []string{"password", "user"}},
	{"half a character", `{"user": "\ud83d", "password": "\ude00\ud83d"}`, http.StatusUnprocessableEntity, []string{"password", "user"}},
	{"wrong type and unknown field", `{"user": 1, "password": "x", "tenant": 1}`, http.StatusUnprocessableEntity, []string{"tenant", "user"}},
	{"token of a wrong type", `{"token": 1}`, http.StatusUnprocessableEntity, []string{"token"}},
	{"empty token", `{"token": ""}`, http.StatusUnprocessableEntity, []string{"token"}},
	{"token and password", `{"token": "x", "user": "a", "password": "b"}`, http.StatusUnprocessableEntity, []string{"password", "user"}},
}

var badRegistrations = []badInput{
	{"nothing", `{}`, http.StatusUnprocessableEntity, []string{"email", "first_name", "last_name"}},
	{"empty", `{"first_name": "", "last_name": " ", "email": ""}`, http.StatusUnprocessableEntity, []string{"email", "first_name", "last_name"}},
	{"wrong types", `{"first_name": 1, "last_name": true, "email": {}}`, http.StatusUnprocessableEntity, []string{"email", "first_name", "last_name"}},
	{"too long", `{"first_name": "` + strings.Repeat("ä", 1001) + `", "last_name": "b", "email": "a@b"}`, http.StatusUnprocessableEntity, []string{"first_name"}},
	{"no address", `{"first_name": "a", "last_name": "b", "email": "c"}`, http.StatusUnprocessableEntity, []string{"email"}},
	{"control characters", `{"first_name": "a\u0000", "last_name": "b\n", "email": "c@d"}`, http.StatusUnprocessableEntity, []string{"first_name", "last_name"}},
	{"not UTF-8", "{\"first_name\": \"\xff\", \"last_name\": \"b\", \"email\": \"c@d\"}", http.StatusUnprocessableEntity, []string{"first_name"}},
}

var badActivations = []badInput{
	{"nothing", `{}`, http.StatusUnprocessableEntity, []string{"name", "password", "terms"}},
	{"wrong types", `{"name": 1, "password": 1, "password_confirmation": 1, "terms": "true", "first_name": 1, "last_name": 1}`, http.StatusUnprocessableEntity, []string{"first_name", "last_name", "name", "password", "password_confirmation", "terms"}},
	{"short password", `{"name": "a", "password": "short", "password_confirmation": "short", "terms": true}`, http.StatusUnprocessableEntity, []string{"password"}},
	{"other confirmation", `{"name": "a", "password": "long enough", "password_confirmation": "enough", "terms": true}`, http.StatusUnprocessableEntity, []string{"password"}},
	{"terms refused", `{"name": "a", "password": "long enough", "password_confirmation": "long enough", "terms": false}`, http.StatusUnprocessableEntity, []string{"terms"}},
	{"not UTF-8", "{\"name\": \"\xff\"}", http.StatusUnprocessableEntity, []string{"name"}},
	{"control characters", `{"name": "a\u0007", "password": "long enough", "password_confirmation": "long enough", "terms": true}`, http.StatusUnprocessableEntity, []string{"name"}},
}

// reader is an endpoint that reads a body, and what may be wrong with its own.
type reader struct {
	request
	bad []badInput
}

func readers(s *stage) []reader {
	narrow := s.sessions.Open(sessions.ScopeActivationFinish, nil).Token
	return []reader{
		{request{method: http.MethodPost, path: "/v1/auth"}, badLogins},
		{request{method: http.MethodPost, path: "/v1/activation/initiate"}, badRegistrations},
		{request{method: http.MethodPut, path: "/v1/activation/" + gatewaytest.ActivationID + "/finish", token: narrow}, badActivations},
		{request{method: http.MethodPost, path: "/v1/auth/code", token: s.waiting()}, badCodes},
		{request{method: http.MethodPut, path: "/v1/auth/terms", token: s.full()}, badTerms},
		{request{method: http.MethodPut, path: "/v1/password", token: s.full()}, badPasswords},
		{request{method: http.MethodPost, path: "/v1/password/reset/initiate"}, badUsers},
		{request{method: http.MethodPost, path: "/v1/password/reset/" + gatewaytest.ResetLink + "/finish"}, badResets},
		{request{method: http.MethodPost, path: "/v1/auth/recovery/initiate"}, badUsers},
		{request{method: http.MethodPost, path: "/v1/auth/identity/company"}, badIdentities},
		{request{method: http.MethodPost, path: "/v1/mfa", token: s.full()}, badEnrolments},
		{request{method: http.MethodPut, path: "/v1/mfa/3", token: s.full()}, badFactorCodes},
		{request{method: http.MethodDelete, path: "/v1/mfa/3", token: s.full()}, badRemovals},
		{request{method: http.MethodPost, path: "/v1/token", token: s.full()}, badTokens},
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	for _, endpoint := range readers(s) {
		for _, bad := range everywhere {
			t.Run(endpoint.method+" "+endpoint.path+" "+bad.name, func(t *testing.T) {
				t.Parallel()
				f := s.do(t, endpoint.with(bad.body)).fails(bad.status)
				assert.Subset(t, slices.Sorted(maps.Keys(f.Errors)), bad.fields)
			})
		}
		for _, bad := range endpoint.bad {
			t.Run(endpoint.method+" "+endpoint.path+" "+bad.name, func(t *testing.T) {
				t.Parallel()
				f := s.do(t, endpoint.with(bad.body)).fails(bad.status)
				assert.Equal(t, bad.fields, slices.Sorted(maps.Keys(f.Errors)))
			})
		}
	}
	t.Cleanup(func() {
		assert.Empty(t, s.accounts.Registered)
		assert.Empty(t, s.accounts.Finished)
		assert.Empty(t, s.accounts.Authenticated)
		for _, method := range []string{"ConfirmCode", "AcceptTerms", "InitiateReset", "InitiateRecovery", "FindIdentity"} {
			assert.Empty(t, s.accounts.Asked(method), method)
		}
	})
}

func TestNoBody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, endpoint := range readers(s) {
		s.do(t, endpoint.request).fails(http.StatusBadRequest)
	}
}

func TestWhoIsNotAllowedIsNotToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.do(t, request{
		method: http.MethodPut, path: "/v1/activation/" + gatewaytest.ActivationID + "/finish", body: "nonsense", token: s.full(),
	}).fails(http.StatusForbidden)
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	for header, status := range map[string]int{
		"":                                     http.StatusUnsupportedMediaType,
		"text/plain":                           http.StatusUnsupportedMediaType,
		"application/x-www-form-urlencoded":    http.StatusUnsupportedMediaType,
		"multipart/form-data; boundary=x":      http.StatusUnsupportedMediaType,
		"application/jsonp":                    http.StatusUnsupportedMediaType,
		"application/json; charset=iso-8859-1": http.StatusUnsupportedMediaType,
		"application/json; charset":            http.StatusUnsupportedMediaType,
		"application/json":                     http.StatusOK,
		"Application/JSON; charset=UTF-8":      http.StatusOK,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			a := s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: login, header: map[string]string{"Content-Type": header}})
			assert.Equal(t, status, a.Code)
		})
	}
	for _, path := range []string{"/v1/activation/initiate", "/v1/auth/verification/" + gatewaytest.ActivationLink} {
		s.do(t, request{method: http.MethodPost, path: path, body: "{}", header: map[string]string{"Content-Type": "text/plain"}}).
			fails(http.StatusUnsupportedMediaType)
	}
}

func TestBodiesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	large := `{"user": "` + strings.Repeat("x", 1<<20) + `"}`
	s.do(t, request{method: http.MethodPost, path: "/v1/auth", body: large}).fails(http.StatusRequestEntityTooLarge)

	// A client that does not say how much will come.
	r := httptest.NewRequest(http.MethodPost, "/v1/auth", struct{ *bytes.Reader }{bytes.NewReader([]byte(large))})
	r.Header.Set("Content-Type", "application/json")
	require.EqualValues(t, -1, r.ContentLength)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	answer{w, t}.fails(http.StatusRequestEntityTooLarge)
}

func TestEndpointsWithoutFields(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	refresh := request{method: http.MethodPut, path: "/v1/auth", token: s.full()}
	for body, status := range map[string]int{
		"": http.StatusOK, "{}": http.StatusOK, "[]": http.StatusBadRequest, "x": http.StatusBadRequest,
		`{"ttl": 99}`: http.StatusUnprocessableEntity,
	} {
		q := refresh
		q.body = body
		assert.Equal(t, status, s.do(t, q).Code, body)
	}
}

func TestLinksAndActivations(t *testing.T) {
	t.Parallel()
	s := newStage(t, settings(unlimited))
	unknown := strings.Repeat("f", 40)
	for _, id := range []string{
		unknown, unknown[1:], unknown + "f", strings.ToUpper(unknown), "1", "%00", "..", "%2e%2e", "a%2fb", "'%20OR%20'1'='1", strings.Repeat("a", 9000),
	} {
		t.Run(id[:min(len(id), 40)], func(t *testing.T) {
			t.Parallel()
			a := s.do(t, request{method: http.MethodPost, path: "/v1/auth/verification/" + id})
			if a.Code != http.StatusTemporaryRedirect { // the path itself is not clean
				a.fails(http.StatusNotFound)
			}
			a = s.do(t, request{
				method: http.MethodPut, path: "/v1/activation/" + id + "/finish", body: sample(t, "activation_finish.request"),
				token: s.sessions.Open(sessions.ScopeInvitationFinish, nil).Token,
			})
			if a.Code != http.StatusTemporaryRedirect {
				a.fails(http.StatusNotFound)
			}
		})
	}
	open := request{method: http.MethodPost, path: "/v1/auth/verification/" + gatewaytest.ActivationLink}
	s.do(t, open).succeeds(http.StatusOK)
	s.do(t, open).fails(http.StatusGone)
}

func TestPathsAndMethodsThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for path, status := range map[string]int{
		"GET /v1": http.StatusNotFound, "GET /v1/": http.StatusNotFound, "GET /v1/nonsense": http.StatusNotFound,
		"GET /v1/auth/": http.StatusNotFound, "DELETE /v1/activation": http.StatusNotFound,
		"PATCH /v1/auth": http.StatusMethodNotAllowed, "GET /v1/activation/initiate": http.StatusMethodNotAllowed,
		"OPTIONS /v1/auth": http.StatusMethodNotAllowed, "TRACE /v1/auth": http.StatusMethodNotAllowed,
		"BREW /v1/auth": http.StatusMethodNotAllowed,
	} {
		method, target, _ := strings.Cut(path, " ")
		a := s.do(t, request{method: method, path: target})
		a.fails(status)
		assert.Equal(t, status == http.StatusMethodNotAllowed, a.Header().Get("Allow") != "", path)
	}
	a := s.do(t, request{method: http.MethodPatch, path: "/v1/auth"})
	assert.Equal(t, "DELETE, GET, HEAD, POST, PUT", a.Header().Get("Allow"))
}
