package keys

import (
	"crypto/sha256"
	"encoding/base64"
)

// ACR is the authentication context class of a login with any accepted method.
const ACR = "urn:gatehouse:acr:1"

// IDToken are the claims of an ID token (OpenID Connect Core 1.0 section 2).
// What a user is called is left to UserInfo.
type IDToken struct {
	Issuer          string   `json:"iss"`
	Subject         string   `json:"sub"`
	Audience        string   `json:"aud"`
	Expires         int64    `json:"exp"`
	Issued          int64    `json:"iat"`
	AuthTime        int64    `json:"auth_time"`
	Nonce           string   `json:"nonce,omitempty"`
	ACR             string   `json:"acr"`
	AMR             []string `json:"amr,omitempty"`
	Session         string   `json:"sid,omitempty"`
	AccessTokenHash string   `json:"at_hash"`
}

// AccessTokenHash is the at_hash of a token for ID tokens with a 256 bit
// algorithm (OpenID Connect Core 1.0 section 3.1.3.6).
func AccessTokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
