package device

import (
	"context"
	"errors"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/ory/fosite"

	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/client"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/consent"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/grant"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/logout"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/metrics"
	"github.com/gatehouse-id/gatehouse/services/oauth/internal/scope"
)

// Desk is where users answer devices.
type Desk struct {
	DB       *db.DB
	Devices  *Store
	Clients  *client.Store
	Grants   *grant.Store
	Consents *consent.Store
	Sessions *logout.Sessions
	Clock    clockwork.Clock
	Metrics  *metrics.Metrics
}

// Find shows the user what the device with the user code asks for. NotFound.
func (d *Desk) Find(ctx context.Context, in oauth.DeviceRequest) (oauth.Device, error) {
	code, ok := ParseUserCode(in.UserCode)
	if !ok {
		return oauth.Device{}, errNotFound
	}
	r, c, err := d.find(ctx, code, d.Clock.Now())
	if err != nil {
		return oauth.Device{}, err
	}
	if in.Subject != "" {
		if err := d.Devices.ask(ctx, r, in.Subject); err != nil {
			return oauth.Device{}, err
		}
	}
	return oauth.Device{UserCode: code.String(), Client: c.Client, Scopes: r.Scopes}, nil
}

// find gives the waiting device with its client. A client that may no longer ask
// for what the device asks for counts as gone.
func (d *Desk) find(ctx context.Context, code UserCode, now time.Time) (Request, *client.Client, error) {
	r, err := d.Devices.find(ctx, code, now)
	if err != nil {
		return r, nil, err
	}
	found, err := d.Clients.GetClient(ctx, r.Client)
	if errors.Is(err, fosite.ErrNotFound) {
		return r, nil, errNotFound
	}
	if err != nil {
		return r, nil, err
	}
	c := client.Of(found)
	if !c.May(client.DeviceCode) || scope.Missing(r.Scopes, c.Scopes) != "" || scope.Missing(r.Resources, c.Resources) != "" {
		return r, nil, errNotFound
	}
	return r, c, nil
}

// Decide answers a device. Who allows it grants what it asks for there and then,
// so that what ends a grant (the end of the session, a consent taken back) ends
// this one even before the device has fetched its tokens.
func (d *Desk) Decide(ctx context.Context, in oauth.DecideDeviceRequest) error {
	code, ok := ParseUserCode(in.UserCode)
	if !ok {
		return errNotFound
	}
	if in.Login.Subject == "" || in.Login.AuthenticatedTime.IsZero() {
		return errors.New("device: a login without its subject or its time")
	}
	now := d.Clock.Now()
	r, c, err := d.find(ctx, code, now)
	if err != nil {
		return err
	}
	if !in.Allow {
		if err := d.Devices.decide(ctx, d.DB, r, nil, now); err != nil {
			return err
		}
		d.Metrics.Device("denied")
		return nil
	}
	if c.Hub != nil && (in.Login.Hub == nil || *in.Login.Hub != *c.Hub) {
		return fault.New(fault.Forbidden, "")
	}
	if !in.Login.CountsFor(c.Client) {
		return fault.New(fault.Forbidden, "fault.provider_session")
	}
	if err := d.allow(ctx, c, r, in.Login, now); err != nil {
		return err
	}
	d.Metrics.Device("allowed")
	return nil
}

func (d *Desk) allow(ctx context.Context, c *client.Client, r Request, login oauth.Login, now time.Time) error {
	if login.ProviderHub != nil {
		if r.Scopes = scope.Confined(r.Scopes); len(r.Scopes) == 0 {
			return fault.New(fault.Forbidden, "fault.provider_session")
		}
	}
	g := &grant.Grant{
		ID: grant.NewID(now), Client: r.Client, Subject: login.Subject, Session: login.Session, Scopes: r.Scopes,
		Details: grant.Details{
			Hub: login.Hub, ProviderHub: login.ProviderHub, Meaning: scope.Meaning,
			Methods: login.Methods, AuthenticatedTime: login.AuthenticatedTime, Resources: r.Resources,
		},
		// The device code is redeemed as an authorization code is.
		CodeHash: r.CodeHash, CodeExpires: r.Expires, Created: now, Expires: r.Expires,
	}
	err := d.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := d.Sessions.Join(ctx, tx, c, g); err != nil {
			return err
		}
		if err := d.Devices.decide(ctx, tx, r, &g.ID, now); err != nil {
			return err
		}
		if err := d.Consents.Remember(ctx, tx, g.Subject, g.Client, g.Scopes, now); err != nil {
			return err
		}
		return d.Grants.Insert(ctx, tx, g)
	})
	if errors.Is(err, logout.ErrEnded) {
		return fault.New(fault.Unauthenticated, "fault.session_expired").Because(err)
	}
	return err
}
