package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// RootSize is the length of a root key in bytes.
const RootSize = 32

// A sealed value is, in this order,
//
//	version   1 byte
//	root id   8 bytes, tells which root sealed it
//	salt     16 bytes, gives every value an AES key of its own
//	nonce    12 bytes
//	the ciphertext and its 16 byte tag
//
// The salt is there because a random 96 bit nonce alone is safe for only 2^32
// values per key (NIST SP 800-38D, section 8.3), which a busy outbox reaches.
const (
	sealVersion = 1
	rootIDSize  = 8
	saltSize    = 16
	headerSize  = 1 + rootIDSize + saltSize
	nonceSize   = 12
	tagSize     = 16

	// Overhead is by how many bytes a sealed value is longer than its plaintext.
	Overhead = headerSize + nonceSize + tagSize
)

var (
	// ErrNoRoot says that a ring was asked for without any root key.
	ErrNoRoot = errors.New("keyring: no root key given")
	// ErrUnknownRoot says that a value was sealed under a root key that is not in the ring.
	ErrUnknownRoot = errors.New("keyring: sealed under a root key that this ring does not hold")
	// ErrSealed says that a value is damaged, or was sealed for another purpose or with other additional data.
	ErrSealed = errors.New("keyring: the sealed value does not open")
)

// Ring holds the root keys of an installation. The first one seals, all of
// them open. It is safe for concurrent use and never prints its keys.
type Ring struct {
	roots []root
}

type root struct {
	id     [rootIDSize]byte
	secret []byte
}

// NewRing makes a ring of root keys, the newest first. Every root is
// [RootSize] random bytes. Without any root it returns [ErrNoRoot].
func NewRing(roots ...[]byte) (*Ring, error) {
	if len(roots) == 0 {
		return nil, ErrNoRoot
	}
	ring := &Ring{}
	for i, secret := range roots {
		if len(secret) != RootSize {
			return nil, fmt.Errorf("keyring: root key %d has %d bytes, not %d", i+1, len(secret), RootSize)
		}
		id, err := hkdf.Key(sha256.New, secret, nil, "gatehouse root id", rootIDSize)
		if err != nil {
			return nil, fmt.Errorf("keyring: identify root key %d: %w", i+1, err)
		}
		if ring.find(id) != nil {
			return nil, fmt.Errorf("keyring: root key %d is given twice", i+1)
		}
		ring.roots = append(ring.roots, root{id: [rootIDSize]byte(id), secret: slices.Clone(secret)})
	}
	return ring, nil
}

// Seal encrypts plaintext under the current root with AES-256-GCM. The same
// purpose and aad are needed to open it again; aad (which may be nil) is
// authenticated but not stored, and is best the identity of the row that holds
// the value, so that values cannot be swapped between rows.
func (r *Ring) Seal(purpose string, plaintext, aad []byte) ([]byte, error) {
	if purpose == "" {
		return nil, errors.New("keyring: seal needs a purpose")
	}
	current := r.roots[0]
	header := make([]byte, headerSize, len(plaintext)+Overhead)
	header[0] = sealVersion
	copy(header[1:], current.id[:])
	if _, err := rand.Read(header[1+rootIDSize:]); err != nil {
		return nil, fmt.Errorf("keyring: seal: %w", err)
	}
	aead, err := current.aead(purpose, header)
	if err != nil {
		return nil, err
	}
	// The nonce argument is empty because this AEAD draws a random one itself.
	return aead.Seal(header, nil, plaintext, bind(header, aad)), nil // #nosec G407
}

// Open decrypts what [Ring.Seal] made under any root of the ring. Its error is
// [ErrUnknownRoot] or [ErrSealed].
func (r *Ring) Open(purpose string, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	header, box := sealed[:headerSize], sealed[headerSize:]
	sealer := r.find(header[1 : 1+rootIDSize])
	if sealer == nil {
		return nil, ErrUnknownRoot
	}
	aead, err := sealer.aead(purpose, header)
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, nil, box, bind(header, aad))
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}

// Stale reports whether a sealed value should be opened and sealed again
// because a newer root is there, which must happen before the old root goes.
func (r *Ring) Stale(sealed []byte) bool {
	if len(sealed) < headerSize {
		return false
	}
	return r.roots[0].id != [rootIDSize]byte(sealed[1:1+rootIDSize])
}

// MAC is HMAC-SHA-256 of data under the current root's key for the purpose:
// 32 bytes. Check it with [Ring.VerifyMAC], which accepts the older roots too.
func (r *Ring) MAC(purpose string, data []byte) []byte {
	return r.roots[0].mac(purpose, data)
}

// VerifyMAC reports whether mac is data's MAC for that purpose under any root
// of the ring. It compares in constant time.
func (r *Ring) VerifyMAC(purpose string, data, mac []byte) bool {
	valid := false
	for i := range r.roots {
		if hmac.Equal(mac, r.roots[i].mac(purpose, data)) {
			valid = true
		}
	}
	return valid
}

// Format keeps the root keys out of every fmt verb, and so out of logs.
func (r *Ring) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "keyring.Ring(%d roots)", len(r.roots))
}

func (r *Ring) find(id []byte) *root {
	for i := range r.roots {
		if bytes.Equal(r.roots[i].id[:], id) {
			return &r.roots[i]
		}
	}
	return nil
}

func (k *root) aead(purpose string, header []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, k.secret, header[1+rootIDSize:], "gatehouse seal "+purpose, RootSize)
	if err != nil {
		return nil, fmt.Errorf("keyring: derive the key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return aead, nil
}

func (k *root) mac(purpose string, data []byte) []byte {
	key, err := hkdf.Key(sha256.New, k.secret, nil, "gatehouse mac "+purpose, sha256.Size)
	if err != nil {
		// Only an output of more than 255 hashes can fail (RFC 5869, section 2.3).
		panic("keyring: derive the key: " + err.Error())
	}
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

// bind puts the header in front of the caller's additional data. The header has
// a fixed length, so no two pairs give the same bytes.
func bind(header, aad []byte) []byte {
	return slices.Concat(header[:headerSize], aad)
}
