package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

func postAuth(r *oauth.CreateClientRequest) { r.AuthMethod = "client_secret_post" }

// TestClientsAuthenticateOnlyAsRegistered tries every method with every kind
// of client.
func TestClientsAuthenticateOnlyAsRegistered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		basic, inPost, open := h.web(func(r *oauth.CreateClientRequest) { r.AuthMethod = "client_secret_basic" }), h.web(postAuth), h.web(public)
		f := func(change ...string) url.Values {
			return set(url.Values{"token": {"x"}}, change...)
		}
		tests := map[string]struct {
			form   url.Values
			header []string // user and password
			status int
			code   string
		}{
			"basic":                     {f(), []string{basic.Client.ID, basic.Secret}, 200, ""},
			"basic, id repeated":        {f("client_id", basic.Client.ID), []string{basic.Client.ID, basic.Secret}, 200, ""},
			"basic, another id":         {f("client_id", open.Client.ID), []string{basic.Client.ID, basic.Secret}, 400, "invalid_request"},
			"basic and post":            {f("client_id", basic.Client.ID, "client_secret", basic.Secret), []string{basic.Client.ID, basic.Secret}, 400, "invalid_request"},
			"basic, wrong secret":       {f(), []string{basic.Client.ID, basic.Secret + "x"}, 401, "invalid_client"},
			"basic, another's secret":   {f(), []string{basic.Client.ID, inPost.Secret}, 401, "invalid_client"},
			"basic, no secret":          {f(), []string{basic.Client.ID, ""}, 401, "invalid_client"},
			"basic, no id":              {f(), []string{"", basic.Secret}, 401, "invalid_client"},
			"basic, unknown":            {f(), []string{"nobody", basic.Secret}, 401, "invalid_client"},
			"basic, not encoded":        {f(), []string{basic.Client.ID, "%zz"}, 401, "invalid_client"},
			"basic, not UTF-8":          {f(), []string{"%ff", "x"}, 401, "invalid_client"},
			"basic, NUL":                {f(), []string{"%00", "x"}, 401, "invalid_client"},
			"basic client in post":      {f("client_id", basic.Client.ID, "client_secret", basic.Secret), nil, 401, "invalid_client"},
			"basic client without":      {f("client_id", basic.Client.ID), nil, 401, "invalid_client"},
			"post":                      {f("client_id", inPost.Client.ID, "client_secret", inPost.Secret), nil, 200, ""},
			"post, wrong secret":        {f("client_id", inPost.Client.ID, "client_secret", "x"), nil, 401, "invalid_client"},
			"post client in basic":      {f(), []string{inPost.Client.ID, inPost.Secret}, 401, "invalid_client"},
			"public":                    {f("client_id", open.Client.ID), nil, 200, ""},
			"public with a secret":      {f("client_id", open.Client.ID, "client_secret", "x"), nil, 401, "invalid_client"},
			"public in basic":           {f(), []string{open.Client.ID, ""}, 401, "invalid_client"},
			"public in basic, a secret": {f(), []string{open.Client.ID, "x"}, 401, "invalid_client"},
			"nobody":                    {f(), nil, 401, "invalid_client"},
			"unknown":                   {f("client_id", "nobody"), nil, 401, "invalid_client"},
			"id repeated":               {url.Values{"token": {"x"}, "client_id": {open.Client.ID, open.Client.ID}}, nil, 400, "invalid_request"},
			"assertion":                 {f("client_id", basic.Client.ID, "client_assertion", "x", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), nil, 401, "invalid_client"},
		}
		for name, test := range tests {
			r := post("/oauth2/revoke", test.form)
			if test.header != nil {
				r.SetBasicAuth(test.header[0], test.header[1])
			}
			a := h.do(r)
			assert.Equal(t, test.status, a.status, "%s: %s", name, a.body)
			assert.Equal(t, test.code, a.text("error"), "%s: %s", name, a.body)
			if test.status == http.StatusUnauthorized {
				assert.Contains(t, a.header.Get("WWW-Authenticate"), "Basic ", name)
			}
		}
		unknown := h.do(post("/oauth2/revoke", f("client_id", "nobody")))
		other := h.do(post("/oauth2/revoke", f("client_id", basic.Client.ID)))
		assert.Equal(t, unknown.body, other.body, "a stranger does not learn which clients there are")
		assert.Contains(t, h.log.String(), "another method than it is registered with")
		r := post("/oauth2/revoke", f())
		r.Header.Set("Authorization", "Bearer x")
		requireError(t, h.do(r), http.StatusUnauthorized, "invalid_client")
		r = as(basic, "/oauth2/revoke", f())
		r.Header.Add("Authorization", r.Header.Get("Authorization"))
		requireError(t, h.do(r), http.StatusBadRequest, "invalid_request")
		assert.NotContains(t, h.log.String(), "zz", "what was in the header is nobody's business")
	})
}

func TestGrantTypesAreTheClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		grants := func(types ...string) func(*oauth.CreateClientRequest) {
			return func(r *oauth.CreateClientRequest) { r.GrantTypes = types }
		}
		onlyCode := h.web(grants("authorization_code"))
		a := h.tokens(onlyCode)
		assert.NotContains(t, a.json, "refresh_token")
		assert.NotContains(t, a.text("scope"), "offline_access", "it was left out")
		requireError(t, h.refresh(onlyCode, h.tokens(h.web()).text("refresh_token")), 400, "unauthorized_client")
		requireError(t, h.do(as(onlyCode, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})), 400, "unauthorized_client")

		machine := h.web(grants("client_credentials"), func(r *oauth.CreateClientRequest) { r.RedirectURIs, r.Scopes = nil, nil })
		requireError(t, h.redeem(machine, h.code(h.web())), 400, "unauthorized_client")
		assert.NotNil(t, h.authorize(form(machine), h.login()).Problem, "it has no redirect URI")
		own := h.do(as(machine, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}))
		require.Equal(t, http.StatusOK, own.status)
		assert.Empty(t, own.text("scope"), "nothing asked, nothing given")
		info := h.userinfo(own.text("access_token"))
		assert.Equal(t, http.StatusForbidden, info.status)
		assert.Contains(t, info.header.Get("WWW-Authenticate"), `error="insufficient_scope"`)
	})
}

func TestDeletedClient(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, server := h.web(), h.web(func(r *oauth.CreateClientRequest) { r.ResourceServer = true })
		tokens, code := h.tokens(c), h.code(c)
		own := h.do(as(c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})).text("access_token")
		waiting := h.authorize(form(c), nil).Login.ID
		assert.True(t, h.active(server, own))

		_, err := h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: c.Client.ID})
		require.NoError(t, err)
		_, err = h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: c.Client.ID})
		assert.True(t, fault.Is(err, fault.NotFound))

		again := func(r *oauth.CreateClientRequest) { r.ID = c.Client.ID }
		for _, recreated := range []bool{false, true} {
			if recreated { // a new client of the same name inherits nothing
				h.clock.Advance(2e9)
				h.web(again)
			}
			requireError(t, h.redeem(c, code), http.StatusUnauthorized, "invalid_client")
			requireError(t, h.refresh(c, tokens.text("refresh_token")), http.StatusUnauthorized, "invalid_client")
			assert.False(t, h.active(server, own))
			assert.False(t, h.active(server, tokens.text("access_token")))
			assert.Equal(t, http.StatusUnauthorized, h.userinfo(tokens.text("access_token")).status)
			_, err = h.service.Resume(t.Context(), oauth.ResumeRequest{ID: waiting, Login: h.login()})
			assert.True(t, fault.Is(err, fault.Gone), "%v", err)
		}
		assert.NotContains(t, dump(t, h.db), alice)
	})
}

func TestCreateClient(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		created := h.web(func(r *oauth.CreateClientRequest) {
			*r = oauth.CreateClientRequest{ID: "wiki", Metadata: oauth.Metadata{Name: " Wiki ", RedirectURIs: []string{callback, callback}}}
		})
		now := h.clock.Now()
		want := oauth.Client{
			ID: "wiki", Number: created.Client.Number, Hash: created.Client.Hash, Vetted: true, Metadata: oauth.Metadata{
				Name: "Wiki", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code", "refresh_token"},
				ResponseTypes: []string{"code"}, AuthMethod: "client_secret_basic",
				Scopes: []string{"openid", "profile", "email", "offline_access"},
			}, CreatedTime: now, ModifiedTime: now, SecretTime: &now,
		}
		assert.Equal(t, want, created.Client)
		assert.NotEmpty(t, created.Secret)
		open := h.web(func(r *oauth.CreateClientRequest) {
			*r = oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "App", AuthMethod: "none", RedirectURIs: []string{"com.example.app:/callback"}}}
		})
		assert.Equal(t, "none", open.Client.AuthMethod)
		assert.Empty(t, open.Secret)
		assert.Len(t, open.Client.ID, 32)
		list, err := h.service.ListClients(t.Context(), oauth.ListClientsRequest{})
		require.NoError(t, err)
		assert.ElementsMatch(t, []oauth.Client{want, open.Client}, list.Clients)
		_, err = h.service.CreateClient(t.Context(), oauth.CreateClientRequest{ID: "wiki", Metadata: oauth.Metadata{Name: "x", RedirectURIs: []string{callback}}})
		assert.True(t, fault.Is(err, fault.Conflict))
	})
}

func TestCreateClientNamesEveryBrokenRule(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		tests := map[string]struct {
			request oauth.CreateClientRequest
			fields  []string
		}{
			"empty":                   {oauth.CreateClientRequest{}, []string{"client_name", "redirect_uris"}},
			"everything":              {oauth.CreateClientRequest{ID: "ä", Metadata: oauth.Metadata{Name: "a\nb", AuthMethod: "none", RedirectURIs: []string{"http://app.example/"}, GrantTypes: []string{"password"}, Scopes: []string{"root"}, PKCEOptional: true}, Privileges: oauth.Privileges{ResourceServer: true}}, []string{"client_id", "client_name", "redirect_uris", "grant_types", "scopes", "pkce_optional", "resource_server"}},
			"long":                    {oauth.CreateClientRequest{ID: strings.Repeat("x", 101), Metadata: oauth.Metadata{Name: strings.Repeat("x", 101), RedirectURIs: []string{callback}}}, []string{"client_id", "client_name"}},
			"first-party on loopback": {oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "x", AuthMethod: "none", RedirectURIs: []string{callback, "http://127.0.0.1/cb"}}, Privileges: oauth.Privileges{FirstParty: true}}, []string{"first_party"}},
			"first-party scheme":      {oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "x", AuthMethod: "none", RedirectURIs: []string{"com.example.app:/cb"}}, Privileges: oauth.Privileges{FirstParty: true}}, []string{"first_party"}},
			"not UTF-8":               {oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "\xff", RedirectURIs: []string{callback}}}, []string{"client_name"}},
			"refresh without code":    {oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "x", GrantTypes: []string{"refresh_token"}}}, []string{"grant_types"}},
			"public with credentials": {oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "x", AuthMethod: "none", GrantTypes: []string{"client_credentials"}}}, []string{"grant_types"}},
		}
		for name, test := range tests {
			_, err := h.service.CreateClient(t.Context(), test.request)
			require.True(t, fault.Is(err, fault.Invalid), "%s: %v", name, err)
			var fields []string
			for field := range fault.From(err).Fields {
				fields = append(fields, field)
			}
			assert.ElementsMatch(t, test.fields, fields, name)
		}
	})
}

// TestRootKeyRotation goes from one root key to two to the other.
func TestRootKeyRotation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		tokens, code := h.tokens(c), h.code(c)
		old := h.ring
		fresh := make([]byte, keyring.RootSize)
		fresh[0] = 1
		both, err := keyring.NewRing(fresh, testRoot)
		require.NoError(t, err)
		h.ring = both
		h.restart()

		assert.True(t, h.active(c, tokens.text("access_token")))
		assert.Equal(t, http.StatusOK, h.userinfo(tokens.text("access_token")).status)
		assert.Equal(t, http.StatusOK, h.redeem(c, code).status)
		next := h.refresh(c, tokens.text("refresh_token"))
		require.Equal(t, http.StatusOK, next.status, next.body)
		again := h.refresh(c, tokens.text("refresh_token"))
		assert.Equal(t, next.text("refresh_token"), again.text("refresh_token"))

		// The client has authenticated, so the old root is not needed for it.
		var stored []byte
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT secret_hash FROM clients WHERE id = $1", c.Client.ID).Scan(&stored))
		assert.Equal(t, both.MAC("oauth client secret", []byte(c.Secret)), stored)
		assert.NotEqual(t, old.MAC("oauth client secret", []byte(c.Secret)), stored)
	})
}
