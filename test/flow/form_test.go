package flow_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// formResponse is an answer of an OAuth endpoint.
type formResponse struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// postForm sends a form with the app's credentials; a nil app sends none.
func postForm(t *testing.T, endpoint string, a *system.App, form url.Values) formResponse {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a != nil {
		r.SetBasicAuth(url.QueryEscape(a.Config.ClientID), url.QueryEscape(a.Secret))
	}
	res, err := system.HTTP().Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	answer := formResponse{status: res.StatusCode, header: res.Header, body: string(body)}
	_ = json.Unmarshal(body, &answer.json) // an empty answer has no JSON
	return answer
}
