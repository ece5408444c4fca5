package keyring

import (
	"slices"
	"time"
)

// snapshot is what was in the table at one time. It is never changed.
type snapshot struct {
	readAt time.Time
	keys   []storedKey // by generation
}

// storedKey is a key with its place in the order. The key of a generation signs
// until that of the next one does.
type storedKey struct {
	Key
	generation int64
}

// follows is the generation of the key after k, which may be nil.
func (k *storedKey) follows() int64 {
	if k == nil {
		return 1
	}
	return k.generation + 1
}

// next is the generation that signs next: k's own if it is on its way.
func (k *storedKey) next(now time.Time) int64 {
	if k != nil && k.NotBefore.After(now) {
		return k.generation
	}
	return k.follows()
}

func (k *storedKey) expired(now time.Time) bool {
	return !k.NotAfter.IsZero() && !now.Before(k.NotAfter)
}

func (s *snapshot) find(kid string) *storedKey {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.keys, func(k storedKey) bool { return k.ID == kid })
	if i < 0 {
		return nil
	}
	return &s.keys[i]
}

// signing is the newest key that has started to sign. Where none has, by a
// clock that is behind that of the replica which made the first, it is the
// oldest one.
func (s *snapshot) signing(now time.Time) (Key, bool) {
	for _, k := range slices.Backward(s.keys) {
		if !k.NotBefore.After(now) && !k.expired(now) {
			return k.Key, true
		}
	}
	for _, k := range s.keys {
		if !k.expired(now) {
			return k.Key, true
		}
	}
	return Key{}, false
}

func (s *snapshot) usable(now time.Time) []Key {
	var keys []Key
	for _, k := range slices.Backward(s.keys) {
		if !k.expired(now) {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

func (s *snapshot) newest() *storedKey {
	if len(s.keys) == 0 {
		return nil
	}
	return &s.keys[len(s.keys)-1]
}
