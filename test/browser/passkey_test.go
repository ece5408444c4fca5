package browser_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/descope/virtualwebauthn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestPasskeysAndFormPost signs in to an app that wants its answer posted: by a
// passkey, and then by password first, because the app wants the passkey only
// later. Scripts do all that under the pages' own policy.
func TestPasskeysAndFormPost(t *testing.T) {
	t.Parallel()
	s := system.Standalone(t)
	person, key := withPasskey(t, s)
	answers := make(chan url.Values, 1)
	site := relyingParty(t, answers)
	app := system.NewApp(t, s, "--redirect-uri", site+"/callback")
	app.Config.RedirectURL = site + "/callback"
	b := open(t)
	b.run("getting a device", holding(key, person))

	posted := oauth2.SetAuthURLParam("response_mode", "form_post")
	request := app.Start(posted)
	b.run("signing in by passkey",
		chromedp.Navigate(request.URL),
		visible(`form[data-passkey] button`),
		b.looks("passkey"),
		submit(`form[data-passkey] button`),
		visible(`button[value="allow"]`),
		submit(`button[value="allow"]`),
		visible(`#arrived`),
	)
	_, id := app.Finish(request, &url.URL{RawQuery: (<-answers).Encode()})
	assert.Equal(t, []string{"urn:gatehouse:acr:phr", "mfa", "swk"}, strength(t, id.Claims))

	b.run("signing out", chromedp.Navigate(s.URL+"/"), submit(`form[action*="logout"] button`))
	request = app.Start(posted, oauth2.SetAuthURLParam("acr_values", "urn:gatehouse:acr:phr"))
	b.run("signing in by password, and proving more",
		chromedp.Navigate(request.URL),
		fill(`input[name="user"]`, person.Email),
		fill(`input[name="password"]`, person.Password),
		submit(`form[action^="/login?"] button[type="submit"]`),
		visible(`form[data-passkey] button`),
		b.looks("stepup"),
		submit(`form[data-passkey] button`),
		visible(`#arrived`),
	)
	_, id = app.Finish(request, &url.URL{RawQuery: (<-answers).Encode()})
	assert.Equal(t, []string{"urn:gatehouse:acr:phr", "mfa", "pwd", "swk"}, strength(t, id.Claims))
}

// strength is the acr and, in order, the amr of an ID token.
func strength(t *testing.T, read func(any) error) []string {
	t.Helper()
	var claims struct {
		ACR string   `json:"acr"`
		AMR []string `json:"amr"`
	}
	require.NoError(t, read(&claims))
	slices.Sort(claims.AMR)
	return append([]string{claims.ACR}, claims.AMR...)
}

// relyingParty is an app that notes what is posted to it.
func relyingParty(t *testing.T, answers chan<- url.Values) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/callback" && r.ParseForm() == nil {
			answers <- r.PostForm
			_, _ = w.Write([]byte(`<p id="arrived">` + html.EscapeString(r.PostForm.Get("iss")) + `</p>`))
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// withPasskey is a new user with a passkey.
func withPasskey(t *testing.T, s *system.System) (system.Person, virtualwebauthn.Credential) {
	t.Helper()
	person, login := s.Register(t, "keyholder@example.org")
	handle, err := hex.DecodeString(person.Hash)
	require.NoError(t, err)
	site := virtualwebauthn.RelyingParty{ID: "localhost", Name: "Gatehouse", Origin: s.URL}
	device := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: handle})
	key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	for len(key.Key.AttestationData()) != 77 { // the library does not pad the key's coordinates
		key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	var asked struct {
		Ceremony string          `json:"ceremony"`
		Options  json.RawMessage `json:"options"`
	}
	s.Call(t, http.MethodPost, "/v1/passkey/options", login.Token, nil).Into(t, &asked)
	wish, err := virtualwebauthn.ParseAttestationOptions(`{"publicKey":` + string(asked.Options) + `}`)
	require.NoError(t, err)
	made := s.Call(t, http.MethodPost, "/v1/passkey", login.Token, map[string]any{
		"ceremony": asked.Ceremony, "name": "Laptop",
		"credential": json.RawMessage(virtualwebauthn.CreateAttestationResponse(site, device, key, *wish)),
	})
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	return person, key
}

// holding gives the browser a device with the passkey, whose user is there and
// unlocks it.
func holding(key virtualwebauthn.Credential, person system.Person) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		handle, err := hex.DecodeString(person.Hash)
		if err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		device, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
			Options: &webauthn.VirtualAuthenticatorOptions{
				Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			},
		})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, addCredential, addCredentialParams{device.AuthenticatorID, credential{
			CredentialID: key.ID, IsResidentCredential: true, RpID: "localhost", PrivateKey: key.Key.Data, UserHandle: handle, SignCount: 1,
		}})
		return err
	})
}

// addCredential is WebAuthn.addCredential with what every Chromium knows:
// cdproto's always mentions what only the newest ones do.
var addCredential = cdp.Command[addCredentialParams, cdp.Empty]{Method: webauthn.CommandAddCredential}

type addCredentialParams struct {
	AuthenticatorID webauthn.AuthenticatorID `json:"authenticatorId"`
	Credential      credential               `json:"credential"`
}

type credential struct {
	CredentialID         []byte `json:"credentialId"`
	IsResidentCredential bool   `json:"isResidentCredential"`
	RpID                 string `json:"rpId"`
	PrivateKey           []byte `json:"privateKey"`
	UserHandle           []byte `json:"userHandle"`
	SignCount            int    `json:"signCount"`
}
