package contract_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clients are those of a hub, with their secrets, and what registers more.
func clients(t *testing.T, d *document) {
	w := newWorld(t, d, "GATEHOUSE_RATE_USER=10000")
	titan := w.register(email)
	uli := w.invite(titan, "uli@example.org", "3")
	const all = "/v1/client"
	w.do(http.StatusForbidden, call{method: http.MethodGet, path: all, token: uli.Token})
	w.post(http.StatusForbidden, all, uli.Token, `{"client_name":"Reports","redirect_uris":["https://reports.example.org/callback"]}`)

	var made struct {
		object
		ClientID string `json:"client_id"`
		Secret   string `json:"client_secret"`
	}
	w.post(http.StatusUnprocessableEntity, all, titan.Token, fmt.Sprintf(fullClient, "https://api.example.org"))
	w.into(w.post(http.StatusCreated, all, titan.Token, fmt.Sprintf(fullClient, "urn:gatehouse:hub:"+titan.Hub.Hash+":reports")), &made)
	require.NotEmpty(t, made.Secret)
	for _, name := range []string{made.ID.String(), made.Hash, made.ClientID} {
		read := w.get(all+"/"+name, titan.Token)
		assert.Contains(t, string(read), made.ClientID)
		assert.NotContains(t, string(read), made.Secret)
	}
	w.get(all+"?query=repo&per_page=5", titan.Token)

	path := all + "/" + made.Hash
	_, header, _ := w.try(call{method: http.MethodGet, path: path, token: titan.Token})
	change := call{
		method: http.MethodPut, path: path, token: titan.Token, body: `{"client_name":"Figures","access_token_lifetime":null}`,
		header: map[string]string{"If-Match": header.Get("ETag")},
	}
	w.do(http.StatusOK, change)
	w.do(http.StatusPreconditionFailed, change)
	w.post(http.StatusCreated, path+"/secret", titan.Token, `{"overlap":60}`)
	w.post(http.StatusCreated, path+"/secret", titan.Token, "")
	w.put(http.StatusOK, path, titan.Token, `{"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}`)
	w.post(http.StatusConflict, path+"/secret", titan.Token, "{}")
	w.delete(http.StatusOK, path, titan.Token)
	w.tooManyOf(all, titan, `{"client_name":"Client %d","redirect_uris":["https://reports.example.org/callback"],"token_endpoint_auth_method":"none"}`)

	const tokens = "/v1/registration-token"
	token := w.object(w.post(http.StatusCreated, tokens, titan.Token, `{"name":"CI","uses":3,"expiration_time":"2030-01-01T00:00:00Z"}`))
	w.get(tokens+"?per_page=1", titan.Token)
	w.delete(http.StatusOK, tokens+"/"+token.ID.String(), titan.Token)
	w.tooManyOf(tokens, titan, `{"name":"token %d"}`)
}

// fullClient has a value of every kind; its resource is left open.
const fullClient = `{"client_name":"Reports","redirect_uris":["https://reports.example.org/callback"],"contacts":["ops@example.org"],
	"client_uri":"https://reports.example.org","resources":[%q],"dpop_bound_access_tokens":true,
	"grant_types":["authorization_code","refresh_token"],"default_max_age":3600,"access_token_lifetime":300,"subject_type":"public",
	"post_logout_redirect_uris":["https://reports.example.org/bye"],"access_token_format":"jwt","logo_uri":null}`

// tooManyOf creates until there are too many. Only the last answer is held to the
// document, for the sake of time.
func (w world) tooManyOf(path string, who who, body string) {
	w.Helper()
	for status, i := http.StatusCreated, 0; status != http.StatusConflict; i++ {
		require.Less(w.T, i, 501, "there is a bound")
		status = w.Call(w.T, http.MethodPost, path, who.Token, fmt.Sprintf(body, i)).Status
	}
	w.post(http.StatusConflict, path, who.Token, fmt.Sprintf(body, 0))
}
