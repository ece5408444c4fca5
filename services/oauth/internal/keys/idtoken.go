package keys

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"

	"github.com/go-jose/go-jose/v4"
)

// HalfHash is what an ID token that is signed with the algorithm ("" for
// [Default]) says of a token, a code or a state beside it: at_hash, c_hash,
// s_hash (OpenID Connect Core 1.0 section 3.3.2.11). The hash is that of the
// algorithm; Ed25519 uses SHA-512.
func HalfHash(algorithm, value string) string {
	var sum []byte
	if algorithm == string(jose.EdDSA) {
		full := sha512.Sum512([]byte(value))
		sum = full[:]
	} else {
		full := sha256.Sum256([]byte(value))
		sum = full[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
