package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Operating is what whoever runs the installation may do.
type Operating interface {
	// SetStatus disables or enables a user. NotFound if there is none; Conflict if
	// the user was never active. Disabling ends all sessions.
	SetStatus(context.Context, SetStatusRequest) (User, error)
	// DeadWork lists what could not be handed over to other services.
	DeadWork(context.Context, DeadWorkRequest) (DeadWorkList, error)
	// RetryWork puts such work back into the queue. NotFound if it is none.
	RetryWork(context.Context, RetryWorkRequest) (api.Nothing, error)
}

// SetStatusRequest sets a user's status.
type SetStatusRequest struct {
	User   string `json:"user"` // hash or address
	Status Status `json:"status"`
}

// DeadWorkRequest asks for dead work.
type DeadWorkRequest struct {
	Limit int `json:"limit"` // at most 500; 0 is 100
}

// DeadWork is work that is not tried any more.
type DeadWork struct {
	ID          int64     `json:"id"`
	Topic       string    `json:"topic"`
	Key         string    `json:"key"`
	Attempts    int       `json:"attempts"`
	Error       string    `json:"error"`
	CreatedTime time.Time `json:"created_time"`
}

// DeadWorkList is dead work, the longest dead first.
type DeadWorkList struct {
	Work []DeadWork `json:"work"`
}

// RetryWorkRequest tries dead work again.
type RetryWorkRequest struct {
	ID int64 `json:"id"`
}
