package oauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

func (h *harness) update(id, changes string) (oauth.Client, error) {
	return h.service.UpdateClient(h.t.Context(), oauth.UpdateClientRequest{ID: id, Changes: json.RawMessage(changes)})
}

// administrator is Alice, with that role in her hub.
func (h *harness) administrator(role accounts.Role) *api.Actor {
	h.accounts.mu.Lock()
	defer h.accounts.mu.Unlock()
	a := h.accounts.users[alice]
	a.Role = role
	h.accounts.users[alice] = a
	hub := a.Hub.ID
	return &api.Actor{User: a.User.ID, Hub: &hub, Session: 1}
}

func TestUpdateClient(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web().Client
		changed, err := h.update(c.ID, `{"client_name":" New ","redirect_uris":["https://b.example/"],"first_party":null,"default_max_age":0}`)
		require.NoError(t, err)
		zero := int64(0)
		want := c
		want.Name, want.RedirectURIs, want.FirstParty, want.DefaultMaxAge = "New", []string{"https://b.example/"}, false, &zero
		want.ModifiedTime = c.ModifiedTime.Add(time.Microsecond) // although the clock stands still
		assert.Equal(t, want, changed)
		shown, err := h.service.GetClient(t.Context(), oauth.ClientRequest{ID: c.ID})
		require.NoError(t, err)
		assert.Equal(t, want, shown)

		machine, err := h.update(c.ID, `{"grant_types":["client_credentials"]}`)
		require.NoError(t, err)
		assert.Empty(t, machine.ResponseTypes, "they went with the grant type")
		_, err = h.service.UpdateClient(t.Context(), oauth.UpdateClientRequest{ID: c.ID, Revision: &c.ModifiedTime, Changes: json.RawMessage(`{}`)})
		require.True(t, fault.Is(err, fault.Conflict))
		assert.Equal(t, "fault.modified", fault.From(err).Message.ID)
		_, err = h.service.UpdateClient(t.Context(), oauth.UpdateClientRequest{ID: c.ID, Revision: &machine.ModifiedTime, Changes: json.RawMessage(`{}`)})
		require.NoError(t, err)
		for name, test := range map[string]struct{ changes, field string }{
			"unknown": {`{"colour":1}`, "colour"}, "another case": {`{"Client_Name":"x"}`, "Client_Name"}, "the id": {`{"client_id":"x"}`, "client_id"},
			"the hub": {`{"hub":7}`, "hub"}, "text": {`{"client_name":1}`, "client_name"}, "list": {`{"scopes":"openid"}`, "scopes"},
			"number": {`{"default_max_age":1.5}`, "default_max_age"}, "truth": {`{"first_party":"yes"}`, "first_party"},
			"inside": {`{"trusted_issuers":[{"issuer":"x","colour":1}]}`, "trusted_issuers"}, "rule": {`{"client_name":""}`, "client_name"},
			"no object": {`[]`, "changes"}, "twice": {`{"client_name":"a","client_name":"b"}`, "changes"}, "nothing": {``, "changes"},
		} {
			_, err := h.update(c.ID, test.changes)
			require.True(t, fault.Is(err, fault.Invalid), "%s: %v", name, err)
			assert.Contains(t, fault.From(err).Fields, test.field, name)
		}
		_, err = h.update("nobody", `{}`)
		assert.True(t, fault.Is(err, fault.NotFound))
	})
}

// Changes that come at once are all made.
func TestUpdatesAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web().Client
		var wait sync.WaitGroup
		errs := make([]error, 2)
		for i, changes := range []string{`{"client_uri":"https://a.example"}`, `{"policy_uri":"https://a.example"}`} {
			wait.Go(func() { _, errs[i] = h.update(c.ID, changes) })
		}
		wait.Wait()
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		shown, err := h.service.GetClient(t.Context(), oauth.ClientRequest{ID: c.ID})
		require.NoError(t, err)
		assert.Equal(t, "https://a.example", shown.ClientURI)
		assert.Equal(t, "https://a.example", shown.PolicyURI)
		revision := shown.ModifiedTime
		for i := range errs {
			wait.Go(func() {
				_, errs[i] = h.service.UpdateClient(t.Context(), oauth.UpdateClientRequest{
					ID: c.ID, Revision: &revision, Changes: json.RawMessage(`{"client_name":"` + strconv.Itoa(i) + `"}`),
				})
			})
		}
		wait.Wait()
		assert.NotEqual(t, errs[0] == nil, errs[1] == nil, "one of those that saw the same is told: %v", errs)
	})
}

func TestRotateSecret(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web()
		works := func(secret string) bool {
			return h.do(as(oauth.CreatedClient{Client: c.Client, Secret: secret}, "/oauth2/revoke", url.Values{"token": {"x"}})).status == http.StatusOK
		}
		rotate := func(overlap int64) oauth.CreatedClient {
			r, err := h.service.RotateSecret(t.Context(), oauth.RotateSecretRequest{ID: c.Client.ID, Overlap: overlap})
			require.NoError(t, err)
			return r
		}
		second := rotate(60)
		until := h.clock.Now().Add(time.Minute)
		assert.Equal(t, &until, second.Client.FormerSecretExpirationTime)
		assert.True(t, works(second.Secret))
		assert.True(t, works(c.Secret), "for a minute")
		third := rotate(3600)
		assert.False(t, works(c.Secret), "the one before the former is void")
		assert.True(t, works(second.Secret))
		h.clock.Advance(time.Hour)
		assert.False(t, works(second.Secret))
		assert.True(t, works(third.Secret))
		fourth := rotate(0)
		assert.Nil(t, fourth.Client.FormerSecretExpirationTime)
		assert.False(t, works(third.Secret))
		assert.NotContains(t, dump(t, h.db), fourth.Secret)
		for _, overlap := range []int64{-1, 30*24*3600 + 1, 1 << 62} {
			_, err := h.service.RotateSecret(t.Context(), oauth.RotateSecretRequest{ID: c.Client.ID, Overlap: overlap})
			assert.True(t, fault.Is(err, fault.Invalid), "%d", overlap)
		}

		rotate(60)
		_, err := h.update(c.Client.ID, `{"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://app.example/k"}`)
		require.NoError(t, err)
		_, err = h.service.RotateSecret(t.Context(), oauth.RotateSecretRequest{ID: c.Client.ID})
		assert.True(t, fault.Is(err, fault.Conflict))
		back, err := h.update(c.Client.ID, `{"token_endpoint_auth_method":"client_secret_basic"}`)
		require.NoError(t, err)
		assert.Nil(t, back.SecretTime)
		assert.False(t, works(fourth.Secret), "it has none until it is given one")
		assert.True(t, works(rotate(60).Secret))
		_, err = h.service.RotateSecret(t.Context(), oauth.RotateSecretRequest{ID: "nobody"})
		assert.True(t, fault.Is(err, fault.NotFound))
	})
}

func TestHubsHaveTheirOwnClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		everybodys := h.web().Client
		actor := h.administrator(accounts.RoleTechnicalAdministrator)
		request := oauth.CreateClientRequest{Actor: actor, Metadata: oauth.Metadata{Name: "Hub's", RedirectURIs: []string{callback}, Scopes: []string{"openid", testScope}}}
		created, err := h.service.CreateClient(t.Context(), request)
		require.NoError(t, err)
		assert.Equal(t, actor.Hub, created.Client.Hub)
		id := created.Client.ID

		list, err := h.service.ListClients(t.Context(), oauth.ListClientsRequest{Actor: actor})
		require.NoError(t, err)
		assert.Equal(t, oauth.ClientList{Clients: []oauth.Client{created.Client}, Total: 1}, list)
		for name, call := range map[string]func(string) error{
			"get": func(id string) error {
				_, err := h.service.GetClient(t.Context(), oauth.ClientRequest{Actor: actor, ID: id})
				return err
			},
			"update": func(id string) error {
				_, err := h.service.UpdateClient(t.Context(), oauth.UpdateClientRequest{Actor: actor, ID: id, Changes: json.RawMessage(`{"client_name":"x"}`)})
				return err
			},
			"rotate": func(id string) error {
				_, err := h.service.RotateSecret(t.Context(), oauth.RotateSecretRequest{Actor: actor, ID: id})
				return err
			},
			"delete": func(id string) error {
				_, err := h.service.DeleteClient(t.Context(), oauth.ClientRequest{Actor: actor, ID: id})
				return err
			},
		} {
			assert.True(t, fault.Is(call(everybodys.ID), fault.NotFound), name)
			h.administrator(accounts.RoleAdministrator)
			assert.True(t, fault.Is(call(id), fault.Forbidden), name)
			h.administrator(accounts.RoleOwner)
			if name != "delete" {
				require.NoError(t, call(id), name)
			}
		}
		privileged := request
		privileged.ID, privileged.FirstParty, privileged.ResourceServer = "mine", true, true
		_, err = h.service.CreateClient(t.Context(), privileged)
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
		assert.Len(t, fault.From(err).Fields, 3)
		_, err = h.service.UpdateClient(t.Context(), oauth.UpdateClientRequest{Actor: actor, ID: id, Changes: json.RawMessage(`{"first_party":true}`)})
		assert.True(t, fault.Is(err, fault.Invalid))
		machine := request
		machine.GrantTypes = []string{"authorization_code", "client_credentials"}
		_, err = h.service.CreateClient(t.Context(), machine)
		assert.Contains(t, fault.From(err).Fields, "scopes", "nobody lets machines into the whole installation's APIs but the operator")

		hubless, acted, program := *actor, *actor, *actor
		other := int64(2)
		hubless.Hub, acted.Impersonator, program.PAT = nil, &other, &other
		stranger := api.Actor{User: 99, Hub: actor.Hub}
		for _, a := range []api.Actor{hubless, acted, program} {
			_, err := h.service.ListClients(t.Context(), oauth.ListClientsRequest{Actor: &a})
			assert.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		}
		_, err = h.service.ListClients(t.Context(), oauth.ListClientsRequest{Actor: &stranger})
		assert.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)

		token, err := h.service.CreateRegistrationToken(t.Context(), oauth.CreateRegistrationTokenRequest{Actor: actor, Name: "x"})
		require.NoError(t, err)
		a := h.register(token.Token, `{"redirect_uris":["`+callback+`"]}`)
		self, err := h.service.GetClient(t.Context(), oauth.ClientRequest{Actor: actor, ID: a.text("client_id")})
		require.NoError(t, err, "it belongs to the hub")
		assert.Equal(t, actor.Hub, self.Hub)
		operators := h.initial(nil)
		tokens, err := h.service.ListRegistrationTokens(t.Context(), oauth.ListRegistrationTokensRequest{Actor: actor})
		require.NoError(t, err)
		assert.Len(t, tokens.Tokens, 1)
		_, err = h.service.DeleteRegistrationToken(t.Context(), oauth.RegistrationTokenRequest{Actor: actor, ID: token.ID + 1})
		assert.True(t, fault.Is(err, fault.NotFound), "it is the operator's")
		assert.Equal(t, http.StatusCreated, h.register(operators, `{"redirect_uris":["`+callback+`"]}`).status)
	})
}

func TestOnlyTheOperatorHasNoActor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		server := rpc.NewServer(rpc.ServerOptions{Service: oauth.Name, Callers: []string{api.Gateway, api.Operator}, Obs: h.obs})
		oauth.Mount(server, h.service)
		for caller, allowed := range map[string]bool{api.Gateway: false, api.Operator: true} {
			s := oauth.NewClient(server.Local(caller))
			_, list := s.ListClients(t.Context(), oauth.ListClientsRequest{})
			_, create := s.CreateClient(t.Context(), oauth.CreateClientRequest{Metadata: oauth.Metadata{Name: "x", RedirectURIs: []string{callback}}})
			_, token := s.CreateRegistrationToken(t.Context(), oauth.CreateRegistrationTokenRequest{Name: "x"})
			for _, err := range []error{list, create, token} {
				assert.Equal(t, !allowed, fault.Is(err, fault.Forbidden), "%s: %v", caller, err)
			}
		}
	})
}

func TestListClients(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for _, name := range []string{"beta", "Alpha", "100% gamma", "delta_x"} {
			h.web(func(r *oauth.CreateClientRequest) { r.Name, r.ID = name, "id-"+strings.Fields(name)[0][:2] })
		}
		names := func(r oauth.ListClientsRequest) []string {
			list, err := h.service.ListClients(t.Context(), r)
			require.NoError(t, err)
			var names []string
			for _, c := range list.Clients {
				names = append(names, c.Name)
			}
			return append(names, strconv.Itoa(list.Total))
		}
		assert.Equal(t, []string{"100% gamma", "Alpha", "beta", "delta_x", "4"}, names(oauth.ListClientsRequest{}))
		assert.Equal(t, []string{"beta", "delta_x", "4"}, names(oauth.ListClientsRequest{Page: api.Page{Number: 2, Size: 2}}))
		assert.Equal(t, []string{"Alpha", "1"}, names(oauth.ListClientsRequest{Query: "ALPH"}))
		assert.Equal(t, []string{"beta", "1"}, names(oauth.ListClientsRequest{Query: "ID-BE"}))
		assert.Equal(t, []string{"100% gamma", "1"}, names(oauth.ListClientsRequest{Query: "%"}))
		assert.Equal(t, []string{"delta_x", "1"}, names(oauth.ListClientsRequest{Query: "_"}))
		for _, query := range []string{`\`, "\xff", "a\x00", strings.Repeat("a", 300)} {
			assert.Equal(t, []string{"0"}, names(oauth.ListClientsRequest{Query: query}))
		}
	})
}

// What happens to clients is told to the audit record, without a secret.
func TestClientsAreAudited(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		actor := h.administrator(accounts.RoleOwner)
		c := h.web()
		_, err := h.update(c.Client.ID, `{"client_name":"x"}`)
		require.NoError(t, err)
		_, err = h.service.RotateSecret(t.Context(), oauth.RotateSecretRequest{ID: c.Client.ID})
		require.NoError(t, err)
		_, err = h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: c.Client.ID})
		require.NoError(t, err)
		token, err := h.service.CreateRegistrationToken(t.Context(), oauth.CreateRegistrationTokenRequest{Actor: actor, Name: "CI"})
		require.NoError(t, err)
		_, err = h.service.DeleteRegistrationToken(t.Context(), oauth.RegistrationTokenRequest{Actor: actor, ID: token.ID})
		require.NoError(t, err)

		require.NoError(t, h.service.records.Drain(t.Context()))
		var kinds []string
		for _, e := range h.accounts.events {
			kinds = append(kinds, e.Kind)
			if strings.HasPrefix(e.Kind, "client.") {
				assert.True(t, e.Operator)
				assert.Equal(t, c.Client.ID, e.Detail["client_id"])
			} else {
				assert.False(t, e.Operator)
				assert.Equal(t, &actor.User, e.ActorUser)
				assert.Equal(t, actor.Hub, e.Hub)
			}
		}
		slices.Sort(kinds)
		assert.Equal(t, []string{
			"client.created", "client.deleted", "client.secret_rotated", "client.updated", "registration_token.created", "registration_token.deleted",
		}, kinds)
	})
}
