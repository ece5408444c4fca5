package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const testResource = "https://api.example/reports"

func withResource(r *oauth.CreateClientRequest) {
	r.Resources = []string{testResource, "urn:example:storage"}
}

func TestDeviceAuthorizationRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, secret := h.tv(withResource), h.tv(func(r *oauth.CreateClientRequest) { r.AuthMethod = "client_secret_basic" })
		without := h.web()
		tests := map[string]struct {
			client oauth.CreatedClient
			change func(url.Values)
			status int
			code   string
		}{
			"scope missing":      {c, one("scope", ""), http.StatusBadRequest, "invalid_scope"},
			"scope empty":        {c, one("scope", "  "), http.StatusBadRequest, "invalid_scope"},
			"scope unknown":      {c, one("scope", "openid root"), http.StatusBadRequest, "invalid_scope"},
			"scope wrong case":   {c, one("scope", "OpenID"), http.StatusBadRequest, "invalid_scope"},
			"scope repeated":     {c, twice("scope", "openid"), http.StatusBadRequest, "invalid_request"},
			"unknown repeated":   {c, func(f url.Values) { f["x"] = []string{"1", "2"} }, http.StatusBadRequest, "invalid_request"},
			"not UTF-8":          {c, one("scope", "openid \xff"), http.StatusBadRequest, "invalid_request"},
			"NUL":                {c, one("scope", "openid\x00"), http.StatusBadRequest, "invalid_request"},
			"resource unknown":   {c, one("resource", "https://api.example/other"), http.StatusBadRequest, "invalid_target"},
			"resource relative":  {c, one("resource", "/reports"), http.StatusBadRequest, "invalid_target"},
			"resource fragment":  {c, one("resource", testResource+"#x"), http.StatusBadRequest, "invalid_target"},
			"one resource bad":   {c, func(f url.Values) { f["resource"] = []string{testResource, "https://x.example"} }, http.StatusBadRequest, "invalid_target"},
			"without the grant":  {without, func(url.Values) {}, http.StatusBadRequest, "unauthorized_client"},
			"client missing":     {oauth.CreatedClient{}, func(url.Values) {}, http.StatusUnauthorized, "invalid_client"},
			"client unknown":     {oauth.CreatedClient{}, one("client_id", "nobody"), http.StatusUnauthorized, "invalid_client"},
			"client repeated":    {oauth.CreatedClient{}, func(f url.Values) { f["client_id"] = []string{c.Client.ID, c.Client.ID} }, http.StatusBadRequest, "invalid_request"},
			"no secret":          {oauth.CreatedClient{}, one("client_id", secret.Client.ID), http.StatusUnauthorized, "invalid_client"},
			"secret of a public": {oauth.CreatedClient{}, func(f url.Values) { set(f, "client_id", c.Client.ID, "client_secret", "x") }, http.StatusUnauthorized, "invalid_client"},
			"too large":          {c, one("scope", strings.Repeat("x", 65<<10)), http.StatusRequestEntityTooLarge, "invalid_request"},
		}
		for name, test := range tests {
			f := url.Values{"scope": {"openid"}}
			test.change(f)
			a := h.do(as(test.client, "/oauth2/device_authorization", f))
			assert.Equal(t, test.status, a.status, "%s: %s", name, a.body)
			assert.Equal(t, test.code, a.text("error"), "%s: %s", name, a.body)
		}
		var n int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM device_requests").Scan(&n))
		assert.Zero(t, n)

		r := as(c, "/oauth2/device_authorization?scope=openid", url.Values{"scope": {"openid"}})
		requireError(t, h.do(r), http.StatusBadRequest, "invalid_request")
		r = as(c, "/oauth2/device_authorization", url.Values{"scope": {"openid"}})
		r.Header.Set("Content-Type", "application/json")
		requireError(t, h.do(r), http.StatusBadRequest, "invalid_request")
		assert.Equal(t, http.StatusMethodNotAllowed, h.do(httptest.NewRequest(http.MethodGet, "/oauth2/device_authorization", http.NoBody)).status)
	})
}

func TestDevicePollsAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c, other := h.tv(), h.tv()
		code, userCode := h.device(c)
		require.NoError(t, h.decide(userCode, true))
		for name, test := range map[string]struct {
			client oauth.CreatedClient
			code   string
			want   string
		}{
			"missing":           {c, "", "invalid_request"},
			"nonsense":          {c, "x", "invalid_grant"},
			"the user's":        {c, userCode, "invalid_grant"},
			"another's":         {other, code, "invalid_grant"},
			"wrong case":        {c, strings.ToUpper(code), "invalid_grant"},
			"changed":           {c, flip(code), "invalid_grant"},
			"longer":            {c, code + "A", "invalid_grant"},
			"huge":              {c, strings.Repeat("x", 60<<10), "invalid_grant"},
			"without the grant": {h.web(), code, "unauthorized_client"},
		} {
			a := h.poll(test.client, test.code)
			assert.Equal(t, http.StatusBadRequest, a.status, name)
			assert.Equal(t, test.want, a.text("error"), "%s: %s", name, a.body)
		}
		f := url.Values{"grant_type": {deviceGrant}, "device_code": {code, code}}
		requireError(t, h.do(as(c, "/oauth2/token", f)), http.StatusBadRequest, "invalid_request")
		requireError(t, h.poll(c, code, "grant_type", strings.ToUpper(deviceGrant)), http.StatusBadRequest, "unsupported_grant_type")
		requireError(t, h.poll(c, code, "grant_type", "authorization_code", "code", code), http.StatusBadRequest, "unauthorized_client")
		assert.Equal(t, http.StatusOK, h.poll(c, code).status, "none of it has spent the code")
	})
}

func TestUserCodesAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.device(h.tv())
		for _, typed := range []string{"", "BCDF-GHJK", "BCDFGHJKL", "\xff", strings.Repeat("B", 1<<16)} {
			_, err := h.service.FindDevice(t.Context(), oauth.DeviceRequest{UserCode: typed})
			assert.True(t, fault.Is(err, fault.NotFound), "%q: %v", typed, err)
			assert.True(t, fault.Is(h.decide(typed, true), fault.NotFound), "%q", typed)
		}
	})
}

// What ends grants ends one that its device has not fetched yet.
func TestDeviceGrantEndsBeforeItIsFetched(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		for name, end := range map[string]func(){
			"consent": func() {
				list, err := h.service.ListConsents(t.Context(), oauth.SubjectRequest{Subject: alice})
				require.NoError(t, err)
				_, err = h.service.RevokeConsent(t.Context(), oauth.RevokeConsentRequest{Subject: alice, Consent: api.Ref{Hash: list.Consents[0].Hash}})
				require.NoError(t, err)
			},
			"account": func() { h.accounts.disable(alice) },
		} {
			h.accounts = newFakeAccounts()
			h.restart()
			code, userCode := h.device(c)
			require.NoError(t, h.decide(userCode, true))
			end()
			a := h.poll(c, code)
			assert.Equal(t, "invalid_grant", a.text("error"), "%s: %s", name, a.body)
		}
	})
}

func TestDeviceOfAHub(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		_, err := h.db.Exec(t.Context(), "UPDATE clients SET hub = 7 WHERE id = $1", c.Client.ID)
		require.NoError(t, err)
		code, userCode := h.device(c)
		other := int64(8)
		for _, hub := range []*int64{nil, &other} {
			err := h.decide(userCode, true, func(l *oauth.Login) { l.Hub = hub })
			require.True(t, fault.Is(err, fault.Forbidden), "%v", err)
		}
		requireError(t, h.poll(c, code), http.StatusBadRequest, "authorization_pending")
		require.NoError(t, h.decide(userCode, true))
		require.Equal(t, http.StatusOK, h.poll(c, code).status)
	})
}

func TestDevicesOfAClientAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.config.PendingLimit = 2
		h.restart()
		c := h.tv()
		find := func(userCode, subject string) error {
			_, err := h.service.FindDevice(t.Context(), oauth.DeviceRequest{UserCode: userCode, Subject: subject})
			return err
		}
		next := func() string {
			h.clock.Advance(time.Second)
			_, userCode := h.device(c)
			return userCode
		}
		first, second := next(), next()
		h.device(h.tv()) // others are not concerned
		require.NoError(t, find(first, ""))
		third := next()
		assert.True(t, fault.Is(find(first, ""), fault.NotFound), "the oldest gives way")
		require.NoError(t, find(second, alice))
		fourth := next()
		require.NoError(t, find(second, alice), "but not while somebody looks at it")
		assert.True(t, fault.Is(find(third, alice), fault.NotFound))
		require.NoError(t, find(fourth, bob))
		full := h.do(as(c, "/oauth2/device_authorization", url.Values{"scope": {"openid"}}))
		requireError(t, full, http.StatusTooManyRequests, "temporarily_unavailable")
		require.NoError(t, h.decide(second, false))
		next()
		require.NoError(t, find(fourth, bob))
		h.clock.Advance(10 * time.Minute)
		next() // those that have expired do not count
	})
}

// A client that changes while its device waits.
func TestDeviceOfAClientThatChanges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		_, userCode := h.device(c)
		_, err := h.db.Exec(t.Context(), `UPDATE clients SET scopes = '["openid"]' WHERE id = $1`, c.Client.ID)
		require.NoError(t, err)
		require.True(t, fault.Is(h.decide(userCode, true), fault.NotFound))
		_, err = h.service.DeleteClient(t.Context(), oauth.ClientRequest{ID: c.Client.ID})
		require.NoError(t, err)
		require.True(t, fault.Is(h.decide(userCode, false), fault.NotFound))
	})
}
