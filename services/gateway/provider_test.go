package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
)

var corp = oauth.HubProvider{
	ID: 5, Hash: otherHash, Hub: 1, Name: "corp", Mode: oauth.ProviderOptional, Title: "Corp", Own: true, Issuer: "https://corp.example",
}

func (d consentDouble) ListHubProviders(_ context.Context, r oauth.HubProvidersRequest) (oauth.HubProviderList, error) {
	return oauth.HubProviderList{Providers: []oauth.HubProvider{corp}}, d.asked.note(r)
}

func (d consentDouble) PutHubProvider(_ context.Context, r oauth.PutHubProviderRequest) (oauth.HubProvider, error) {
	return corp, d.asked.note(r)
}

func (d consentDouble) DeleteHubProvider(_ context.Context, r oauth.HubProviderRequest) (api.Nothing, error) {
	return api.Nothing{}, d.asked.note(r)
}

func TestProvidersOfAHub(t *testing.T) {
	t.Parallel()
	s := newResources(t)
	call := func(method, path, body string, header ...string) request {
		r := request{method: method, path: "/v1/provider" + path, token: s.full(), body: body, header: map[string]string{}}
		for i := 0; i+1 < len(header); i += 2 {
			r.header[header[i]] = header[i+1]
		}
		return r
	}
	var listed []map[string]any
	require.NoError(t, json.Unmarshal(s.do(t, call(http.MethodGet, "", "")).succeeds(http.StatusOK), &listed))
	require.Len(t, listed, 1)
	read := s.do(t, call(http.MethodGet, "/corp", ""))
	read.succeeds(http.StatusOK)
	s.do(t, call(http.MethodGet, "/unknown", "")).fails(http.StatusNotFound)

	const body = `{"mode":"mandatory","title":"T","issuer":"https://i.example","client_id":"c","client_secret":"s3cr3t","domains":["example.org"]}`
	answer := s.do(t, call(http.MethodPut, "/corp", body, "If-Match", read.Header().Get("ETag")))
	answer.succeeds(http.StatusOK)
	assert.NotContains(t, answer.Body.String(), "s3cr3t")
	put, ok := s.asked.last().(oauth.PutHubProviderRequest)
	require.True(t, ok)
	put.Actor = api.Actor{}
	assert.Equal(t, oauth.PutHubProviderRequest{
		Name: "corp", Mode: oauth.ProviderMandatory, Title: "T", Issuer: "https://i.example", ClientID: "c", ClientSecret: "s3cr3t",
		Domains: []string{"example.org"},
	}, put)
	s.do(t, call(http.MethodPut, "/corp", body, "If-Match", `"`+otherHash+`"`)).fails(http.StatusPreconditionFailed)
	for _, wrong := range []string{`{"mode":1}`, `{"mode":"optional","own":true}`, `{"domains":"example.org"}`} {
		s.do(t, call(http.MethodPut, "/corp", wrong)).fails(http.StatusUnprocessableEntity)
	}
	_, ok = s.asked.last().(oauth.HubProvidersRequest)
	require.True(t, ok, "nothing was put")
	s.do(t, call(http.MethodDelete, "/corp", "")).succeeds(http.StatusOK)
	deleted, ok := s.asked.last().(oauth.HubProviderRequest)
	require.True(t, ok)
	require.Equal(t, "corp", deleted.Name)
}
