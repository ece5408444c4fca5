package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jonboulle/clockwork"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/fetch"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/signed"
)

// ErrNoKey says that a client has no key that fits. It is also what a key set
// that cannot be read comes to, which only the log tells apart.
var ErrNoKey = errors.New("client: no key fits")

const (
	// keysFor is how long a key set that was fetched is taken as it is.
	keysFor = 5 * time.Minute
	// keysAgain is how soon after an attempt another is made: because the address
	// did not answer, or for a key that is not in the set. The first key that is
	// missing is looked for at once, as a client may use a new one as soon as it is
	// there (OpenID Connect Core 1.0 section 10.1.1).
	keysAgain = 30 * time.Second
	// keysStale is how long a set is used whose address no longer answers.
	keysStale = time.Hour
	// maxSets bounds how many sets are kept.
	maxSets = 10_000
	// maxKeys bounds what is read of a set, and so the signatures that are
	// checked for a token which does not say which key made it.
	maxKeys = 32
)

// Fetcher reads the key sets that clients name.
type Fetcher interface {
	Get(ctx context.Context, address, accept string) (fetch.Document, error)
}

// KeysOptions are what [NewKeys] needs.
type KeysOptions struct {
	Fetcher Fetcher
	Clock   clockwork.Clock
	Logger  *slog.Logger
}

// Keys finds the public keys of clients (RFC 7591 section 2: jwks, jwks_uri).
type Keys struct {
	options KeysOptions
	sets    *otter.Cache[string, *fetchedSet] // by address
	flights singleflight.Group
}

// fetchedSet is what is known of an address. It does not change.
type fetchedSet struct {
	keys    []jose.JSONWebKey
	fetched time.Time // zero: never
	tried   time.Time
	// searched is when it was fetched for a key that was not in it.
	searched time.Time
}

// rests tells whether it is too soon to fetch the set again.
func (s *fetchedSet) rests(now time.Time, search bool) bool {
	since := s.tried
	if answered := s.fetched.Equal(s.tried); search && answered {
		since = s.searched
	}
	return now.Sub(since) < keysAgain
}

// NewKeys makes a Keys.
func NewKeys(o KeysOptions) *Keys {
	return &Keys{options: o, sets: otter.Must(&otter.Options[string, *fetchedSet]{MaximumSize: maxSets})}
}

// Find gives the client's keys for checking a signature of that algorithm: the
// one of that id, or without an id all that could be meant. The error is
// [ErrNoKey] if there is none, or if the client may not sign so.
func (k *Keys) Find(ctx context.Context, c *Client, kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	if !c.Signs(alg) {
		return nil, ErrNoKey
	}
	return k.FindIn(ctx, c.JWKS, c.JWKSURI, kid, alg)
}

// FindIn is Find in a set that is given, or else is at an address.
func (k *Keys) FindIn(ctx context.Context, jwks json.RawMessage, address, kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	if !slices.Contains(signed.Algorithms(), alg) {
		return nil, ErrNoKey
	}
	if len(jwks) > 0 {
		keys, err := ParseKeys(jwks)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
		}
		return fitting(keys, kid, alg)
	}
	if address == "" {
		return nil, ErrNoKey
	}
	set, err := k.at(ctx, address, false)
	if err != nil {
		return nil, err
	}
	found, err := fitting(set.keys, kid, alg)
	if err == nil {
		return found, nil
	}
	// The client may have a new key.
	if set, err = k.at(ctx, address, true); err != nil {
		return nil, err
	}
	return fitting(set.keys, kid, alg)
}

// at is the set of an address: the one that is kept if it is good, or if it is too
// soon for another, else a new one. None is good for a search, which is for a key
// that it lacks. Many that ask at once wait for one fetch, which does not end with
// the one who asked first.
func (k *Keys) at(ctx context.Context, address string, search bool) (*fetchedSet, error) {
	now := k.options.Clock.Now()
	if set, ok := k.sets.GetIfPresent(address); ok {
		good := !search && !set.fetched.IsZero() && now.Sub(set.fetched) < keysFor
		if good || set.rests(now, search) {
			return set, nil
		}
	}
	flight := k.flights.DoChan(fmt.Sprint(search, address), func() (any, error) {
		return k.fetch(context.WithoutCancel(ctx), address, search), nil
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("client: waiting for keys: %w", ctx.Err())
	case result := <-flight:
		set, _ := result.Val.(*fetchedSet)
		return set, nil
	}
}

// fetch reads the set anew. One that cannot be read leaves the one before as it
// was, for a while: an address that is down must not lock a client out at once,
// and one that stays away must not keep keys alive that were withdrawn.
func (k *Keys) fetch(ctx context.Context, address string, search bool) *fetchedSet {
	now := k.options.Clock.Now()
	before, kept := k.sets.GetIfPresent(address)
	if kept && before.rests(now, search) {
		return before // another flight has just landed
	}
	next := &fetchedSet{fetched: now, tried: now}
	switch {
	case search:
		next.searched = now
	case kept:
		next.searched = before.searched
	}
	document, err := k.options.Fetcher.Get(ctx, address, "application/jwk-set+json, application/json")
	if err == nil {
		next.keys, err = ParseKeys(document.Body)
	}
	if err != nil {
		k.options.Logger.WarnContext(ctx, "a client's key set cannot be read",
			slog.String("jwks_uri", address), slog.Any("error", err))
		next.fetched = time.Time{}
		if kept && now.Sub(before.fetched) < keysStale {
			next.keys, next.fetched = before.keys, before.fetched
		}
	}
	k.sets.Set(address, next)
	return next
}

// ParseKeys reads a JWK Set (RFC 7517 section 5): the public keys in it that
// signatures can be checked with. Those of other kinds are passed over, as the
// RFC has it, and so are secret ones, which whoever published them has lost.
func ParseKeys(jwks []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, fmt.Errorf("client: read a key set: %w", err)
	}
	if set.Keys == nil || len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("client: a key set has between 0 and %d keys", maxKeys)
	}
	keys := make([]jose.JSONWebKey, 0, len(set.Keys))
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(text, &key) == nil && key.Valid() && (key.Use == "" || key.Use == "sig") && signed.Strong(key.Key) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// fitting are the keys of that id, or of all, which are for the algorithm.
func fitting(keys []jose.JSONWebKey, kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	var found []jose.JSONWebKey
	for _, key := range keys {
		if (kid == "" || key.KeyID == kid) && (key.Algorithm == "" || key.Algorithm == string(alg)) && signed.Makes(key.Key, alg) {
			found = append(found, key)
		}
	}
	if len(found) == 0 {
		return nil, ErrNoKey
	}
	return found, nil
}
