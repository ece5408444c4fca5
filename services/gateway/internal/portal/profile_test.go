package portal_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/services/gateway/internal/gatewaytest"
)

func to[T any](v T) *T { return &v }

func TestPeopleSayMoreOfThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn()
	assert.Contains(t, b.get("/").Body.String(), `href="/account/profile"`)
	shown := b.get("/account/profile").Body.String()
	for _, part := range []string{
		`name="nickname" type="text" value="Titan" autocomplete="nickname"`, `name="birthdate"`, "Säbener Straße 51\n&lt;b&gt;</textarea>",
		`autocomplete="country-name"`, "only if you allow them to",
	} {
		assert.Contains(t, shown, part)
	}

	saved := b.post("/account/profile", "nickname", "", "birthdate", "0000-06-15", "address.street_address", "a\r\nb", "shoe_size", "46")
	require.Equal(t, http.StatusSeeOther, saved.Code)
	all := w.accounts.Asked("UpdateProfile")
	require.Len(t, all, 1)
	asked, ok := all[0].(accounts.UpdateProfileRequest)
	require.True(t, ok)
	asked.Actor = api.Actor{}
	assert.Equal(t, accounts.UpdateProfileRequest{
		Member: api.Ref{Hash: gatewaytest.UserHash}, Nickname: to(""), Birthdate: to("0000-06-15"),
		Address: accounts.AddressChange{StreetAddress: to("a\r\nb")},
	}, asked, "what the form lacks stays")
	assert.Contains(t, b.follow(saved).Body.String(), "Saved.")

	wrong := b.post("/account/profile", "website", "http://example.org", "nickname", `"><b>`)
	require.Equal(t, http.StatusUnprocessableEntity, wrong.Code)
	for _, part := range []string{
		`href="#website"`, "must be an address that begins with https://", `value="http://example.org"`, `value="&#34;&gt;&lt;b&gt;"`, `aria-invalid="true"`,
	} {
		assert.Contains(t, wrong.Body.String(), part)
	}
}

func TestWhoHasNoProfileHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	for _, a := range []answer{b.get("/account/profile"), b.post("/account/profile", "nickname", "x")} {
		assert.Equal(t, http.StatusSeeOther, a.Code)
		assert.Equal(t, "/login", a.Header().Get("Location"))
	}
	own := w.sessions.Open(sessions.ScopeFull, to(int64(1)))
	token, err := w.sessions.Impersonate(t.Context(), sessions.ImpersonateRequest{
		Session: own.Session.ID, User: own.Session.User, UserHash: gatewaytest.UserHash, Hub: 1,
	})
	require.NoError(t, err)
	acting := w.browser()
	acting.cookies["__Host-gatehouse_session"] = token.Token
	assert.Equal(t, http.StatusForbidden, acting.get("/account/profile").Code)
	assert.Equal(t, http.StatusForbidden, acting.post("/account/profile", "nickname", "x").Code)

	b = w.signedIn()
	b.site = "cross-site"
	assert.Equal(t, http.StatusForbidden, b.post("/account/profile", "nickname", "x").Code)
}
