package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Recoveries bring users back who have lost a factor and their recovery codes.
// The user asks, confirms by a mailed link, is approved, and gets a code by mail
// that stands in for the factor once, within a day. The session that it opens has
// to replace the factor first.
//
// A request waits for the hubs of the user's that have HubPolicies.RecoveryApproval
// and somebody else who may approve. If there is none it is approved by itself: at
// once if the user has hubs and none of them wants to approve, and else a day
// later, unless the user has confirmed a login by the factor meanwhile or changed
// the password. A request that nobody decides is over after two weeks.
type Recoveries interface {
	// InitiateRecovery mails a link. It answers the same, after the same time,
	// whether or not there is such a user.
	InitiateRecovery(context.Context, InitiateResetRequest) (api.Nothing, error)
	// ConfirmRecovery hands the request of the user's opened link in, once.
	// NotFound if there is none.
	ConfirmRecovery(context.Context, ConfirmLinkRequest) (api.Nothing, error)
	// ListRecoveries lists the requests that wait for the approval of the actor's
	// hub, oldest first. Forbidden below technical administrator.
	ListRecoveries(context.Context, ListRequest) (RecoveryList, error)
	// DecideRecovery approves or rejects a request. It may wait for several hubs:
	// any one who may decide, of any of them, decides for all. NotFound if it waits
	// for no decision of the actor's hub; Forbidden if the user has a higher role,
	// or is the actor.
	DecideRecovery(context.Context, DecideRecoveryRequest) (api.Nothing, error)
}

// ListRequest asks for a page of a list.
type ListRequest struct {
	Actor api.Actor `json:"actor"`
	Page  api.Page  `json:"page"`
}

// Recovery is a request that waits for approval.
type Recovery struct {
	ID            int64     `json:"id"`
	Hash          string    `json:"hash"`
	User          User      `json:"user"`
	Address       string    `json:"address"` // from where it was confirmed
	UserAgent     string    `json:"user_agent"`
	CreatedTime   time.Time `json:"created_time"`
	ConfirmedTime time.Time `json:"confirmed_time"`
	ModifiedTime  time.Time `json:"modified_time"`
}

// RecoveryList is a page of requests.
type RecoveryList struct {
	Recoveries []Recovery `json:"recoveries"`
	Total      int        `json:"total"`
}

// DecideRecoveryRequest decides on a request.
type DecideRecoveryRequest struct {
	Actor    api.Actor `json:"actor"`
	Recovery api.Ref   `json:"recovery"`
	Approve  bool      `json:"approve"`
}
