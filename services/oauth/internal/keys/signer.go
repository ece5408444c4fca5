// Package keys signs what the provider issues as JWT, verifies it when it comes
// back and publishes the keys. There is a set of keys for each algorithm. Keys
// rotate: what was signed stays good for as long as the key is published
// (package keyring).
package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
)

// Default is the algorithm of clients that did not choose one (OpenID Connect
// Dynamic Client Registration 1.0 section 2).
const Default = string(jose.RS256)

// algorithms and the names of their sets of keys; the default comes first.
var algorithms = []struct {
	jose jose.SignatureAlgorithm
	set  string
}{
	{jose.RS256, "id-token"},
	{jose.ES256, "id-token-es256"},
	{jose.EdDSA, "id-token-eddsa"},
}

// The types of what is signed (RFC 8725 section 3.11), so that none passes for
// another.
const (
	TypeIDToken       = "JWT"
	TypeAccessToken   = "at+jwt"                  // RFC 9068 section 2.1
	TypeLogoutToken   = "logout+jwt"              //nolint:gosec // a name, of OpenID Connect Back-Channel Logout 1.0 section 2.4
	TypeIntrospection = "token-introspection+jwt" // RFC 9701 section 5
)

// ErrToken says that a JWT is not one that this installation signed.
var ErrToken = errors.New("keys: the token is not one of ours")

// ErrUnknownKey says that there is no key of an id.
var ErrUnknownKey = keyring.ErrUnknownKey

// Algorithms lists what can be signed with, the default first.
func Algorithms() []string {
	names := make([]string, 0, len(algorithms))
	for _, a := range algorithms {
		names = append(names, string(a.jose))
	}
	return names
}

// Signer signs, and verifies what it or another replica signed. What it needs is
// in memory: only now and then, or for a key that it does not know, does it ask
// the database.
type Signer struct {
	Issuer string
	sets   map[jose.SignatureAlgorithm]*keyring.Keys
}

// Options are for [New].
type Options struct {
	Issuer string
	DB     *db.DB
	Ring   *keyring.Ring
	Clock  clockwork.Clock
	Logger *slog.Logger
	// Rotate is how long a key signs, Retire how long it verifies after that.
	Rotate, Retire time.Duration
	// Existing makes no first keys.
	Existing bool
}

// New reads the keys of every algorithm, and makes the first ones if there are
// none, unless the options say otherwise.
func New(ctx context.Context, o Options) (*Signer, error) {
	s := &Signer{Issuer: o.Issuer, sets: map[jose.SignatureAlgorithm]*keyring.Keys{}}
	for _, a := range algorithms {
		set, err := keyring.NewKeys(ctx, keyring.KeysOptions{
			DB: o.DB, Ring: o.Ring, Clock: o.Clock, Name: a.set, Alg: keyring.Alg(a.jose),
			Rotate: o.Rotate, Retire: o.Retire, Existing: o.Existing, Logger: o.Logger,
		})
		if err != nil {
			return nil, err
		}
		s.sets[a.jose] = set
	}
	return s, nil
}

// Run rotates the keys, until ctx ends.
func (s *Signer) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, set := range s.sets {
		group.Go(func() error { return set.Run(ctx) })
	}
	return group.Wait()
}

// All are the keys that verify, those of the default algorithm first, and of
// each the newest first: next, current and retired.
func (s *Signer) All(ctx context.Context) ([]keyring.Key, error) {
	var all []keyring.Key
	for _, a := range algorithms {
		of, err := s.sets[a.jose].All(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

// Sign makes a JWT of the claims with the algorithm, "" for [Default]; of claims
// that are there twice the later ones count. Without a type there is no header
// of it.
func (s *Signer) Sign(ctx context.Context, algorithm, typ string, claims ...any) (string, error) {
	if algorithm == "" {
		algorithm = Default
	}
	set := s.sets[jose.SignatureAlgorithm(algorithm)]
	if set == nil {
		return "", fmt.Errorf("keys: nothing is signed with %q", algorithm)
	}
	key, err := set.Signing(ctx)
	if err != nil {
		return "", fmt.Errorf("keys: sign: %w", err)
	}
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(key.Alg), Key: jose.JSONWebKey{Key: key.Private, KeyID: key.ID},
	}, options)
	if err != nil {
		return "", fmt.Errorf("keys: sign: %w", err)
	}
	builder := jwt.Signed(signer)
	for _, c := range claims {
		builder = builder.Claims(c)
	}
	token, err := builder.Serialize()
	if err != nil {
		return "", fmt.Errorf("keys: sign: %w", err)
	}
	return token, nil
}

// Verify reads the claims of a JWT of that type that any key signed which still
// verifies. The error is [ErrToken], unless the keys could not be read. Expiry
// and what else the claims say is the caller's business.
func (s *Signer) Verify(ctx context.Context, token, typ string, claims any) error {
	accepted := make([]jose.SignatureAlgorithm, 0, len(algorithms))
	for _, a := range algorithms {
		accepted = append(accepted, a.jose)
	}
	parsed, err := jwt.ParseSigned(token, accepted)
	if err != nil || len(parsed.Headers) != 1 {
		return ErrToken
	}
	header := parsed.Headers[0]
	if got, _ := header.ExtraHeaders[jose.HeaderType].(string); got != typ {
		return ErrToken
	}
	key, err := s.sets[jose.SignatureAlgorithm(header.Algorithm)].Verifying(ctx, header.KeyID)
	if errors.Is(err, keyring.ErrUnknownKey) {
		return ErrToken
	}
	if err != nil {
		return fmt.Errorf("keys: verify: %w", err)
	}
	if string(key.Alg) != header.Algorithm || parsed.Claims(key.Public(), claims) != nil {
		return ErrToken
	}
	return nil
}

// Revoke has a key neither sign nor verify any more, and another one sign instead
// if need be. Other replicas follow within ten seconds. The error is
// [ErrUnknownKey] if there is no such key. What is given is done in the same
// transaction.
func (s *Signer) Revoke(ctx context.Context, kid string, within ...keyring.Within) error {
	for _, set := range s.sets {
		if err := set.Revoke(ctx, kid, within...); !errors.Is(err, keyring.ErrUnknownKey) {
			return err
		}
	}
	return ErrUnknownKey
}

// Describe tells of all keys that verify, or will, in the order of [Signer.All].
func (s *Signer) Describe(ctx context.Context) ([]api.SigningKey, error) {
	var all []api.SigningKey
	for _, a := range algorithms {
		of, err := s.sets[a.jose].Describe(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

// Set is the set of keys of an algorithm.
func (s *Signer) Set(algorithm string) *keyring.Keys {
	return s.sets[jose.SignatureAlgorithm(algorithm)]
}
