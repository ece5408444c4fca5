package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/audit"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/identity"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/image"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/operate"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/privacy"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// records are the parts of the service that keep something about users besides
// who they are.
type records struct {
	audit      *audit.Audit
	images     *image.Images
	identities *identity.Identities
	operator   *operate.Operator
	privacy    *privacy.Privacy
}

func newRecords(c Config, d Deps, box *outbox.Outbox, hasher *password.Hasher) records {
	return records{
		audit:      audit.New(audit.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		images:     image.New(image.Options{DB: d.DB, Clock: d.Clock}),
		identities: identity.New(identity.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		operator:   operate.New(operate.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		privacy: privacy.New(privacy.Options{
			DB: d.DB, Outbox: box, Clock: d.Clock, Logger: d.Obs.Logger, Grace: c.DeletionGrace,
			Challenge: challenge.New(challenge.Options{DB: d.DB, Outbox: box, Ring: d.Ring, Clock: d.Clock}),
			Confirm:   confirmer{d, hasher}.confirm,
		}),
	}
}

// sweep does what is due.
func (r records) sweep(ctx context.Context) error {
	_, err := r.privacy.Sweep(ctx)
	return err
}

// confirmer checks the passwords of users who are logged in.
type confirmer struct {
	deps   Deps
	hasher *password.Hasher
}

func (c confirmer) confirm(ctx context.Context, a api.Actor, field, password string) (string, error) {
	hash, err := store.PasswordHash(ctx, c.deps.DB, a.User)
	if err != nil {
		return "", err
	}
	var match bool
	if hash == "" {
		err = c.hasher.Refuse(ctx, a.Origin.Address, password)
	} else {
		match, err = c.hasher.Verify(ctx, a.Origin.Address, password, hash)
	}
	if err == nil && !match {
		err = fault.Field(field, "validation.wrong_password")
	}
	return hash, err
}
