package oauth

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const (
	falcon     = "1daa7da5ba074972eb3d4552414928f5201541f3" // Alice's hub
	falconURN  = "urn:gatehouse:hub:" + falcon + ":reports"
	falconURI  = "https://api.example/hubs/" + falcon + "/reports"
	anotherURI = "https://api.example/hubs/2daa7da5ba074972eb3d4552414928f5201541f3/reports"
)

// An API looks at iss and aud, so a hub must not choose that of another's.
func TestHubsNameTheirOwnResources(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.HubResources = []string{"https://api.example/hubs/{hub}/"}
		h.restart()
		actor := h.administrator(accounts.RoleOwner)
		create := func(names ...string) (oauth.CreatedClient, error) {
			return h.service.CreateClient(t.Context(), oauth.CreateClientRequest{
				Actor: actor, Metadata: oauth.Metadata{Name: "App", RedirectURIs: []string{callback}, Resources: names},
			})
		}
		update := func(id, changes string) (oauth.Client, error) {
			return h.service.UpdateClient(t.Context(), oauth.UpdateClientRequest{Actor: actor, ID: id, Changes: json.RawMessage(changes)})
		}
		for _, name := range []string{
			reportsAPI, anotherURI, "https://api.example/hubs/" + falcon + "x", falconURI + "/../../x", "urn:gatehouse:hub:" + falcon + ":",
			strings.Replace(falconURN, falcon, "2daa7da5ba074972eb3d4552414928f5201541f3", 1), "URN" + falconURN[3:],
		} {
			_, err := create(falconURI, name)
			require.True(t, fault.Is(err, fault.Invalid), "%s: %v", name, err)
			told := fault.From(err).Fields["resources"]
			require.Len(t, told, 1, name)
			assert.Equal(t, "validation.client_resource_hub", told[0].ID)
			assert.Equal(t, "urn:gatehouse:hub:"+falcon+":, https://api.example/hubs/"+falcon+"/", told[0].Args["Values"])
		}
		created, err := create(falconURI, falconURN)
		require.NoError(t, err)
		id := created.Client.ID

		_, err = update(id, `{"resources":["`+reportsAPI+`"]}`)
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
		_, err = h.update(id, `{"resources":["`+reportsAPI+`"]}`)
		require.NoError(t, err, "the operator may")
		kept, err := update(id, `{"client_name":"Other","resources":["`+falconURN+`","`+reportsAPI+`"]}`)
		require.NoError(t, err, "and what the operator has given stays")
		assert.Equal(t, []string{falconURN, reportsAPI}, kept.Resources)
		_, err = update(id, `{"resources":["`+reportsAPI+`","`+mailAPI+`"]}`)
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
		_, err = update(id, `{"resources":null}`)
		require.NoError(t, err)
		_, err = update(id, `{"resources":["`+reportsAPI+`"]}`)
		require.True(t, fault.Is(err, fault.Invalid), "once dropped it is the operator's again: %v", err)
		_, err = create(reportsAPI)
		require.True(t, fault.Is(err, fault.Invalid), "and never another client's: %v", err)

		h.config.HubResources = nil
		h.restart()
		_, err = create(falconURI)
		require.True(t, fault.Is(err, fault.Invalid), "without a setting there is no place for addresses: %v", err)
		_, err = create(falconURN)
		require.NoError(t, err)
	})
}

func TestClientsThatRegisterThemselvesNameResources(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.Registration = "open"
		h.restart()
		actor := h.administrator(accounts.RoleOwner)
		hubs, err := h.service.CreateRegistrationToken(t.Context(), oauth.CreateRegistrationTokenRequest{Actor: actor, Name: "x"})
		require.NoError(t, err)
		given, err := h.service.CreateRegistrationToken(t.Context(), oauth.CreateRegistrationTokenRequest{Name: "x", Resources: []string{reportsAPI, mailAPI}})
		require.NoError(t, err)
		assert.Equal(t, []string{reportsAPI, mailAPI}, given.Resources)
		body := func(names string) string { return `{"redirect_uris":["` + callback + `"],"resources":[` + names + `]}` }
		for name, test := range map[string]struct {
			token, names string
			want         int
		}{
			"openly":                        {"", `"` + reportsAPI + `"`, http.StatusBadRequest},
			"openly, as if of a hub":        {"", `"` + falconURN + `"`, http.StatusBadRequest},
			"by the operator's token":       {h.initial(nil), `"` + reportsAPI + `"`, http.StatusBadRequest},
			"by one that says so":           {given.Token, `"` + reportsAPI + `","` + mailAPI + `"`, http.StatusCreated},
			"by one that says another":      {given.Token, `"` + ordersAPI + `"`, http.StatusBadRequest},
			"by one, below what it says":    {given.Token, `"` + reportsAPI + `/x"`, http.StatusBadRequest},
			"by a hub's token":              {hubs.Token, `"` + reportsAPI + `"`, http.StatusBadRequest},
			"by a hub's, the hub's":         {hubs.Token, `"` + falconURN + `"`, http.StatusCreated},
			"by a hub's, of another's name": {hubs.Token, `"urn:gatehouse:hub:2daa7da5ba074972eb3d4552414928f5201541f3:x"`, http.StatusBadRequest},
		} {
			a := h.register(test.token, body(test.names))
			assert.Equal(t, test.want, a.status, "%s: %s", name, a.body)
			if test.want == http.StatusBadRequest {
				assert.Equal(t, "invalid_client_metadata", a.text("error"), name)
			}
		}
		self := h.register(hubs.Token, body(`"`+falconURN+`"`))
		path := own(self)
		put := func(names string) answer {
			return h.send(http.MethodPut, path, self.text("registration_access_token"), `{"client_id":"`+self.text("client_id")+`",`+body(names)[1:])
		}
		assert.Equal(t, http.StatusOK, put(`"`+falconURN+`/2"`).status, "a name of the hub's is never used up")
		a := put(`"` + reportsAPI + `"`)
		assert.Equal(t, http.StatusBadRequest, a.status)
		assert.Contains(t, a.text("error_description"), "urn:gatehouse:hub:"+falcon+":")

		for name, r := range map[string]oauth.CreateRegistrationTokenRequest{
			"by a hub": {Actor: actor, Name: "x", Resources: []string{falconURN}}, "relative": {Name: "x", Resources: []string{"api"}},
			"many": {Name: "x", Resources: make([]string, 51)}, "empty": {Name: "x", Resources: []string{""}},
		} {
			_, err := h.service.CreateRegistrationToken(t.Context(), r)
			require.True(t, fault.Is(err, fault.Invalid), "%s: %v", name, err)
			assert.Contains(t, fault.From(err).Fields, "resources", name)
		}
		list, err := h.service.ListRegistrationTokens(t.Context(), oauth.ListRegistrationTokensRequest{})
		require.NoError(t, err)
		require.Len(t, list.Tokens, 3)
	})
}

// Who no longer manages a hub's clients must not go on by a token.
func TestRegistrationTokensEndWithTheRole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		token, err := h.service.CreateRegistrationToken(t.Context(), oauth.CreateRegistrationTokenRequest{
			Actor: h.administrator(accounts.RoleTechnicalAdministrator), Name: "x",
		})
		require.NoError(t, err)
		register := func(text string) answer { return h.register(text, `{"redirect_uris":["`+callback+`"]}`) }
		first := register(token.Token)
		require.Equal(t, http.StatusCreated, first.status)

		h.administrator(accounts.RoleAdministrator)
		requireError(t, register(token.Token), http.StatusUnauthorized, "invalid_token")
		assert.Equal(t, http.StatusCreated, register(h.initial(nil)).status, "the operator's needs nobody")
		assert.Equal(t, http.StatusOK, h.send(http.MethodGet, own(first), first.text("registration_access_token"), "").status, "what is registered stays")
		h.administrator(accounts.RoleOwner)
		require.Equal(t, http.StatusCreated, register(token.Token).status)

		h.accounts.fail(fault.New(fault.Unavailable, ""))
		assert.Equal(t, http.StatusServiceUnavailable, register(token.Token).status, "nobody can tell")
		h.accounts.fail(nil)
		h.accounts.disable(alice)
		requireError(t, register(token.Token), http.StatusUnauthorized, "invalid_token")

		_, err = h.db.Exec(t.Context(), "UPDATE registration_tokens SET issuer = NULL")
		require.NoError(t, err)
		requireError(t, register(token.Token), http.StatusUnauthorized, "invalid_token")
	})
}
