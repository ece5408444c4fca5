package gatewaytest

import (
	"context"
	"fmt"
	"sync"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// What the double of the oauth service knows.
const (
	Provider        = "company"
	UpstreamCode    = "SplxlOBeZQQYbYS6WxSbIA"
	UpstreamSubject = "upstream-1"
)

// OAuth is a double of the oauth service with one upstream provider.
type OAuth struct {
	oauth.Service // what is not doubled panics

	mu     sync.Mutex
	states map[string]oauth.BeginIdentityRequest
	// Subject is whom the provider proves.
	Subject string
	// Err is the failure of every call.
	Err error
}

// NewOAuth makes a double whose provider proves the user that Accounts knows.
func NewOAuth() *OAuth {
	return &OAuth{states: map[string]oauth.BeginIdentityRequest{}, Subject: UpstreamSubject}
}

// Providers implements oauth.Service.
func (o *OAuth) Providers(context.Context, oauth.ProvidersRequest) (oauth.ProviderList, error) {
	return oauth.ProviderList{Providers: []oauth.Provider{{Name: Provider, Title: "Company account", Kind: "oidc"}}}, o.Err
}

// SessionClients implements oauth.Service: no app wants to hear of a session.
func (o *OAuth) SessionClients(context.Context, oauth.SessionClientsRequest) (oauth.SessionClientList, error) {
	return oauth.SessionClientList{}, o.Err
}

// BeginIdentity implements oauth.Service.
func (o *OAuth) BeginIdentity(_ context.Context, r oauth.BeginIdentityRequest) (oauth.IdentityState, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.Err != nil:
		return oauth.IdentityState{}, o.Err
	case r.Provider != Provider:
		return oauth.IdentityState{}, fault.New(fault.NotFound, "")
	case r.RedirectURI == "https://evil.example/":
		return oauth.IdentityState{}, fault.Field("redirect_uri", "validation.redirect_uri")
	}
	state := fmt.Sprintf("%040x", len(o.states)+1)
	o.states[state] = r
	return oauth.IdentityState{
		State: state, Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
		URL: "https://company.example/authorize?state=" + state,
	}, nil
}

// FinishIdentity implements oauth.Service.
func (o *OAuth) FinishIdentity(_ context.Context, r oauth.FinishIdentityRequest) (oauth.ProvedIdentity, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	begun, known := o.states[r.State]
	switch {
	case o.Err != nil:
		return oauth.ProvedIdentity{}, o.Err
	case r.Provider != Provider:
		return oauth.ProvedIdentity{}, fault.New(fault.NotFound, "")
	case !known || begun.Binding != r.Binding:
		return oauth.ProvedIdentity{}, fault.Field("state", "validation.state")
	}
	delete(o.states, r.State)
	if r.Code != UpstreamCode {
		return oauth.ProvedIdentity{}, fault.New(fault.Unauthenticated, "fault.identity_failed")
	}
	return oauth.ProvedIdentity{
		Provider: Provider, Issuer: "https://company.example", Subject: o.Subject, Email: "olli@company.example", Name: "Olli Kahn",
	}, nil
}
