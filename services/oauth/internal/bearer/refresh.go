package bearer

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
)

const (
	refreshPurpose = "oauth refresh token"
	generationSize = 8
	refreshBody    = grant.IDSize + generationSize
)

// Refresh makes and reads refresh tokens.
type Refresh struct{ Ring *keyring.Ring }

// Make is the refresh token of a grant's generation, always the same one as
// long as the ring's first root is.
func (r Refresh) Make(id grant.ID, generation int64) string {
	data := make([]byte, refreshBody, refreshBody+sha256.Size)
	copy(data, id[:])
	binary.BigEndian.PutUint64(data[grant.IDSize:], uint64(generation))
	return encode(refreshPrefix, append(data, r.Ring.MAC(refreshPurpose, data)...))
}

// Parse reads a refresh token that this installation made, under any of the
// ring's roots. Whether it is still good is the grant's business.
func (r Refresh) Parse(token string) (id grant.ID, generation int64, ok bool) {
	data, ok := decode(refreshPrefix, token)
	if !ok || len(data) != refreshBody+sha256.Size ||
		!r.Ring.VerifyMAC(refreshPurpose, data[:refreshBody], data[refreshBody:]) {
		return grant.ID{}, 0, false
	}
	return grant.ID(data[:grant.IDSize]), int64(binary.BigEndian.Uint64(data[grant.IDSize:refreshBody])), true
}
