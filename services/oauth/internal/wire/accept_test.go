package wire

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAccepts(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"": false, "*/*": false, "application/*": false, "application/json": false, "application/jwt": true,
		"application/json, application/jwt": true, "Application/JWT": true, "application/jwt;q=0.1": true,
		"application/jwt; q=0": false, "application/jwt;q=x": true, ";;;,application/jwt": true, "application/jwtx": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Add("Accept", "text/plain")
		r.Header.Add("Accept", header)
		assert.Equal(t, want, Accepts(r, "application/jwt"), header)
	}
}
