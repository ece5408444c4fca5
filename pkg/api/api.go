// Package api holds what the services say to each other: per service its wire
// types, its interface, its routes and its client. It is all that callers
// import of a service.
package api

import (
	"strings"
	"unicode/utf8"
)

// The names of all that calls and is called, in discovery, metrics,
// certificates and lists of callers.
const (
	Accounts = "accounts"
	Sessions = "sessions"
	Mail     = "mail"
	OAuth    = "oauth"
	Gateway  = "gateway"
	// Operator is the command line, which has no certificate: it runs beside the
	// databases and calls in its own process.
	Operator = "operator"
)

// Origin is where a request came from, for audit records and session lists.
type Origin struct {
	// Address is the client's IP address as the edge saw it.
	Address string `json:"address"`
	// UserAgent is the client's User-Agent header, cut to 512 bytes.
	UserAgent string `json:"user_agent"`
}

// The longest of what is kept of an origin, in bytes.
const (
	maxAddress   = 64
	maxUserAgent = 512
)

// Storable is the origin as databases take it: UTF-8 without NUL, and bounded.
func (o Origin) Storable() Origin {
	return Origin{Address: storable(o.Address, maxAddress), UserAgent: storable(o.UserAgent, maxUserAgent)}
}

func storable(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// Nothing is the answer of a method that only succeeds.
type Nothing struct{}
