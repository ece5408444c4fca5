package oauth

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

// aboutAlice is what her profile stands for by now.
var aboutAlice = []string{
	"birthdate", "family_name", "gender", "given_name", "locale", "middle_name", "name", "nickname", "picture",
	"preferred_username", "profile", "sub", "updated_at", "website", "zoneinfo",
}

// TestStandardClaims from the accounts service to UserInfo and, where they are
// asked for, ID tokens.
func TestStandardClaims(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		h.accounts.change(alice, says)
		c := h.web(wide)
		info := h.userinfo(h.tokens(c, "scope", "openid profile").text("access_token")).json
		assert.Equal(t, aboutAlice, keysOf(info))
		assert.Equal(t, testOrigin+"/picture/x", info["picture"])
		assert.InDelta(t, 1767258000, info["updated_at"], 0)
		assert.Equal(t, map[string]any{"locality": "Wien", "country": "Austria"},
			h.userinfo(h.tokens(c, "scope", "openid address").text("access_token")).json["address"])

		tokens := h.tokens(c, "scope", "openid profile address", "claims", `{"id_token":{"address":null,"nickname":{"essential":true},"gender":null}}`)
		_, id := h.read(tokens.text("id_token"))
		assert.Equal(t, []any{"Al", "female", map[string]any{"locality": "Wien", "country": "Austria"}},
			[]any{id["nickname"], id["gender"], id["address"]})
		assert.NotContains(t, id, "birthdate", "as it was not asked for there")
		_, id = h.read(h.tokens(c, "scope", "openid profile address").text("id_token"))
		assert.NotContains(t, id, "nickname")

		login := h.login()
		login.Subject = bob
		code := redirected(t, h.authorize(form(c, "scope", "openid profile address phone"), login)).Get("code")
		assert.Equal(t, []string{"given_name", "locale", "name", "sub", "updated_at"},
			keysOf(h.userinfo(h.redeem(c, code).text("access_token")).json), "who says nothing is silent")
	})
}

// TestScopesKeepTheirMeaning for whoever allowed them before they stood for what
// users say of themselves, until they are asked again.
func TestScopesKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *harness) {
		c := h.web(thirdParty, wide)
		h.accounts.change(alice, says)
		h.accounts.change(alice, func(a *accounts.Account) { a.Profile.PhoneNumber = "+4989699310" })
		all := []string{"scope", "openid profile phone address offline_access"}
		about := func(a oauth.Authorization) map[string]any {
			t.Helper()
			tokens := h.redeem(c, redirected(t, a).Get("code"))
			require.Equal(t, http.StatusOK, tokens.status, tokens.body)
			return h.userinfo(h.refresh(c, tokens.text("refresh_token")).text("access_token")).json
		}
		narrow := []string{"family_name", "given_name", "locale", "name", "phone_number", "phone_number_verified", "preferred_username", "sub", "updated_at"}
		yes := func(a oauth.Authorization) oauth.Authorization {
			t.Helper()
			require.NotNil(t, a.Consent, "%+v", a)
			return h.resume(a.Consent.ID, h.login(), allow)
		}
		now := about(yes(h.authorize(form(c, all...), h.login())))
		assert.Subset(t, keysOf(now), aboutAlice)
		assert.Equal(t, "+4989699310", now["phone_number"])

		_, err := h.db.Exec(t.Context(), `UPDATE consents SET meaning = 1`) // the default: as another version has written it
		require.NoError(t, err)
		before := about(h.authorize(form(c, all...), h.login()))
		assert.Equal(t, narrow, keysOf(before), "nobody is asked, and nothing more is told")
		assert.Equal(t, "+4915123456789", before["phone_number"], "the one that was allowed")

		named := slices.Concat(all, []string{"claims", `{"userinfo":{"picture":null}}`})
		assert.Equal(t, narrow, keysOf(about(h.authorize(form(c, slices.Concat(named, []string{"prompt", "none"})...), h.login()))), "nobody is there to ask")
		assert.Subset(t, keysOf(about(yes(h.authorize(form(c, named...), h.login())))), aboutAlice)
		assert.Subset(t, keysOf(about(h.authorize(form(c, all...), h.login()))), aboutAlice, "it was allowed again")

		tokens := h.redeem(c, redirected(t, h.authorize(form(c, all...), h.login())).Get("code"))
		h.amend(c, func(d *grant.Details) { d.Meaning = 0 }) // granted by another version
		assert.Equal(t, narrow, keysOf(h.userinfo(tokens.text("access_token")).json))
	})
}
