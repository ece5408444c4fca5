package browser_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// TestADeviceThatWaitedTooLong is said to be gone, before and after its code has been
// looked at, and another code can be entered at once.
func TestADeviceThatWaitedTooLong(t *testing.T) {
	t.Parallel()
	s := system.StandaloneWith(t, system.StandaloneOptions{Environ: []string{"GATEHOUSE_UNUSUAL_LOGIN=off"}})
	s.Operate(t, "client", "create", "--id", "telly", "--name", "Telly", "--grant", "urn:ietf:params:oauth:grant-type:device_code", "--public")
	person, _ := s.Register(t, "olli@example.org")
	late := deviceOf(t, s, "telly")
	b := open(t)
	b.run("a code that waits",
		chromedp.Navigate(s.URL+"/device?user_code="+late),
		submit(`form[action="/device"] button`),
		signIn(person),
	)
	b.run("its code again, which has to be sent once more",
		submit(`form[action="/device"] button`),
		visible(`button[value="allow"]`),
	)
	devicesExpire(t, s)
	b.run("allowing it too late",
		submit(`button[value="allow"]`),
		visible(`.problems`),
		b.looks("device-expired"),
	)
	assert.Contains(t, b.text(".problems"), "may have expired")
	b.run("in German",
		submit(`a[hreflang="de"]`),
		visible(`#user_code`),
		fill(`#user_code`, late),
		submit(`form[action="/device"] button`),
		visible(`.problems`),
		b.looks("device-expired-de"),
	)
	assert.Contains(t, b.text(".problems"), "abgelaufen")
	b.run("another code, on the same page",
		chromedp.Clear(chromedp.CSS(`#user_code`)),
		fill(`#user_code`, deviceOf(t, s, "telly")),
		submit(`form[action="/device"] button`),
		visible(`button[value="allow"]`),
		submit(`button[value="allow"]`),
		visible(`main h1`),
	)
	assert.Contains(t, b.text("main h1"), "Ihr Gerät ist verbunden")
}

// devicesExpire lets all devices that wait have waited for too long.
func devicesExpire(t *testing.T, s *system.System) {
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(s.DataDir, "oauth.db"), db.Options{Service: "oauth"})
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	changed, err := d.Exec(t.Context(), "UPDATE device_requests SET expiration_time = $1", db.Micros(time.Now().Add(-time.Second)))
	require.NoError(t, err)
	require.EqualValues(t, 1, changed)
}
