package oauth

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Logouts end what rests on a session.
type Logouts interface {
	// BeginLogout reads a logout request of an app (OpenID Connect RP-Initiated
	// Logout 1.0). It changes nothing.
	BeginLogout(context.Context, LogoutRequest) (Logout, error)
	// SessionClients tells which apps are signed in from a session and want to
	// hear of its end in the browser (OpenID Connect Front-Channel Logout 1.0).
	SessionClients(context.Context, SessionClientsRequest) (SessionClientList, error)
	// SessionsEnded ends the grants that rest on sessions which have ended, and
	// notifies their clients (OpenID Connect Back-Channel Logout 1.0).
	SessionsEnded(context.Context, SessionsEndedRequest) (api.Nothing, error)
}

// LogoutRequest is a request as it reached the end session endpoint.
type LogoutRequest struct {
	Form  map[string][]string `json:"form"`
	Login *Login              `json:"login,omitempty"` // nil: nobody is logged in
}

// Logout says how a logout goes on.
type Logout struct {
	// Proven: the hint shows that the app signed this very user in, in this very
	// session; nobody has to confirm.
	Proven bool `json:"proven"`
	// Client is the app that asked, nil if it did not say.
	Client *Client `json:"client,omitempty"`
	// Redirect is where the app wants the user afterwards, with its state; empty:
	// nowhere. It is registered.
	Redirect string `json:"redirect,omitempty"`
	// Ask: nobody has vetted the app, and the user has not allowed it anything, so
	// that nobody is sent to Redirect without having been asked.
	Ask       *Stranger `json:"ask,omitempty"`
	UILocales string    `json:"ui_locales,omitempty"`
	// Problem is what is wrong with the request, for the user to see.
	Problem *Problem `json:"problem,omitempty"`
}

// SessionClientsRequest names a session by its hash.
type SessionClientsRequest struct {
	Session string `json:"session"`
}

// SessionClientList are the addresses that the browser has to open, each in a
// frame, with iss and sid where the client wants them.
type SessionClientList struct {
	Frontchannel []string `json:"frontchannel"`
}

// SessionsEndedRequest names sessions that have ended.
type SessionsEndedRequest struct {
	Sessions []string `json:"sessions"`          // hashes
	Subject  string   `json:"subject,omitempty"` // the user's hash, with Everything
	// Everything ends all grants of the user, offline ones and those of other
	// sessions too: the account was perhaps in somebody else's hands.
	Everything bool `json:"everything,omitempty"`
	// Hub restricts Everything to the grants in that hub, which the user may not
	// be in any more, or not as before.
	Hub *int64 `json:"hub,omitempty"`
	// Before spares, of Everything, what the user has granted after proving who
	// they are at that time or later: the request may come late, or twice.
	Before time.Time `json:"before,omitzero"`
}
