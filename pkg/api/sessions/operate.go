package sessions

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Operating is what whoever runs the installation may do.
type Operating interface {
	api.Signing
	// DeadWork lists what could not be handed over to others.
	DeadWork(context.Context, api.DeadWorkRequest) (api.DeadWorkList, error)
	// RetryWork puts such work back into the queue. NotFound if it is none.
	RetryWork(context.Context, api.RetryWorkRequest) (api.Nothing, error)
}
