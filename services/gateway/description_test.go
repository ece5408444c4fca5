package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/services/gateway"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/apidoc"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/rest"
)

// TestTheDocumentListsWhatIsServed compares both ways. What the page needs
// beside itself is no part of the API; the mailbox is one, beside /v1.
func TestTheDocumentListsWhatIsServed(t *testing.T) {
	t.Parallel()
	description, err := apidoc.NewHandler()
	require.NoError(t, err)
	served := rest.New(rest.Deps{Description: description}).Patterns()
	served = slices.DeleteFunc(served, func(p string) bool { return strings.HasPrefix(p, "GET /v1/docs/") })
	served = append(served, "GET /mailbox/messages", "GET /picture/{name}")
	assert.ElementsMatch(t, apidoc.Operations(), served)
}

func TestTheDescriptionIsForEverybody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	document := s.do(t, request{method: http.MethodGet, path: "/v1/openapi.json", header: map[string]string{"Origin": "https://elsewhere.example"}})
	assert.Equal(t, http.StatusOK, document.Code)
	assert.Equal(t, gateway.Document(), document.Body.Bytes())
	assert.Equal(t, "*", document.Header().Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "nosniff", document.Header().Get("X-Content-Type-Options"))

	page := s.do(t, request{method: http.MethodGet, path: "/v1/docs"})
	assert.Equal(t, http.StatusOK, page.Code)
	assert.Contains(t, page.Header().Get("Content-Security-Policy"), "script-src 'self';")
	s.do(t, request{method: http.MethodGet, path: "/v1/docs/nothing"}).fails(http.StatusNotFound)
	s.do(t, request{method: http.MethodPost, path: "/v1/docs"}).fails(http.StatusMethodNotAllowed)
}
