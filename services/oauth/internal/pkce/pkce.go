// Package pkce checks proof keys for code exchange (RFC 7636) with S256, the
// only method there is.
package pkce

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// Method is the one code_challenge_method.
const Method = "S256"

// ValidChallenge tells whether s can be a challenge: SHA-256 in base64url.
func ValidChallenge(s string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(sum) == sha256.Size && len(s) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// Verify tells whether the verifier answers the challenge. Where there was no
// challenge there must be no verifier.
func Verify(challenge, verifier string) bool {
	if challenge == "" {
		return verifier == ""
	}
	if !validVerifier(verifier) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// validVerifier is the syntax of RFC 7636 section 4.1.
func validVerifier(s string) bool {
	return len(s) >= 43 && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		unreserved := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r)
		return !unreserved
	})
}
