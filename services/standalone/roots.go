package standalone

import (
	"context"
	"fmt"

	accountsapi "github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	mailapi "github.com/gatehouse-id/gatehouse/pkg/api/mail"
	oauthapi "github.com/gatehouse-id/gatehouse/pkg/api/oauth"
	sessionsapi "github.com/gatehouse-id/gatehouse/pkg/api/sessions"
	"github.com/gatehouse-id/gatehouse/pkg/keyring"
	"github.com/gatehouse-id/gatehouse/services/accounts"
	"github.com/gatehouse-id/gatehouse/services/mail"
	"github.com/gatehouse-id/gatehouse/services/oauth"
	"github.com/gatehouse-id/gatehouse/services/sessions"
)

// RootUse is what a root key has sealed in one table of a service.
type RootUse struct {
	Service string `json:"service"`
	keyring.Use
}

type sealing struct {
	service string
	columns []keyring.Column
}

// sealed is where each service keeps what the root key seals.
func sealed() []sealing {
	return []sealing{
		{accountsapi.Name, accounts.Sealed()}, {sessionsapi.Name, sessions.Sealed()},
		{oauthapi.Name, oauth.Sealed()}, {mailapi.Name, mail.Sealed()},
	}
}

// RootIDs are the ids of the root keys, the newest first; they tell nothing about the keys.
func (g *Gatehouse) RootIDs() []string { return g.ring.IDs() }

// RootUses counts what is sealed under which root key.
func (g *Gatehouse) RootUses(ctx context.Context) ([]RootUse, error) {
	var all []RootUse
	for _, s := range sealed() {
		uses, err := g.ring.Uses(ctx, g.databases[s.service], s.columns...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.service, err)
		}
		for _, u := range uses {
			all = append(all, RootUse{s.service, u})
		}
	}
	return all, nil
}

// Reseal seals again, under the newest root key, what lasts and an older one has
// sealed. Signing keys follow by themselves, where a service runs.
func (g *Gatehouse) Reseal(ctx context.Context) (values int64, err error) {
	for _, s := range sealed() {
		n, err := g.ring.Reseal(ctx, g.databases[s.service], s.columns...)
		if err != nil {
			return values, fmt.Errorf("%s: %w", s.service, err)
		}
		values += n
	}
	return values, nil
}
