package oauth

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// Clients to whom users have names of their own cannot tell by the session either
// that they have a user in common, and still know it when it ends.
func TestSessionsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		at := func(host string) func(*oauth.CreateClientRequest) {
			return func(r *oauth.CreateClientRequest) {
				r.SubjectType, r.RedirectURIs = "pairwise", []string{"https://" + host + "/cb"}
				r.FrontchannelLogoutURI, r.FrontchannelLogoutSession = "https://"+host+"/out", true
			}
		}
		login := h.in("1")
		seen := map[any]bool{login.Session: true}
		for _, host := range []string{"a.example", "b.example"} {
			c := h.web(at(host))
			uri := "https://" + host + "/cb"
			q := redirected(t, h.authorize(form(c, "redirect_uri", uri), login))
			id := h.redeem(c, q.Get("code"), "redirect_uri", uri).text("id_token")
			sid := payload(t, id)["sid"]
			require.NotEmpty(t, sid)
			assert.False(t, seen[sid], "%s: %v", host, sid)
			seen[sid] = true

			hint := url.Values{"id_token_hint": {id}}
			assert.True(t, h.logout(hint, login).Proven, "it is this session's")
			assert.False(t, h.logout(hint, h.in("2")).Proven)
			list, err := h.service.SessionClients(t.Context(), oauth.SessionClientsRequest{Session: login.Session})
			require.NoError(t, err)
			text, _ := sid.(string)
			assert.Contains(t, list.Frontchannel, "https://"+host+"/out?"+url.Values{"iss": {testOrigin}, "sid": {text}}.Encode())
		}
	})
}
