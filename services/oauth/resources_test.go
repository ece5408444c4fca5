package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// amend changes what the grants of the client's users say.
func (h *harness) amend(c oauth.CreatedClient, change func(*grant.Details)) {
	h.t.Helper()
	var text string
	require.NoError(h.t, h.db.QueryRow(h.t.Context(), "SELECT details FROM grants WHERE client_id = $1", c.Client.ID).Scan(&text))
	var details grant.Details
	require.NoError(h.t, json.Unmarshal([]byte(text), &details))
	change(&details)
	changed, err := json.Marshal(details)
	require.NoError(h.t, err)
	_, err = h.db.Exec(h.t.Context(), "UPDATE grants SET details = $2 WHERE client_id = $1", c.Client.ID, string(changed))
	require.NoError(h.t, err)
}

func granted(names ...string) func(*grant.Details) {
	return func(d *grant.Details) { d.Resources = names }
}

func TestTokensAreForResources(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for _, format := range []string{"opaque", "jwt"} {
			c := h.web(resources, func(r *oauth.CreateClientRequest) { r.AccessTokenFormat = format })
			audience := func(a answer) any {
				t.Helper()
				require.Equal(t, http.StatusOK, a.status, a.body)
				return h.introspect(c, a.text("access_token")).json["aud"]
			}
			both := []any{reportsAPI, mailAPI}
			code := h.code(c)
			h.amend(c, granted(reportsAPI, mailAPI))
			tokens := h.redeem(c, code, "resource", mailAPI)
			assert.Equal(t, []any{mailAPI}, audience(tokens), "narrowed to one")
			tokens = h.refresh(c, tokens.text("refresh_token"))
			assert.Equal(t, both, audience(tokens), "the grant keeps both")
			f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text("refresh_token")}, "resource": {mailAPI, reportsAPI, mailAPI}}
			tokens = h.do(as(c, "/oauth2/token", f))
			assert.Equal(t, []any{mailAPI, reportsAPI}, audience(tokens))

			h.amend(c, granted(reportsAPI))
			refresh := tokens.text("refresh_token")
			for _, wrong := range []string{mailAPI, "https://evil.example", "reports", reportsAPI + "#x", strings.ToUpper(reportsAPI)} {
				requireError(t, h.refresh(c, refresh, "resource", wrong), http.StatusBadRequest, "invalid_target")
			}
			assert.Equal(t, []any{reportsAPI}, audience(h.refresh(c, refresh)), "and these cost nothing")

			assert.Nil(t, audience(h.own(c)), "for none in particular")
			assert.Equal(t, []any{reportsAPI}, audience(h.own(c, "resource", reportsAPI)))
			requireError(t, h.own(c, "resource", "https://evil.example"), http.StatusBadRequest, "invalid_target")
		}
	})
}

func TestAnAbandonedResourceLeavesTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(signs(""), resources)
		code := h.code(c)
		h.amend(c, granted(reportsAPI, "https://gone.example"))
		requireError(t, h.redeem(c, code, "resource", "https://gone.example"), http.StatusBadRequest, "invalid_target")
		tokens := h.redeem(c, code)
		_, claims := h.read(tokens.text("access_token"))
		assert.Equal(t, reportsAPI, claims["aud"])
		h.amend(c, granted("https://gone.example"))
		requireError(t, h.refresh(c, tokens.text("refresh_token")), http.StatusBadRequest, "invalid_target")
	})
}
