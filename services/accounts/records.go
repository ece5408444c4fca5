package accounts

import (
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/audit"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/image"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/password"
)

// records are the parts of the service that keep something about users besides
// who they are.
type records struct {
	audit  *audit.Audit
	images *image.Images
}

func newRecords(_ Config, d Deps, box *outbox.Outbox, _ *password.Hasher) records {
	return records{
		audit:  audit.New(audit.Options{DB: d.DB, Outbox: box, Clock: d.Clock}),
		images: image.New(image.Options{DB: d.DB, Clock: d.Clock}),
	}
}
