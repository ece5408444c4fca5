package oauth

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeissuer"
)

// fakeSignIns lets user 1 say how hubs 7 and 8 use providers.
type fakeSignIns struct {
	accounts.Service

	mu   sync.Mutex
	hubs map[int64]map[string]accounts.SignIn
	err  error
	lost error // of SetSignIn, after it has done its work
	// failSet has SetSignIn alone fail with err.
	failSet bool
}

func (f *fakeSignIns) may(a api.Actor) error {
	if f.err != nil {
		return f.err
	}
	if a.User != 1 {
		return fault.New(fault.Forbidden, "")
	}
	return nil
}

func (f *fakeSignIns) ListSignIns(_ context.Context, r accounts.ListSignInsRequest) (list accounts.SignInList, _ error) {
	if r.Actor != nil && !f.failSet {
		if err := f.may(*r.Actor); err != nil {
			return list, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.hubs[r.Hub] {
		list.SignIns = append(list.SignIns, s)
	}
	return list, nil
}

func (f *fakeSignIns) SetSignIn(_ context.Context, r accounts.SetSignInRequest) (accounts.SignIn, error) {
	if err := f.may(r.Actor); err != nil {
		return accounts.SignIn{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hubs[*r.Actor.Hub] == nil {
		f.hubs[*r.Actor.Hub] = map[string]accounts.SignIn{}
	}
	known := f.hubs[*r.Actor.Hub][r.SignIn.Provider]
	if known.Revision > r.SignIn.Revision || known.Revision == r.SignIn.Revision && !cmp.Equal(known, r.SignIn) {
		return accounts.SignIn{}, fault.New(fault.Conflict, "fault.modified")
	}
	f.hubs[*r.Actor.Hub][r.SignIn.Provider] = r.SignIn
	return r.SignIn, f.lost
}

func (f *fakeSignIns) RemoveSignIn(_ context.Context, r accounts.SignInRequest) (api.Nothing, error) {
	if err := f.may(r.Actor); err != nil {
		return api.Nothing{}, err
	}
	if _, ok := f.hubs[*r.Actor.Hub][r.Provider]; !ok {
		return api.Nothing{}, fault.New(fault.NotFound, "")
	}
	delete(f.hubs[*r.Actor.Hub], r.Provider)
	return api.Nothing{}, nil
}

func actorIn(hub int64) api.Actor { return api.Actor{User: 1, Hub: &hub, Session: 1} }

// eachHub has an issuer that hubs may reach, and one of the installation's.
func eachHub(t *testing.T, test func(t *testing.T, h *harness, s *fakeSignIns, issuer *fakeissuer.Issuer)) {
	t.Helper()
	eachUpstream(t, func(t *testing.T, h *harness, issuer *fakeissuer.Issuer) {
		s := &fakeSignIns{hubs: map[int64]map[string]accounts.SignIn{}}
		h.accounts.Service = s
		h.config.FetchAllow = []config.Network{{Prefix: netip.MustParsePrefix("127.0.0.0/8")}}
		h.restart()
		test(t, h, s, issuer)
	})
}

func putting(issuer *fakeissuer.Issuer) oauth.PutHubProviderRequest {
	return oauth.PutHubProviderRequest{
		Actor: actorIn(7), Name: "corp", Mode: oauth.ProviderOptional, Title: "Corp", Issuer: issuer.URL,
		ClientID: fakeissuer.ClientID, ClientSecret: fakeissuer.ClientSecret,
	}
}

func TestAHubBringsAProviderAlong(t *testing.T) {
	t.Parallel()
	eachHub(t, func(t *testing.T, h *harness, _ *fakeSignIns, issuer *fakeissuer.Issuer) {
		ctx := t.Context()
		put, err := h.service.PutHubProvider(ctx, putting(issuer))
		require.NoError(t, err)
		require.Equal(t, testOrigin+"/login/identity/"+put.Hash, put.RedirectURI)
		var stored string
		require.NoError(t, h.db.QueryRow(ctx, `SELECT secret FROM hub_providers`).Scan(&stored))
		require.NotContains(t, stored, fakeissuer.ClientSecret)
		listed, err := h.service.ListHubProviders(ctx, oauth.HubProvidersRequest{Actor: actorIn(7)})
		require.NoError(t, err)
		require.Equal(t, []oauth.HubProvider{put}, listed.Providers)

		seven, eight := int64(7), int64(8)
		offered, err := h.service.Providers(ctx, oauth.ProvidersRequest{Hub: &seven})
		require.NoError(t, err)
		require.Equal(t, []oauth.Provider{
			{Name: put.Hash, Title: "Corp", Kind: "oidc", Hub: &seven, Mode: oauth.ProviderOptional, Host: strings.TrimPrefix(put.Issuer, "http://")},
			{Name: "example", Title: "example", Kind: "oidc"},
		}, offered.Providers)
		for _, hub := range []*int64{nil, &eight} {
			offered, err = h.service.Providers(ctx, oauth.ProvidersRequest{Hub: hub})
			require.NoError(t, err)
			require.Equal(t, []oauth.Provider{{Name: "example", Title: "example", Kind: "oidc"}}, offered.Providers)
		}

		begin := func(provider string, hub *int64) (oauth.IdentityState, error) {
			return h.service.BeginIdentity(ctx, oauth.BeginIdentityRequest{Provider: provider, Hub: hub, Binding: "caller"})
		}
		finish := func(provider string, hub *int64, state oauth.IdentityState, code string) (oauth.ProvedIdentity, error) {
			return h.service.FinishIdentity(ctx, oauth.FinishIdentityRequest{
				Provider: provider, Hub: hub, State: state.State, Code: code, Binding: "caller",
			})
		}
		for _, name := range []string{put.Hash, "corp"} {
			state, err := begin(name, &seven)
			require.NoError(t, err)
			proved, err := finish(put.Hash, nil, state, issuer.Authorize(t, state.URL))
			require.NoError(t, err)
			require.Equal(t, []any{"corp", &seven, &seven}, []any{proved.Provider, proved.Hub, proved.Into})
			require.False(t, proved.LinkByEmail)
		}
		for name, hub := range map[string]*int64{put.Hash: &eight, "corp": nil, "Corp": &seven, "": nil} {
			_, err := begin(name, hub)
			require.True(t, fault.Is(err, fault.NotFound), "%q: %v", name, err)
		}
		// No nonce, no login; and what began for one hub ends for no other.
		state, err := begin(put.Hash, nil)
		require.NoError(t, err)
		_, err = finish(put.Hash, nil, state, issuer.Authorize(t, issuer.Request(state.State, state.Challenge, put.RedirectURI)))
		requireUpstream(t, err, fault.Unauthenticated, "fault.identity_failed")
		state, err = begin("example", &seven)
		require.NoError(t, err)
		_, err = finish("example", &eight, state, issuer.Authorize(t, state.URL))
		requireField(t, err, "state")
		state, err = begin("example", &seven)
		require.NoError(t, err)
		_, err = finish(put.Hash, nil, state, issuer.Authorize(t, state.URL))
		requireField(t, err, "state")
		state, err = begin("example", &seven)
		require.NoError(t, err)
		proved, err := finish("example", nil, state, issuer.Authorize(t, state.URL))
		require.NoError(t, err)
		require.Nil(t, proved.Hub)
		require.Equal(t, &seven, proved.Into)

		_, err = h.service.DeleteHubProvider(ctx, oauth.HubProviderRequest{Actor: actorIn(7), Name: "corp"})
		require.NoError(t, err)
		_, err = begin(put.Hash, nil)
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		_, err = h.service.DeleteHubProvider(ctx, oauth.HubProviderRequest{Actor: actorIn(7), Name: "corp"})
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	})
}

func TestOnlyMandatoryProvidersAreOffered(t *testing.T) {
	t.Parallel()
	eachHub(t, func(t *testing.T, h *harness, _ *fakeSignIns, issuer *fakeissuer.Issuer) {
		r := putting(issuer)
		_, err := h.service.PutHubProvider(t.Context(), r)
		require.NoError(t, err)
		_, err = h.service.PutHubProvider(t.Context(), oauth.PutHubProviderRequest{Actor: actorIn(7), Name: "example", Mode: oauth.ProviderMandatory})
		require.NoError(t, err)
		seven := int64(7)
		offered, err := h.service.Providers(t.Context(), oauth.ProvidersRequest{Hub: &seven})
		require.NoError(t, err)
		require.Equal(t, []oauth.Provider{{Name: "example", Title: "example", Kind: "oidc", Mode: oauth.ProviderMandatory}}, offered.Providers)
	})
}

func TestASecretStaysWithWhomItIsFor(t *testing.T) {
	t.Parallel()
	eachHub(t, func(t *testing.T, h *harness, s *fakeSignIns, issuer *fakeissuer.Issuer) {
		other := fakeissuer.New(t, h.clock)
		r := putting(issuer)
		first, err := h.service.PutHubProvider(t.Context(), r)
		require.NoError(t, err)
		r.ClientSecret, r.Title = "", "Renamed"
		second, err := h.service.PutHubProvider(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, []any{first.Hash, "Renamed"}, []any{second.Hash, second.Title})
		require.True(t, second.ModifiedTime.After(first.ModifiedTime))
		state, err := h.service.BeginIdentity(t.Context(), oauth.BeginIdentityRequest{Provider: first.Hash, Binding: "caller"})
		require.NoError(t, err)
		_, err = h.service.FinishIdentity(t.Context(), oauth.FinishIdentityRequest{
			Provider: first.Hash, State: state.State, Code: issuer.Authorize(t, state.URL), Binding: "caller",
		})
		require.NoError(t, err, "it is kept")

		moved := r
		moved.Issuer = other.URL
		_, err = h.service.PutHubProvider(t.Context(), moved)
		requireField(t, err, "client_secret")
		moved = r
		moved.ClientID = "another"
		_, err = h.service.PutHubProvider(t.Context(), moved)
		requireField(t, err, "client_secret")
		_, err = h.db.Exec(t.Context(), `UPDATE hub_providers SET issuer = $1, modified_time = modified_time + 1`, other.URL)
		require.NoError(t, err)
		_, err = h.service.BeginIdentity(t.Context(), oauth.BeginIdentityRequest{Provider: first.Hash, Binding: "caller"})
		require.Error(t, err, "it is bound to the issuer")

		// Nothing is in force that the accounts service has not taken.
		s.err = fault.New(fault.Unavailable, "")
		r = putting(issuer)
		r.Name = "late"
		_, err = h.service.PutHubProvider(t.Context(), r)
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		_, err = h.service.DeleteHubProvider(t.Context(), oauth.HubProviderRequest{Actor: actorIn(7), Name: "corp"})
		require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
		var rows int
		require.NoError(t, h.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM hub_providers`).Scan(&rows))
		require.Equal(t, 1, rows)
	})
}

func TestWhatCannotBeAHubsProvider(t *testing.T) {
	t.Parallel()
	eachHub(t, func(t *testing.T, h *harness, s *fakeSignIns, issuer *fakeissuer.Issuer) {
		for field, changes := range map[string][]func(*oauth.PutHubProviderRequest){
			"name": {
				func(r *oauth.PutHubProviderRequest) { r.Name = "" }, func(r *oauth.PutHubProviderRequest) { r.Name = "Corp" },
				func(r *oauth.PutHubProviderRequest) { r.Name = strings.Repeat("a", 40) },
				func(r *oauth.PutHubProviderRequest) { r.Name = "example" },
			},
			"mode": {func(r *oauth.PutHubProviderRequest) { r.Mode = "" }, func(r *oauth.PutHubProviderRequest) { r.Mode = "Optional" }},
			"issuer": {
				func(r *oauth.PutHubProviderRequest) { r.Issuer, r.Title, r.ClientID, r.ClientSecret = "", "", "", "" },
				func(r *oauth.PutHubProviderRequest) { r.Issuer = "http://login.example.org" },
				func(r *oauth.PutHubProviderRequest) { r.Issuer = "https://user:pass@login.example.org" },
				func(r *oauth.PutHubProviderRequest) { r.Issuer = "https://10.0.0.1" },
				func(r *oauth.PutHubProviderRequest) { r.Issuer = "https://169.254.169.254/latest" },
				func(r *oauth.PutHubProviderRequest) { r.Issuer = "file:///etc/passwd" },
				func(r *oauth.PutHubProviderRequest) { r.Issuer += "/elsewhere" },
				func(r *oauth.PutHubProviderRequest) { r.Issuer = "https://" + strings.Repeat("a", 3000) },
			},
			"title": {func(r *oauth.PutHubProviderRequest) { r.Title = strings.Repeat("a", 101) }, func(r *oauth.PutHubProviderRequest) { r.Title = "a\nb" }},
			"client_id": {
				func(r *oauth.PutHubProviderRequest) { r.ClientID = "" }, func(r *oauth.PutHubProviderRequest) { r.ClientID = "\xff" },
				func(r *oauth.PutHubProviderRequest) { r.Name, r.Issuer = "example", "" },
			},
			"client_secret": {func(r *oauth.PutHubProviderRequest) { r.ClientSecret = "" }},
			"domains": {
				func(r *oauth.PutHubProviderRequest) { r.Domains = []string{"example.org"} },
				func(r *oauth.PutHubProviderRequest) {
					r.Mode, r.Domains = oauth.ProviderMandatory, []string{"Example.org"}
				},
				func(r *oauth.PutHubProviderRequest) { r.Mode, r.Domains = oauth.ProviderMandatory, []string{"org"} },
			},
		} {
			for i, change := range changes {
				r := putting(issuer)
				change(&r)
				_, err := h.service.PutHubProvider(t.Context(), r)
				require.True(t, fault.Is(err, fault.Invalid), "%s %d: %v", field, i, err)
				requireField(t, err, field)
			}
		}
		// The network behind us is no hub's business, nor is anything of those who may not.
		h.config.FetchAllow = nil
		h.restart()
		_, err := h.service.PutHubProvider(t.Context(), putting(issuer))
		requireField(t, err, "issuer")
		for message, change := range map[string]func(*api.Actor){
			"fault.forbidden": func(a *api.Actor) { a.User = 2 }, "fault.hub_required": func(a *api.Actor) { a.Hub = nil },
			"fault.impersonating": func(a *api.Actor) { a.Impersonator = &a.User }, "fault.personal_token": func(a *api.Actor) { a.PAT = &a.User },
		} {
			r := putting(issuer)
			change(&r.Actor)
			_, err := h.service.PutHubProvider(t.Context(), r)
			require.Equal(t, message, fault.From(err).Message.ID)
		}
		require.Empty(t, s.hubs)
		require.NotContains(t, h.log.String(), fakeissuer.ClientSecret)
	})
}

func TestASessionOfAHubsProviderIsForTheHubsAppsOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		hub := int64(7)
		confined := h.login()
		confined.ProviderHub = &hub
		c := h.web()
		a := h.authorize(form(c), confined)
		require.NotNil(t, a.Login, "%+v", a)
		require.Equal(t, oauth.PromptLogin, a.Login.Prompt)
		confined.AuthenticatedTime = h.clock.Now()
		a = h.resume(a.Login.ID, confined, nil)
		require.NotNil(t, a.Login, "a fresh one is no better: %+v", a)
		require.NotEmpty(t, redirected(t, h.resume(a.Login.ID, h.login(), nil)).Get("code"), "one's own is")
		require.Equal(t, "login_required", redirected(t, h.authorize(form(c, "prompt", "none"), confined)).Get("error"))

		ours := h.web()
		_, err := h.db.Exec(t.Context(), `UPDATE clients SET hub = $1 WHERE id = $2`, hub, ours.Client.ID)
		require.NoError(t, err)
		require.NotEmpty(t, redirected(t, h.authorize(form(ours), confined)).Get("code"))
	})
}
