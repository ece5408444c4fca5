package compose

import (
	"strings"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// Event is an entry of the audit record.
type Event struct {
	ID           int64          `json:"id"`
	Kind         string         `json:"kind"`
	User         *Person        `json:"user"`
	Hub          *int64         `json:"hub"`
	Actor        string         `json:"actor"` // user, operator or system
	ActorUser    *Person        `json:"actor_user"`
	Impersonator *Person        `json:"impersonator"`
	Address      string         `json:"address"`
	UserAgent    string         `json:"user_agent"`
	Detail       map[string]any `json:"detail"`
	CreatedTime  Time           `json:"created_time"`
	Model        string         `json:"model"`
}

// Person is a user as others see them in passing.
type Person struct {
	ID        int64  `json:"id"`
	Hash      string `json:"hash"`
	Name      string `json:"name"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Model     string `json:"model"`
}

// EventOf is the document of an event.
func EventOf(e accounts.Event) Event {
	d := Event{
		ID: e.ID, Kind: e.Kind, User: person(e.User), Hub: e.Hub, Actor: e.Actor, ActorUser: person(e.ActorUser),
		Impersonator: person(e.Impersonator), Address: e.Address, UserAgent: e.UserAgent, Detail: e.Detail,
		CreatedTime: Time(e.CreatedTime), Model: "AuditEvent",
	}
	if d.Detail == nil {
		d.Detail = map[string]any{}
	}
	return d
}

func person(p *accounts.Person) *Person {
	if p == nil {
		return nil
	}
	return &Person{
		ID: p.ID, Hash: p.Hash, Name: strings.TrimSpace(p.FirstName + " " + p.LastName),
		FirstName: p.FirstName, LastName: p.LastName, Model: "User",
	}
}
