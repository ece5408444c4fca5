package upstream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/ids"
)

// The longest of what a hub says of a provider.
const (
	maxTitle    = 100 // characters
	maxClientID = 255 // bytes
	maxSecret   = 1024
	maxDomains  = 20
)

// List lists the providers of the actor's hub.
func (l *Logins) List(ctx context.Context, r oauth.HubProvidersRequest) (oauth.HubProviderList, error) {
	list := oauth.HubProviderList{Providers: []oauth.HubProvider{}}
	if r.Actor.Hub == nil {
		return list, fault.New(fault.Forbidden, "fault.hub_required")
	}
	used, err := l.o.Accounts.ListSignIns(ctx, accounts.ListSignInsRequest{Hub: *r.Actor.Hub, Actor: &r.Actor})
	if err != nil {
		return list, err
	}
	if err := l.catchUp(ctx, *r.Actor.Hub, used); err != nil {
		return list, err
	}
	rows, err := l.store.hubProviders(ctx, *r.Actor.Hub)
	if err != nil {
		return list, err
	}
	for _, row := range rows {
		if s := find(used, row.Name); s != nil && s.Own == row.own() {
			list.Providers = append(list.Providers, l.shown(row, *s))
		}
	}
	return list, nil
}

func (l *Logins) shown(r hubRow, s accounts.SignIn) oauth.HubProvider {
	p := oauth.HubProvider{
		ID: r.ID, Hash: r.Hash, Hub: r.Hub, Name: r.Name, Mode: oauth.ProviderMode(s.Mode), Title: s.Title,
		Issuer: r.Issuer, ClientID: r.ClientID, Domains: s.Domains, Own: r.own(), CreatedTime: r.Created, ModifiedTime: r.Modified,
	}
	if r.own() {
		p.RedirectURI = l.hosted(r.Hash)
	}
	return p
}

// Put adds a provider to the actor's hub or changes it. It is in force as a whole
// once the accounts service has taken it, which decides who comes in; until then
// the former one is. Conflict if somebody else changes it at the same time.
func (l *Logins) Put(ctx context.Context, r oauth.PutHubProviderRequest) (none oauth.HubProvider, _ error) {
	if err := r.Actor.Present(); err != nil {
		return none, err
	}
	if r.Actor.Hub == nil {
		return none, fault.New(fault.Forbidden, "fault.hub_required")
	}
	hub := *r.Actor.Hub
	// Nobody else makes us reach for addresses, or learns what there is.
	used, err := l.o.Accounts.ListSignIns(ctx, accounts.ListSignInsRequest{Hub: hub, Actor: &r.Actor})
	if err == nil {
		err = l.catchUp(ctx, hub, used)
	}
	if err != nil {
		return none, err
	}
	row, secret, err := l.row(ctx, hub, &r)
	if err != nil {
		return none, err
	}
	if row.own() {
		if err := l.toOwn(row, secret).reachable(ctx); err != nil {
			return none, err
		}
		if err := row.seal(l.o.Ring, secret); err != nil {
			return none, err
		}
	}
	return l.put(ctx, row, r)
}

// put brings a change into force.
func (l *Logins) put(ctx context.Context, row hubRow, r oauth.PutHubProviderRequest) (none oauth.HubProvider, err error) {
	if row.Revision, err = l.store.propose(ctx, row, l.o.Clock.Now()); err != nil {
		return none, err
	}
	set, err := l.o.Accounts.SetSignIn(ctx, accounts.SetSignInRequest{Actor: r.Actor, SignIn: l.signIn(row, r)})
	if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
		return none, errors.Join(err, l.store.withdraw(ctx, row))
	}
	if err != nil {
		return none, err // perhaps it has been taken all the same
	}
	if row, err = l.store.settle(ctx, row, l.o.Clock.Now()); err != nil {
		return none, err
	}
	return l.shown(row, set), nil
}

// row is what is to be put, and its secret, which is not in it yet.
func (l *Logins) row(ctx context.Context, hub int64, r *oauth.PutHubProviderRequest) (row hubRow, secret string, err error) {
	row, err = l.store.hubProvider(ctx, hub, r.Name)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return row, "", err
	}
	if secret, err = l.check(r, row); err != nil {
		return row, "", err
	}
	switch {
	case row.Hash == "":
		row = hubRow{Hash: ids.New(), Hub: hub, Name: r.Name}
	case row.own() != (r.Issuer != ""): // it would become another provider under way
		return row, "", fault.Field("name", "validation.taken")
	}
	row.Title, row.Issuer, row.ClientID, row.Secret = r.Title, r.Issuer, r.ClientID, nil
	return row, secret, nil
}

func (l *Logins) signIn(row hubRow, r oauth.PutHubProviderRequest) accounts.SignIn {
	s := accounts.SignIn{
		Provider: row.Name, Own: row.own(), Mode: accounts.SignInMode(r.Mode), Title: row.Title, Issuer: row.Issuer, Domains: r.Domains,
		Revision: row.Revision,
	}
	if c := l.installed(row.Name); !s.Own && c != nil {
		s.Title, s.Issuer = c.settings.Title, c.settings.Issuer
	}
	return s
}

// reachable reads the metadata of a provider that is about to be put.
func (c *connection) reachable(ctx context.Context) error {
	if _, err := c.party(ctx); err != nil {
		c.logger.InfoContext(ctx, "the metadata of a hub's provider could not be read", "error", err)
		return fault.Field("issuer", "validation.provider_metadata")
	}
	return nil
}

// check names all that is wrong, and gives the secret to keep.
func (l *Logins) check(r *oauth.PutHubProviderRequest, before hubRow) (secret string, _ error) {
	var v fault.Violations
	r.Title = strings.TrimSpace(r.Title)
	if !name.MatchString(r.Name) {
		v.Add("name", "validation.provider_name")
	}
	modes := []oauth.ProviderMode{oauth.ProviderOptional, oauth.ProviderIndividual, oauth.ProviderMandatory}
	if !slices.Contains(modes, r.Mode) {
		v.Add("mode", "validation.one_of", "Values", "optional, individual, mandatory")
	}
	l.checkDomains(&v, r)
	if r.Issuer == "" {
		l.checkInstalled(&v, *r)
		return "", v.Err()
	}
	if secret, err := l.checkOwn(&v, r, before); err != nil || v == nil {
		return secret, err
	}
	return "", v.Err()
}

// checkInstalled checks what is given of an installation's provider.
func (l *Logins) checkInstalled(v *fault.Violations, r oauth.PutHubProviderRequest) {
	for field, value := range map[string]string{"title": r.Title, "client_id": r.ClientID, "client_secret": r.ClientSecret} {
		if value != "" {
			v.Add(field, "validation.provider_installed")
		}
	}
	if l.installed(r.Name) == nil {
		v.Add("issuer", "validation.required")
	}
}

// checkOwn checks what is given of a provider of the hub's, and gives the secret
// to keep: the one from before is for the same client of the same issuer only.
func (l *Logins) checkOwn(v *fault.Violations, r *oauth.PutHubProviderRequest, before hubRow) (secret string, _ error) {
	if l.installed(r.Name) != nil {
		v.Add("name", "validation.taken")
	}
	if r.Title == "" {
		r.Title = r.Name
	}
	checkText(v, "title", r.Title, maxTitle)
	if !secureURL(r.Issuer) || l.o.Fetcher.Check(r.Issuer) != nil {
		v.Add("issuer", "validation.provider_issuer")
	}
	if r.ClientID == "" {
		v.Add("client_id", "validation.required")
	}
	checkText(v, "client_id", r.ClientID, maxClientID)
	checkText(v, "client_secret", r.ClientSecret, maxSecret)
	if r.ClientSecret != "" {
		return r.ClientSecret, nil
	}
	if before.own() && before.Issuer == r.Issuer && before.ClientID == r.ClientID {
		return before.open(l.o.Ring)
	}
	v.Add("client_secret", "validation.required")
	return "", nil
}

func (l *Logins) checkDomains(v *fault.Violations, r *oauth.PutHubProviderRequest) {
	r.Domains = slices.Compact(slices.Sorted(slices.Values(r.Domains)))
	switch {
	case len(r.Domains) == 0:
	case r.Mode != oauth.ProviderMandatory:
		v.Add("domains", "validation.provider_domains")
	case len(r.Domains) > maxDomains || slices.ContainsFunc(r.Domains, func(d string) bool { return !domain(d) }):
		v.Add("domains", "validation.provider_domain")
	}
}

func checkText(v *fault.Violations, field, value string, most int) {
	switch {
	case !utf8.ValidString(value):
		v.Add(field, "validation.utf8")
	case utf8.RuneCountInString(value) > most:
		v.Add(field, "validation.max_length", "Max", most)
	case strings.ContainsFunc(value, unicode.IsControl):
		v.Add(field, "validation.control_characters")
	}
}

// Delete takes a provider from the actor's hub, first out of force.
func (l *Logins) Delete(ctx context.Context, r oauth.HubProviderRequest) error {
	if r.Actor.Hub == nil {
		return fault.New(fault.Forbidden, "fault.hub_required")
	}
	_, err := l.o.Accounts.RemoveSignIn(ctx, accounts.SignInRequest{Actor: r.Actor, Provider: r.Name})
	missing := fault.Is(err, fault.NotFound)
	if err != nil && !missing {
		return err
	}
	found, err := l.store.deleteHubProvider(ctx, *r.Actor.Hub, r.Name)
	if err == nil && missing && !found {
		err = fault.New(fault.NotFound, "")
	}
	return err
}
