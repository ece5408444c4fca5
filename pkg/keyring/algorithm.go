package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
)

// Alg is a JWS signature algorithm (RFC 7518, section 3.1; RFC 8037, section 3.1).
type Alg string

// The algorithms that keys can be made for.
const (
	HS512 Alg = "HS512" // HMAC with SHA-512; Private is []byte, 64 of them
	RS256 Alg = "RS256" // RSA with SHA-256; Private is *rsa.PrivateKey of 2048 bits
	ES256 Alg = "ES256" // ECDSA on P-256 with SHA-256; Private is *ecdsa.PrivateKey
	EdDSA Alg = "EdDSA" // Ed25519; Private is ed25519.PrivateKey
)

const (
	rsaBits  = 2048
	hmacSize = 64 // a key as long as the hash (RFC 7518, section 3.2)
)

func (a Alg) known() bool {
	switch a {
	case HS512, RS256, ES256, EdDSA:
		return true
	}
	return false
}

// generate makes a key, in the form in which it is sealed: the bytes of an
// HMAC key, or PKCS #8.
func (a Alg) generate() ([]byte, error) {
	private, err := a.generateKey()
	if err != nil {
		return nil, err
	}
	if secret, ok := private.([]byte); ok {
		return secret, nil
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

func (a Alg) generateKey() (any, error) {
	switch a {
	case HS512:
		secret := make([]byte, hmacSize)
		_, err := rand.Read(secret)
		return secret, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	default:
		return nil, fmt.Errorf("keyring: there is no algorithm %q", a)
	}
}

// parse is the reverse of generate.
func (a Alg) parse(encoded []byte) (any, error) {
	if a == HS512 {
		return encoded, nil
	}
	private, err := x509.ParsePKCS8PrivateKey(encoded)
	if err != nil {
		return nil, err
	}
	switch private.(type) {
	case *rsa.PrivateKey:
		if a == RS256 {
			return private, nil
		}
	case *ecdsa.PrivateKey:
		if a == ES256 {
			return private, nil
		}
	case ed25519.PrivateKey:
		if a == EdDSA {
			return private, nil
		}
	}
	return nil, errors.New("the private key is of another algorithm")
}

func publicOf(private any) crypto.PublicKey {
	if signer, ok := private.(crypto.Signer); ok {
		return signer.Public()
	}
	return nil
}
