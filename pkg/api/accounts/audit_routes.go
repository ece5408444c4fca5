package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/rpc"
)

// The routes of [Auditing].
var (
	listEventsRoute  = rpc.Route[ListEventsRequest, EventList]{Service: Name, Method: "ListEvents", Callers: []string{api.Gateway}, Idempotent: true}
	recordEventRoute = rpc.Route[RecordEventRequest, api.Nothing]{Service: Name, Method: "RecordEvent", Callers: []string{api.Sessions, api.OAuth}, Idempotent: true}
)

func mountAuditing(server *rpc.Server, s Auditing) {
	rpc.Handle(server, listEventsRoute, s.ListEvents)
	rpc.Handle(server, recordEventRoute, s.RecordEvent)
}

func (c client) ListEvents(ctx context.Context, r ListEventsRequest) (EventList, error) {
	return rpc.Call(ctx, c.conn, listEventsRoute, r)
}

func (c client) RecordEvent(ctx context.Context, r RecordEventRequest) (api.Nothing, error) {
	return rpc.Call(ctx, c.conn, recordEventRoute, r)
}
