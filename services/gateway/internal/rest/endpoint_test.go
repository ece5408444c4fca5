package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/edge"
)

func TestObjectsInPaths(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 20)
	for text, want := range map[string]api.Ref{"7": {ID: 7}, hash: {Hash: hash}} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.SetPathValue("user", text)
		got, err := ref(r, "user")
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.SetPathValue("user", "me")
	_, err := ref(r, "user")
	assert.True(t, fault.Is(err, fault.NotFound))
}

func TestAListIsNeverNull(t *testing.T) {
	t.Parallel()
	r := list[int](nil, api.Page{Number: 9, Size: 25}, 3)
	assert.Equal(t, []int{}, r.data)
	assert.Equal(t, 1, r.meta.LastPage)
}

func TestConflictsOfConditionalRequests(t *testing.T) {
	t.Parallel()
	changed := fault.New(fault.Conflict, "fault.modified")
	for name, tt := range map[string]struct {
		tag    string
		err    error
		status int
	}{
		"conditional":      {`"a"`, changed, http.StatusPreconditionFailed},
		"unconditional":    {"", changed, http.StatusConflict},
		"another conflict": {`"a"`, fault.New(fault.Conflict, "fault.last_owner"), http.StatusConflict},
		"another failure":  {`"a"`, fault.New(fault.NotFound, "fault.modified"), http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPut, "/", http.NoBody)
			if tt.tag != "" {
				r.Header.Set("If-Match", tt.tag)
			}
			assert.Equal(t, tt.status, edge.Explain(t.Context(), modified(r, tt.err)).Status)
		})
	}
	assert.NoError(t, modified(httptest.NewRequest(http.MethodPut, "/", http.NoBody), nil))
}
