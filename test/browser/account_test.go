package browser_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeissuer"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// looks takes pictures of a page in both colours, on a telephone and on a desk.
func (b *browser) looks(name string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if b.shots == "" {
			return nil
		}
		as := func(scheme string, width, height int64) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			if err == nil {
				_, err = cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
					Width: width, Height: height, DeviceScaleFactor: 1,
				})
			}
			return err
		}
		for _, look := range []struct {
			suffix, scheme string
			width, height  int64
		}{
			{"dark-phone", "dark", 390, 844},
			{"light-phone", "light", 390, 844},
			{"dark-desktop", "dark", 1280, 900},
			{"light-desktop", "light", 1280, 900},
		} {
			if err := as(look.scheme, look.width, look.height); err != nil {
				return err
			}
			if _, err := b.shot(name+"-"+look.suffix)(ctx, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// device gives the browser one that makes passkeys for a user who is there.
func device() step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
			Options: &webauthn.VirtualAuthenticatorOptions{
				Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			},
		})
		return err
	})
}

func signIn(person system.Person) step {
	return chromedp.Steps(
		fill(`input[name="user"]`, person.Email), fill(`input[name="password"]`, person.Password),
		submit(`form[action^="/login"]:not([data-passkey]):not([action*="with"]) button[type="submit"]`),
	)
}

// TestOnesOwnAccount signs in on the page of a hub, links its provider, adds and
// removes a passkey, and signs in with the provider.
func TestOnesOwnAccount(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{
		"GATEHOUSE_OAUTH_FETCH_ALLOW=127.0.0.0/8", "GATEHOUSE_UNUSUAL_LOGIN=off",
	}})
	issuer := fakeissuer.New(t, clockwork.NewRealClock())
	issuer.Instead = map[string]http.HandlerFunc{"/authorize": issuer.Agree}
	person, login := s.Register(t, "olli@example.org")
	s.Call(t, http.MethodPut, "/v1/provider/corp", login.Token, map[string]string{
		"mode": "optional", "title": "Corp", "issuer": issuer.URL, "client_id": fakeissuer.ClientID, "client_secret": fakeissuer.ClientSecret,
	})
	b := open(t)
	hub := s.URL + "/login?hub=" + login.Hub.Hash
	b.run("signing in to a hub",
		chromedp.Navigate(hub),
		visible(`form[action*="/login/with/"]`),
		b.looks("login-hub"),
		submit(`form[action*="/login/with/"] button`), // whom nobody knows yet
		visible(`a.button`),
		b.looks("identity-unknown"),
	)
	b.run("signing in there by password",
		chromedp.Navigate(hub),
		signIn(person),
		visible(`a[href="/account"]`),
		b.looks("home"),
		submit(`a[href="/account"]`),
		visible(`form[action*="/account/identity/"]`),
	)
	b.run("linking", submit(`form[action*="/account/identity/"] button`), visible(`form[action="/account/unlink"]`))
	assert.Contains(t, b.text(`.status`), "linked")
	b.run("adding a passkey",
		device(),
		submit(`#passkeys ~ .actions a`),
		fill(`form[data-new-passkey] input[name="name"]`, "Laptop"),
		b.looks("setup"),
		submit(`form[data-new-passkey] button`),
		visible(`a[href*="kind=passkey"]`),
		b.looks("account"),
		chromedp.Navigate(s.URL+"/account?language=de"),
		b.looks("account-de"),
		chromedp.Navigate(s.URL+"/account/password"),
		b.looks("password-de"),
		chromedp.Navigate(s.URL+"/account?language=en"),
		submit(`a[href*="kind=passkey"]`),
		fill(`input[name="password"]`, person.Password),
		b.looks("removal"),
		submit(`form[action*="/account/remove"] button`),
		visible(`.status`),
		chromedp.Navigate(s.URL+"/"),
		submit(`form[action*="logout"] button`),
	)
	b.run("signing in with the provider",
		chromedp.Navigate(hub),
		submit(`form[action*="/login/with/"] button`),
		visible(`form[action*="logout"]`),
	)
	assert.NotContains(t, b.text("main"), "Security and connections", "the hub's word is no good for that")
}

// TestAPasskeyOnTheWayToAnApp makes one because an app wants it, and goes on to it.
func TestAPasskeyOnTheWayToAnApp(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_UNUSUAL_LOGIN=off"}})
	person, _ := s.Register(t, "olli@example.org")
	b := open(t)
	a := startApp(t)
	s.Operate(t, "client", "create", "--id", "vault", "--name", "Vault", "--first-party", "--redirect-uri", a.URL+"/callback")
	request := url.Values{
		"client_id": {"vault"}, "redirect_uri": {a.URL + "/callback"}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())}, "code_challenge_method": {"S256"},
		"acr_values": {"urn:gatehouse:acr:phr"},
	}
	b.run("setting up what an app asks for",
		device(),
		chromedp.Navigate(s.URL+"/oauth2/authorize?"+request.Encode()),
		signIn(person),
		visible(`a[href*="/login/stepup/setup"]`),
		b.looks("stepup-passkey"),
		submit(`a[href*="/login/stepup/setup"]`),
		visible(`form[data-new-passkey] button`),
		b.looks("stepup-setup"),
		submit(`form[data-new-passkey] button`),
		submit(`form[data-passkey] button`),
		visible(`#here`),
	)
	assert.NotEmpty(t, a.of("/callback").URL.Query().Get("code"))
}
