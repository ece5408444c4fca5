package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Passwords change passwords. Each change ends the user's other sessions and
// tells the user by mail.
type Passwords interface {
	// InitiateReset mails a link that sets a new password. It answers the same,
	// after the same time, whether or not there is such a user.
	InitiateReset(context.Context, InitiateResetRequest) (api.Nothing, error)
	// FinishReset sets the password, once. NotFound if the link is unknown, used,
	// superseded or expired; Invalid names every broken rule and costs nothing.
	FinishReset(context.Context, FinishResetRequest) (Identity, error)
	// ChangePassword sets the password of a user who is logged in. Invalid if the
	// current one is wrong, or names every broken rule; Throttled after too many
	// wrong ones; Forbidden while impersonating or by a personal access token.
	ChangePassword(context.Context, ChangePasswordRequest) (Identity, error)
}

// InitiateResetRequest asks for a link that sets a new password.
type InitiateResetRequest struct {
	Login    string     `json:"login"` // email address or alias
	Language Language   `json:"language"`
	Origin   api.Origin `json:"origin"`
}

// FinishResetRequest sets a new password by a mailed link.
type FinishResetRequest struct {
	Reset                string     `json:"reset"` // the 40 hex at the link's end
	Password             string     `json:"password"`
	PasswordConfirmation string     `json:"password_confirmation"`
	Origin               api.Origin `json:"origin"`
}

// ChangePasswordRequest sets a new password from within a session.
type ChangePasswordRequest struct {
	Actor api.Actor `json:"actor"`
	// Forced tells that the session is there to change the password: its user
	// has just given the current one.
	Forced               bool   `json:"forced"`
	CurrentPassword      string `json:"current_password,omitempty"`
	Password             string `json:"password"`
	PasswordConfirmation string `json:"password_confirmation"`
}
