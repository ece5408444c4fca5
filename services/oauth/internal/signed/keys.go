package signed

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"

	"github.com/go-jose/go-jose/v4"
)

// Algorithms are those that others may sign with: asymmetric ones, of which a
// key of one kind cannot pass for one of another.
func Algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
}

// Names are the names of [Algorithms].
func Names() []string {
	var names []string
	for _, a := range Algorithms() {
		names = append(names, string(a))
	}
	return names
}

// Strong tells whether it is a public key that can be trusted and does not take
// long to check with.
func Strong(key any) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		return bits >= 2048 && bits <= 4096 && key.E > 1 && key.E&1 == 1
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return len(key) == ed25519.PublicKeySize
	}
	return false
}

// Makes tells whether the private half of such a key makes signatures of the
// algorithm.
func Makes(key any, alg jose.SignatureAlgorithm) bool {
	switch key.(type) {
	case *rsa.PublicKey:
		return alg == jose.RS256 || alg == jose.PS256
	case *ecdsa.PublicKey:
		return alg == jose.ES256
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}
