package accounts

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api"
)

// Auditing keeps and shows who did what from where.
type Auditing interface {
	// ListEvents lists events, newest first: one's own, or the hub's for its
	// administrators; Forbidden below.
	ListEvents(context.Context, ListEventsRequest) (EventList, error)
	// RecordEvent writes an event of another service down, once per key, and
	// tells the user by mail if it is one to be told of.
	RecordEvent(context.Context, RecordEventRequest) (api.Nothing, error)
}

// Event is an entry of the audit record.
type Event struct {
	ID   int64  `json:"id"`
	Kind string `json:"kind"`
	// User is whom it is about, Impersonator who acted in the user's name. Both
	// are nil once the account is deleted, or if it is about nobody.
	User         *Person        `json:"user,omitempty"`
	Hub          *int64         `json:"hub,omitempty"`
	Actor        string         `json:"actor"` // user, operator or system
	ActorUser    *Person        `json:"actor_user,omitempty"`
	Impersonator *Person        `json:"impersonator,omitempty"`
	Address      string         `json:"address"`
	UserAgent    string         `json:"user_agent"`
	Detail       map[string]any `json:"detail"`
	CreatedTime  time.Time      `json:"created_time"`
}

// Person is a user as others see them in passing.
type Person struct {
	ID        int64  `json:"id"`
	Hash      string `json:"hash"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// EventList is a page of events.
type EventList struct {
	Events []Event `json:"events"`
	Total  int     `json:"total"`
}

// ListEventsRequest asks for events that match all that is given.
type ListEventsRequest struct {
	Actor api.Actor `json:"actor"`
	Page  api.Page  `json:"page"`
	// Before continues a long list without counting it: events with smaller ids,
	// whatever the page's number, and no total. 0: by page.
	Before int64      `json:"before,omitempty"`
	Own    bool       `json:"own"`            // of the user alone, wherever
	Kind   string     `json:"kind,omitempty"` // or its beginning up to a dot, as in "login."
	User   *api.Ref   `json:"user,omitempty"`
	From   *time.Time `json:"from,omitempty"`
	To     *time.Time `json:"to,omitempty"`
}

// RecordEventRequest is an event of another service.
type RecordEventRequest struct {
	Key          string         `json:"key"` // one key is one event
	Kind         string         `json:"kind"`
	User         int64          `json:"user"`
	Hub          *int64         `json:"hub,omitempty"`
	ActorUser    *int64         `json:"actor_user,omitempty"`
	Impersonator *int64         `json:"impersonator,omitempty"`
	Origin       api.Origin     `json:"origin"`
	Detail       map[string]any `json:"detail,omitempty"`
	Time         time.Time      `json:"time"`
	// Operator says that whoever runs the installation did it; else it is the
	// actor, or the service by itself.
	Operator bool `json:"operator,omitempty"`
	// Notify mails the user a notice of the kind.
	Notify bool `json:"notify,omitempty"`
}
