// Package accesstoken writes and reads the text of personal access tokens:
//
//	gh_pat_ 40 lower-case hex digits, 160 random bits
//	        6 base62 digits, the CRC-32 of all before them
//
// The prefix lets scanners of source code find a token that leaked; the
// checksum lets them, and the service, tell it from a typing error or a
// placeholder without asking anybody. It proves nothing.
package accesstoken

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"math/big"
	"strings"
)

const (
	prefix        = "gh_pat_"
	secretBytes   = 20
	checksumChars = 6 // 62^6 > 2^32
	checksumBase  = 62
	length        = len(prefix) + 2*secretBytes + checksumChars
)

// New makes a token.
func New() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	body := prefix + hex.EncodeToString(secret)
	return body + checksum(body)
}

// Digest is how a token is known; ok is false for what cannot be one.
func Digest(token string) (digest []byte, ok bool) {
	if len(token) != length || !strings.HasPrefix(token, prefix) {
		return nil, false
	}
	body := token[:length-checksumChars]
	if checksum(body) != token[len(body):] {
		return nil, false
	}
	sum := sha256.Sum256([]byte(token))
	return sum[:], true
}

func checksum(body string) string {
	digits := big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))).Text(checksumBase)
	return strings.Repeat("0", checksumChars-len(digits)) + digits
}
