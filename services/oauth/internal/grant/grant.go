// Package grant keeps what users have granted to clients: one row per
// authorization, from its code to the last of its tokens.
//
//	         Insert                Redeem               Rotate
//	(code) ────────▶ code issued ─────────▶ generation 1 ──────▶ generation 2 …
//	                      │                      │                    │
//	                      └──────────────────────┴── Revoke ──────────┴──▶ revoked
//
// Every arrow is one UPDATE that names the state it starts from, so of several
// that try at once exactly one succeeds. What a code was issued for never
// changes, so it may be checked before. A revoked grant takes all its tokens
// with it, and a row that is gone counts as revoked.
package grant

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// IDSize is the length of an ID in bytes.
const IDSize = 16

// ID names a grant. It is unique but no secret.
type ID [IDSize]byte

// NewID makes an ID that begins with the time in milliseconds, so that new
// rows are neighbours in the index, and ends with 80 random bits.
func NewID(now time.Time) ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // never fails since Go 1.24
	return id
}

// String is the ID in hexadecimal, for logs.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is the ID in hexadecimal.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what [ID.MarshalText] writes.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(IDSize) {
		return errors.New("grant: an ID of another length")
	}
	_, err := hex.Decode(id[:], text)
	return err
}

// Grant is what a user has granted to a client.
type Grant struct {
	ID      ID
	Client  string
	Subject string // the user's hash
	Session string // the login session's hash, the sid of ID tokens
	Scopes  []string
	Details Details

	CodeHash    []byte // SHA-256
	CodeExpires time.Time
	CodeUsed    *time.Time

	// Generation counts refresh tokens: the one good refresh token is the one
	// of this generation. Zero until the code is redeemed, and for ever
	// without offline access.
	Generation int64
	Rotated    *time.Time // when the generation before it was replaced

	Created time.Time
	Expires time.Time // of the last token that can come of it
	Revoked *time.Time
}

// Confirmation names the key that the holder of a token has to prove (RFC 7800
// section 3.1).
type Confirmation struct {
	KeyThumbprint         string `json:"jkt,omitempty"`      // RFC 9449 section 6.1
	CertificateThumbprint string `json:"x5t#S256,omitempty"` // RFC 8705 section 3.1
}

// Actor is who acts for the subject (RFC 8693 section 4.1).
type Actor struct {
	Subject string `json:"sub"`
	Actor   *Actor `json:"act,omitempty"` // who acted before
}

// Depth is how many have acted, 0 for nil.
func (a *Actor) Depth() int {
	n := 0
	for ; a != nil; a = a.Actor {
		n++
	}
	return n
}

// First gives the chain with another name for who acted first.
func (a *Actor) First(name string) *Actor {
	if a.Actor == nil {
		return &Actor{Subject: name}
	}
	return &Actor{Subject: a.Subject, Actor: a.Actor.First(name)}
}

// Details are what is only ever read together with the row.
type Details struct {
	RedirectURI string `json:"redirect_uri,omitempty"` // as the request named it; empty if it did not
	Challenge   string `json:"challenge,omitempty"`    // PKCE, S256
	Nonce       string `json:"nonce,omitempty"`
	Hub         *int64 `json:"hub,omitempty"`
	// ProviderHub is the hub for which alone the login counted, nil: everywhere. See
	// scope.Confined.
	ProviderHub       *int64    `json:"provider_hub,omitempty"`
	Methods           []string  `json:"methods,omitempty"` // amr
	AuthenticatedTime time.Time `json:"authenticated_time"`

	Resources []string `json:"resources,omitempty"` // RFC 8707: what tokens may be for
	// Meaning is what the scopes mean, see scope.Meaning; 0: what they meant first.
	Meaning int `json:"meaning,omitempty"`
	// Claims is the request's claims parameter (OpenID Connect Core 1.0 section
	// 5.5), as JSON.
	Claims json.RawMessage `json:"claims,omitempty"`
	// Confirmation binds the code (RFC 9449 section 10) and a public client's
	// refresh tokens to a key.
	Confirmation *Confirmation `json:"cnf,omitempty"`
	Actor        *Actor        `json:"act,omitempty"`
	// Parent is the grant of who acts for the user: this one ends with it.
	Parent *ID `json:"parent,omitempty"`
}

// Live tells whether the grant's tokens count at that time.
func (g *Grant) Live(now time.Time) bool { return g.Revoked == nil && now.Before(g.Expires) }

// Offline tells whether the grant may have refresh tokens.
func (g *Grant) Offline() bool { return slices.Contains(g.Scopes, "offline_access") }

// Standing says how a refresh token's generation relates to the grant's.
type Standing int

// The standings of a refresh token.
const (
	// Unknown is of the future: the database was restored from a backup.
	Unknown Standing = iota
	// Current is the one good refresh token.
	Current
	// Retried was replaced a moment ago: the answer was lost, or another
	// request of the same client came first.
	Retried
	// Reused was replaced for good, so two parties hold the family.
	Reused
)

// Standing judges a refresh token. Within grace of its replacement the token
// before the current one may be presented again. A replacement that is yet to come,
// as after a change to a server whose clock is behind, is none to be lenient about.
func (g *Grant) Standing(generation int64, now time.Time, grace time.Duration) Standing {
	switch {
	case generation == g.Generation:
		return Current
	case generation > g.Generation:
		return Unknown
	case generation == g.Generation-1 && g.Rotated != nil && now.Sub(*g.Rotated).Abs() < grace:
		return Retried
	}
	return Reused
}
