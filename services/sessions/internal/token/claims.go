package token

import "time"

// Claims are what a session token says; the names are the public API's.
type Claims struct {
	Issuer    string   `json:"iss"`
	Audience  []string `json:"aud"`
	Subject   string   `json:"sub"` // the user's hash
	NotBefore Seconds  `json:"nbf"`
	IssuedAt  Seconds  `json:"iat"`
	Expires   Seconds  `json:"exp"`
	TTL       int      `json:"ttl"` // minutes
	ID        string   `json:"jti"` // 40 hex
	UserAgent string   `json:"hsu"` // SHA-1 of the user agent that opened the session, 40 hex
	PAT       *int64   `json:"pat,omitempty"`
	Session   int64    `json:"ses"`
	Hub       *int64   `json:"hub"`
	MFA       *int64   `json:"mfa"`
	Scope     string   `json:"scp"`
}

// Issue dates the claims: good from now for ttl. TTL counts the minute in which
// it ends.
func (c Claims) Issue(now time.Time, ttl time.Duration) Claims {
	c.IssuedAt = At(now)
	c.NotBefore = c.IssuedAt
	c.Expires = At(c.IssuedAt.Add(ttl))
	c.TTL = int((ttl + time.Minute - 1) / time.Minute)
	return c
}
