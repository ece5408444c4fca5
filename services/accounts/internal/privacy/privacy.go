// Package privacy gives users what is known about them, and deletes them.
//
//	          RequestDeletion            the grace is over
//	(active) ─────────────────▶ pending ──────────────────▶ gone
//	    ▲                          │
//	    └──────────────────────────┘ CancelDeletion
//
// Until then the account works as before, so that its user can come back.
package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
	"github.com/gatehouse-id/gatehouse/pkg/db"
	"github.com/gatehouse-id/gatehouse/pkg/outbox"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/challenge"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/self"
	"github.com/gatehouse-id/gatehouse/services/accounts/internal/store"
)

// Confirm checks the actor's password and gives its hash; Invalid in the field
// if it is wrong.
type Confirm func(ctx context.Context, a api.Actor, field, password string) (hash string, err error)

// Options are what a Privacy needs.
type Options struct {
	DB         *db.DB
	Outbox     *outbox.Outbox
	Clock      clockwork.Clock
	Logger     *slog.Logger
	Challenges *challenge.Challenges
	Confirm    Confirm
	// Grace is how long an account stays after its user has asked for its end.
	Grace time.Duration
}

// Privacy serves users in what they may ask about themselves.
type Privacy struct{ o Options }

// New makes a Privacy.
func New(o Options) *Privacy { return &Privacy{o} }

// Export gives all that the service holds about the actor, without secrets.
func (p *Privacy) Export(ctx context.Context, r accounts.ActorRequest) (accounts.Export, error) {
	if err := r.Actor.InPerson(); err != nil {
		return accounts.Export{}, err
	}
	all := map[string]any{}
	err := p.o.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		user, err := self.Hold(ctx, tx, r.Actor)
		if err != nil {
			return err
		}
		if err := store.Record(ctx, tx, store.Did(store.UserExported, r.Actor, p.o.Clock.Now())); err != nil {
			return err
		}
		for _, s := range store.Sections() {
			if all[s.Name], err = s.Export(ctx, tx, user.ID); err != nil {
				return err
			}
		}
		all["factors"], err = p.factors(ctx, tx, user.ID)
		return err
	})
	if err != nil {
		return accounts.Export{}, err
	}
	data, err := json.Marshal(all)
	if err != nil {
		return accounts.Export{}, fmt.Errorf("encoding an export: %w", err)
	}
	return accounts.Export{Data: data}, nil
}

// factor is a factor as an export shows it.
type factor struct {
	Channel      accounts.Channel `json:"channel"`
	Number       string           `json:"number,omitempty"` // with most of it hidden
	Confirmed    *time.Time       `json:"confirmed_time"`
	LastUsedTime *time.Time       `json:"last_used_time"`
	CreatedTime  time.Time        `json:"created_time"`
	ModifiedTime time.Time        `json:"modified_time"`
}

func (p *Privacy) factors(ctx context.Context, tx *db.Tx, user int64) ([]factor, error) {
	found, err := store.FactorsOf(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	all := []factor{}
	for _, f := range found {
		one := factor{
			Channel: f.Channel, Confirmed: f.Confirmed, LastUsedTime: f.LastUsed, CreatedTime: f.Created, ModifiedTime: f.Modified,
		}
		if f.Channel == accounts.ChannelSMS {
			number, err := p.o.Challenges.Unseal(f)
			if err != nil {
				return nil, err
			}
			one.Number = challenge.MaskNumber(number)
		}
		all = append(all, one)
	}
	return all, nil
}
