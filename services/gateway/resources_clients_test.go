package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

const aClient = `{"client_name":"Reports","redirect_uris":["https://reports.example.org/callback"]}`

// clientEndpoints are those of a hub's OAuth clients.
func clientEndpoints(of func(method, path, body string) request) []resource {
	all := []resource{
		{request: of(http.MethodGet, "/client", ""), status: 200, list: true},
		{request: of(http.MethodPost, "/client", aClient), status: 201},
		{request: of(http.MethodGet, "/client/7", ""), status: 200, byName: true},
		{request: of(http.MethodPut, "/client/7", `{"client_name":"Figures"}`), status: 200, byName: true},
		{request: of(http.MethodDelete, "/client/7", ""), status: 200, byName: true},
		{request: of(http.MethodPost, "/client/7/secret", `{"overlap":60}`), status: 201, byName: true},
		{request: of(http.MethodGet, "/registration-token", ""), status: 200, list: true},
		{request: of(http.MethodPost, "/registration-token", `{"name":"CI"}`), status: 201},
		{request: of(http.MethodDelete, "/registration-token/7", ""), status: 200},
	}
	for i := range all {
		all[i].inHub, all[i].secure = true, true
	}
	return all
}

func (d consentDouble) client() oauth.Client {
	hub := int64(1)
	return oauth.Client{
		ID: "reports", Number: 7, Hash: gatewaytest.HubHash, Hub: &hub, CreatedTime: d.now, ModifiedTime: d.now, SecretTime: &d.now,
		Metadata: oauth.Metadata{Name: "Reports", AuthMethod: "client_secret_basic", JWKS: json.RawMessage(`{"keys":[]}`)},
	}
}

func (d consentDouble) ListClients(_ context.Context, r oauth.ListClientsRequest) (oauth.ClientList, error) {
	list := oauth.ClientList{Total: 1}
	if r.Page.Number == 1 {
		list.Clients = []oauth.Client{d.client()}
	}
	return list, d.asked.note(r)
}

func (d consentDouble) CreateClient(_ context.Context, r oauth.CreateClientRequest) (oauth.CreatedClient, error) {
	return oauth.CreatedClient{Client: d.client(), Secret: "s3cr3t"}, d.asked.note(r)
}

func (d consentDouble) GetClient(_ context.Context, r oauth.ClientRequest) (oauth.Client, error) {
	return d.client(), d.asked.note(r)
}

func (d consentDouble) UpdateClient(_ context.Context, r oauth.UpdateClientRequest) (oauth.Client, error) {
	return d.client(), d.asked.note(r)
}

func (d consentDouble) DeleteClient(_ context.Context, r oauth.ClientRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

func (d consentDouble) RotateSecret(_ context.Context, r oauth.RotateSecretRequest) (oauth.CreatedClient, error) {
	return oauth.CreatedClient{Client: d.client(), Secret: "s3cr3t"}, d.asked.note(r)
}

func (d consentDouble) ListRegistrationTokens(
	_ context.Context, r oauth.ListRegistrationTokensRequest,
) (oauth.RegistrationTokenList, error) {
	list := oauth.RegistrationTokenList{Total: 1}
	if r.Page.Number == 1 {
		list.Tokens = []oauth.RegistrationToken{{ID: 7, Hash: gatewaytest.HubHash, Name: "CI"}}
	}
	return list, d.asked.note(r)
}

func (d consentDouble) CreateRegistrationToken(
	_ context.Context, r oauth.CreateRegistrationTokenRequest,
) (oauth.CreatedRegistrationToken, error) {
	return oauth.CreatedRegistrationToken{RegistrationToken: oauth.RegistrationToken{ID: 7, Name: r.Name}, Token: "t3xt"}, d.asked.note(r)
}

func (d consentDouble) DeleteRegistrationToken(_ context.Context, r oauth.RegistrationTokenRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

// TestAllThatCanBeChosenAboutClients tries each field of the service's: with null,
// with a value of its type and with others.
func TestAllThatCanBeChosenAboutClients(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	put := request{method: http.MethodPut, path: "/v1/client/7"}
	good := map[reflect.Kind]string{
		reflect.String: `"ä"`, reflect.Bool: "true", reflect.Int64: "60", reflect.Pointer: "60", reflect.Slice: `["a","b"]`,
	}
	metadata := reflect.TypeFor[oauth.Metadata]()
	for i := range metadata.NumField() {
		s.clock.Advance(time.Minute) // the quota of an address
		put.token = s.full()
		name, _, _ := strings.Cut(metadata.Field(i).Tag.Get("json"), ",")
		value := good[metadata.Field(i).Type.Kind()]
		if name == "jwks" {
			value = `{"keys": []}`
		}
		for _, v := range []string{value, "null"} {
			body := `{"` + name + `":` + v + `}`
			s.do(t, put.with(body)).succeeds(http.StatusOK)
			asked, _ := s.asked.last().(oauth.UpdateClientRequest)
			assert.JSONEq(t, body, string(asked.Changes), name)
		}
		calls := s.asked.calls
		for _, v := range []string{"1.5", `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", "[1]"} {
			assert.Contains(t, s.do(t, put.with(`{"`+name+`":`+v+`}`)).fails(invalid).Errors, name, v)
		}
		assert.Equal(t, calls, s.asked.calls, "nothing was asked of a service")
	}
}

func TestWhatOnlyOperatorsGiveToClients(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	for name, value := range map[string]string{
		"first_party": "true", "resource_server": "false", "impersonation": "null", "trusted_issuers": "[]", "client_id": `"mine"`,
	} {
		body := `{"` + name + `":` + value + `}`
		refused := s.do(t, request{method: http.MethodPost, path: "/v1/client", token: token, body: body}).fails(invalid)
		require.Len(t, refused.Errors[name], 1, name)
		assert.Contains(t, refused.Errors[name][0], "for the operator only")
		assert.Contains(t, s.do(t, request{method: http.MethodPut, path: "/v1/client/7", token: token, body: body}).fails(invalid).Errors, name)
	}
	for _, name := range []string{"id", "hash", "hub", "number", "secret", "client_secret", "registration", "created_time", "CLIENT_NAME"} {
		body := `{"` + name + `":1}`
		assert.Contains(t, s.do(t, request{method: http.MethodPost, path: "/v1/client", token: token, body: body}).fails(invalid).Errors, name)
	}
	assert.Nil(t, s.asked.last(), "nothing was asked of a service")
}

func TestWhatIsAskedAboutClients(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	actor := &api.Actor{User: 1, Hub: to(int64(1)), Session: 54906, Origin: api.Origin{Address: "192.0.2.1"}}
	soon := time.Date(2026, time.February, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		method, path, body string
		want               any
	}{
		"list": {http.MethodGet, "/client?page=2&per_page=5&query=rep", "", oauth.ListClientsRequest{
			Actor: actor, Page: api.Page{Number: 2, Size: 5}, Query: "rep",
		}},
		"create": {http.MethodPost, "/client", `{"client_name":"R","scopes":["openid"],"default_max_age":5,"pkce_optional":true,"logo_uri":null}`,
			oauth.CreateClientRequest{Actor: actor, Metadata: oauth.Metadata{
				Name: "R", Scopes: []string{"openid"}, DefaultMaxAge: to(int64(5)), PKCEOptional: true,
			}}},
		"by hash":         {http.MethodGet, "/client/" + otherHash, "", oauth.ClientRequest{Actor: actor, ID: otherHash}},
		"by id":           {http.MethodGet, "/client/my_client.1~-", "", oauth.ClientRequest{Actor: actor, ID: "my_client.1~-"}},
		"no change":       {http.MethodPut, "/client/7", "{}", oauth.UpdateClientRequest{Actor: actor, ID: "7", Changes: json.RawMessage("{}")}},
		"delete":          {http.MethodDelete, "/client/7", "", oauth.ClientRequest{Actor: actor, ID: "7"}},
		"rotate":          {http.MethodPost, "/client/7/secret", `{"overlap":60}`, oauth.RotateSecretRequest{Actor: actor, ID: "7", Overlap: 60}},
		"rotate, at once": {http.MethodPost, "/client/7/secret", "", oauth.RotateSecretRequest{Actor: actor, ID: "7"}},
		"tokens": {http.MethodGet, "/registration-token?per_page=1", "", oauth.ListRegistrationTokensRequest{
			Actor: actor, Page: api.Page{Number: 1, Size: 1},
		}},
		"token": {http.MethodPost, "/registration-token", `{"name":"CI","uses":3,"expiration_time":"2026-02-01T00:00:00Z"}`,
			oauth.CreateRegistrationTokenRequest{Actor: actor, Name: "CI", Uses: to(3), ExpirationTime: &soon}},
		"token, nulls": {http.MethodPost, "/registration-token", `{"name":"CI","uses":null,"expiration_time":null}`,
			oauth.CreateRegistrationTokenRequest{Actor: actor, Name: "CI"}},
		"token, gone": {http.MethodDelete, "/registration-token/" + otherHash, "", oauth.RegistrationTokenRequest{Actor: actor, Hash: otherHash}},
	} {
		got := s.do(t, request{method: tt.method, path: "/v1" + tt.path, token: token, body: tt.body})
		require.Less(t, got.Code, 300, "%s: %s", name, got.Body)
		assert.Equal(t, tt.want, s.asked.last(), name)
	}
}

func TestBadInputAboutClients(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	for _, name := range []string{"%00", "%ff", "-x", ".", "a%20b", "a%2fb", "%C3%A4", strings.Repeat("a", 101)} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			code := s.do(t, request{method: method, path: "/v1/client/" + name, token: token}).Code
			assert.NotContains(t, []int{http.StatusOK, http.StatusInternalServerError}, code, name)
		}
	}
	for target, bodies := range map[string]map[string]string{
		"/v1/client/7/secret": {
			`{"overlap":"60"}`: "overlap", `{"overlap":1.5}`: "overlap", `{"overlap":null}`: "overlap", `{"overlap":[1]}`: "overlap",
			`{"client_secret":"mine"}`: "client_secret",
		},
		"/v1/registration-token": {
			`{"name":1}`: "name", "{\"name\":\"\xff\"}": "name", `{"name":"a","uses":"3"}`: "uses", `{"name":"a","uses":1e2}`: "uses",
			`{"name":"a","expiration_time":"soon"}`: "expiration_time", `{"name":"a","hub":2}`: "hub", `{"name":"a","token":"mine"}`: "token",
		},
	} {
		for body, field := range bodies {
			assert.Contains(t, s.do(t, request{method: http.MethodPost, path: target, token: token, body: body}).fails(invalid).Errors, field, body)
		}
	}
	assert.Nil(t, s.asked.last(), "nothing was asked of a service")
}

func TestSecretsOfClientsAreShownOnce(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	token := s.full()
	for _, e := range clientEndpoints(func(method, path, body string) request {
		return request{method: method, path: "/v1" + path, body: body}
	}) {
		shown := e.answers(t, s, token).Body.String()
		assert.Equal(t, e.method == http.MethodPost, strings.Contains(shown, "s3cr3t") || strings.Contains(shown, "t3xt"), "%s %s", e.method, e.path)
	}
	document := s.do(t, request{method: http.MethodGet, path: "/v1/client/7", token: token}).object(http.StatusOK)
	assert.ElementsMatch(t, []string{
		"client_id", "client_name", "created_time", "former_secret_expiration_time", "grant_types", "hash", "hub", "id", "jwks", "model",
		"modified_time", "redirect_uris", "response_types", "scopes", "secret_time", "token_endpoint_auth_method",
	}, keys(document))
	assert.Equal(t, []any{}, document["scopes"])
	assert.Equal(t, "Client", document["model"])
}
