package bearer

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

const codeSize = 32

// NewCode makes an authorization code for the grant and the hash to store.
func NewCode(id grant.ID) (code string, hash []byte) {
	data := make([]byte, grant.IDSize+codeSize)
	copy(data, id[:])
	_, _ = rand.Read(data[grant.IDSize:]) // never fails since Go 1.24
	code = encode(codePrefix, data)
	return code, Hash(code)
}

// NewDeviceCode makes a device code (RFC 8628 section 3.2) and the hash to store.
func NewDeviceCode() (code string, hash []byte) {
	data := make([]byte, codeSize)
	_, _ = rand.Read(data) // never fails since Go 1.24
	code = encode(deviceCodePrefix, data)
	return code, Hash(code)
}

// IsDeviceCode tells whether a text can be a device code. Only the hash proves it.
func IsDeviceCode(code string) bool {
	data, ok := decode(deviceCodePrefix, code)
	return ok && len(data) == codeSize
}

// ParseCode reads which grant a code claims to be of. Only the hash proves it.
func ParseCode(code string) (grant.ID, bool) {
	data, ok := decode(codePrefix, code)
	if !ok || len(data) != grant.IDSize+codeSize {
		return grant.ID{}, false
	}
	return grant.ID(data[:grant.IDSize]), true
}

// Hash is SHA-256, which is enough for what has 256 random bits.
func Hash(value string) []byte {
	sum := sha256.Sum256([]byte(value))
	return sum[:]
}

// Random is 256 random bits as text.
func Random() string {
	data := make([]byte, codeSize)
	_, _ = rand.Read(data) // never fails since Go 1.24
	return encoding.EncodeToString(data)
}
