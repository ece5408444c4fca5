package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
)

// site answers with a body or an error, and counts.
type site struct {
	sync.Mutex
	body  []byte
	err   error
	asked int
	gate  chan struct{} // if set, answers wait for it
}

func (s *site) Get(context.Context, string, string) (fetch.Document, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.Lock()
	defer s.Unlock()
	s.asked++
	return fetch.Document{Body: s.body}, s.err
}

func public(tb testing.TB, kid string) jose.JSONWebKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return jose.JSONWebKey{Key: &key.PublicKey, KeyID: kid}
}

func set(tb testing.TB, keys ...jose.JSONWebKey) []byte {
	tb.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	require.NoError(tb, err)
	return text
}

func remote(tb testing.TB, s *site) (*Keys, *clockwork.FakeClock, *Client) {
	tb.Helper()
	clock := clockwork.NewFakeClock()
	keys := NewKeys(KeysOptions{Fetcher: s, Clock: clock, Logger: slog.New(slog.DiscardHandler)})
	return keys, clock, &Client{Client: oauth.Client{Metadata: oauth.Metadata{JWKSURI: "https://keys.example"}}}
}

func TestKeySetsAreKept(t *testing.T) {
	t.Parallel()
	s := &site{body: set(t, public(t, "a"))}
	keys, clock, c := remote(t, s)
	find := func(kid string) error {
		_, err := keys.Find(t.Context(), c, kid, jose.ES256)
		return err
	}
	require.NoError(t, find("a"))
	clock.Advance(keysFor - time.Second)
	require.NoError(t, find("a"))
	assert.Equal(t, 1, s.asked)
	clock.Advance(time.Second)
	require.NoError(t, find("a"))
	assert.Equal(t, 2, s.asked)

	// A new key is found at once, but unknown ids do not make us ask all the time.
	s.body = set(t, public(t, "b"))
	require.NoError(t, find("b"))
	require.ErrorIs(t, find("a"), ErrNoKey, "it was withdrawn")
	for range 10 {
		require.ErrorIs(t, find("x"), ErrNoKey)
	}
	assert.Equal(t, 3, s.asked)
	s.body = set(t, public(t, "c"))
	clock.Advance(keysAgain - time.Second)
	require.ErrorIs(t, find("c"), ErrNoKey)
	clock.Advance(time.Second)
	require.NoError(t, find("c"))
	assert.Equal(t, 4, s.asked)

	// That an address has not answered ends a search, too.
	clock.Advance(keysAgain)
	s.err = errors.New("down")
	for range 10 {
		require.ErrorIs(t, find("d"), ErrNoKey)
	}
	require.NoError(t, find("c"))
	assert.Equal(t, 5, s.asked)
}

func TestASiteThatIsDown(t *testing.T) {
	t.Parallel()
	s := &site{body: set(t, public(t, "a"))}
	keys, clock, c := remote(t, s)
	find := func() error {
		_, err := keys.Find(t.Context(), c, "a", jose.ES256)
		return err
	}
	require.NoError(t, find())
	good := s.body
	for name, broken := range map[string]struct {
		body []byte
		err  error
	}{"down": {nil, errors.New("down")}, "lying": {[]byte("<html>"), nil}, "without keys": {[]byte("{}"), nil}} {
		clock.Advance(keysFor)
		s.body, s.err, s.asked = broken.body, broken.err, 0
		require.NoError(t, find(), name)
		require.NoError(t, find(), name)
		assert.Equal(t, 1, s.asked, name)
	}
	clock.Advance(keysStale)
	require.ErrorIs(t, find(), ErrNoKey, "for ever would keep alive what was withdrawn")
	asked := s.asked
	for range 10 {
		require.ErrorIs(t, find(), ErrNoKey)
	}
	assert.Equal(t, asked, s.asked)
	clock.Advance(keysAgain)
	s.body, s.err = good, nil
	require.NoError(t, find())
}

// Many at once are one fetch, and who gives up does not end it for the others.
func TestManyWaitForOneFetch(t *testing.T) {
	t.Parallel()
	s := &site{body: set(t, public(t, "a")), gate: make(chan struct{})}
	keys, _, c := remote(t, s)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := keys.Find(gone, c, "a", jose.ES256)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, ErrNoKey, "nobody knows whether there is one")

	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := keys.Find(t.Context(), c, "a", jose.ES256)
			assert.NoError(t, err)
		})
	}
	close(s.gate)
	all.Wait()
	assert.Equal(t, 1, s.asked)
}

func TestWhatIsReadOfAKeySet(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	good := public(t, "good")
	text := set(t, good, jose.JSONWebKey{Key: &key.PublicKey, KeyID: "another curve"},
		jose.JSONWebKey{Key: private, KeyID: "private"}, jose.JSONWebKey{Key: []byte("symmetric"), KeyID: "oct"},
		jose.JSONWebKey{Key: good.Key, KeyID: "encrypts", Use: "enc"})
	var mixed map[string][]any
	require.NoError(t, json.Unmarshal(text, &mixed))
	mixed["keys"] = append(mixed["keys"], map[string]string{"kty": "unheard of"}, 7,
		map[string]any{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, map[string]string{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})
	text, err = json.Marshal(mixed)
	require.NoError(t, err)
	keys, err := ParseKeys(text)
	require.NoError(t, err)
	require.Len(t, keys, 1)
	assert.Equal(t, "good", keys[0].KeyID)

	many := make([]jose.JSONWebKey, maxKeys+1)
	for i := range many {
		many[i] = good
	}
	for name, text := range map[string][]byte{
		"not JSON": []byte("{"), "no object": []byte(`[]`), "no keys": []byte(`{}`), "keys is no list": []byte(`{"keys":{}}`), "too many": set(t, many...),
	} {
		_, err := ParseKeys(text)
		require.Error(t, err, name)
	}
	_, err = ParseKeys(set(t, many[1:]...))
	assert.NoError(t, err)
}
