package bearer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

const secretPurpose = "oauth client secret" //nolint:gosec // the name of a purpose

// ErrSecret says that a client secret is wrong.
var ErrSecret = errors.New("the client secret is wrong")

// NewSecret makes a client secret: 256 random bits.
func NewSecret() string { return newRandom(secretPrefix) }

// NewInitialToken makes an initial access token (RFC 7591 section 3).
func NewInitialToken() string { return newRandom(initialPrefix) }

// NewManagementToken makes a registration access token (RFC 7592).
func NewManagementToken() string { return newRandom(managePrefix) }

func newRandom(prefix string) string {
	data := make([]byte, 32)
	_, _ = rand.Read(data) // never fails since Go 1.24
	return encode(prefix, data)
}

// Secrets hashes client secrets with a fast keyed hash. They are random and
// long, so the slowness of a password hash would protect nothing.
type Secrets struct{ Ring *keyring.Ring }

var _ fosite.Hasher = Secrets{}

// Hash is the secret as it is stored.
func (s Secrets) Hash(_ context.Context, secret []byte) ([]byte, error) {
	return s.Ring.MAC(secretPurpose, secret), nil
}

// Compare returns [ErrSecret] unless the hash is of the secret, under any of
// the ring's roots.
func (s Secrets) Compare(_ context.Context, hash, secret []byte) error {
	if len(hash) == 0 || !s.Ring.VerifyMAC(secretPurpose, secret, hash) {
		return ErrSecret
	}
	return nil
}

// Stale tells whether a hash of the secret is under an older root than the
// ring's first, and should be replaced before that root goes.
func (s Secrets) Stale(hash, secret []byte) bool {
	return !bytes.Equal(hash, s.Ring.MAC(secretPurpose, secret))
}
