package upstream

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

// ownConnection is the way to a provider of a hub, as its row was.
type ownConnection struct {
	*connection

	modified time.Time
}

// maxConnections bounds how many are kept; who is forgotten is found anew.
const maxConnections = 1000

// hashLength is that of the hash by which a hub's own provider is named; no name
// is that long.
const hashLength = 40

// Providers lists where one can log in, wherever to or to a hub.
func (l *Logins) Providers(ctx context.Context, r oauth.ProvidersRequest) (oauth.ProviderList, error) {
	list := oauth.ProviderList{Providers: make([]oauth.Provider, 0, len(l.list))}
	var used accounts.SignInList
	if r.Hub != nil || r.HubHash != "" {
		var err error
		if used, err = l.ofHub(ctx, r, &list); err != nil {
			return list, err
		}
	}
	for _, c := range l.list {
		p := oauth.Provider{Name: c.settings.Name, Title: c.settings.Title, Kind: c.settings.Kind}
		if s := find(used, p.Name); s != nil && !s.Own {
			p.Mode = oauth.ProviderMode(s.Mode)
		}
		list.Providers = append(list.Providers, p)
	}
	mandatory := func(p oauth.Provider) bool { return p.Mode == oauth.ProviderMandatory }
	if slices.ContainsFunc(list.Providers, mandatory) {
		list.Providers = slices.DeleteFunc(list.Providers, func(p oauth.Provider) bool { return !mandatory(p) })
	}
	return list, nil
}

// ofHub lists a hub's own providers, and gives how the hub uses which. For one
// that there is not, the same is asked.
func (l *Logins) ofHub(ctx context.Context, r oauth.ProvidersRequest, list *oauth.ProviderList) (accounts.SignInList, error) {
	hub, asked := r.Hub, accounts.ListSignInsRequest{Hash: r.HubHash}
	if hub != nil {
		asked = accounts.ListSignInsRequest{Hub: *hub}
	}
	used, err := l.o.Accounts.ListSignIns(ctx, asked)
	if err != nil {
		return used, err
	}
	if hub == nil {
		hub = &used.Hub
		if used.Hub != 0 {
			list.Hub = hub
		}
	}
	if err := l.catchUp(ctx, *hub, used); err != nil {
		return used, err
	}
	rows, err := l.store.hubProviders(ctx, *hub)
	if err != nil {
		return used, err
	}
	for _, r := range rows {
		if s := find(used, r.Name); r.own() && s != nil && s.Own {
			list.Providers = append(list.Providers, oauth.Provider{
				Name: r.Hash, Title: s.Title, Kind: KindOpenID, Hub: hub, Mode: oauth.ProviderMode(s.Mode),
				Host: hostOf(s.Issuer),
			})
		}
	}
	return used, nil
}

// hostOf is the host of an issuer, and its port if that is not the usual one.
func hostOf(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return u.Host
}

func find(l accounts.SignInList, provider string) *accounts.SignIn {
	for i := range l.SignIns {
		if l.SignIns[i].Provider == provider {
			return &l.SignIns[i]
		}
	}
	return nil
}

// find is the way to a provider: of the hub, or of the installation.
func (l *Logins) find(ctx context.Context, provider string, hub *int64) (*connection, error) {
	row, err := hubRow{}, db.ErrNoRows
	switch {
	case len(provider) == hashLength:
		if row, err = l.store.ownProvider(ctx, provider); err == nil && hub != nil && row.Hub != *hub {
			err = db.ErrNoRows
		}
		if err == nil {
			row, err = l.current(ctx, row)
		}
	case hub != nil:
		row, err = l.store.hubProvider(ctx, *hub, provider)
	}
	switch {
	case err == nil && row.own():
		return l.ownConnection(row)
	case err != nil && !errors.Is(err, db.ErrNoRows):
		return nil, err
	}
	if c := l.installed(provider); c != nil {
		return c, nil
	}
	return nil, fault.New(fault.NotFound, "")
}

// installed is the installation's provider with the name; nil if there is none.
func (l *Logins) installed(name string) *connection {
	for _, c := range l.list {
		if c.settings.Name == name {
			return c
		}
	}
	return nil
}

// ownConnection keeps the way to a hub's provider for as long as its row is as it
// was.
func (l *Logins) ownConnection(r hubRow) (*connection, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if kept, ok := l.own[r.ID]; ok && kept.modified.Equal(r.Modified) {
		return kept.connection, nil
	}
	secret, err := r.open(l.o.Ring)
	if err != nil {
		return nil, err
	}
	if len(l.own) >= maxConnections {
		for id := range l.own { // any
			delete(l.own, id)
			break
		}
	}
	c := l.toOwn(r, secret)
	l.own[r.ID] = ownConnection{c, r.Modified}
	return c, nil
}

// toOwn is the way to a hub's provider. Nothing of it is trusted beyond the hub,
// and all that comes from it is bound to a login by a nonce: no client is from
// before there were such providers.
func (l *Logins) toOwn(r hubRow, secret string) *connection {
	c := l.connection(Provider{
		Name: r.Name, Title: r.Title, Issuer: r.Issuer, ClientID: r.ClientID, ClientSecret: secret, RequireNonce: true,
		TrustEmail: true,
	}, r.Hash, l.o.Fetcher.Client())
	c.hub = &r.Hub
	return c
}
