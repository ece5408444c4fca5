package registration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/audit"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/bearer"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
)

const (
	// maxPerHub is how many clients, and how many registration tokens, a hub has.
	maxPerHub = 500
	// maxOverlap is how long a former secret can be good.
	maxOverlap = 30 * 24 * time.Hour
	// maxQuery bounds what is searched for, in bytes.
	maxQuery = 200
	// attempts is how often a change is made anew because another came first.
	attempts = 5
)

// Get gives a client. NotFound.
func (r *Registrar) Get(ctx context.Context, request oauth.ClientRequest) (oauth.Client, error) {
	hub, err := r.Gate.Hub(ctx, request.Actor)
	if err != nil {
		return oauth.Client{}, err
	}
	c, err := r.mine(ctx, hub, request.ID)
	if err != nil {
		return oauth.Client{}, err
	}
	return c.Client, nil
}

// List lists clients by name.
func (r *Registrar) List(ctx context.Context, request oauth.ListClientsRequest) (oauth.ClientList, error) {
	hub, err := r.Gate.Hub(ctx, request.Actor)
	if err != nil {
		return oauth.ClientList{}, err
	}
	page := bounded(hub, request.Page)
	query := strings.TrimSpace(request.Query)
	list := oauth.ClientList{Clients: []oauth.Client{}}
	if !utf8.ValidString(query) || strings.ContainsRune(query, 0) || len(query) > maxQuery {
		return list, nil // nothing is called so
	}
	found, total, err := r.Store.List(ctx, client.Filter{Hub: hub, Query: query, Page: page})
	if err != nil {
		return oauth.ClientList{}, err
	}
	list.Total = total
	for _, c := range found {
		list.Clients = append(list.Clients, c.Client)
	}
	return list, nil
}

// bounded is a page of a size that can be asked for; only the operator gets all.
func bounded(hub *int64, page api.Page) api.Page {
	if hub == nil && page == (api.Page{}) {
		return page
	}
	if page.Size < 1 {
		page.Size = api.DefaultPageSize
	}
	return api.Page{Number: max(page.Number, 1), Size: min(page.Size, api.MaxPageSize)}
}

// limit is the end of a query for a page.
func limit(hub *int64, page api.Page) string {
	if page = bounded(hub, page); page.Size == 0 {
		return ""
	}
	return fmt.Sprintf(" LIMIT %d OFFSET %d", page.Size, page.Offset())
}

// Update changes what the request names. If somebody else changes the client at
// the same time, the changes are made to what it then is.
func (r *Registrar) Update(ctx context.Context, request oauth.UpdateClientRequest) (oauth.Client, error) {
	hub, err := r.Gate.Owner(ctx, request.Actor)
	if err != nil {
		return oauth.Client{}, err
	}
	var only *int64
	if hub != nil {
		only = &hub.ID
	}
	for range attempts {
		c, err := r.mine(ctx, only, request.ID)
		if err != nil {
			return oauth.Client{}, err
		}
		if request.Revision != nil && !request.Revision.Equal(c.ModifiedTime) {
			return oauth.Client{}, fault.New(fault.Conflict, "fault.modified")
		}
		changed := *c
		names, err := apply(&changed, request.Changes, hub == nil)
		if err != nil {
			return oauth.Client{}, err
		}
		if hub != nil {
			changed.HubHash = hub.Hash
		}
		if done, err := r.change(ctx, c, &changed, by(request.Actor), names); err != nil || done {
			return changed.Client, err
		}
	}
	return oauth.Client{}, fault.New(fault.Conflict, "fault.modified")
}

// change checks and writes a changed client. It is false if another change came
// first.
func (r *Registrar) change(ctx context.Context, before, after *client.Client, who author, names []string) (done bool, _ error) {
	complete(&after.Client)
	if !after.May(client.AuthorizationCode) && !slices.Contains(names, "response_types") {
		after.ResponseTypes = []string{} // they went with the grant type
	}
	if err := r.check(ctx, before, after, who); err != nil {
		return false, err
	}
	after.ModifiedTime = r.later(before.ModifiedTime)
	if !client.KeepsSecret(after.AuthMethod) {
		after.SecretTime, after.FormerSecretExpirationTime = nil, nil
	}
	err := r.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if done, err = r.Store.Update(ctx, tx, before, after); err != nil || !done {
			return err
		}
		return r.record(ctx, tx, "client.updated", who, &after.Client, map[string]any{"changed": names})
	})
	return done, err
}

// Delete deletes a client with its grants and tokens. NotFound.
func (r *Registrar) Delete(ctx context.Context, request oauth.ClientRequest) error {
	hub, err := r.Gate.Hub(ctx, request.Actor)
	if err != nil {
		return err
	}
	c, err := r.mine(ctx, hub, request.ID)
	if err != nil {
		return err
	}
	return r.remove(ctx, c.ID, by(request.Actor))
}

func (r *Registrar) remove(ctx context.Context, id string, who author) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		c, err := r.Store.Delete(ctx, tx, id)
		if err != nil {
			return err
		}
		return r.record(ctx, tx, "client.deleted", who, &c.Client, nil)
	})
}

// Rotate gives a client a new secret.
func (r *Registrar) Rotate(ctx context.Context, request oauth.RotateSecretRequest) (oauth.CreatedClient, error) {
	hub, err := r.Gate.Hub(ctx, request.Actor)
	if err != nil {
		return oauth.CreatedClient{}, err
	}
	overlap := time.Duration(request.Overlap) * time.Second
	if request.Overlap < 0 || request.Overlap > int64(maxOverlap/time.Second) {
		return oauth.CreatedClient{}, fault.Field("overlap", "validation.between", "Min", 0, "Max", int(maxOverlap/time.Second))
	}
	c, err := r.mine(ctx, hub, request.ID)
	if err != nil {
		return oauth.CreatedClient{}, err
	}
	var until *time.Time
	if overlap > 0 {
		end := r.now().Add(overlap)
		until = &end
	}
	secret := bearer.NewSecret()
	rotated, err := r.rotate(ctx, c.ID, secret, until, by(request.Actor), map[string]any{"overlap": request.Overlap})
	if err != nil {
		return oauth.CreatedClient{}, err
	}
	return oauth.CreatedClient{Client: rotated.Client, Secret: secret}, nil
}

func (r *Registrar) rotate(
	ctx context.Context, id, secret string, until *time.Time, who author, detail map[string]any,
) (rotated *client.Client, _ error) {
	hash, err := r.Secrets.Hash(ctx, []byte(secret))
	if err != nil {
		return nil, err
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if rotated, err = r.Store.Rotate(ctx, tx, id, hash, r.now(), until); err != nil {
			return err
		}
		return r.record(ctx, tx, "client.secret_rotated", who, &rotated.Client, detail)
	})
	return rotated, err
}

// record tells the audit record what happened to a client.
func (r *Registrar) record(
	ctx context.Context, tx *db.Tx, kind string, who author, c *oauth.Client, detail map[string]any,
) error {
	all := map[string]any{"client_id": c.ID, "client_name": c.Name}
	for name, value := range detail {
		all[name] = value
	}
	return r.queue(ctx, tx, kind, who, c.Hub, all)
}

func (r *Registrar) queue(ctx context.Context, tx *db.Tx, kind string, who author, hub *int64, detail map[string]any) error {
	e := accounts.RecordEventRequest{Kind: kind, Hub: hub, Operator: who.operator, Detail: detail, Time: r.now()}
	if who.actor != nil {
		e.ActorUser, e.Origin = &who.actor.User, who.actor.Origin
	}
	return audit.Queue(ctx, r.Outbox, tx, e)
}

func orNotFound(err error) error {
	if errors.Is(err, fosite.ErrNotFound) {
		return fault.New(fault.NotFound, "")
	}
	return err
}
