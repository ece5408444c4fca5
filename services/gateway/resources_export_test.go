package gateway_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// happened fills the audit record with so many events.
func (r *resources) happened(n int) {
	for i := range n {
		r.asked.events = append(r.asked.events, accounts.Event{ID: int64(n - i), Kind: "login.succeeded", Actor: "user", CreatedTime: r.clock.Now()})
	}
}

func TestEventsAreListed(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	s.happened(3)
	hub := int64(1)
	s.asked.events[0] = accounts.Event{
		ID: 3, Kind: "member.updated", Actor: "user", Hub: &hub, Address: "192.0.2.7", UserAgent: "curl/8", CreatedTime: s.clock.Now(),
		User: &accounts.Person{ID: 2, Hash: otherHash, FirstName: "Uli", LastName: "Hoeneß"}, Detail: map[string]any{"role": 3},
	}
	var got struct {
		Data []json.RawMessage `json:"data"`
		Meta struct {
			Total int `json:"total"`
		} `json:"meta"`
	}
	answer := s.do(t, request{method: http.MethodGet, path: "/v1/audit?per_page=2", token: s.full()})
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &got))
	require.Len(t, got.Data, 2)
	assert.Equal(t, 3, got.Meta.Total)
	assert.JSONEq(t, `{
		"id": 3, "kind": "member.updated", "hub": 1, "actor": "user", "actor_user": null, "impersonator": null,
		"user": {"id": 2, "hash": "`+otherHash+`", "name": "Uli Hoeneß", "first_name": "Uli", "last_name": "Hoeneß", "model": "User"},
		"address": "192.0.2.7", "user_agent": "curl/8", "detail": {"role": 3},
		"created_time": "2026-01-02T15:04:05.000000Z", "model": "AuditEvent"
	}`, string(got.Data[0]))
	assert.Contains(t, string(got.Data[1]), `"detail":{}`)
}

func TestWhichEventsAreAskedFor(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	query := "?kind=login.&user=2&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00.5%2B01:00&own=true"
	for _, path := range []string{"/v1/audit", "/v1/audit/export"} {
		s.do(t, request{method: http.MethodGet, path: path + query, token: s.full()})
		asked, ok := s.asked.last().(accounts.ListEventsRequest)
		require.True(t, ok)
		assert.True(t, asked.Own)
		assert.Equal(t, "login.", asked.Kind)
		assert.Equal(t, &api.Ref{ID: 2}, asked.User)
		assert.Equal(t, "2026-01-01T00:00:00Z", asked.From.UTC().Format("2006-01-02T15:04:05.9Z"))
		assert.Equal(t, "2026-01-01T23:00:00.5Z", asked.To.UTC().Format("2006-01-02T15:04:05.9Z"))
		for _, wrong := range []string{"own=maybe", "user=me", "from=yesterday", "to=1", "kind=a%00"} {
			got := s.do(t, request{method: http.MethodGet, path: path + "?" + wrong, token: s.full()})
			field, _, _ := strings.Cut(wrong, "=")
			assert.Contains(t, got.fails(http.StatusUnprocessableEntity).Errors, field, wrong)
		}
	}
	// An export has no pages.
	got := s.do(t, request{method: http.MethodGet, path: "/v1/audit/export?page=2", token: s.full()})
	assert.Contains(t, got.fails(http.StatusUnprocessableEntity).Errors, "page")
}

func TestOwnEventsNeedNoHub(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	hubless := s.sessions.Open("*", nil).Token
	s.do(t, request{method: http.MethodGet, path: "/v1/audit", token: hubless}).fails(http.StatusForbidden)
	assert.Equal(t, http.StatusOK, s.do(t, request{method: http.MethodGet, path: "/v1/audit?own=1", token: hubless}).Code)
	assert.Equal(t, http.StatusOK, s.do(t, request{method: http.MethodGet, path: "/v1/audit/export?own=true", token: hubless}).Code)
}

func TestEventsAreExported(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 99, 100, 101, 250} {
		s := newResources(t)
		s.happened(n)
		got := s.do(t, request{method: http.MethodGet, path: "/v1/audit/export", token: s.full()})
		require.Equal(t, http.StatusOK, got.Code)
		assert.Equal(t, "text/csv; charset=utf-8; header=present", got.Header().Get("Content-Type"))
		assert.Equal(t, `attachment; filename="audit-2026-01-02.csv"`, got.Header().Get("Content-Disposition"))
		rows, err := csv.NewReader(got.Body).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, n+1)
		seen := map[string]bool{}
		for _, row := range rows {
			assert.False(t, seen[row[0]], "twice: %s", row[0])
			seen[row[0]] = true
		}
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	s.happened(1)
	e := &s.asked.events[0]
	e.UserAgent = `=HYPERLINK("http://evil.example","x")`
	e.User = &accounts.Person{Hash: otherHash, FirstName: "+49", LastName: "a,\"b\"\nc"}
	e.ActorUser = &accounts.Person{FirstName: "@cmd", LastName: "-"}
	e.Impersonator = &accounts.Person{FirstName: "-", LastName: "2+3"}
	e.Detail = map[string]any{"x": "=1"}
	e.Address = "\t1"
	rows, err := csv.NewReader(s.do(t, request{method: http.MethodGet, path: "/v1/audit/export", token: s.full()}).Body).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, []string{
		"1", "2026-01-02T15:04:05.000000Z", "login.succeeded", "user", "", "'@cmd -", otherHash, "'+49 a,\"b\"\nc", "", "'- 2+3", "",
		"'\t1", `'=HYPERLINK("http://evil.example","x")`, `{"x":"=1"}`,
	}, rows[1])
}

func TestExportsAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	s.asked.fail = fault.New(fault.Forbidden, "")
	got := s.do(t, request{method: http.MethodGet, path: "/v1/audit/export", token: s.full()})
	got.fails(http.StatusForbidden)
	assert.Empty(t, got.Header().Get("Content-Disposition"))
}

// TestAnExportThatFailsIsCutOff so that nobody takes it for all there is.
func TestAnExportThatFailsIsCutOff(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	s.happened(150)
	s.asked.failAfter(1, fault.New(fault.Unavailable, ""))
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		s.do(t, request{method: http.MethodGet, path: "/v1/audit/export", token: s.full()})
	})
}

func TestHeadsOfExports(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	s.happened(150)
	got := s.do(t, request{method: http.MethodHead, path: "/v1/audit/export", token: s.full()})
	assert.Equal(t, http.StatusOK, got.Code)
	assert.Empty(t, got.Body.String())
	assert.Equal(t, 1, s.asked.calls)
}

func TestAccountsAreExported(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	got := s.do(t, request{method: http.MethodGet, path: "/v1/account/export", token: s.full()})
	require.Equal(t, http.StatusOK, got.Code)
	assert.Equal(t, `attachment; filename="account-2026-01-02.json"`, got.Header().Get("Content-Disposition"))
	assert.Equal(t, "no-store", got.Header().Get("Cache-Control"))
	var export struct {
		ExportedTime string            `json:"exported_time"`
		Account      json.RawMessage   `json:"account"`
		Sessions     []json.RawMessage `json:"sessions"`
		Tokens       []json.RawMessage `json:"tokens"`
		Consents     []json.RawMessage `json:"consents"`
	}
	require.NoError(t, json.Unmarshal(got.Body.Bytes(), &export))
	assert.Equal(t, "2026-01-02T15:04:05.000000Z", export.ExportedTime)
	assert.JSONEq(t, `{"user":{"name":"Olli <Kahn>"}}`, string(export.Account))
	assert.Len(t, export.Sessions, 101, "of two pages")
	assert.Len(t, export.Tokens, 1)
	assert.Len(t, export.Consents, 1)
}

func TestADeletionTakesThePassword(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	missing := s.do(t, request{method: http.MethodPost, path: "/v1/account/deletion", token: s.full(), body: "{}"})
	assert.Contains(t, missing.fails(http.StatusUnprocessableEntity).Errors, "password")
	got := s.do(t, request{method: http.MethodPost, path: "/v1/account/deletion", cookie: s.full(), body: `{"password":"x"}`})
	assert.JSONEq(t, `{"deletion_time":"2026-01-16T15:04:05.000000Z"}`, string(got.succeeds(http.StatusOK)))
	assert.Contains(t, got.Header().Get("Set-Cookie"), "Max-Age=0", "the session has ended")
}
