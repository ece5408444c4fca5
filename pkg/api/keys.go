package api

import (
	"context"
	"time"
)

// States of a signing key.
const (
	KeyNext    = "next"    // is published and signs later
	KeySigning = "signing" // signs now
	KeyRetired = "retired" // only verifies what it signed
)

// SigningKey describes a key that signs tokens, not the key itself.
type SigningKey struct {
	ID        string    `json:"id"` // the kid
	Algorithm string    `json:"algorithm"`
	State     string    `json:"state"`
	SignsFrom time.Time `json:"signs_from"`
	// ExpirationTime is when it verifies no more; nil as long as no other key follows it.
	ExpirationTime *time.Time `json:"expiration_time"`
}

// SigningKeyList has the keys of each algorithm together, the newest first.
type SigningKeyList struct {
	Keys []SigningKey `json:"keys"`
}

// RotateKeysRequest has new keys sign.
type RotateKeysRequest struct {
	// Algorithm is that of the keys to rotate; empty: all.
	Algorithm string `json:"algorithm"`
	// Now has them sign at once; else they are published first for as long as
	// others may keep a former list of keys.
	Now bool `json:"now"`
}

// SigningKeyRequest names a signing key.
type SigningKeyRequest struct {
	ID string `json:"id"`
}

// Signing is what whoever runs the installation does with a service's signing keys.
type Signing interface {
	// SigningKeys lists the keys that verify, or will.
	SigningKeys(context.Context, Nothing) (SigningKeyList, error)
	// RotateKeys has other keys sign; what was signed stays good. Invalid if
	// there are none of the algorithm.
	RotateKeys(context.Context, RotateKeysRequest) (SigningKeyList, error)
	// RevokeKey has a key neither sign nor verify any more, on other replicas
	// within ten seconds. NotFound if it is none.
	RevokeKey(context.Context, SigningKeyRequest) (Nothing, error)
}
