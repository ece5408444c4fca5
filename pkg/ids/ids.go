// Package ids makes random values of 160 bits, in 40 hex digits: the hashes by which
// people and the JSON API name things, keys under which something is done once, and
// links, which are secrets.
package ids

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// size is how many random bytes an id has.
const size = 20

// Length is how many digits it has.
const Length = 2 * size

// New is a random id of 40 hex digits. It cannot be guessed.
func New() string {
	b := make([]byte, size)
	_, _ = rand.Read(b) // crypto/rand.Read never fails since Go 1.24
	return hex.EncodeToString(b)
}

// Valid tells whether s has the form of an id.
func Valid(s string) bool {
	if len(s) != Length {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Digest is what is stored of a secret id: its SHA-256. A slow hash would add
// nothing, as nobody can try 160 bits.
func Digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
