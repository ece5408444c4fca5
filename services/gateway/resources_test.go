package gateway_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// resource is an endpoint and a request that it answers.
type resource struct {
	request
	status int
	inHub  bool // needs a hub
	secure bool // needs the user in person
	asSelf bool // not for who acts as the user
	list   bool
	bare   bool // answers without an envelope
	byName bool // takes a name beside the number and the hash
}

func endpoints() []resource {
	of := func(method, path, body string) request {
		return request{method: method, path: "/v1" + path, body: body}
	}
	picture := of(http.MethodPost, "/image", "\xff\xd8\xff")
	picture.header = map[string]string{"Content-Type": "image/jpeg"}
	return append(clientEndpoints(of), []resource{
		{request: of(http.MethodGet, "/user", ""), status: 200, inHub: true, list: true},
		{request: of(http.MethodPost, "/user", `{"email":"uli@example.org"}`), status: 201, inHub: true},
		{request: of(http.MethodGet, "/user/2", ""), status: 200},
		{request: of(http.MethodPut, "/user/2", `{"role":3}`), status: 200},
		{request: of(http.MethodDelete, "/user/2", ""), status: 200, inHub: true},
		{request: of(http.MethodGet, "/user/1/profile", ""), status: 200},
		{request: of(http.MethodPut, "/user/1/profile", `{"nickname":"Titan"}`), status: 200},
		{request: of(http.MethodPost, "/user/2/invitation", ""), status: 200, inHub: true},
		{request: of(http.MethodDelete, "/user/2/invitation", ""), status: 200, inHub: true},
		{request: of(http.MethodDelete, "/user/2/lock", ""), status: 200, inHub: true},
		{request: of(http.MethodGet, "/hub", ""), status: 200, list: true},
		{request: of(http.MethodPost, "/hub", `{"name":"Falcon"}`), status: 201},
		{request: of(http.MethodGet, "/hub/1", ""), status: 200},
		{request: of(http.MethodPut, "/hub/1", `{"name":"Falcon"}`), status: 200},
		{request: of(http.MethodGet, "/image", ""), status: 200},
		{request: picture, status: 201},
		{request: of(http.MethodGet, "/image/5", ""), status: 200, bare: true},
		{request: of(http.MethodDelete, "/image/5", ""), status: 200},
		{request: of(http.MethodGet, "/audit", ""), status: 200, inHub: true, list: true},
		{request: of(http.MethodGet, "/audit/export", ""), status: 200, inHub: true, bare: true},
		{request: of(http.MethodGet, "/account/export", ""), status: 200, secure: true, bare: true},
		{request: of(http.MethodPost, "/account/deletion", `{"password":"x"}`), status: 200, secure: true},
		{request: of(http.MethodDelete, "/account/deletion", ""), status: 200, secure: true},
		{request: of(http.MethodGet, "/identity", ""), status: 200},
		{request: of(http.MethodDelete, "/identity/3", ""), status: 200, secure: true},
		{request: of(http.MethodGet, "/consent", ""), status: 200, asSelf: true},
		{request: of(http.MethodDelete, "/consent/4", ""), status: 200, secure: true},
	}...)
}

func (e resource) as(token string) request {
	q := e.request
	q.token = token
	return q
}

func eachEndpoint(t *testing.T, test func(t *testing.T, s *resources, e resource)) {
	t.Helper()
	eachOf(t, func(resource) bool { return true }, test)
}

// eachOf runs the test for the endpoints it is about, of which there have to be
// some.
func eachOf(t *testing.T, about func(resource) bool, test func(t *testing.T, s *resources, e resource)) {
	t.Helper()
	chosen := slices.DeleteFunc(endpoints(), func(e resource) bool { return !about(e) })
	require.NotEmpty(t, chosen)
	for _, e := range chosen {
		t.Run(e.method+" "+e.path, func(t *testing.T) {
			t.Parallel()
			test(t, newResources(t), e)
		})
	}
}

// answers requires the success of an endpoint.
func (e resource) answers(t *testing.T, s *resources, token string) answer {
	t.Helper()
	got := s.do(t, e.as(token))
	require.Equal(t, e.status, got.Code, "body: %s", got.Body)
	if !e.bare && !e.list {
		got.succeeds(e.status)
	}
	return got
}

func TestResourcesNeedASession(t *testing.T) {
	t.Parallel()
	eachEndpoint(t, func(t *testing.T, s *resources, e resource) {
		s.do(t, e.request).fails(http.StatusUnauthorized)
		s.do(t, e.as("a.b.c")).fails(http.StatusUnauthorized)

		narrow := s.do(t, e.as(s.sessions.Open(sessions.ScopeCode, nil).Token))
		narrow.fails(http.StatusForbidden)
		assert.Contains(t, narrow.Header().Get("WWW-Authenticate"), "insufficient_scope")

		token := s.full()
		s.clock.Advance(31 * time.Minute)
		s.do(t, e.as(token)).fails(http.StatusUnauthorized)
		assert.Nil(t, s.asked.last(), "nothing was asked of a service")
	})
}

func TestResourcesOfAHubNeedOne(t *testing.T) {
	t.Parallel()
	eachEndpoint(t, func(t *testing.T, s *resources, e resource) {
		e.answers(t, s, s.full())
		hubless := s.sessions.Open(sessions.ScopeFull, nil).Token
		if e.inHub {
			assert.Equal(t, "Please enter a hub first.", s.do(t, e.as(hubless)).fails(http.StatusForbidden).Message)
			return
		}
		e.answers(t, s, hubless)
	})
}

func TestWhoActsForSomebodyIsKeptFromTheirSecurity(t *testing.T) {
	t.Parallel()
	eachEndpoint(t, func(t *testing.T, s *resources, e resource) {
		other, pat := int64(2), int64(9)
		for name, token := range map[string]string{
			"impersonating":    s.special(func(s *sessions.Session) { s.Impersonator = &other }),
			"a personal token": s.special(func(s *sessions.Session) { s.PAT = &pat }),
		} {
			if e.secure || e.asSelf && name == "impersonating" {
				assert.Equal(t, http.StatusForbidden, s.do(t, e.as(token)).Code, name)
				continue
			}
			e.answers(t, s, token)
		}
		reader := s.special(func(s *sessions.Session) { s.PAT, s.ReadOnly = &pat, true })
		if e.secure || e.method != http.MethodGet {
			s.do(t, e.as(reader)).fails(http.StatusForbidden)
			return
		}
		e.answers(t, s, reader)
	})
}

func TestObjectsGoByNumberOrHash(t *testing.T) {
	t.Parallel()
	eachOf(t, resource.namesObject, func(t *testing.T, s *resources, e resource) {
		start, rest, _ := cutRef(e.path)
		token := s.full()
		for _, good := range []string{"7", "9223372036854775807", otherHash} {
			e.path = start + good + rest
			e.answers(t, s, token)
		}
		s.asked.request = nil
		for _, bad := range []string{
			"0", "-1", "01", "1.0", "9223372036854775808", "me", otherHash[1:], strings.ToUpper(otherHash), otherHash + "0", "%00", "7%20", "٣",
		} {
			e.path = start + bad + rest
			s.do(t, e.as(token)).fails(http.StatusNotFound)
		}
		assert.Nil(t, s.asked.last(), "nothing was asked of a service")
	})
}

func (e resource) namesObject() bool {
	_, _, named := cutRef(e.path)
	return named && !e.byName
}

// cutRef finds the number in a path.
func cutRef(path string) (start, rest string, ok bool) {
	at := strings.IndexAny(path[3:], "0123456789")
	if at < 0 {
		return "", "", false
	}
	return path[:3+at], path[4+at:], true
}

// asksForItself tells whether an endpoint asks for more than the account, of which
// one's own picture is a part.
func (e resource) asksForItself() bool { return e.path != "/v1/image" || e.method != http.MethodGet }

func TestFailuresOfServicesAreTold(t *testing.T) {
	t.Parallel()
	eachOf(t, resource.asksForItself, func(t *testing.T, s *resources, e resource) {
		token := s.full()
		for kind, status := range map[fault.Kind]int{
			fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409, fault.Throttled: 429, fault.Unavailable: 503,
		} {
			s.asked.fail = fault.New(kind, "")
			s.do(t, e.as(token)).fails(status)
		}
		s.asked.fail = fault.Field("email", "validation.required")
		assert.Contains(t, s.do(t, e.as(token)).fails(http.StatusUnprocessableEntity).Errors, "email")
	})
}

func TestListsAreReadStrictly(t *testing.T) {
	t.Parallel()
	eachOf(t, func(e resource) bool { return e.list }, func(t *testing.T, s *resources, e resource) {
		token, path := s.full(), e.path
		for query, field := range map[string]string{
			"?page=0": "page", "?page=x": "page", "?page=1&page=2": "page", "?per_page=101": "per_page", "?sort=name": "sort",
			"?%zz": "query",
		} {
			e.path = path + query
			assert.Contains(t, s.do(t, e.as(token)).fails(http.StatusUnprocessableEntity).Errors, field, query)
		}
		e.path = path + "?page=1000&per_page=10"
		var beyond struct {
			Data json.RawMessage `json:"data"`
			Meta struct {
				Page     int `json:"page"`
				PerPage  int `json:"per_page"`
				LastPage int `json:"last_page"`
			} `json:"meta"`
		}
		got := s.do(t, e.as(token))
		require.NoError(t, json.Unmarshal(got.Body.Bytes(), &beyond))
		assert.JSONEq(t, "[]", string(beyond.Data))
		assert.Equal(t, 1000, beyond.Meta.Page)
		assert.Equal(t, 10, beyond.Meta.PerPage)
		assert.Equal(t, 1, beyond.Meta.LastPage)
	})
}

func (e resource) hasETag() bool {
	return e.method == http.MethodGet && !strings.HasSuffix(e.path, "/export")
}

func TestUnchangedAnswersAreNotRepeated(t *testing.T) {
	t.Parallel()
	eachOf(t, resource.hasETag, func(t *testing.T, s *resources, e resource) {
		token := s.full()
		tag := e.answers(t, s, token).Header().Get("ETag")
		require.Regexp(t, `^"[0-9a-f]{40}"$`, tag)
		e.header = map[string]string{"If-None-Match": tag}
		again := s.do(t, e.as(token))
		assert.Equal(t, http.StatusNotModified, again.Code)
		assert.Empty(t, again.Body.String())
		assert.Equal(t, tag, again.Header().Get("ETag"))
		e.header = map[string]string{"If-None-Match": `"` + otherHash + `"`}
		e.answers(t, s, token)
	})
}

func TestWhatIsPrivateIsCachedByNobodyElse(t *testing.T) {
	t.Parallel()
	eachEndpoint(t, func(t *testing.T, s *resources, e resource) {
		h := e.answers(t, s, s.full()).Header()
		assert.Regexp(t, `^(no-store|private, no-cache)$`, h.Get("Cache-Control"))
		assert.Contains(t, h.Get("Vary"), "Authorization, Cookie")
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	})
}
