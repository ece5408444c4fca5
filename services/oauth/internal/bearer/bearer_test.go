package bearer

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

func TestAccessTokens(t *testing.T) {
	t.Parallel()
	access := Access{Ring: testkit.Ring(t)}
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, want := range []AccessToken{
		{ID: NewTokenID(), Client: "c", Issued: now, Expires: now.Add(time.Minute)},
		{ID: NewTokenID(), Grant: grant.NewID(now), Client: "c", Scopes: []string{"a", "b"}, Audience: []string{"x"}, Issued: now, Expires: now},
	} {
		token, err := access.Seal(want)
		require.NoError(t, err)
		got, err := access.Open(t.Context(), token)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Equal(t, want.Grant != grant.ID{}, got.HasGrant())
		again, err := access.Seal(want)
		require.NoError(t, err)
		assert.NotEqual(t, token, again)
		requireOneSpelling(t, token, func(s string) bool {
			_, err := access.Open(t.Context(), s)
			return err == nil
		})
		_, err = Access{Ring: testkit.Ring(t)}.Open(t.Context(), token)
		require.ErrorIs(t, err, ErrToken, "another installation's")
	}
	// What the ring sealed for another purpose is no token.
	box, err := access.Ring.Seal("totp-seed", []byte(`{"j":"AAAAAAAAAAAAAAAAAAAAAA==","c":"c","e":99999999999}`), nil)
	require.NoError(t, err)
	_, err = access.Open(t.Context(), encode(accessPrefix, box))
	require.ErrorIs(t, err, ErrToken)
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	ring := testkit.Ring(t)
	refresh, id := Refresh{Ring: ring}, grant.NewID(time.Now())
	token := refresh.Make(id, 7)
	assert.Equal(t, token, refresh.Make(id, 7), "derived, so that a retry gets the same")
	assert.NotEqual(t, token, refresh.Make(id, 8))
	gotID, generation, ok := refresh.Parse(token)
	require.True(t, ok)
	assert.Equal(t, id, gotID)
	assert.EqualValues(t, 7, generation)
	requireOneSpelling(t, token, func(s string) bool {
		_, _, ok := refresh.Parse(s)
		return ok
	})
	forged := encode(refreshPrefix, append(id[:], make([]byte, generationSize+32)...))
	_, _, ok = refresh.Parse(forged)
	assert.False(t, ok)
}

// requireOneSpelling changes every character, and the ends.
func requireOneSpelling(t *testing.T, token string, good func(string) bool) {
	t.Helper()
	require.True(t, good(token))
	for i := range token {
		for _, c := range []byte("Aa_-=1") {
			if token[i] == c {
				continue
			}
			changed := token[:i] + string(c) + token[i+1:]
			require.False(t, good(changed), "position %d", i)
		}
	}
	for _, other := range []string{token + "=", token + "A", token[1:], token[:len(token)-1], " " + token, token + "\n", strings.ToLower(token), ""} {
		require.False(t, good(other), "%q", other)
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	id := grant.NewID(time.Now())
	code, hash := NewCode(id)
	got, ok := ParseCode(code)
	require.True(t, ok)
	assert.Equal(t, id, got)
	assert.Equal(t, Hash(code), hash)
	other, _ := NewCode(id)
	assert.NotEqual(t, code, other)
	for _, wrong := range []string{"", "gh_ac_", code[:len(code)-1], code + "A", "gh_at_" + code[6:]} {
		_, ok := ParseCode(wrong)
		assert.False(t, ok, wrong)
	}
	first := Random()
	assert.NotEqual(t, first, Random())
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	old, fresh := make([]byte, keyring.RootSize), make([]byte, keyring.RootSize)
	fresh[0] = 1
	before, err := keyring.NewRing(old)
	require.NoError(t, err)
	after, err := keyring.NewRing(fresh, old)
	require.NoError(t, err)

	secret := []byte(NewSecret())
	hash, err := Secrets{Ring: before}.Hash(t.Context(), secret)
	require.NoError(t, err)
	s := Secrets{Ring: after}
	require.NoError(t, s.Compare(t.Context(), hash, secret))
	assert.True(t, s.Stale(hash, secret))
	assert.False(t, Secrets{Ring: before}.Stale(hash, secret))
	require.ErrorIs(t, s.Compare(t.Context(), hash, []byte("x")), ErrSecret)
	require.ErrorIs(t, s.Compare(t.Context(), nil, nil), ErrSecret, "a public client has no secret to know")
	require.ErrorIs(t, s.Compare(t.Context(), nil, secret), ErrSecret)
}
