package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Directory tells who users are and where they belong.
type Directory interface {
	// Describe gives the account as seen from a hub. NotFound if there is no
	// such active user; Forbidden if the user may not enter the hub.
	Describe(context.Context, DescribeRequest) (Account, error)
	// Claims gives the account of a subject for ID tokens and UserInfo.
	// NotFound if there is no such active user. A hub the user has left is
	// left out.
	Claims(context.Context, ClaimsRequest) (Account, error)
	// Statistics counts users.
	Statistics(context.Context, api.Nothing) (StatisticsAnswer, error)
}

// DescribeRequest asks for an Account.
type DescribeRequest struct {
	User int64  `json:"user"`
	Hub  *int64 `json:"hub,omitempty"` // nil: hubless
}

// StatisticsAnswer counts what the service holds.
type StatisticsAnswer struct {
	ActiveUsers int64 `json:"active_users"`
}

// ClaimsRequest asks what a relying party may learn of a subject.
type ClaimsRequest struct {
	Subject string `json:"subject"`       // a user's hash
	Hub     *int64 `json:"hub,omitempty"` // the session's hub
	// Phone asks for Account.Phone, too.
	Phone bool `json:"phone,omitempty"`
	// Profile asks for Account.Profile, too.
	Profile bool `json:"profile,omitempty"`
}
