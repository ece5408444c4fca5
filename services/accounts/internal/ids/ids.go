// Package ids makes the 160 bit random values of the service: public hashes,
// and links, which are secrets.
package ids

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// size is how many random bytes an id has; written out it is twice as long.
const size = 20

// New is a random id of 40 hex digits. It cannot be guessed.
func New() string {
	b := make([]byte, size)
	_, _ = rand.Read(b) // crypto/rand.Read never fails since Go 1.24
	return hex.EncodeToString(b)
}

// Valid tells whether s has the form of an id.
func Valid(s string) bool {
	if len(s) != 2*size {
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
