package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

func TestConnectingADevice(t *testing.T) {
	t.Parallel()
	for decision, end := range map[string]string{"allow": "done", "deny": "denied"} {
		w := newWorld(t)
		b := w.browser()
		form := b.get("/device?user_code=wdjb-mjht")
		assert.Equal(t, "wdjb-mjht", form.field("user_code"), "filled in, and yet to be confirmed")
		a := b.post("/device", "user_code", " wdjb-mjht ")
		require.Equal(t, "/login?authorization=device%3Awdjb-mjht", a.location())
		assert.Contains(t, b.follow(a).text(), "to connect a device")
		assert.Empty(t, w.oauth.looked, "codes are not tried by opening pages")

		a = b.post(a.location(), "user_code", "x", "user", gatewaytest.Email, "password", gatewaytest.Password)
		require.Equal(t, "/device?user_code=wdjb-mjht", a.location(), "the code has come along")
		assert.Equal(t, "wdjb-mjht", b.follow(a).field("user_code"))
		assert.Empty(t, w.oauth.looked)

		ask := b.post("/device", "user_code", "wdjb-mjht")
		require.Equal(t, http.StatusOK, ask.Code)
		for _, part := range []string{
			"Connect Rota Planner?", userCode, "recognise you", "use the permission rota.write", "Olli Kahn", "on a device in front of you",
		} {
			assert.Contains(t, ask.text(), part)
		}
		assert.Empty(t, w.oauth.decided)
		a = b.post("/device", "user_code", userCode, "subject", gatewaytest.UserHash, "decision", decision)
		require.Equal(t, "/device/"+end, a.location())
		require.Len(t, w.oauth.decided, 1)
		assert.Equal(t, decision == "allow", w.oauth.decided[0].Allow)
		assert.Equal(t, gatewaytest.UserHash, w.oauth.decided[0].Login.Subject)
		assert.Equal(t, []string{"pwd"}, w.oauth.decided[0].Login.Methods)
		assert.Equal(t, http.StatusOK, b.follow(a).Code)

		twice := b.post("/device", "user_code", userCode, "subject", gatewaytest.UserHash, "decision", decision)
		assert.Equal(t, http.StatusUnprocessableEntity, twice.Code)
		assert.Len(t, w.oauth.decided, 1)
	}
}

func TestDevicesThatDoNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	for code, says := range map[string]string{
		"": "The code field is required.", "   ": "The code field is required.", "AAAA-AAAA": "No device waits",
		strings.Repeat("A", 10_000): "No device waits", "<b>": "No device waits",
	} {
		a := b.post("/device", "user_code", code)
		assert.Equal(t, http.StatusUnprocessableEntity, a.Code, "%.20q", code)
		assert.Contains(t, a.text(), says)
	}
	assert.Less(t, len(b.get("/device?user_code="+strings.Repeat("A", 5000)).field("user_code")), 40)
	w.oauth.err = fault.New(fault.Unavailable, "")
	assert.Equal(t, http.StatusServiceUnavailable, b.post("/device", "user_code", userCode).Code)
}

// Only the buttons of the page that this very user was shown decide.
func TestDeviceThatIsNotDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	for name, fields := range map[string][]string{
		"no button":     {"subject", gatewaytest.UserHash},
		"nonsense":      {"subject", gatewaytest.UserHash, "decision", "yes"},
		"nobody":        {"decision", "allow"},
		"somebody else": {"subject", gatewaytest.MemberHash, "decision", "allow"},
		"no hub":        {"subject", gatewaytest.UserHash, "decision", "hub"},
	} {
		a := b.post("/device", append(fields, "user_code", userCode)...)
		assert.Equal(t, http.StatusOK, a.Code, name)
		assert.Contains(t, a.text(), "Connect Rota Planner?", name)
	}
	assert.Empty(t, w.oauth.decided)
	program := int64(1)
	acting := w.browser()
	acting.cookies[sessionCookie] = w.sessions.OpenFor(sessions.CreateRequest{Scope: sessions.ScopeFull, PAT: &program}).Token
	a := acting.post("/device", "user_code", userCode, "subject", gatewaytest.UserHash, "decision", "allow")
	assert.Equal(t, "/login?authorization=device%3A"+userCode, a.location(), "no program allows it")
	assert.Empty(t, w.oauth.decided)
}

func TestDeviceByAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	assert.Equal(t, "/device?user_code="+userCode, b.get("/login?authorization=device:"+userCode).location())
	page := b.get("/login?prompt=select_account&authorization=device:" + userCode)
	assert.Contains(t, page.text(), "Continue as Olli Kahn")
	action, _ := attribute(elements(page.page(), "form")[0], "action")
	a := b.post(action, "subject", gatewaytest.UserHash)
	assert.Equal(t, "/device?user_code="+userCode, a.location())
	for _, path := range []string{"/consent", "/oauth2/resume", "/login/stepup", "/login/hub"} {
		assert.Equal(t, http.StatusGone, b.get(path+"?authorization=device:"+userCode).Code, path)
	}
	assert.Empty(t, w.oauth.looked)
	assert.Empty(t, w.oauth.resumed)
}

func TestDeviceOfAHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	falcon := int64(2)
	w.oauth.device.Client.Hub = &falcon
	b := w.signedIn()
	a := b.post("/device", "user_code", userCode)
	assert.Contains(t, a.text(), "belongs to another of your hubs")
	assert.NotContains(t, a.Body.String(), `value="allow"`)
	a = b.post("/device", "user_code", userCode, "subject", gatewaytest.UserHash, "decision", "hub")
	require.Equal(t, "/device?user_code="+userCode, a.location())
	a = b.post("/device", "user_code", userCode)
	assert.Contains(t, a.Body.String(), `value="allow"`)

	stranger := int64(99)
	w.oauth.device.Client.Hub = &stranger
	a = b.post("/device", "user_code", userCode, "subject", gatewaytest.UserHash, "decision", "hub")
	assert.Equal(t, http.StatusForbidden, a.Code)
	assert.Contains(t, a.text(), "no access to the hub that this app belongs to")
	assert.Empty(t, w.oauth.decided)
}

func TestDeviceCodesAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	for range 99 { // and the login
		require.Equal(t, http.StatusUnprocessableEntity, b.post("/device", "user_code", "AAAA-AAAA").Code)
	}
	assert.Equal(t, http.StatusTooManyRequests, b.post("/device", "user_code", userCode).Code)
}
