package portal_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

// ofHub is a browser that is signed in to the first hub, for an app of another.
func (w *world) ofHub(hub int64) (*browser, answer) {
	w.t.Helper()
	w.oauth.hub = &hub
	b := w.signedIn()
	a := b.get("/oauth2/authorize?client_id=rota")
	require.Equal(w.t, "/login/hub"+waits, a.location())
	page := b.follow(a)
	return b, page
}

func TestChangingToTheHubOfAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, page := w.ofHub(2)
	assert.Contains(t, page.text(), "Rota Planner belongs to the hub Falcon.")
	before := w.oauth.authorized[0].Login
	a := b.post("/login/hub" + waits)
	require.Equal(t, resumeWaits, a.location())
	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(a).title())
	last := w.oauth.resumed[len(w.oauth.resumed)-1].Login
	assert.EqualValues(t, 2, *last.Hub)
	assert.Equal(t, before.Session, last.Session)
	assert.Equal(t, resumeWaits, b.post("/login/hub"+waits).location(), "there already")
}

func TestAHubOfAnAppThatAsksForMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.ofHub(2)
	w.accounts.ask(accounts.StepTerms)
	a := b.post("/login/hub" + waits)
	require.Equal(t, "/login/terms"+waits, a.location())
	a = b.post(a.location(), "terms", "1")
	require.Equal(t, resumeWaits, a.location())
	assert.Equal(t, "Allow Rota Planner? – Gatehouse", b.follow(a).title())
	assert.EqualValues(t, 2, *w.oauth.resumed[len(w.oauth.resumed)-1].Login.Hub)
}

func TestAnAppOfAHubOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, page := w.ofHub(99)
	assert.Contains(t, page.text(), "this account has no access to")
	assert.Contains(t, page.text(), "Use another account")
	assert.Equal(t, http.StatusOK, b.post("/login/hub"+waits).Code)
	assert.Zero(t, w.sessions.Calls("SwitchHub"))
	b.post("/login/hub/skip" + waits)
	assert.True(t, w.oauth.resumed[len(w.oauth.resumed)-1].Unable)
}

func TestChangingTheHubIsForWhoIsSignedInAndForAnApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hub := int64(2)
	w.oauth.hub = &hub
	b := w.browser()
	for _, path := range []string{"/login/hub", "/login/hub/skip"} {
		assert.Equal(t, resumeWaits, b.post(path+waits).location(), path)
		assert.Equal(t, http.StatusGone, b.post(path).Code)
	}
	b.signIn()
	assert.Equal(t, http.StatusGone, b.post("/login/hub?authorization=expired").Code)
	b.site = "cross-site"
	for _, path := range []string{"/login/hub", "/login/hub/skip", "/device"} {
		assert.Equal(t, http.StatusForbidden, b.post(path+waits, "user_code", userCode, "subject", gatewaytest.UserHash, "decision", "allow").Code, path)
	}
	assert.Empty(t, w.oauth.resumed)
	assert.Empty(t, w.oauth.looked)
	assert.Zero(t, w.sessions.Calls("SwitchHub"))
}
