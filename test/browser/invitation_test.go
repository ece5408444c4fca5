package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/node"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestAnInvitationIsAcceptedAtAProvider joins a hub without a password, by what
// a provider says that other people have built, and comes back that way.
func TestAnInvitationIsAcceptedAtAProvider(t *testing.T) {
	t.Parallel()
	home := fmt.Sprintf("http://localhost:%d", system.FreePort(t))
	settings, err := json.Marshal(map[string]string{
		"client_id": "gatehouse", "client_secret": "a secret", "redirect_uri": home + "/login/identity/company",
		"authentication": "client_secret_basic",
	})
	require.NoError(t, err)
	var company struct{ Issuer string }
	node.Start(t, []string{"SETTINGS=" + string(settings)}, "oidc-provider.mjs").Read(&company)
	s := system.StandaloneWith(t, system.StandaloneOptions{URL: home, Environ: []string{
		"GATEHOUSE_UNUSUAL_LOGIN=off", `GATEHOUSE_UPSTREAM_PROVIDERS=[{"name": "company", "title": "Company",
			"issuer": "` + company.Issuer + `", "client_id": "gatehouse", "client_secret": "a secret", "require_nonce": true}]`,
	}})
	_, owner := s.Register(t, "olli@example.org")
	invited := s.Call(t, http.MethodPost, "/v1/user", owner.Token, map[string]any{"email": "kim@example.org", "access": true})
	require.Equal(t, http.StatusCreated, invited.Status, "%s", invited.Body)
	const button = `button[formaction="/activation/with/company"]`

	b := open(t)
	b.run("opening the link and forgetting the terms",
		chromedp.Navigate(s.URL+"/link/"+s.AwaitLink(t, "kim@example.org")),
		submit(`form[action*="/link/"] button`),
		visible(button),
		b.looks("invitation"),
		fill(`input[name="first_name"]`, "Kim"),
		submit(button),
		visible(`.problems`),
		b.looks("invitation-incomplete"),
		submit(`a[hreflang="de"]`),
		b.looks("invitation-de"),
		submit(`a[hreflang="en"]`),
	)
	b.run("refusing at the provider",
		fill(`input[name="first_name"]`, "Kim"),
		fill(`input[name="last_name"]`, "Example"),
		chromedp.Click(chromedp.CSS(`input[name="terms"]`)),
		submit(button),
		visible(`a[href$="/abort"]`),
		submit(`a[href$="/abort"]`),
		visible(button),
		b.looks("invitation-denied"),
	)
	assert.Contains(t, b.text(".problems"), "Company")
	b.run("agreeing",
		submit(button), // with what was filled in before
		fill(`input[name="login"]`, "kim.at.work"),
		fill(`input[name="password"]`, "x"),
		submit(`form button`),
	)
	b.run("saying there that it is all right",
		submit(`form button`),
		visible(`a[href="/account"]`),
		b.looks("invitation-done"),
	)
	assert.Contains(t, b.text("main"), "Kim Example")
	assert.Contains(t, b.text("main"), "Lighthouse")
	b.run("coming back",
		submit(`form[action*="logout"] button`),
		chromedp.Navigate(s.URL+"/login"),
		submit(`form[action^="/login/with/company"] button`),
		visible(`a[href="/account"]`),
	)
	assert.Contains(t, b.text("main"), "Kim Example")
}
