package keys

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	issuer = "https://id.example"
	day    = 24 * time.Hour
)

var schema = fstest.MapFS{"00001_keys.sql": {Data: []byte("-- +goose Up\n" + keyring.Schema)}}

type fixture struct {
	db    *db.DB
	clock *clockwork.FakeClock
	ring  *keyring.Ring
}

func each(t *testing.T, test func(*testing.T, *fixture)) {
	t.Helper()
	testkit.EachDB(t, "oauth", schema, func(t *testing.T, d *db.DB) {
		test(t, &fixture{d, testkit.Clock(), testkit.Ring(t)})
	})
}

// replica is one more process with the same keys.
func (f *fixture) replica(t *testing.T) *Signer {
	t.Helper()
	s, err := New(t.Context(), Options{
		Issuer: issuer, DB: f.db, Ring: f.ring, Clock: f.clock, Rotate: 30 * day, Retire: 10 * day,
	})
	require.NoError(t, err)
	return s
}

type said struct {
	Text string `json:"text"`
}

func TestEveryAlgorithmSignsAndVerifies(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		one, two := f.replica(t), f.replica(t)
		for _, algorithm := range append(Algorithms(), "") {
			token, err := one.Sign(t.Context(), algorithm, TypeAccessToken, said{"hello"})
			require.NoError(t, err)
			for _, signer := range []*Signer{one, two} {
				var got said
				require.NoError(t, signer.Verify(t.Context(), token, TypeAccessToken, &got))
				assert.Equal(t, said{"hello"}, got)
			}
			require.ErrorIs(t, one.Verify(t.Context(), token, TypeIDToken, &said{}), ErrToken, "of another type")
			require.ErrorIs(t, one.Verify(t.Context(), token, "", &said{}), ErrToken)
		}
		untyped, err := one.Sign(t.Context(), "", "", said{"hello"})
		require.NoError(t, err)
		require.NoError(t, one.Verify(t.Context(), untyped, "", &said{}))
		require.ErrorIs(t, one.Verify(t.Context(), untyped, TypeIDToken, &said{}), ErrToken)
		for _, unknown := range []string{"none", "HS256", "rs256", "PS256"} {
			_, err := one.Sign(t.Context(), unknown, "", said{})
			require.Error(t, err, unknown)
		}
		for _, garbage := range []string{"", ".", "..", "x.y.z", "....", strings.Repeat("A", 1<<16)} {
			require.ErrorIs(t, one.Verify(t.Context(), garbage, "", &said{}), ErrToken, "%.10q", garbage)
		}
	})
}

func TestKeysRetireAndAreRevoked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		s, other := f.replica(t), f.replica(t)
		for _, algorithm := range Algorithms() {
			token, err := s.Sign(t.Context(), algorithm, "", said{"hello"})
			require.NoError(t, err)
			require.NoError(t, s.Set(algorithm).Rotate(t.Context()))
			again, err := s.Sign(t.Context(), algorithm, "", said{"again"})
			require.NoError(t, err)
			require.NoError(t, other.Verify(t.Context(), again, "", &said{}), "the other replica looks it up")
			require.NoError(t, s.Verify(t.Context(), token, "", &said{}), "retired, not gone")

			key, err := s.Set(algorithm).Signing(t.Context())
			require.NoError(t, err)
			require.NoError(t, s.Set(algorithm).Revoke(t.Context(), key.ID))
			require.ErrorIs(t, s.Verify(t.Context(), again, "", &said{}), ErrToken, "revoked")
			f.clock.Advance(11 * day)
			require.ErrorIs(t, s.Verify(t.Context(), token, "", &said{}), ErrToken, "gone")
			require.ErrorIs(t, other.Verify(t.Context(), token, "", &said{}), ErrToken)
		}
		all, err := s.All(t.Context())
		require.NoError(t, err)
		assert.Len(t, all, len(Algorithms()), "one each is left")
	})
}

func TestSigningNeedsNoDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		s := f.replica(t)
		_, err := f.db.Exec(t.Context(), "ALTER TABLE signing_keys RENAME TO away")
		require.NoError(t, err)
		for range 3 {
			for _, algorithm := range Algorithms() {
				token, err := s.Sign(t.Context(), algorithm, "", said{"hello"})
				require.NoError(t, err)
				require.NoError(t, s.Verify(t.Context(), token, "", &said{}))
			}
			f.clock.Advance(time.Hour)
		}
	})
}

func TestHints(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		s := f.replica(t)
		sign := func(claims map[string]any) string {
			token, err := s.Sign(t.Context(), "ES256", TypeIDToken, claims)
			require.NoError(t, err)
			return token
		}
		good := func() map[string]any {
			return map[string]any{"iss": issuer, "sub": "alice", "aud": "app", "sid": "s", "exp": 1}
		}
		h, err := s.Hint(t.Context(), sign(good()))
		require.NoError(t, err)
		assert.Equal(t, Hint{Subject: "alice", Audience: []string{"app"}, Session: "s", Issuer: issuer}, h)
		subject, err := s.Subject(t.Context(), sign(good()), "app")
		require.NoError(t, err)
		assert.Equal(t, "alice", subject)
		_, err = s.Subject(t.Context(), sign(good()), "other")
		require.ErrorIs(t, err, ErrHint)
		for name, wrong := range map[string]any{"iss": "https://evil.example", "sub": "", "aud": []string{}} {
			claims := good()
			claims[name] = wrong
			_, err := s.Hint(t.Context(), sign(claims))
			require.ErrorIs(t, err, ErrHint, name)
		}
	})
}

func TestHalfHash(t *testing.T) {
	t.Parallel()
	// OpenID Connect Core 1.0 appendix A.3 and A.4.
	assert.Equal(t, "77QmUPtjPfzWtF2AnpK9RQ", HalfHash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"))
	assert.Equal(t, "LDktKdoQak3Pk0cnXxCltA", HalfHash("", "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"))
	assert.Len(t, HalfHash("EdDSA", "x"), 43, "half of SHA-512")
}
