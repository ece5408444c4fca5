// Package recovery lets users in again who have lost a factor and what stands in
// for it.
//
// A user asks, confirms by a mailed link, and waits to be approved: by anybody of
// a hub of theirs who may decide that, or for a day in which they can still be
// found to have lost nothing. An approval mails a code, by which package challenge
// lets them in to replace the factor.
package recovery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/api/mail"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/strangers"
)

const (
	linkLife = 24 * time.Hour
	// codeHours is how long the code of an approval works.
	codeHours = 24
	// delay is how long a request waits that nobody can decide on.
	delay = 24 * time.Hour
	// retention is for how long requests are kept; one on which nobody has decided
	// by then is over.
	retention = 14 * 24 * time.Hour
)

// Options are what Recoveries need; all are required.
type Options struct {
	DB         *db.DB
	Outbox     *outbox.Outbox
	Clock      clockwork.Clock
	Logger     *slog.Logger
	Challenges *challenge.Challenges
	// PublicURL is the origin of links, without a slash at its end.
	PublicURL string
	// FinishWindow is how long after a link was opened the request can be
	// confirmed.
	FinishWindow time.Duration
}

// Recoveries let users in again.
type Recoveries struct{ o Options }

// New makes Recoveries.
func New(o Options) *Recoveries { return &Recoveries{o} }

// Initiate queues the mail with the link; see package strangers.
func (s *Recoveries) Initiate(ctx context.Context, r accounts.InitiateResetRequest) error {
	return strangers.Post(ctx, s.o.DB, s.o.Outbox, s.o.Clock, r, strangers.Link{
		Kind: store.RecoveryLink, Event: store.RecoveryInitiated, Template: mail.Recovery,
		URL: s.o.PublicURL + "/link/", Life: linkLife,
	})
}

// Sweep removes requests that are needed no more, and tells how many.
func (s *Recoveries) Sweep(ctx context.Context) (int64, error) {
	return store.SweepRecoveries(ctx, s.o.DB, s.o.Clock.Now().Add(-retention))
}

func notFound() error { return fault.New(fault.NotFound, "") }

func orNotFound(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return notFound()
	}
	return err
}
