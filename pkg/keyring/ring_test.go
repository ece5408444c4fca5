package keyring_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

func rootKey(n byte) []byte {
	key := bytes.Repeat([]byte{n}, keyring.RootSize)
	key[0] = 0x42
	return key
}

func newRing(t *testing.T, roots ...[]byte) *keyring.Ring {
	t.Helper()
	ring, err := keyring.NewRing(roots...)
	require.NoError(t, err)
	return ring
}

func seal(t *testing.T, ring *keyring.Ring, purpose, plaintext, aad string) []byte {
	t.Helper()
	sealed, err := ring.Seal(purpose, []byte(plaintext), []byte(aad))
	require.NoError(t, err)
	return sealed
}

func TestRingOpensWhatItSealed(t *testing.T) {
	t.Parallel()
	ring := newRing(t, rootKey(1))
	for _, plaintext := range []string{"", "x", "a seed", strings.Repeat("long ", 10_000)} {
		sealed := seal(t, ring, "totp-seed", plaintext, "account 7")
		assert.Len(t, sealed, len(plaintext)+keyring.Overhead)
		if len(plaintext) > 3 {
			assert.NotContains(t, string(sealed), plaintext[:4])
		}
		opened, err := ring.Open("totp-seed", sealed, []byte("account 7"))
		require.NoError(t, err)
		assert.Equal(t, plaintext, string(opened))
	}
}

func TestRingSealsTheSameTextDifferentlyEachTime(t *testing.T) {
	t.Parallel()
	ring := newRing(t, rootKey(1))
	first, second := seal(t, ring, "p", "text", ""), seal(t, ring, "p", "text", "")
	assert.NotEqual(t, first, second)
	assert.NotEqual(t, first[9:25], second[9:25], "the salt")
	assert.NotEqual(t, first[25:37], second[25:37], "the nonce")
}

func TestRingRefusesToOpen(t *testing.T) {
	t.Parallel()
	ring := newRing(t, rootKey(1))
	sealed := seal(t, ring, "totp-seed", "a seed", "account 7")
	stranger := seal(t, newRing(t, rootKey(2)), "totp-seed", "a seed", "account 7")
	otherVersion := bytes.Clone(sealed)
	otherVersion[0]++

	cases := map[string]struct {
		purpose string
		sealed  []byte
		aad     string
		want    error
	}{
		"another purpose":         {"outbox", sealed, "account 7", keyring.ErrSealed},
		"other additional data":   {"totp-seed", sealed, "account 8", keyring.ErrSealed},
		"no additional data":      {"totp-seed", sealed, "", keyring.ErrSealed},
		"a root outside the ring": {"totp-seed", stranger, "account 7", keyring.ErrUnknownRoot},
		"another version":         {"totp-seed", otherVersion, "account 7", keyring.ErrSealed},
		"a truncated value":       {"totp-seed", sealed[:len(sealed)-1], "account 7", keyring.ErrSealed},
		"the header alone":        {"totp-seed", sealed[:20], "account 7", keyring.ErrSealed},
		"nothing":                 {"totp-seed", nil, "account 7", keyring.ErrSealed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, err := ring.Open(c.purpose, c.sealed, []byte(c.aad))
			require.ErrorIs(t, err, c.want)
			assert.Nil(t, opened)
		})
	}
}

func TestRingNoticesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	ring := newRing(t, rootKey(1))
	sealed := seal(t, ring, "p", "a seed", "row 1")
	for i := range len(sealed) * 8 {
		damaged := bytes.Clone(sealed)
		damaged[i/8] ^= 1 << (i % 8)
		_, err := ring.Open("p", damaged, []byte("row 1"))
		require.Error(t, err, "bit %d", i)
	}
}

func TestRingRotatesItsRoots(t *testing.T) {
	t.Parallel()
	before := newRing(t, rootKey(1))
	during := newRing(t, rootKey(2), rootKey(1))
	after := newRing(t, rootKey(2))
	old := seal(t, before, "p", "text", "")

	opened, err := during.Open("p", old, nil)
	require.NoError(t, err)
	assert.Equal(t, "text", string(opened))
	assert.True(t, during.Stale(old))
	assert.False(t, before.Stale(old))

	fresh := seal(t, during, "p", "text", "")
	assert.False(t, during.Stale(fresh))
	_, err = after.Open("p", fresh, nil)
	require.NoError(t, err)
	_, err = after.Open("p", old, nil)
	require.ErrorIs(t, err, keyring.ErrUnknownRoot)
	assert.False(t, after.Stale([]byte("short")))
}

func TestRingMAC(t *testing.T) {
	t.Parallel()
	before := newRing(t, rootKey(1))
	during := newRing(t, rootKey(2), rootKey(1))
	after := newRing(t, rootKey(2))
	mac := before.MAC("client-secret", []byte("s3cret"))

	assert.Len(t, mac, 32)
	assert.Equal(t, mac, before.MAC("client-secret", []byte("s3cret")))
	assert.True(t, before.VerifyMAC("client-secret", []byte("s3cret"), mac))
	assert.True(t, during.VerifyMAC("client-secret", []byte("s3cret"), mac), "an older root verifies")
	assert.False(t, after.VerifyMAC("client-secret", []byte("s3cret"), mac), "a root that left does not")
	assert.False(t, before.VerifyMAC("device-code", []byte("s3cret"), mac), "another purpose")
	assert.False(t, before.VerifyMAC("client-secret", []byte("other"), mac))
	assert.False(t, before.VerifyMAC("client-secret", []byte("s3cret"), mac[:16]))
	assert.False(t, before.VerifyMAC("client-secret", []byte("s3cret"), nil))
}

func TestSealNeedsAPurpose(t *testing.T) {
	t.Parallel()
	_, err := newRing(t, rootKey(1)).Seal("", []byte("text"), nil)
	require.ErrorContains(t, err, "purpose")
}

func TestNewRingRefusesBadRoots(t *testing.T) {
	t.Parallel()
	_, err := keyring.NewRing()
	require.ErrorIs(t, err, keyring.ErrNoRoot)
	_, err = keyring.NewRing(rootKey(1), rootKey(2)[:16])
	require.EqualError(t, err, "keyring: root key 2 has 16 bytes, not 32")
	_, err = keyring.NewRing(rootKey(1), rootKey(2), rootKey(1))
	require.EqualError(t, err, "keyring: root key 3 is given twice")
}

func TestRingDoesNotFollowChangesOfItsArguments(t *testing.T) {
	t.Parallel()
	key := rootKey(1)
	ring := newRing(t, key)
	sealed := seal(t, ring, "p", "text", "")
	clear(key)
	_, err := ring.Open("p", sealed, nil)
	require.NoError(t, err)
}

func TestRingNeverPrintsItsKeys(t *testing.T) {
	t.Parallel()
	ring := newRing(t, []byte("this-root-key-must-never-be-seen"))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("starting", "ring", ring)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("starting", "ring", ring)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		fmt.Fprintf(&log, verb+"\n", ring)
	}
	assert.NotContains(t, log.String(), "never-be-seen")
	assert.NotContains(t, log.String(), "116 104 105 115")
	assert.NotContains(t, log.String(), "746869732d726f6f74")
	assert.Contains(t, log.String(), "keyring.Ring(1 roots)")
}

// What lies in databases must open for ever: these were made by the first version.
const (
	sealedByVersion1 = "01847cf0ac77b24168a4ccb348b939cd8f81da8395f1eeba8f61b1fa8b408bd3aa023ae8c0f7cadb7edba3ba0cd9e72a87e631b4320b6827c1"
	macByVersion1    = "41c29fb53e8b905e4b7c228bf7614009469bc3b0b94545f045914c4cf32fee38"
)

func TestRingKeepsItsFormat(t *testing.T) {
	t.Parallel()
	ring := newRing(t, rootKey(1))
	sealed, err := hex.DecodeString(sealedByVersion1)
	require.NoError(t, err)
	opened, err := ring.Open("p", sealed, []byte("aad"))
	require.NoError(t, err)
	assert.Equal(t, "text", string(opened))
	assert.Equal(t, macByVersion1, hex.EncodeToString(ring.MAC("p", []byte("text"))))
}

func FuzzRingOpen(f *testing.F) {
	ring, err := keyring.NewRing(rootKey(1), rootKey(2))
	require.NoError(f, err)
	sealed, err := hex.DecodeString(sealedByVersion1)
	require.NoError(f, err)
	f.Add("p", sealed, []byte("aad"))
	f.Add("p", sealed[:len(sealed)/2], []byte("aad"))
	f.Add("", []byte{}, []byte{})
	f.Add("p", bytes.Repeat([]byte{1}, keyring.Overhead), []byte(nil))
	f.Fuzz(func(t *testing.T, purpose string, value, aad []byte) {
		opened, err := ring.Open(purpose, value, aad)
		genuine := purpose == "p" && bytes.Equal(value, sealed) && string(aad) == "aad"
		if genuine != (err == nil) {
			t.Fatalf("Open(%q, %x, %x) = %q, %v", purpose, value, aad, opened, err)
		}
		_ = ring.Stale(value)
		_ = ring.VerifyMAC(purpose, value, aad)
	})
}
