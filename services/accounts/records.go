package accounts

import (
	"context"

	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/audit"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/identity"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/image"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/operate"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/privacy"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/signin"
)

// records are the parts of the service that keep something about users besides
// who they are.
type records struct {
	audit      *audit.Audit
	images     *image.Images
	identities *identity.Identities
	signIns    *signin.SignIns
	operator   *operate.Operator
	privacy    *privacy.Privacy
}

func newRecords(c Config, d Deps, box *outbox.Outbox, challenges *challenge.Challenges, confirm privacy.Confirm) records {
	return records{
		audit:      audit.New(audit.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		images:     image.New(image.Options{DB: d.DB, Clock: d.Clock}),
		identities: identity.New(identity.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		signIns:    signin.New(signin.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		operator:   operate.New(operate.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		privacy: privacy.New(privacy.Options{
			DB: d.DB, Outbox: box, Clock: d.Clock, Logger: d.Obs.Logger,
			Challenges: challenges, Confirm: confirm, Grace: c.DeletionGrace,
		}),
	}
}

// sweep does what is due.
func (r records) sweep(ctx context.Context) error {
	_, err := r.privacy.Sweep(ctx)
	return err
}
