package browser_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"

	"github.com/gatehouse-id/gatehouse/pkg/testkit/fakeissuer"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// looks takes pictures of a page in both colours, on a telephone, and in German.
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
		}{{"dark-phone", "dark", 390, 844}, {"light-desktop", "light", 1280, 900}} {
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

// TestOnesOwnAccount signs in on the page of a hub, links its provider, and adds and
// removes a passkey.
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
		b.shot("identity-unknown"),
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
	)
	assert.Contains(t, b.text(`.status`), "removed")
}
