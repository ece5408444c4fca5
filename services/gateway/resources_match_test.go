package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func revision(t *testing.T, request any) *time.Time {
	t.Helper()
	switch r := request.(type) {
	case accounts.UpdateMemberRequest:
		return r.Revision
	case accounts.UpdateHubRequest:
		return r.Revision
	case accounts.UpdateProfileRequest:
		return r.Revision
	case oauth.UpdateClientRequest:
		return r.Revision
	}
	require.Failf(t, "no change", "%T", request)
	return nil
}

// actedAs makes a session one of somebody who acts as its user.
func actedAs(s *sessions.Session) { s.Impersonator = to(int64(2)) }

// TestAChangeThatComesBetween is found by the service.
func TestAChangeThatComesBetween(t *testing.T) {
	t.Parallel()
	for message, status := range map[string]int{"fault.modified": 412, "fault.last_owner": 409} {
		s := newResources(t)
		token := s.full()
		q := request{method: http.MethodPut, path: "/v1/user/2", token: token, body: `{"role":2}`}
		s.asked.failAfter(1, fault.New(fault.Conflict, message))
		q.header = map[string]string{"If-Match": "*"}
		s.do(t, q).fails(status)

		s.asked.failAfter(0, fault.New(fault.Conflict, message))
		q.header = nil
		s.do(t, q).fails(http.StatusConflict)
	}
}

// TestOneselfSeesMore than others do, and than somebody who acts as oneself.
func TestOneselfSeesMore(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	own := string(s.do(t, request{method: http.MethodGet, path: "/v1/user/1", token: s.full()}).succeeds(http.StatusOK))
	assert.Contains(t, own, `"login_confirmation":true`)
	assert.Contains(t, own, `"deletion_time":null`)
	assert.Contains(t, own, `"alias":"titan"`)
	other := string(s.do(t, request{method: http.MethodGet, path: "/v1/user/2", token: s.full()}).succeeds(http.StatusOK))
	assert.NotContains(t, other, "login_confirmation")
	assert.NotContains(t, other, "deletion_time")
	acting := string(s.do(t, request{method: http.MethodGet, path: "/v1/user/1", token: s.special(actedAs)}).succeeds(http.StatusOK))
	assert.NotContains(t, acting, "deletion_time")
}
