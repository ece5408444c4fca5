package oauth

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// Libraries send a secret in the header or in the form, whichever they like better;
// that matters only to who has chosen one.
func TestSecretsComeEitherWayUnlessOneIsChosen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		sent := func(c oauth.CreatedClient, method string) int {
			c.Client.AuthMethod = method
			return h.do(as(c, "/oauth2/revoke", url.Values{"token": {"x"}})).status
		}
		const basic, inForm = "client_secret_basic", "client_secret_post"
		check := func(c oauth.CreatedClient, wantBasic, wantPost bool, why string) {
			t.Helper()
			assert.Equal(t, wantBasic, sent(c, basic) == http.StatusOK, why)
			assert.Equal(t, wantPost, sent(c, inForm) == http.StatusOK, why)
			wrong := c
			wrong.Secret = "wrong"
			assert.Equal(t, http.StatusUnauthorized, sent(wrong, basic), why)
			assert.Equal(t, http.StatusUnauthorized, sent(wrong, inForm), why)
			assert.Equal(t, http.StatusUnauthorized, sent(c, "none"), why)
		}
		method := func(m string) func(*oauth.CreateClientRequest) {
			return func(r *oauth.CreateClientRequest) { r.AuthMethod = m }
		}
		c := h.web()
		assert.Equal(t, basic, c.Client.AuthMethod)
		check(c, true, true, "not chosen")
		check(h.web(method(basic)), true, false, "chosen")
		check(h.web(method(inForm)), false, true, "chosen")
		twice := as(c, "/oauth2/revoke", url.Values{"token": {"x"}, "client_secret": {c.Secret}})
		requireError(t, h.do(twice), http.StatusBadRequest, "invalid_request")

		for _, step := range []struct {
			changes             string
			wantBasic, wantPost bool
		}{
			{`{"client_name":"x"}`, true, true},
			{`{"token_endpoint_auth_method":"client_secret_basic"}`, true, false},
			{`{"client_name":"y"}`, true, false},
			{`{"token_endpoint_auth_method":null}`, true, true},
			{`{"token_endpoint_auth_method":"client_secret_post"}`, false, true},
			{`{"token_endpoint_auth_method":""}`, true, true},
		} {
			_, err := h.update(c.Client.ID, step.changes)
			require.NoError(t, err, step.changes)
			check(c, step.wantBasic, step.wantPost, step.changes)
		}

		initial := h.initial(nil)
		registered := func(more string) (oauth.CreatedClient, answer) {
			a := h.register(initial, `{"redirect_uris":["`+callback+`"]`+more+`}`)
			require.Equal(t, http.StatusCreated, a.status, a.body)
			return oauth.CreatedClient{Client: oauth.Client{ID: a.text("client_id")}, Secret: a.text("client_secret")}, a
		}
		chosen, _ := registered(`,"token_endpoint_auth_method":"client_secret_post"`)
		check(chosen, false, true, "chosen at registration")
		self, a := registered("")
		assert.Equal(t, basic, a.text("token_endpoint_auth_method"), "the default of OpenID Connect")
		check(self, true, true, "not chosen at registration")
		replace := func(more string) {
			a := h.send(http.MethodPut, own(a), a.text("registration_access_token"),
				`{"client_id":"`+self.Client.ID+`","redirect_uris":["`+callback+`"]`+more+`}`)
			require.Equal(t, http.StatusOK, a.status, a.body)
		}
		replace(`,"token_endpoint_auth_method":"client_secret_basic"`)
		check(self, true, true, "what it was told is no choice")
		replace(`,"token_endpoint_auth_method":"client_secret_post"`)
		check(self, false, true, "chosen")
		replace("")
		check(self, true, true, "chosen no more")
	})
}
