package bearer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/keys"
)

const accessPurpose = "oauth access token"

// TokenID names one access token, for revoking it and as its jti.
type TokenID [16]byte

// NewTokenID draws an id.
func NewTokenID() TokenID {
	var id TokenID
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	return id
}

// String is the id as jti shows it.
func (id TokenID) String() string { return encoding.EncodeToString(id[:]) }

// ErrToken says that a text is no access token of this installation.
var ErrToken = errors.New("bearer: not an access token")

// AccessToken is what an access token says, in either form.
type AccessToken struct {
	ID TokenID
	// Grant is the zero ID for a token of the client itself.
	Grant  grant.ID
	Client string
	// Subject is the user as the client knows them; empty in an opaque token
	// whose client knows them by their hash, and for a token of the client itself.
	Subject  string
	Scopes   []string
	Audience []string // resources (RFC 8707); empty: none in particular
	// Confirmation binds the token to a key; nil: whoever bears it.
	Confirmation *grant.Confirmation
	Actor        *grant.Actor // who acts for the user; nil: nobody
	Issued       time.Time    // whole seconds
	Expires      time.Time    // whole seconds
}

// HasGrant tells a user's token from a client's own.
func (t AccessToken) HasGrant() bool { return t.Grant != grant.ID{} }

// sealed is the token's inside. Names are short because every request carries
// them.
type sealed struct {
	ID       []byte              `json:"j"`
	Grant    []byte              `json:"g,omitempty"`
	Client   string              `json:"c"`
	Subject  string              `json:"u,omitempty"`
	Scopes   []string            `json:"s,omitempty"`
	Audience []string            `json:"a,omitempty"`
	Confirm  *grant.Confirmation `json:"k,omitempty"`
	Actor    *grant.Actor        `json:"x,omitempty"`
	Issued   int64               `json:"i"`
	Expires  int64               `json:"e"`
}

// Access makes and reads access tokens: opaque ones and JWTs.
type Access struct {
	Ring   *keyring.Ring
	Signer *keys.Signer // nil: opaque ones only
}

// Seal makes an opaque token.
func (a Access) Seal(t AccessToken) (string, error) {
	inside := sealed{
		ID: t.ID[:], Client: t.Client, Subject: t.Subject, Scopes: t.Scopes, Audience: t.Audience,
		Confirm: t.Confirmation, Actor: t.Actor, Issued: t.Issued.Unix(), Expires: t.Expires.Unix(),
	}
	if t.HasGrant() {
		inside.Grant = t.Grant[:]
	}
	plain, err := json.Marshal(inside)
	if err != nil {
		return "", fmt.Errorf("encode an access token: %w", err)
	}
	box, err := a.Ring.Seal(accessPurpose, plain, nil)
	if err != nil {
		return "", fmt.Errorf("seal an access token: %w", err)
	}
	return encode(accessPrefix, box), nil
}

// Open reads a token that this installation made: sealed under any of the ring's
// roots, or signed by a key that still verifies. Expiry and revocation are the
// caller's business. The error is [ErrToken], unless the keys could not be read.
func (a Access) Open(ctx context.Context, token string) (AccessToken, error) {
	if a.Signer != nil && !strings.HasPrefix(token, accessPrefix) {
		return a.verify(ctx, token)
	}
	box, ok := decode(accessPrefix, token)
	if !ok {
		return AccessToken{}, ErrToken
	}
	plain, err := a.Ring.Open(accessPurpose, box, nil)
	if err != nil {
		return AccessToken{}, ErrToken
	}
	var inside sealed
	if json.Unmarshal(plain, &inside) != nil || len(inside.ID) != len(TokenID{}) {
		return AccessToken{}, ErrToken
	}
	t := AccessToken{
		ID: TokenID(inside.ID), Client: inside.Client, Subject: inside.Subject, Scopes: inside.Scopes, Audience: inside.Audience,
		Confirmation: inside.Confirm, Actor: inside.Actor,
		Issued: time.Unix(inside.Issued, 0).UTC(), Expires: time.Unix(inside.Expires, 0).UTC(),
	}
	if len(inside.Grant) == grant.IDSize {
		t.Grant = grant.ID(inside.Grant)
	}
	return t, nil
}
