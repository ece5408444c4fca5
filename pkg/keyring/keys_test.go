package keyring_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
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
	day     = 24 * time.Hour
	rotate  = 90 * day
	publish = day
	retire  = 30 * day
)

var schema = fstest.MapFS{"00001_keys.sql": {Data: []byte("-- +goose Up\n" + keyring.Schema)}}

// eachDB runs a test on both databases, beside other tests.
func eachDB(t *testing.T, test func(*testing.T, *fixture)) {
	t.Parallel()
	testkit.EachDB(t, "keys", schema, func(t *testing.T, d *db.DB) {
		test(t, &fixture{db: d, clock: testkit.Clock(), ring: testkit.Ring(t)})
	})
}

type fixture struct {
	db    *db.DB
	clock *clockwork.FakeClock
	ring  *keyring.Ring
}

func (f *fixture) options() keyring.KeysOptions {
	return keyring.KeysOptions{
		DB: f.db, Ring: f.ring, Clock: f.clock, Name: "session-token", Alg: keyring.HS512,
		Rotate: rotate, Retire: retire, Publish: publish,
	}
}

// replica is one more process with the same keys.
func (f *fixture) replica(t *testing.T) *keyring.Keys {
	t.Helper()
	keys, err := keyring.NewKeys(t.Context(), f.options())
	require.NoError(t, err)
	return keys
}

// pass moves the clock and has the keys looked after then.
func (f *fixture) pass(t *testing.T, d time.Duration, keys *keyring.Keys) {
	t.Helper()
	f.clock.Advance(d)
	require.NoError(t, keys.Maintain(t.Context()))
}

func signing(t *testing.T, keys *keyring.Keys) keyring.Key {
	t.Helper()
	key, err := keys.Signing(t.Context())
	require.NoError(t, err)
	return key
}

func verifies(t *testing.T, keys *keyring.Keys, kid string) bool {
	t.Helper()
	key, err := keys.Verifying(t.Context(), kid)
	if err != nil {
		require.ErrorIs(t, err, keyring.ErrUnknownKey)
		return false
	}
	assert.Equal(t, kid, key.ID)
	return true
}

func ids(t *testing.T, keys *keyring.Keys) []string {
	t.Helper()
	all, err := keys.All(t.Context())
	require.NoError(t, err)
	var ids []string
	for _, key := range all {
		ids = append(ids, key.ID)
	}
	return ids
}

func TestKeysOfEveryAlgorithm(t *testing.T) {
	types := map[keyring.Alg]any{
		keyring.HS512: []byte(nil),
		keyring.RS256: (*rsa.PrivateKey)(nil),
		keyring.ES256: (*ecdsa.PrivateKey)(nil),
		keyring.EdDSA: ed25519.PrivateKey(nil),
	}
	eachDB(t, func(t *testing.T, f *fixture) {
		for alg, private := range types {
			o := f.options()
			o.Alg, o.Name = alg, "for "+string(alg)
			keys, err := keyring.NewKeys(t.Context(), o)
			require.NoError(t, err)
			key := signing(t, keys)
			assert.Equal(t, alg, key.Alg)
			assert.IsType(t, private, key.Private)
			assert.Equal(t, f.clock.Now(), key.NotBefore)
			assert.Zero(t, key.NotAfter)

			restarted, err := keyring.NewKeys(t.Context(), o)
			require.NoError(t, err)
			again, err := restarted.Verifying(t.Context(), key.ID)
			require.NoError(t, err)
			assert.Equal(t, key, again)
			if alg == keyring.HS512 {
				assert.Len(t, key.Private, 64)
				assert.Nil(t, key.Public())
				continue
			}
			public, ok := key.Public().(interface {
				Equal(other crypto.PublicKey) bool
			})
			require.True(t, ok)
			assert.True(t, public.Equal(again.Public()))
		}
	})
}

func TestReplicasAgreeOnTheFirstKey(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		const replicas = 6
		start, made := make(chan struct{}), make(chan string, replicas)
		for range replicas {
			go func() {
				<-start
				keys, err := keyring.NewKeys(t.Context(), f.options())
				if err != nil {
					made <- err.Error()
					return
				}
				key, err := keys.Signing(t.Context())
				made <- fmt.Sprint(key.ID, err)
			}()
		}
		close(start)
		first := <-made
		for range replicas - 1 {
			assert.Equal(t, first, <-made)
		}
		assert.Len(t, ids(t, f.replica(t)), 1)
	})
}

func TestSetsOfKeysAreApart(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		one := f.replica(t)
		o := f.options()
		o.Name = "other"
		other, err := keyring.NewKeys(t.Context(), o)
		require.NoError(t, err)
		assert.NotEqual(t, signing(t, one).ID, signing(t, other).ID)
		assert.False(t, verifies(t, other, signing(t, one).ID))
		require.ErrorIs(t, other.Revoke(t.Context(), signing(t, one).ID), keyring.ErrUnknownKey)
	})
}

func TestPrivateKeysAreSealedAtRest(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		o := f.options()
		o.Alg = keyring.ES256
		keys, err := keyring.NewKeys(t.Context(), o)
		require.NoError(t, err)
		key := signing(t, keys)
		plain, err := x509.MarshalPKCS8PrivateKey(key.Private)
		require.NoError(t, err)
		private, ok := key.Private.(*ecdsa.PrivateKey)
		require.True(t, ok)
		scalar, err := private.Bytes()
		require.NoError(t, err)

		sealed := f.sealed(t, key.ID)
		assert.Len(t, sealed, len(plain)+keyring.Overhead)
		assert.False(t, bytes.Contains(sealed, scalar))
		assert.False(t, bytes.Contains(sealed, plain[:16]))
	})
}

func (f *fixture) sealed(t *testing.T, kid string) []byte {
	t.Helper()
	var sealed []byte
	require.NoError(t, f.db.QueryRow(t.Context(), `SELECT sealed FROM signing_keys WHERE id = $1`, kid).Scan(&sealed))
	return sealed
}

func TestARowsKeyIsTiedToIt(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys := f.replica(t)
		before := signing(t, keys).ID
		require.NoError(t, keys.Rotate(t.Context()))
		_, err := f.db.Exec(t.Context(), `UPDATE signing_keys SET sealed = $1 WHERE id = $2`, f.sealed(t, before), signing(t, keys).ID)
		require.NoError(t, err)
		_, err = keyring.NewKeys(t.Context(), f.options())
		require.ErrorIs(t, err, keyring.ErrSealed)
	})
}

func TestKeysGoOnWhileTheDatabaseIsAway(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		var log bytes.Buffer
		o := f.options()
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		keys, err := keyring.NewKeys(t.Context(), o)
		require.NoError(t, err)
		key, replica := signing(t, keys), f.replica(t)
		require.NoError(t, replica.Rotate(t.Context()))
		_, err = f.db.Exec(t.Context(), `ALTER TABLE signing_keys RENAME TO away`)
		require.NoError(t, err)

		f.clock.Advance(2 * time.Minute)
		assert.Equal(t, key.ID, signing(t, keys).ID)
		assert.True(t, verifies(t, keys, key.ID))
		assert.Equal(t, 1, bytes.Count(log.Bytes(), []byte("cannot be read again")), "and is not asked each time")
		_, err = keys.Verifying(t.Context(), signing(t, replica).ID)
		require.Error(t, err)
		require.NotErrorIs(t, err, keyring.ErrUnknownKey, "it may well be known")
		require.Error(t, keys.Maintain(t.Context()))

		_, err = f.db.Exec(t.Context(), `ALTER TABLE away RENAME TO signing_keys`)
		require.NoError(t, err)
		f.clock.Advance(5 * time.Second)
		assert.Equal(t, signing(t, replica).ID, signing(t, keys).ID)
	})
}

func TestNewKeysRefusesBadOptions(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		cases := map[string]func(*keyring.KeysOptions){
			"need a name":               func(o *keyring.KeysOptions) { o.Name = "" },
			"need a database":           func(o *keyring.KeysOptions) { o.DB = nil },
			"no root key given":         func(o *keyring.KeysOptions) { o.Ring = nil },
			`no algorithm "none"`:       func(o *keyring.KeysOptions) { o.Alg = "none" },
			"times to rotate":           func(o *keyring.KeysOptions) { o.Rotate = 0 },
			"to retire":                 func(o *keyring.KeysOptions) { o.Retire = -1 },
			"less time than they sign":  func(o *keyring.KeysOptions) { o.Publish = o.Rotate },
			"less time than they sign ": func(o *keyring.KeysOptions) { o.Publish = -1 },
		}
		for want, change := range cases {
			o := f.options()
			change(&o)
			_, err := keyring.NewKeys(t.Context(), o)
			require.ErrorContains(t, err, string(bytes.TrimSpace([]byte(want))))
		}
	})
}

func TestNewKeysNeedsItsTable(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, "keys", nil, func(t *testing.T, d *db.DB) {
		f := &fixture{db: d, clock: testkit.Clock(), ring: testkit.Ring(t)}
		_, err := keyring.NewKeys(t.Context(), f.options())
		require.ErrorContains(t, err, `read the keys "session-token"`)
	})
}

func TestVerifyingStopsWaitingWithItsCaller(t *testing.T) {
	eachDB(t, func(t *testing.T, f *fixture) {
		keys := f.replica(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := keys.Verifying(ctx, "unknown")
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestKeysNeverPrintTheirSecrets(t *testing.T) {
	t.Parallel()
	key := keyring.Key{ID: "abc", Alg: keyring.HS512, Private: []byte("never-be-seen")}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "key", key, "pointer", &key)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "key", key, "pointer", &key)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&log, verb+" "+verb+"\n", key, []keyring.Key{key})
	}
	text, err := json.Marshal([]keyring.Key{key})
	require.NoError(t, err)
	log.Write(text)
	for _, secret := range []string{"never-be-seen", "bmV2ZXItYmUtc2Vlbg", "110 101 118", "6e657665722d"} {
		assert.NotContains(t, log.String(), secret)
	}
	assert.Contains(t, log.String(), "keyring.Key(HS512 abc)")
}
