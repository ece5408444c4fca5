package oauth

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// tv is a client without a browser.
func (h *harness) tv(change ...func(*oauth.CreateClientRequest)) oauth.CreatedClient {
	h.t.Helper()
	return h.web(append([]func(*oauth.CreateClientRequest){func(r *oauth.CreateClientRequest) {
		r.Name, r.AuthMethod, r.FirstParty, r.RedirectURIs = "TV", "none", false, nil
		r.GrantTypes = []string{deviceGrant, "refresh_token"}
	}}, change...)...)
}

const deviceScopes = "openid profile offline_access"

// device starts a device and gives its code and the user's.
func (h *harness) device(c oauth.CreatedClient, change ...string) (code, userCode string) {
	h.t.Helper()
	a := h.do(as(c, "/oauth2/device_authorization", set(url.Values{"scope": {deviceScopes}}, change...)))
	require.Equal(h.t, http.StatusOK, a.status, a.body)
	return a.text("device_code"), a.text("user_code")
}

func (h *harness) poll(c oauth.CreatedClient, code string, change ...string) answer {
	h.t.Helper()
	return h.do(as(c, "/oauth2/token", set(url.Values{"grant_type": {deviceGrant}, "device_code": {code}}, change...)))
}

func (h *harness) decide(userCode string, allow bool, change ...func(*oauth.Login)) error {
	login := h.login()
	for _, f := range change {
		f(login)
	}
	_, err := h.service.DecideDevice(h.t.Context(), oauth.DecideDeviceRequest{UserCode: userCode, Login: *login, Allow: allow})
	return err
}

// payload are the claims of a JWT, unverified.
func payload(tb testing.TB, token string) map[string]any {
	tb.Helper()
	parts := strings.Split(token, ".")
	require.Len(tb, parts, 3, token)
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(tb, err)
	var claims map[string]any
	require.NoError(tb, json.Unmarshal(text, &claims))
	return claims
}

func TestDeviceGetsTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		a := h.do(as(c, "/oauth2/device_authorization", url.Values{"scope": {deviceScopes}}))
		require.Equal(t, http.StatusOK, a.status, a.body)
		assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
		userCode := a.text("user_code")
		assert.Regexp(t, `^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`, userCode)
		assert.Equal(t, testOrigin+"/device", a.text("verification_uri"))
		assert.Equal(t, testOrigin+"/device?user_code="+userCode, a.text("verification_uri_complete"))
		assert.InDelta(t, 600, a.json["expires_in"], 0)
		assert.InDelta(t, 5, a.json["interval"], 0)
		code := a.text("device_code")
		requireError(t, h.poll(c, code), http.StatusBadRequest, "authorization_pending")

		found, err := h.service.FindDevice(t.Context(), oauth.DeviceRequest{UserCode: strings.ToLower(strings.ReplaceAll(userCode, "-", " "))})
		require.NoError(t, err)
		assert.Equal(t, userCode, found.UserCode)
		assert.Equal(t, c.Client.ID, found.Client.ID)
		assert.Equal(t, strings.Fields(deviceScopes), found.Scopes)
		require.NoError(t, h.decide(strings.ReplaceAll(userCode, "-", ""), true))
		_, err = h.service.FindDevice(t.Context(), oauth.DeviceRequest{UserCode: userCode})
		require.True(t, fault.Is(err, fault.NotFound), "it has been answered: %v", err)

		tokens := h.poll(c, code)
		require.Equal(t, http.StatusOK, tokens.status, tokens.body)
		assert.Equal(t, "Bearer", tokens.text("token_type"))
		assert.Equal(t, deviceScopes, tokens.text("scope"))
		claims := payload(t, tokens.text("id_token"))
		assert.Equal(t, alice, claims["sub"])
		assert.Equal(t, c.Client.ID, claims["aud"])
		assert.Equal(t, h.login().Session, claims["sid"])
		assert.Equal(t, []any{"pwd"}, claims["amr"])
		assert.NotContains(t, claims, "nonce")
		assert.Equal(t, http.StatusOK, h.userinfo(tokens.text("access_token")).status)
		assert.Equal(t, http.StatusOK, h.refresh(c, tokens.text("refresh_token")).status)

		requireError(t, h.poll(c, code), http.StatusBadRequest, "invalid_grant")
		assert.Equal(t, http.StatusOK, h.userinfo(tokens.text("access_token")).status, "what was got stays good")
		list, err := h.service.ListConsents(t.Context(), oauth.SubjectRequest{Subject: alice})
		require.NoError(t, err)
		require.Len(t, list.Consents, 1)
		assert.ElementsMatch(t, strings.Fields(deviceScopes), list.Consents[0].Scopes)
	})
}

func TestDeviceWithoutOfflineAccess(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		for name, c := range map[string]oauth.CreatedClient{
			"not asked for": h.tv(),
			"no refresh":    h.tv(func(r *oauth.CreateClientRequest) { r.GrantTypes = []string{deviceGrant} }),
		} {
			scopes := "openid offline_access"
			if name == "not asked for" {
				scopes = "openid"
			}
			code, userCode := h.device(c, "scope", scopes)
			require.NoError(t, h.decide(userCode, true))
			a := h.poll(c, code)
			require.Equal(t, http.StatusOK, a.status, a.body)
			assert.NotContains(t, a.json, "refresh_token", name)
			assert.Equal(t, "openid", a.text("scope"), name)
		}
	})
}

func TestDeviceIsDenied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		code, userCode := h.device(c)
		require.NoError(t, h.decide(userCode, false))
		requireError(t, h.poll(c, code), http.StatusBadRequest, "access_denied")
		requireError(t, h.poll(c, code), http.StatusBadRequest, "access_denied")
		require.True(t, fault.Is(h.decide(userCode, true), fault.NotFound), "one answer only")
	})
}

func TestDeviceExpires(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		code, userCode := h.device(c)
		late, lateUser := h.device(c)
		require.NoError(t, h.decide(lateUser, true))
		h.clock.Advance(10*time.Minute - time.Microsecond)
		requireError(t, h.poll(c, code), http.StatusBadRequest, "authorization_pending")
		h.clock.Advance(time.Microsecond)
		requireError(t, h.poll(c, code), http.StatusBadRequest, "expired_token")
		requireError(t, h.poll(c, late), http.StatusBadRequest, "expired_token")
		require.True(t, fault.Is(h.decide(userCode, true), fault.NotFound))
		_, err := h.service.FindDevice(t.Context(), oauth.DeviceRequest{UserCode: userCode})
		require.True(t, fault.Is(err, fault.NotFound))

		n, err := h.service.devices.Devices.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		assert.Zero(t, n, "a late device still hears what has happened")
		h.clock.Advance(10 * time.Minute)
		n, err = h.service.devices.Devices.Sweep(t.Context(), h.clock.Now())
		require.NoError(t, err)
		assert.EqualValues(t, 2, n)
		requireError(t, h.poll(c, code), http.StatusBadRequest, "invalid_grant")
	})
}

// Trap 11: fosite's device grant looks for its session by the raw code.
func TestTrap11NoDeviceCodeIsStored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		code, userCode := h.device(c)
		check := func() {
			var hash, mac []byte
			var rest string
			require.NoError(t, h.db.QueryRow(t.Context(), `SELECT code_hash, user_code_mac, client_id || scopes || resources || state
				FROM device_requests`).Scan(&hash, &mac, &rest))
			all := string(hash) + string(mac) + rest + dump(t, h.db)
			for _, secret := range []string{code, userCode, strings.ReplaceAll(userCode, "-", "")} {
				assert.NotContains(t, all, secret)
			}
		}
		check()
		require.NoError(t, h.decide(userCode, true))
		check()
		require.Equal(t, http.StatusOK, h.poll(c, code).status)
		check()
		for range 2 { // what is redeemed stays so
			requireError(t, h.poll(c, code), http.StatusBadRequest, "invalid_grant")
		}
		assert.NotContains(t, h.log.String(), code)
		assert.NotContains(t, h.log.String(), userCode)
	})
}

// Trap 16: fosite has no slow_down.
func TestTrap16HastyDevicesAreSlowedDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		code, userCode := h.device(c)
		for _, step := range []struct {
			wait time.Duration
			want string
		}{
			{0, "authorization_pending"}, // nobody has to wait before the first one
			{5 * time.Second, "authorization_pending"},
			{4 * time.Second, "authorization_pending"},       // what the network does
			{4*time.Second - time.Microsecond, "slow_down"},  // 10 s from now on
			{5 * time.Second, "slow_down"},                   // 15 s
			{15 * time.Second, "authorization_pending"},      //
			{14*time.Second - time.Microsecond, "slow_down"}, // 20 s
			{19 * time.Second, "authorization_pending"},      //
			{0, "slow_down"},                                 // 25 s
			{24*time.Second - time.Microsecond, "slow_down"}, // 30 s
			{30 * time.Second, "authorization_pending"},      //
		} {
			h.clock.Advance(step.wait)
			requireError(t, h.poll(c, code), http.StatusBadRequest, step.want)
		}
		require.NoError(t, h.decide(userCode, true))
		assert.Equal(t, http.StatusOK, h.poll(c, code).status, "nobody waits for what is there")
	})
}

func TestDeviceOfManyAtOnceOneWins(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.tv()
		code, userCode := h.device(c)
		pending := 0
		for _, a := range together(6, func() answer { return h.poll(c, code) }) {
			if a.text("error") == "authorization_pending" {
				pending++
				continue
			}
			requireError(t, a, http.StatusBadRequest, "slow_down")
		}
		assert.Equal(t, 1, pending)

		var mu sync.Mutex
		answered := 0
		together(6, func() answer {
			err := h.decide(userCode, true)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answered++
			} else {
				assert.True(t, fault.Is(err, fault.NotFound), "%v", err)
			}
			return answer{}
		})
		assert.Equal(t, 1, answered)
		var grants int
		require.NoError(t, h.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM grants").Scan(&grants))
		assert.Equal(t, 1, grants)

		var won []answer
		for _, a := range together(6, func() answer { return h.poll(c, code) }) {
			if a.status == http.StatusOK {
				won = append(won, a)
				continue
			}
			requireError(t, a, http.StatusBadRequest, "invalid_grant")
		}
		require.Len(t, won, 1)
		assert.Equal(t, http.StatusOK, h.userinfo(won[0].text("access_token")).status)
	})
}
