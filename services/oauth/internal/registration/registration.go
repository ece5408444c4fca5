// Package registration keeps what can be chosen about clients: by the operator,
// by the technical administrators of the hubs that the clients belong to, and by
// the clients themselves (RFC 7591, RFC 7592).
package registration

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/acting"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/registration/rules"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/resource"
)

// Registrar registers clients, changes and deletes them.
type Registrar struct {
	DB      *db.DB
	Store   *client.Store
	Outbox  *outbox.Outbox // for the audit record
	Gate    acting.Gate
	Secrets bearer.Secrets
	Clock   clockwork.Clock
	Rules   *rules.Rules
	// Spaces are where the resources are that hubs name.
	Spaces resource.HubSpaces
	Self   Self
}

// Create registers a client. Its error names every broken rule, or is a
// Conflict if the id is taken. The secret is in the answer and nowhere else.
func (r *Registrar) Create(ctx context.Context, request oauth.CreateClientRequest) (oauth.CreatedClient, error) {
	hub, err := r.Gate.Owner(ctx, request.Actor)
	if err != nil {
		return oauth.CreatedClient{}, err
	}
	if err := onlyOperators(hub, request); err != nil {
		return oauth.CreatedClient{}, err
	}
	c := &client.Client{Client: withDefaults(request), AnySecret: request.AuthMethod == ""}
	if hub != nil {
		c.Hub, c.HubHash = &hub.ID, hub.Hash
	}
	if err := r.check(ctx, nil, c, by(request.Actor)); err != nil {
		return oauth.CreatedClient{}, err
	}
	secret, err := r.begin(ctx, c)
	if err != nil {
		return oauth.CreatedClient{}, err
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return r.insert(ctx, tx, c, by(request.Actor), nil)
	})
	if err != nil {
		return oauth.CreatedClient{}, err
	}
	return oauth.CreatedClient{Client: c.Client, Secret: secret}, nil
}

// onlyOperators refuses what hubs cannot give to their clients.
func onlyOperators(hub *accounts.Hub, request oauth.CreateClientRequest) error {
	if hub == nil {
		return nil
	}
	var v fault.Violations
	if request.ID != "" {
		v.Add("client_id", "validation.client_operator")
	}
	for _, name := range privilegesOf(request.Privileges) {
		v.Add(name, "validation.client_operator")
	}
	return v.Err()
}

// check finds what is wrong with a client that is to be as after says; before is
// nil if it is new.
func (r *Registrar) check(ctx context.Context, before, after *client.Client, who author) error {
	v := r.Rules.Check(&after.Client)
	r.limits(&v, before, after, who)
	if err := v.Err(); err != nil {
		return err
	}
	if before == nil {
		return r.Rules.CheckSector(ctx, nil, &after.Client)
	}
	return r.Rules.CheckSector(ctx, &before.Client, &after.Client)
}

// begin sets the times of a new client and makes its secret, if it needs one.
func (r *Registrar) begin(ctx context.Context, c *client.Client) (secret string, err error) {
	c.CreatedTime = r.now()
	c.ModifiedTime = c.CreatedTime
	if !client.KeepsSecret(c.AuthMethod) {
		return "", nil
	}
	secret = bearer.NewSecret()
	if c.SecretHash, err = r.Secrets.Hash(ctx, []byte(secret)); err != nil {
		return "", err
	}
	c.SecretTime = &c.CreatedTime
	return secret, nil
}

// insert adds a client, as long as its hub has not too many.
func (r *Registrar) insert(ctx context.Context, tx *db.Tx, c *client.Client, who author, detail map[string]any) error {
	if c.Hub != nil {
		n, err := r.Store.CountHub(ctx, tx, *c.Hub)
		if err != nil {
			return err
		}
		if n >= maxPerHub {
			return fault.New(fault.Conflict, "fault.too_many")
		}
	}
	if err := r.Store.Insert(ctx, tx, c); err != nil {
		return err
	}
	return r.record(ctx, tx, "client.created", who, &c.Client, detail)
}

// now is the time as tables keep it, so that what is shown is what is read later.
func (r *Registrar) now() time.Time { return r.Clock.Now().UTC().Truncate(time.Microsecond) }

// later is now, or if the clock has not moved on, the next time after the last.
func (r *Registrar) later(last time.Time) time.Time {
	if now := r.now(); now.After(last) {
		return now
	}
	return last.Add(time.Microsecond)
}

// mine is the client of that client_id, or else of that number or hash, if it is
// one of the hub's; nil is any hub.
func (r *Registrar) mine(ctx context.Context, hub *int64, name string) (*client.Client, error) {
	found, err := r.Store.GetClient(ctx, name)
	if ref, ok := api.ParseRef(name); ok && errors.Is(err, fosite.ErrNotFound) {
		found, err = r.Store.Find(ctx, ref)
	}
	if err := orNotFound(err); err != nil {
		return nil, err
	}
	c := client.Of(found)
	if hub != nil && (c.Hub == nil || *c.Hub != *hub) {
		return nil, fault.New(fault.NotFound, "")
	}
	return c, nil
}

// author is who does something to a client; without an actor and not an operator
// it is the client itself.
type author struct {
	actor    *api.Actor
	operator bool
	// resources are what the operator lets a client name that registers itself.
	resources []string
}

func by(actor *api.Actor) author { return author{actor: actor, operator: actor == nil} }
