package portal_test

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// fakeOAuth has one request waiting, pendingID, and asks whoever it does not
// know to log in and everybody else for consent.
type fakeOAuth struct {
	oauth.Service // what is not doubled panics
	fakeLogouts
	mu          sync.Mutex
	err         error
	interaction oauth.Interaction
	prompt      string // what Login asks for
	authorized  []oauth.AuthorizeRequest
	resumed     []oauth.ResumeRequest
	answer      *oauth.Authorization // overrides
	acr         string               // what a login has to be, unless its user is unable
	hub         *int64               // that a login has to be in, likewise
	device      oauth.Device
	looked      []string // for devices
	decided     []oauth.DecideDeviceRequest
	upstream    *gatewaytest.OAuth // nil: no provider
	asked       []oauth.ProvidersRequest
	begun       []oauth.BeginIdentityRequest
	revoked     []string
	logo        *oauth.Logo // nil: none
}

const pendingID = "pending-request-1"

func newFakeOAuth() *fakeOAuth {
	rota := oauth.Client{ID: "rota", Metadata: oauth.Metadata{Name: "Rota Planner"}}
	return &fakeOAuth{device: oauth.Device{UserCode: userCode, Client: rota, Scopes: []string{"openid", "rota.write"}}, interaction: oauth.Interaction{
		ID:         pendingID,
		Client:     rota,
		Scopes:     []string{"openid", "profile", "email", "hub", "offline_access", "rota.write"},
		RedirectTo: "https://app.example.net",
	}}
}

func (f *fakeOAuth) Logo(_ context.Context, r oauth.LogoRequest) (oauth.Logo, error) {
	if f.logo == nil || r.Client != f.interaction.Client.Hash {
		return oauth.Logo{}, fault.New(fault.NotFound, "")
	}
	return *f.logo, nil
}

func (f *fakeOAuth) Authorize(_ context.Context, r oauth.AuthorizeRequest) (oauth.Authorization, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.authorized = append(f.authorized, r)
	return f.decide(r.Login, nil, false)
}

func (f *fakeOAuth) Resume(_ context.Context, r oauth.ResumeRequest) (oauth.Authorization, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resumed = append(f.resumed, r)
	if r.ID != pendingID {
		return oauth.Authorization{}, fault.New(fault.Gone, "")
	}
	if r.Unable {
		f.acr, f.hub = "", nil
	}
	return f.decide(r.Login, r.Decision, r.Selected)
}

func (f *fakeOAuth) decide(login *oauth.Login, decision *oauth.Decision, selected bool) (oauth.Authorization, error) {
	asked := f.interaction
	switch {
	case f.err != nil:
		return oauth.Authorization{}, f.err
	case f.answer != nil:
		return *f.answer, nil
	case login == nil, f.prompt != "" && !selected:
		asked.Prompt = f.prompt
		return oauth.Authorization{Login: &asked}, nil
	case f.acr == oauth.ACRMultiple && !slices.Contains(login.Methods, "mfa"), f.acr == oauth.ACRPhishing && !slices.Contains(login.Methods, "swk"):
		asked.Prompt, asked.ACR = oauth.PromptStepUp, f.acr
		return oauth.Authorization{Login: &asked}, nil
	case f.hub != nil && (login.Hub == nil || *login.Hub != *f.hub):
		asked.Prompt, asked.Hub = oauth.PromptHub, f.hub
		return oauth.Authorization{Login: &asked}, nil
	case decision == nil:
		asked.Prompt = oauth.PromptConsent
		return oauth.Authorization{Consent: &asked}, nil
	case decision.Allow:
		return oauth.Authorization{Redirect: "https://app.example.net/callback?code=c&state=s"}, nil
	}
	return oauth.Authorization{Redirect: "https://app.example.net/callback?error=access_denied&state=s"}, nil
}

func (f *fakeOAuth) Pending(_ context.Context, r oauth.PendingRequest) (oauth.Interaction, error) {
	if f.err != nil {
		return oauth.Interaction{}, f.err
	}
	if r.ID != pendingID {
		return oauth.Interaction{}, fault.New(fault.Gone, "")
	}
	asked := f.interaction
	asked.Client.Hub = f.hub
	return asked, nil
}

const userCode = "WDJB-MJHT"

func (f *fakeOAuth) FindDevice(_ context.Context, r oauth.DeviceRequest) (oauth.Device, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked = append(f.looked, r.UserCode)
	switch {
	case f.err != nil:
		return oauth.Device{}, f.err
	case !strings.EqualFold(r.UserCode, userCode) || len(f.decided) > 0:
		return oauth.Device{}, fault.New(fault.NotFound, "")
	}
	return f.device, nil
}

func (f *fakeOAuth) DecideDevice(_ context.Context, r oauth.DecideDeviceRequest) (api.Nothing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.decided) > 0 {
		return api.Nothing{}, fault.New(fault.NotFound, "")
	}
	f.decided = append(f.decided, r)
	return api.Nothing{}, nil
}
