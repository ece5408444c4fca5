// Package bearer makes and reads what clients carry: codes, refresh tokens,
// access tokens and client secrets. They are opaque to clients, begin with a
// prefix that secret scanners can look for, and none is ever stored:
//
//	gh_ac_  authorization code   grant id ‖ 32 random bytes; its SHA-256 is in the grant's row
//	gh_dc_  device code          32 random bytes; its SHA-256 is in the waiting device's row
//	gh_rt_  refresh token        grant id ‖ generation ‖ MAC over both under the ring
//	gh_at_  access token         everything about it, sealed under the ring
//	gh_cs_  client secret        32 random bytes; its MAC under the ring is in the client's row
//	gh_ia_  initial access token 32 random bytes, registers clients; its SHA-256 is in its row
//	gh_ra_  registration token   32 random bytes, manages a client; its SHA-256 is in the client's row
//
// Clients that want it get access tokens that resource servers can read by
// themselves instead: JWTs (RFC 9068).
//
// A refresh token can be made again for a retry, because it is derived. A
// client-credentials token costs no write, because it is sealed.
package bearer

import (
	"encoding/base64"
	"strings"
)

// The prefixes.
const (
	codePrefix       = "gh_ac_"
	deviceCodePrefix = "gh_dc_"
	refreshPrefix    = "gh_rt_"
	accessPrefix     = "gh_at_"
	secretPrefix     = "gh_cs_"
	initialPrefix    = "gh_ia_"
	managePrefix     = "gh_ra_"
)

// encoding is strict, so that every token has exactly one spelling.
var encoding = base64.RawURLEncoding.Strict()

func encode(prefix string, data []byte) string { return prefix + encoding.EncodeToString(data) }

func decode(prefix, token string) ([]byte, bool) {
	rest, found := strings.CutPrefix(token, prefix)
	if !found || strings.ContainsAny(rest, "\r\n") { // which the decoder would skip
		return nil, false
	}
	data, err := encoding.DecodeString(rest)
	return data, err == nil
}
