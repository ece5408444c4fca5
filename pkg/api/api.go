// Package api holds what the services say to each other: per service its wire
// types, its interface, its routes and its client. It is all that callers
// import of a service.
package api

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

// Nothing is the answer of a method that only succeeds.
type Nothing struct{}
