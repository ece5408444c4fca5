// Package acting finds out who may manage what hubs have of their own: their
// technical administrators, in person, and the operator.
package acting

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// least is the role from which members manage what is their hub's.
const least = accounts.RoleTechnicalAdministrator

// Directory tells who is what in a hub.
type Directory interface {
	Describe(context.Context, accounts.DescribeRequest) (accounts.Account, error)
}

// Gate lets through who may manage.
type Gate struct{ Accounts Directory }

// Hub is the hub whose things may be managed; nil: everybody's, by the operator,
// who has no actor. Only the command line calls without one.
func (g Gate) Hub(ctx context.Context, actor *api.Actor) (*int64, error) {
	hub, err := g.Owner(ctx, actor)
	if err != nil || hub == nil {
		return nil, err
	}
	return &hub.ID, nil
}

// Owner is Hub with the hub's name.
func (g Gate) Owner(ctx context.Context, actor *api.Actor) (*accounts.Hub, error) {
	if actor != nil {
		hub, err := g.Administrator(ctx, *actor)
		return &hub, err
	}
	if caller := rpc.Caller(ctx); caller != api.Operator && caller != "" { // "": in this process
		return nil, fault.New(fault.Forbidden, "")
	}
	return nil, nil //nolint:nilnil // the operator's are of no hub
}

// Administrator is the actor's hub. Forbidden unless they are one of its technical
// administrators, or more, and act in person.
func (g Gate) Administrator(ctx context.Context, actor api.Actor) (accounts.Hub, error) {
	if err := actor.InPerson(); err != nil {
		return accounts.Hub{}, err
	}
	if actor.Hub == nil {
		return accounts.Hub{}, fault.New(fault.Forbidden, "fault.hub_required")
	}
	account, err := g.Accounts.Describe(ctx, accounts.DescribeRequest{User: actor.User, Hub: actor.Hub})
	switch {
	case fault.Is(err, fault.NotFound):
		return accounts.Hub{}, fault.New(fault.Unauthenticated, "fault.session_expired")
	case err != nil:
		return accounts.Hub{}, err
	case account.Hub == nil || account.Hub.ID != *actor.Hub || account.Role < least:
		return accounts.Hub{}, fault.New(fault.Forbidden, "")
	}
	return *account.Hub, nil
}
