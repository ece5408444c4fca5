package contract_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// appsAndProviders signs in to an app, and in at a provider, which is another
// Gatehouse.
func appsAndProviders(t *testing.T, d *document) {
	upstream := newWorld(t, d)
	upstream.register(email)
	client := system.NewApp(t, upstream.System)
	w := newWorld(t, d, `GATEHOUSE_UPSTREAM_PROVIDERS=[{
		"name": "company", "title": "Company", "issuer": "`+upstream.URL+`", "scopes": ["openid", "email", "profile"],
		"client_id": "`+client.Config.ClientID+`", "client_secret": "`+client.Secret+`",
		"redirect_uris": ["`+client.Config.RedirectURL+`"]
	}]`)
	titan := w.register(email)
	w.get("/v1/auth/identity", "")
	const finish = "/v1/auth/identity/company"
	w.post(http.StatusUnprocessableEntity, finish, "", `{"state":"`+hash+`","code":"x"}`)
	w.post(http.StatusUnauthorized, finish, "", w.approved(client, ""))
	w.post(http.StatusOK, finish, titan.Token, w.approved(client, titan.Token))
	w.opened(w.post(http.StatusOK, finish, "", w.approved(client, "")))
	uli := w.register("uli@example.org")
	w.post(http.StatusConflict, finish, uli.Token, w.approved(client, uli.Token))

	var linked []object
	w.into(w.get("/v1/identity", titan.Token), &linked)
	require.Len(t, linked, 1)
	w.delete(http.StatusOK, "/v1/identity/"+linked[0].Hash, titan.Token)
	w.consent(titan)
}

var authorization = regexp.MustCompile(`<([^>]+)>; rel="authorization"`)

// approved is what comes back from the provider once the user has agreed.
func (w world) approved(client *system.App, token string) string {
	w.Helper()
	status, header, body := w.try(call{
		method: http.MethodPost, path: "/v1/auth/identity/company/state", token: token,
		body: `{"redirect_uri":"` + client.Config.RedirectURL + `"}`,
	})
	require.Equal(w.T, http.StatusOK, status, "%s", body)
	to := authorization.FindStringSubmatch(header.Get("Link"))
	require.NotNil(w.T, to, header.Get("Link"))
	arrived := w.agreed(client, to[1])
	return text(w.T, map[string]string{"state": arrived.Get("state"), "code": arrived.Get("code")})
}

// agreed takes a browser through login and consent.
func (w world) agreed(client *system.App, address string) url.Values {
	w.Helper()
	b := system.NewBrowser(w.T, client.Config.RedirectURL)
	b.Open(address)
	b.Submit("/login", url.Values{"user": {email}, "password": {password}})
	if b.Arrived == nil {
		b.Submit("/consent", url.Values{"decision": {"allow"}})
	}
	require.NotNil(w.T, b.Arrived, "not back at the app")
	return b.Arrived.Query()
}

func (w world) consent(titan who) {
	w.Helper()
	client := system.NewApp(w.T, w.System)
	w.agreed(client, client.Start().URL)
	var consents []object
	w.into(w.get("/v1/consent", titan.Token), &consents)
	require.Len(w.T, consents, 1)
	w.delete(http.StatusOK, "/v1/consent/"+consents[0].Hash, titan.Token)
}
