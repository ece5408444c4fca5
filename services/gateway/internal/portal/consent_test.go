package portal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

const consentPath = "/consent?authorization=" + pendingID

func TestConsentTellsWhatIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.oauth.interaction.Client.Name = "<i>Rota</i> & more"
	a := w.signedIn().get(consentPath)
	text := a.text()
	for _, part := range []string{
		"Allow <i>Rota</i> & more?",
		"recognise you when you come back",
		"see your profile: your names",
		"see your email address",
		"see which hub you work in",
		"keep this access while you are away",
		"use the permission rota.write",
		"Olli Kahn", gatewaytest.Email,
		"https://app.example.net",
	} {
		assert.Contains(t, text, part)
	}
	assert.Empty(t, elements(a.page(), "i"))
}

func TestConsentDecisions(t *testing.T) {
	t.Parallel()
	for decision, to := range map[string]string{
		"allow": "https://app.example.net/callback?code=c&state=s",
		"deny":  "https://app.example.net/callback?error=access_denied&state=s",
	} {
		w := newWorld(t)
		a := w.signedIn().post(consentPath, "decision", decision, "subject", gatewaytest.UserHash)
		assert.Equal(t, 303, a.Code)
		assert.Equal(t, to, a.location())
		require.Len(t, w.oauth.resumed, 1)
		assert.Equal(t, &oauth.Decision{Allow: decision == "allow"}, w.oauth.resumed[0].Decision)
		assert.Equal(t, gatewaytest.UserHash, w.oauth.resumed[0].Login.Subject)
	}
}

func TestConsentThatDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string][]string{
		"no button":           {"subject", gatewaytest.UserHash},
		"another button":      {"subject", gatewaytest.UserHash, "decision", "Allow"},
		"somebody else's":     {"subject", strings.Repeat("0", 40), "decision", "allow"},
		"nobody's":            {"decision", "allow"},
		"decision in the URL": {"subject", gatewaytest.UserHash, "x", "y"},
	} {
		w := newWorld(t)
		a := w.signedIn().post(consentPath+"&decision=allow", fields...)
		assert.Equal(t, "Allow Rota Planner? – Gatehouse", a.title(), name)
		assert.Empty(t, w.oauth.resumed, name)
	}
}

func TestConsentWithoutASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	resume := "/oauth2/resume?authorization=" + pendingID
	assert.Equal(t, resume, b.get(consentPath).location())
	assert.Equal(t, resume, b.post(consentPath, "decision", "allow", "subject", gatewaytest.UserHash).location())
	assert.Empty(t, w.oauth.resumed)
}

func TestConsentOfAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	a := b.get(consentPath)
	for _, link := range elements(a.page(), "a") {
		if content(link) != "Use another account" {
			continue
		}
		path, _ := attribute(link, "href")
		assert.Contains(t, b.get(path).text(), "or with another account")
		return
	}
	t.Fatal("there is no way to another account")
}
