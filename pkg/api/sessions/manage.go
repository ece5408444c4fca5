package sessions

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Managing changes open sessions.
type Managing interface {
	// SwitchHub moves a session into another hub, or out of any, and gives its
	// next token; the tokens from before are void. Unauthenticated if the session
	// has ended.
	SwitchHub(context.Context, SwitchHubRequest) (Token, error)
	// Impersonate opens a session of another user within the caller's, with which
	// it ends. Unauthenticated if that has ended; Forbidden if it is itself one of
	// an impersonation, or was opened by a personal access token.
	Impersonate(context.Context, ImpersonateRequest) (Token, error)
	// StopImpersonation ends such a session and gives a token of its parent.
	// Forbidden if it is none; Unauthenticated if either has ended.
	StopImpersonation(context.Context, StopImpersonationRequest) (Token, error)
	// Elevate notes that the user of a session has proved more, and gives its next
	// token; the tokens from before are void. Unauthenticated if the session has
	// ended; Forbidden unless it is a full one that its user opened in person.
	Elevate(context.Context, ElevateRequest) (Token, error)
	// List lists the open full sessions of a user, the last used one first.
	List(context.Context, ListRequest) (SessionList, error)
	// Forget deletes all that the service holds about a user.
	Forget(context.Context, ForgetRequest) (api.Nothing, error)
}

// SwitchHubRequest moves a session.
type SwitchHubRequest struct {
	Session int64      `json:"session"`
	Hub     *int64     `json:"hub,omitempty"` // nil: hubless
	Limit   int        `json:"limit"`         // see CreateRequest
	Origin  api.Origin `json:"origin"`
}

// ImpersonateRequest opens a session within another.
type ImpersonateRequest struct {
	Session  int64      `json:"session"` // the caller's
	User     int64      `json:"user"`
	UserHash string     `json:"user_hash"`
	Hub      int64      `json:"hub"`
	Origin   api.Origin `json:"origin"`
}

// ElevateRequest notes another proof in a session.
type ElevateRequest struct {
	Session int64    `json:"session"`
	Methods []Method `json:"methods"`       // are added to the session's
	MFA     *int64   `json:"mfa,omitempty"` // the challenge that was answered; nil: none
	// Anew tells that the user has proved who they are by this alone, so that
	// AuthenticatedTime becomes now.
	Anew   bool       `json:"anew,omitempty"`
	Origin api.Origin `json:"origin"`
}

// StopImpersonationRequest ends a session within another.
type StopImpersonationRequest struct {
	Session int64      `json:"session"`
	Origin  api.Origin `json:"origin"`
}

// ListRequest asks for the sessions of a user.
type ListRequest struct {
	User int64    `json:"user"`
	Page api.Page `json:"page"`
}

// Opened is an open session and from where it is used.
type Opened struct {
	Session
	Address      string    `json:"address"` // of its opening or last refresh
	UserAgent    string    `json:"user_agent"`
	LastUsedTime time.Time `json:"last_used_time"` // to the minute
}

// SessionList is a page of sessions.
type SessionList struct {
	Sessions []Opened `json:"sessions"`
	Total    int      `json:"total"`
}

// ForgetRequest forgets a user.
type ForgetRequest struct {
	User int64 `json:"user"`
}
