package oauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

// initial is a registration token of the operator's.
func (h *harness) initial(uses *int) string {
	h.t.Helper()
	created, err := h.service.CreateRegistrationToken(h.t.Context(), oauth.CreateRegistrationTokenRequest{Name: "CI", Uses: uses})
	require.NoError(h.t, err)
	return created.Token
}

// send sends JSON to the registration endpoint or to a client's own.
func (h *harness) send(method, path, token, body string) answer {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return h.do(r)
}

const registerPath = "/oauth2/register"

func (h *harness) register(token, body string) answer {
	h.t.Helper()
	return h.send(http.MethodPost, registerPath, token, body)
}

// own is the path of a client's own endpoint.
func own(a answer) string { return strings.TrimPrefix(a.text("registration_client_uri"), testOrigin) }

func TestRegisterHasTheDefaultsOfOpenID(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		a := h.register(h.initial(nil), `{"redirect_uris":["`+callback+`"],"client_name#de":"x","unknown":{"a":[1]},"logo_uri":null}`)
		require.Equal(t, http.StatusCreated, a.status, a.body)
		assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
		id, secret, token := a.text("client_id"), a.text("client_secret"), a.text("registration_access_token")
		assert.Len(t, id, 32)
		assert.Equal(t, map[string]any{
			"client_id": id, "client_secret": secret, "client_secret_expires_at": 0.0, "client_id_issued_at": float64(h.clock.Now().Unix()),
			"registration_access_token": token, "registration_client_uri": testOrigin + registerPath + "/" + id,
			"client_name": "app.example", "application_type": "web", "redirect_uris": []any{callback}, "grant_types": []any{"authorization_code"},
			"response_types": []any{"code"}, "token_endpoint_auth_method": "client_secret_basic", "subject_type": "public",
			"id_token_signed_response_alg": "RS256", "scope": "openid profile email phone address hub",
		}, a.json)
		c := oauth.CreatedClient{Secret: secret}
		var err error
		c.Client, err = h.service.GetClient(t.Context(), oauth.ClientRequest{ID: id})
		require.NoError(t, err)
		assert.Equal(t, []string{"openid", "profile", "email", "phone", "address", "hub"}, c.Client.Scopes)
		assert.NotEmpty(t, h.authorize(form(c, "scope", "openid"), h.login()).Consent, "it is nobody's own app")
		for _, text := range []string{secret, token} {
			assert.NotContains(t, dump(t, h.db), text)
			assert.NotContains(t, h.log.String(), text)
		}
	})
}

func TestRegisterTakesWhatIsChosen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		token := h.initial(nil)
		native := h.register(token, `{"client_name":"CLI","redirect_uris":["com.example.cli:/cb"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"scope":"openid offline_access openid"}`)
		require.Equal(t, http.StatusCreated, native.status, native.body)
		assert.Equal(t, "native", native.text("application_type"))
		assert.Equal(t, "openid offline_access", native.text("scope"))
		assert.NotContains(t, native.json, "client_secret")
		assert.NotContains(t, native.json, "client_secret_expires_at")
		hybrid := h.register(token, `{"redirect_uris":["`+callback+`"],"response_types":["id_token code"],"grant_types":["authorization_code","implicit"],"pkce_optional":true,"first_party":true,"resource_server":true}`)
		require.Equal(t, http.StatusCreated, hybrid.status, hybrid.body)
		assert.Equal(t, []any{"code id_token"}, hybrid.json["response_types"])
		assert.Equal(t, []any{"authorization_code"}, hybrid.json["grant_types"])
		c, err := h.service.GetClient(t.Context(), oauth.ClientRequest{ID: hybrid.text("client_id")})
		require.NoError(t, err)
		assert.Zero(t, c.Privileges, "nobody gives privileges to themselves")
		assert.False(t, c.PKCEOptional)

		h.config.RegistrationPKCEOptional = true
		h.restart()
		a := h.register(token, `{"redirect_uris":["`+callback+`"]}`)
		assert.Equal(t, true, a.json["pkce_optional"])
		a = h.register(token, `{"redirect_uris":["`+callback+`"],"token_endpoint_auth_method":"none"}`)
		assert.NotContains(t, a.json, "pkce_optional")
		machine := h.register(token, `{"grant_types":["client_credentials"],"scope":"`+testScope+`"}`)
		assert.Equal(t, http.StatusCreated, machine.status, machine.body)
	})
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		token := h.initial(nil)
		good := `"redirect_uris":["` + callback + `"]`
		tests := map[string]struct{ body, code, field string }{
			"nothing":              {``, "invalid_client_metadata", ""},
			"no redirect URI":      {`{}`, "invalid_redirect_uri", "redirect_uris"},
			"redirect URI":         {`{"redirect_uris":["http://app.example/"]}`, "invalid_redirect_uri", "http://app.example/"},
			"a web app's scheme":   {`{"application_type":"web","redirect_uris":["com.example.app:/"],"token_endpoint_auth_method":"none"}`, "invalid_redirect_uri", "redirect_uris"},
			"redirect as text":     {`{"redirect_uris":"` + callback + `"}`, "invalid_redirect_uri", "redirect_uris"},
			"name":                 {`{` + good + `,"client_name":7}`, "invalid_client_metadata", "client_name"},
			"scope":                {`{` + good + `,"scope":"openid root"}`, "invalid_client_metadata", "scope: "},
			"scope as a list":      {`{` + good + `,"scope":["openid"]}`, "invalid_client_metadata", "scope: "},
			"grant":                {`{` + good + `,"grant_types":["password"]}`, "invalid_client_metadata", "grant_types"},
			"exchange":             {`{` + good + `,"grant_types":["authorization_code","urn:ietf:params:oauth:grant-type:token-exchange"]}`, "invalid_client_metadata", "grant_types"},
			"two key sets":         {`{` + good + `,"jwks":{"keys":[]},"jwks_uri":"https://app.example/k"}`, "invalid_client_metadata", "jwks"},
			"keys at home":         {`{` + good + `,"jwks_uri":"http://127.0.0.1/k"}`, "invalid_client_metadata", "jwks_uri"},
			"statement":            {`{` + good + `,"software_statement":"x"}`, "unapproved_software_statement", ""},
			"twice":                {`{` + good + `,` + good + `}`, "invalid_client_metadata", ""},
			"twice, inside":        {`{` + good + `,"x":{"a":1,"\u0061":2}}`, "invalid_client_metadata", ""},
			"a list":               {`[]`, "invalid_client_metadata", ""},
			"null":                 {`null`, "invalid_client_metadata", ""},
			"two objects":          {`{` + good + `}{}`, "invalid_client_metadata", ""},
			"cut off":              {`{` + good, "invalid_client_metadata", ""},
			"not UTF-8":            {"{" + good + ",\"client_name\":\"\xff\"}", "invalid_client_metadata", ""},
			"deep":                 {`{` + good + `,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "invalid_client_metadata", ""},
			"NUL":                  {`{` + good + `,"client_name":"a\u0000b"}`, "invalid_client_metadata", "client_name"},
			"unreadable sector":    {`{` + good + `,"subject_type":"pairwise","sector_identifier_uri":"https://127.0.0.1:1/"}`, "invalid_client_metadata", "sector_identifier_uri"},
			"others' sector":       {`{"grant_types":["` + deviceGrant + `"],"subject_type":"pairwise","sector_identifier_uri":"https://app.example/s"}`, "invalid_client_metadata", "sector_identifier_uri"},
			"others' names":        {`{` + good + `,"grant_types":["authorization_code","` + deviceGrant + `"],"subject_type":"pairwise"}`, "invalid_client_metadata", "subject_type"},
			"hundreds of problems": {`{"redirect_uris":["` + strings.Repeat(`a","`, 500) + `"]}`, "invalid_redirect_uri", "redirect_uris"},
		}
		for name, test := range tests {
			a := h.send(http.MethodPost, registerPath, token, test.body)
			assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.body)
			assert.Equal(t, test.code, a.text("error"), "%s: %s", name, a.body)
			assert.Contains(t, a.text("error_description"), test.field, name)
			assert.Less(t, len(a.body), 2048, name)
		}
		requireError(t, h.register(token, `{"x":"`+strings.Repeat("x", 64<<10)+`"}`), http.StatusRequestEntityTooLarge, "invalid_request")
		for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"} {
			r := httptest.NewRequest(http.MethodPost, registerPath, strings.NewReader(`{`+good+`}`))
			r.Header.Set("Authorization", "bearer "+token)
			r.Header.Set("Content-Type", contentType)
			requireError(t, h.do(r), http.StatusBadRequest, "invalid_client_metadata")
		}
		list, err := h.service.ListClients(t.Context(), oauth.ListClientsRequest{})
		require.NoError(t, err)
		assert.Empty(t, list.Clients)
	})
}

func TestRegistrationTokensAreNeeded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		body := `{"redirect_uris":["` + callback + `"]}`
		two, never := 2, 1
		token, unused := h.initial(&two), h.initial(&never)
		for name, header := range map[string][]string{
			"none": nil, "unknown": {"Bearer gh_ia_x"}, "empty": {"Bearer "}, "scheme": {"Basic " + token}, "twice": {"Bearer " + token, "Bearer " + token},
			"other case": {"Bearer " + strings.ToUpper(token)},
		} {
			r := httptest.NewRequest(http.MethodPost, registerPath, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header["Authorization"] = header
			a := h.do(r)
			assert.Equal(t, http.StatusUnauthorized, a.status, name)
			assert.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer ", name)
			assert.Equal(t, "invalid_token", a.text("error"), name)
		}
		requireError(t, h.register(token, `{}`), http.StatusBadRequest, "invalid_redirect_uri") // costs no use
		require.Equal(t, http.StatusCreated, h.register(token, body).status)

		// Two at once with one use: one succeeds.
		var wait sync.WaitGroup
		statuses := make([]int, 2)
		for i := range statuses {
			wait.Go(func() { statuses[i] = h.register(token, body).status })
		}
		wait.Wait()
		assert.ElementsMatch(t, []int{http.StatusCreated, http.StatusUnauthorized}, statuses)

		list, err := h.service.ListRegistrationTokens(t.Context(), oauth.ListRegistrationTokensRequest{})
		require.NoError(t, err)
		require.Len(t, list.Tokens, 1, "the other one is used up")
		assert.Equal(t, &never, list.Tokens[0].Uses)
		_, err = h.service.DeleteRegistrationToken(t.Context(), oauth.RegistrationTokenRequest{ID: list.Tokens[0].ID})
		require.NoError(t, err)
		requireError(t, h.register(unused, body), http.StatusUnauthorized, "invalid_token")

		soon := h.clock.Now().Add(time.Hour)
		brief, err := h.service.CreateRegistrationToken(t.Context(), oauth.CreateRegistrationTokenRequest{Name: "x", ExpirationTime: &soon})
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, h.register(brief.Token, body).status)
		h.clock.Advance(time.Hour)
		requireError(t, h.register(brief.Token, body), http.StatusUnauthorized, "invalid_token")
		_, err = h.service.registrar.Sweep(t.Context())
		require.NoError(t, err)
		var left int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM registration_tokens").Scan(&left))
		assert.Zero(t, left)
	})
}

func TestClientsManageThemselves(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		initial := h.initial(nil)
		a := h.register(initial, `{"redirect_uris":["`+callback+`"],"client_name":"App","policy_uri":"https://app.example/p"}`)
		require.Equal(t, http.StatusCreated, a.status, a.body)
		path, token, id, secret := own(a), a.text("registration_access_token"), a.text("client_id"), a.text("client_secret")

		shown := h.send(http.MethodGet, path, token, "")
		require.Equal(t, http.StatusOK, shown.status, shown.body)
		want := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(a.body), &want))
		delete(want, "client_secret")
		assert.Equal(t, want, shown.json, "all but the secret, which is not kept")

		h.clock.Advance(time.Second)
		changed := h.send(http.MethodPut, path, token, `{"client_id":"`+id+`","client_secret":"`+secret+`","redirect_uris":["`+callback+`2"],"client_name":"App 2"}`)
		require.Equal(t, http.StatusOK, changed.status, changed.body)
		assert.Equal(t, []any{callback + "2"}, changed.json["redirect_uris"])
		assert.NotContains(t, changed.json, "policy_uri", "what is left out is gone")
		assert.NotContains(t, changed.json, "client_secret")
		assert.Equal(t, token, changed.text("registration_access_token"))
		for name, body := range map[string]string{
			"no id": `{"redirect_uris":["` + callback + `"]}`, "another id": `{"client_id":"x","redirect_uris":["` + callback + `"]}`,
			"its token": `{"client_id":"` + id + `","registration_access_token":"x","redirect_uris":["` + callback + `"]}`,
			"times":     `{"client_id":"` + id + `","client_id_issued_at":1,"redirect_uris":["` + callback + `"]}`,
			"a secret":  `{"client_id":"` + id + `","client_secret":"x","redirect_uris":["` + callback + `"]}`,
		} {
			requireError(t, h.send(http.MethodPut, path, token, body), http.StatusBadRequest, "invalid_client_metadata")
			assert.Equal(t, []any{callback + "2"}, h.send(http.MethodGet, path, token, "").json["redirect_uris"], name)
		}

		open := h.send(http.MethodPut, path, token, `{"client_id":"`+id+`","redirect_uris":["`+callback+`"],"token_endpoint_auth_method":"none"}`)
		require.Equal(t, http.StatusOK, open.status, open.body)
		again := h.send(http.MethodPut, path, token, `{"client_id":"`+id+`","redirect_uris":["`+callback+`"]}`)
		require.Equal(t, http.StatusOK, again.status, again.body)
		assert.NotEmpty(t, again.text("client_secret"), "a new one, as there was none")
		assert.NotEqual(t, secret, again.text("client_secret"))

		other := h.register(initial, `{"redirect_uris":["`+callback+`"]}`)
		for _, wrong := range []string{"", "x", initial, other.text("registration_access_token"), strings.ToUpper(token)} {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
				requireError(t, h.send(method, path, wrong, "{}"), http.StatusUnauthorized, "invalid_token")
			}
		}
		plain := h.web()
		requireError(t, h.send(http.MethodGet, registerPath+"/"+plain.Client.ID, token, ""), http.StatusUnauthorized, "invalid_token")

		assert.Equal(t, http.StatusNoContent, h.send(http.MethodDelete, path, token, "").status)
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			requireError(t, h.send(method, path, token, "{}"), http.StatusUnauthorized, "invalid_token")
		}
	})
}

// Privileges are given to a client as it is, not to whoever holds its token.
func TestAPrivilegedClientManagesItselfNoLonger(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		a := h.register(h.initial(nil), `{"redirect_uris":["`+callback+`"]}`)
		id, token := a.text("client_id"), a.text("registration_access_token")
		require.Equal(t, http.StatusOK, h.send(http.MethodGet, own(a), token, "").status)
		_, err := h.service.UpdateClient(t.Context(), oauth.UpdateClientRequest{ID: id, Changes: []byte(`{"first_party":true}`)})
		require.NoError(t, err)
		body := `{"client_id":"` + id + `","redirect_uris":["https://elsewhere.example/callback"]}`
		assert.Equal(t, http.StatusUnauthorized, h.send(http.MethodPut, own(a), token, body).status)
		assert.Equal(t, http.StatusUnauthorized, h.send(http.MethodDelete, own(a), token, "").status)
		c, err := h.service.GetClient(t.Context(), oauth.ClientRequest{ID: id})
		require.NoError(t, err)
		assert.Equal(t, []string{callback}, c.RedirectURIs)
	})
}

func TestOpenRegistration(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.Registration, h.config.RegistrationLimit = "open", 2
		h.restart()
		good := `"redirect_uris":["` + callback + `"]`
		for name, more := range map[string]string{
			"a machine": `"grant_types":["authorization_code","client_credentials"]`, "scopes": `"scope":"openid ` + testScope + `"`,
			"resources": `"resources":["https://api.example"]`,
		} {
			a := h.register("", `{`+good+`,`+more+`}`)
			assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.body)
		}
		requireError(t, h.register("gh_ia_x", `{`+good+`}`), http.StatusUnauthorized, "invalid_token")
		first := h.register("", `{`+good+`}`)
		require.Equal(t, http.StatusCreated, first.status, first.body)
		used := h.register("", `{`+good+`}`)
		require.Equal(t, http.StatusCreated, used.status, used.body)
		requireError(t, h.register("", `{`+good+`}`), http.StatusForbidden, "access_denied")
		assert.Equal(t, http.StatusCreated, h.register(h.initial(nil), `{`+good+`}`).status, "a token has its own limit")
		id := first.text("client_id")
		requireError(t, h.send(http.MethodPut, own(first), first.text("registration_access_token"),
			`{"client_id":"`+id+`",`+good+`,"scope":"`+testScope+`"}`), http.StatusBadRequest, "invalid_client_metadata")

		c, err := h.service.GetClient(t.Context(), oauth.ClientRequest{ID: used.text("client_id")})
		require.NoError(t, err)
		waiting := h.authorize(form(oauth.CreatedClient{Client: c}, "scope", "openid"), h.login()).Consent
		require.NotNil(t, waiting)
		_, err = h.service.Resume(t.Context(), oauth.ResumeRequest{ID: waiting.ID, Login: h.login(), Decision: &oauth.Decision{Allow: true}})
		require.NoError(t, err)
		h.clock.Advance(h.config.RegistrationUnused)
		_, err = h.service.registrar.Sweep(t.Context())
		require.NoError(t, err)
		requireError(t, h.send(http.MethodGet, own(first), first.text("registration_access_token"), ""), http.StatusUnauthorized, "invalid_token")
		assert.Equal(t, http.StatusOK, h.send(http.MethodGet, own(used), used.text("registration_access_token"), "").status)
		list, err := h.service.ListClients(t.Context(), oauth.ListClientsRequest{})
		require.NoError(t, err)
		assert.Len(t, list.Clients, 2, "with a token somebody answers for it")
	})
}

func TestClosedRegistration(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		token := h.initial(nil)
		h.config.Registration = "closed"
		h.restart()
		assert.Equal(t, http.StatusNotFound, h.register(token, `{"redirect_uris":["`+callback+`"]}`).status)
		found := h.do(httptest.NewRequest(http.MethodGet, "/.well-known/openid-configuration", http.NoBody))
		assert.NotContains(t, found.json, "registration_endpoint")
	})
}
